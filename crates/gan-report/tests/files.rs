//! Files for other programs: TensorBoard's, and films.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{Run, picture};
use gan_report::{Error, film, tensorboard};
use image::AnimationDecoder;
use std::fs::{self, File};
use std::io::BufReader;

/// The records of an event file, with both of their checksums held to.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let masked = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8);
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        assert_eq!(word(at + 8), masked(&bytes[at..at + 8]));
        let record = &bytes[at + 12..at + 12 + length];
        assert_eq!(word(at + 12 + length), masked(record));
        records.push(record);
        at += 16 + length;
    }
    records
}

#[test]
fn tensorboard_gets_a_record_for_each_step_and_picture() {
    let run = Run::small();
    let path = tensorboard::write(&run.path).unwrap();
    assert!(path.starts_with(run.path.join("tensorboard")));
    let bytes = fs::read(&path).unwrap();
    let records = records(&bytes);
    // The version, ten steps, three pictures.
    assert_eq!(records.len(), 1 + 10 + 3);
    assert!(records[0].ends_with(b"brain.Event:2"));
    let holds = |record: &[u8], tag: &[u8]| record.windows(tag.len()).any(|window| window == tag);
    assert!(
        holds(records[5], b"fd_digits") && !holds(records[4], b"fd_digits") && holds(records[13], b"samples")
    );
    // Once more is the same again, and no second file beside the first.
    tensorboard::write(&run.path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn films_hold_every_step_and_the_pixels() {
    let run = Run::small();
    let out = |name: &str| run.root.path().join(name);
    let wanted = image::open(run.path.join("samples/step-000050.png")).unwrap().into_rgb8();

    film::write(&run.path, "", out("film.gif")).unwrap();
    let open = |name: &str| BufReader::new(File::open(out(name)).unwrap());
    let gif = image::codecs::gif::GifDecoder::new(open("film.gif")).unwrap();
    assert_eq!(gif.into_frames().collect_frames().unwrap().len(), 3);

    for name in ["film.png", "film.APNG"] {
        film::write(&run.path, "", out(name)).unwrap();
        let apng = image::codecs::png::PngDecoder::new(open(name)).unwrap().apng().unwrap();
        let frames = apng.into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        assert_eq!(image::DynamicImage::from(frames[1].buffer().clone()).into_rgb8(), wanted);
    }

    film::write(&run.path, "", out("film.webp")).unwrap();
    let webp = fs::read(out("film.webp")).unwrap();
    let frames: Vec<_> = webp_animation::Decoder::new(&webp).unwrap().into_iter().collect();
    assert_eq!(frames.len(), 3);
    let pixels = frames[1].data().chunks(4).flat_map(|pixel| &pixel[..3]);
    assert!(pixels.eq(wanted.as_raw()));
}

#[test]
fn a_film_leaves_out_what_does_not_fit_and_says_what_it_lacks() {
    let run = Run::small();
    let out = run.root.path().join("film.gif");
    picture(&run.path.join("samples/step-000150.png"), 8, [0; 3]);
    run.write("samples/step-000200.png", "no picture");
    film::write(&run.path, "", &out).unwrap();
    let gif = image::codecs::gif::GifDecoder::new(BufReader::new(File::open(&out).unwrap())).unwrap();
    assert_eq!(gif.into_frames().collect_frames().unwrap().len(), 3);

    let other = film::write(&run.path, "averages", &out).unwrap_err();
    assert!(matches!(other, Error::NoSamples { .. }) && other.to_string().contains("averages"));
    let format = film::write(&run.path, "", run.root.path().join("film.mp4")).unwrap_err();
    assert!(format.hint().contains(".gif"));
}
