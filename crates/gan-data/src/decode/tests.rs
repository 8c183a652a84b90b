use std::io::{Cursor, Write};

use ::image::{DynamicImage, ImageDecoder, ImageFormat, Rgba, RgbaImage};

use super::{Fault, ImageError};
use crate::{Background, Image};

type Decoded = Result<Image, Fault>;

fn decode(bytes: &[u8]) -> Decoded {
    super::decode(bytes, Background::default()).map(|(image, _)| image)
}

fn over(bytes: &[u8], background: Background) -> (Image, bool) {
    super::decode(bytes, background).unwrap()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn too_large(bytes: &[u8]) -> bool {
    matches!(decode(bytes), Err(Fault::Decoder(ImageError::Limits(_))))
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(kind);
    checksum.update(data);
    let (length, sum) = ((data.len() as u32).to_be_bytes(), checksum.sum().to_be_bytes());
    [&length[..], kind, data, &sum].concat()
}

/// Data compressed as the chunks of a PNG are.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

/// A PNG of one row: its header's kind of pixels, chunks before the pixels, and the row's bytes.
fn png_row(width: u32, depth: u8, kind: u8, before: &[Vec<u8>], row: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &1u32.to_be_bytes(), &[depth, kind, 0, 0, 0]].concat();
    let pixels = deflated(&[&[0], row].concat());
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        &before.concat(),
        &chunk(b"IDAT", &pixels),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

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
    assert!(too_large(&jpeg(16_000, 16_000)), "256 million pixels in a few hundred bytes");
    assert!(too_large(&jpeg(50_000, 1)));
    assert!(too_large(&png_head(50_000, 1)));
    assert!(too_large(&png_head(1, 50_000)));
    assert!(too_large(&png_head(16_000, 16_000)), "256 million pixels in 57 bytes");
    assert!(too_large(b"P5 16000 16000 255 and no more"));
    let mut gif = encoded(&RgbaImage::new(1, 1).into(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0x80, 0x3e, 0x80, 0x3e]); // the screen, 16,000 x 16,000
    assert!(too_large(&gif));
    let mut bmp = encoded(&DynamicImage::new_rgb8(4, 4), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x80, 0x3e, 0, 0, 0x80, 0x3e, 0, 0]);
    assert!(too_large(&bmp));
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

/// Beside its pixels a PNG can hold a colour profile and texts, which are compressed too.
#[test]
fn what_is_beside_the_pixels_of_a_png_cannot_take_more_than_its_share() {
    let with = |kind: &[u8; 4], head: &[u8], megabytes: usize| {
        let zeros = deflated(&vec![0; megabytes << 20]);
        png_row(1, 8, 0, &[chunk(kind, &[head, &zeros].concat())], &[7])
    };
    assert_eq!(decode(&with(b"iCCP", b"profile\0\0", 1)).unwrap().pixels, [7; 3]);
    let profile = |bytes: &[u8]| super::decoder(bytes, ImageFormat::Png).unwrap().icc_profile().unwrap();
    assert_eq!(profile(&with(b"iCCP", b"profile\0\0", 1)).map(|profile| profile.len()), Some(1 << 20));
    let bomb = with(b"iCCP", b"profile\0\0", 80);
    assert!(bomb.len() < 100_000 && profile(&bomb).is_none(), "80 MiB out of {} bytes", bomb.len());
    assert_eq!(decode(&bomb).unwrap().pixels, [7; 3], "it is let go");
    assert!(decode(&with(b"zTXt", b"Comment\0\0", 80)).is_ok(), "nobody asks for it");
}

#[test]
fn transparency_is_put_on_the_background() {
    // Palette with tRNS, gray with tRNS, gray with alpha.
    let palette = [chunk(b"PLTE", &[200, 10, 30, 4, 5, 6]), chunk(b"tRNS", &[0])];
    let palette = png_row(2, 8, 3, &palette, &[0, 1]);
    let gray = png_row(2, 8, 0, &[chunk(b"tRNS", &[0, 9])], &[9, 50]);
    let gray_alpha = png_row(2, 8, 4, &[], &[90, 0, 90, 51]);
    let white = Background::default();
    assert_eq!(over(&palette, white).0.pixels, [255, 255, 255, 4, 5, 6]);
    assert_eq!(over(&palette, Background::Color([1, 2, 3])).0.pixels, [1, 2, 3, 4, 5, 6]);
    assert_eq!(over(&palette, Background::None).0.pixels, [200, 10, 30, 4, 5, 6]);
    let kept = over(&palette, Background::Transparent).0;
    assert_eq!((kept.channels, &kept.pixels[..]), (4, &[200, 10, 30, 0, 4, 5, 6, 255][..]));
    assert_eq!(over(&gray, white).0.pixels, [255, 255, 255, 50, 50, 50]);
    // (90 * 51 + 255 * 204) / 255 = 222
    assert_eq!(over(&gray_alpha, white).0.pixels, [255, 255, 255, 222, 222, 222]);

    let half = RgbaImage::from_fn(6, 4, |x, y| match x {
        0..3 => Rgba([200, 10, 30, 0]),
        _ => Rgba([y as u8, 5, 6, 255]),
    });
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::Bmp]
    {
        let bytes = encoded(&half.clone().into(), format);
        let (image, transparent) = over(&bytes, Background::Color([1, 2, 3]));
        assert!(transparent, "{format:?}");
        let pixel = |x: usize| &image.pixels[x * 3..x * 3 + 3];
        assert_eq!((pixel(0), pixel(3)), (&[1, 2, 3][..], &[0, 5, 6][..]), "{format:?}");
    }
}

/// What it always was: the colours as they are.
#[test]
fn an_opaque_image_does_not_depend_on_the_background() {
    let noise =
        RgbaImage::from_fn(9, 7, |x, y| Rgba([(x * 31 + y) as u8, (y * 77) as u8, (x * y) as u8, 255]));
    let rgba = DynamicImage::from(noise);
    for (image, format) in [
        (rgba.clone(), ImageFormat::Png),
        (rgba.clone(), ImageFormat::WebP),
        (rgba.to_luma_alpha8().into(), ImageFormat::Png),
        (rgba.to_rgba16().into(), ImageFormat::Png),
        (rgba.to_luma_alpha16().into(), ImageFormat::Png),
        (rgba.to_rgb8().into(), ImageFormat::Bmp),
        (rgba.clone(), ImageFormat::Gif),
    ] {
        let bytes = encoded(&image, format);
        let expected = ::image::load_from_memory(&bytes).unwrap().into_rgb8().into_raw();
        for background in [Background::default(), Background::Color([1, 2, 3]), Background::None] {
            let (found, transparent) = over(&bytes, background);
            assert!(!transparent && found.pixels == expected, "{format:?} {:?}", image.color());
        }
        let kept = over(&bytes, Background::Transparent).0;
        assert!(kept.channels == 4 && kept.pixels.chunks(4).all(|pixel| pixel[3] == 255));
    }
}

/// As many programs write them.
#[test]
fn a_bmp_whose_alpha_is_nowhere_above_0_is_opaque() {
    let image = RgbaImage::from_pixel(3, 2, Rgba([9, 8, 7, 0]));
    let (found, transparent) = over(&encoded(&image.clone().into(), ImageFormat::Bmp), Background::default());
    assert_eq!((found.pixels, transparent), ([9, 8, 7].repeat(6), false));
    let (found, transparent) = over(&encoded(&image.into(), ImageFormat::Png), Background::default());
    assert_eq!((found.pixels, transparent), (vec![255; 18], true), "in others it is meant");
}

#[test]
fn tiff_and_pnm_are_read() {
    let colours = DynamicImage::from(RgbaImage::from_fn(5, 3, |x, y| {
        Rgba([(x * 50) as u8, (y * 90) as u8, (x + y) as u8, 255])
    }));
    let rgb = colours.to_rgb8().into_raw();
    let gray: Vec<u8> = colours.to_luma8().into_raw().into_iter().flat_map(|value| [value; 3]).collect();
    for (image, format, expected) in [
        (colours.to_rgb8().into(), ImageFormat::Tiff, &rgb),
        (colours.clone(), ImageFormat::Tiff, &rgb),
        (colours.to_rgb16().into(), ImageFormat::Tiff, &rgb),
        (colours.to_luma8().into(), ImageFormat::Tiff, &gray),
        (colours.to_luma16().into(), ImageFormat::Tiff, &gray),
        (colours.to_rgb8().into(), ImageFormat::Pnm, &rgb),
        (colours.to_luma8().into(), ImageFormat::Pnm, &gray),
    ] {
        let image: DynamicImage = image;
        let bytes = encoded(&image, format);
        let found = decode(&bytes).unwrap();
        assert_eq!((found.width, found.height, found.channels), (5, 3, 3));
        let most = if image.color().bytes_per_pixel() == 2 { 1 } else { 0 }; // gray of 16 bits is rounded
        let far = found.pixels.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far <= Some(most), "{format:?} {:?}: {far:?}", image.color());
        for length in 0..bytes.len() / 2 {
            assert!(decode(&bytes[..length]).is_err(), "{length} bytes of {format:?}");
        }
    }
    assert_eq!(decode(b"P1 2 1 1 0").unwrap().pixels, [0, 0, 0, 255, 255, 255]);
}

#[test]
fn a_format_or_a_kind_of_it_that_is_not_read_is_named() {
    let fault = |bytes: &[u8]| decode(bytes).unwrap_err().at("x".into());
    let floats = encoded(&DynamicImage::from(::image::Rgb32FImage::new(3, 2)), ImageFormat::Tiff);
    let error = fault(&floats);
    assert!(error.to_string().starts_with("x is a TIFF image of another kind than"), "{error}");
    let error = fault(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif");
    assert_eq!(error.to_string(), "x is an AVIF image, which is not read");
    assert_eq!(error.hint(), "convert it to PNG or JPEG");
    assert!(fault(b"\0\0\x01\0\x01\0").to_string().contains("an icon"));
    assert!(fault(b"just text").to_string().contains("begins as no image"));
}
