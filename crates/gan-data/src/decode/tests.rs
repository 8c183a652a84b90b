use super::{ImageError, decode};

/// A small JPEG whose header says that it has this size.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = ::image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    ::image::GrayImage::new(9, 7).write_with_encoder(encoder).unwrap();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// The head of a gray PNG of this size.
fn png_head(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut checksum = flate2::Crc::new();
    checksum.update(&header);
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(header);
    bytes.extend(checksum.sum().to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    bytes
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_memory_is_taken() {
    let too_large = |bytes: &[u8]| matches!(decode(bytes), Err(ImageError::Limits(_)));
    assert!(too_large(&jpeg(16_000, 16_000)), "256 million pixels in a few hundred bytes");
    assert!(too_large(&jpeg(50_000, 1)));
    assert!(too_large(&png_head(50_000, 1)));
    assert!(too_large(&png_head(1, 50_000)));
    assert!(!too_large(&png_head(50, 50)), "only that is wrong with the others");
    assert!(decode(&jpeg(9, 7)).is_ok());
}

#[test]
fn what_is_no_image_is_an_error() {
    for bytes in [
        &b""[..],
        b"\0",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"GIF89a",
        b"BM",
        b"text",
    ] {
        assert!(decode(bytes).is_err(), "{bytes:?}");
    }
    for head in [jpeg(0, 7), jpeg(9, 0), png_head(0, 9)] {
        let found = decode(&head).map(|image| (image.width, image.height));
        assert!(found.is_err(), "{found:?}");
    }
}

/// As photos have one, with an end of its own.
#[test]
fn the_small_picture_in_the_head_of_a_cut_photo_does_not_make_it_whole() {
    let picture = jpeg(9, 7);
    let length = (picture.len() as u16 + 2).to_be_bytes();
    let photo = [b"\xff\xd8\xff\xe1", &length[..], &picture, &picture[2..]].concat();
    assert!(decode(&photo).is_ok());
    for length in picture.len()..photo.len() {
        assert!(decode(&photo[..length]).is_err(), "{length} of {} bytes", photo.len());
    }
}
