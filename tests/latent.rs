//! Looking into a latent space: `gan interpolate`, `walk`, `project`, `directions`, and `--truncation`.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{gan_in, png_size, succeed_in, train_tiny, write_pets, write_png};
use gan_models::candle_core::{Device, safetensors};
use image::AnimationDecoder;
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Runs a command that writes `out`, and gives what it wrote.
fn write(folder: &Path, out: &str, arguments: &[&str]) -> Vec<u8> {
    succeed_in(folder, &[arguments, &["--out", out]].concat());
    std::fs::read(folder.join(out)).unwrap()
}

/// The pictures of a film, each as (width, height, milliseconds, pixels).
fn film(path: &Path) -> Vec<(u32, u32, u32, Vec<u8>)> {
    let file = || BufReader::new(File::open(path).unwrap());
    let frames = match path.extension().unwrap().to_str().unwrap() {
        "gif" => GifDecoder::new(file()).unwrap().into_frames().collect_frames(),
        "webp" => WebPDecoder::new(file()).unwrap().into_frames().collect_frames(),
        _ => PngDecoder::new(file()).unwrap().apng().unwrap().into_frames().collect_frames(),
    };
    let frame = |frame: &image::Frame| {
        let (milliseconds, parts) = frame.delay().numer_denom_ms();
        let image = frame.buffer();
        (image.width(), image.height(), milliseconds / parts, image.as_raw().clone())
    };
    frames.unwrap().iter().map(frame).collect()
}

/// Trains a tiny GAN for ten steps at a high learning rate: its images differ from latent to latent.
fn train(folder: &Path, name: &str, more: &[&str]) {
    let size = ["--image-size", "16", "--base-width", "4", "--batch-size", "8"];
    succeed_in(
        folder,
        &[&["train", "--out", name, "--steps", "10", "--lr", "2e-2"], &size[..], more].concat(),
    );
}

#[test]
fn latents_are_joined_in_a_strip_or_in_a_film() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train(path, "run", &[]);
    let strip = |out: &str, more: &[&str]| write(path, out, &[&["interpolate", "run"], more].concat());
    let by_default = strip("a.png", &["--seeds", "1,2,3", "--steps", "5", "--threads", "1"]);
    assert_eq!(png_size(&path.join("a.png")), (5 * 18 + 2, 2 * 18 + 2), "two rows of five images");
    assert!(by_default == strip("a.png", &["--seeds", "1,2,3", "--steps", "5", "--threads", "2"]));
    assert!(by_default == strip("a.png", &["--seeds", "1,2,3", "--steps", "5", "--method", "slerp"]));
    assert!(by_default != strip("a.png", &["--seeds", "1,2,3", "--steps", "5", "--method", "lerp"]));

    // The ends are the images of the seeds, whatever lies between.
    let ends = |more: &[&str]| {
        strip("b.png", &[&["--steps", "2"], more].concat());
        image::open(path.join("b.png")).unwrap().to_luma8()
    };
    let rows = ends(&["--seeds", "4,7"]);
    for (seed, left) in [("4", 2), ("7", 20)] {
        write(path, "one.png", &["sample", "run", "--count", "1", "--seed", seed]);
        let one = image::open(path.join("one.png")).unwrap().to_luma8();
        let part = image::imageops::crop_imm(&rows, left, 2, 16, 16).to_image();
        assert!(part == one, "the image of seed {seed}");
    }
    ends(&["--count", "4", "--seed", "9"]);
    assert_eq!(png_size(&path.join("b.png")), (2 * 18 + 2, 3 * 18 + 2));

    // Three times four steps, and the two joints once each.
    for format in ["gif", "apng", "webp"] {
        let out = format!("film.{format}");
        let flags = ["interpolate", "run", "--count", "4", "--steps", "5", "--fps", "10"];
        let bytes = write(path, &out, &flags);
        assert!(bytes == write(path, &out, &flags), "{format}: the same bytes again");
        let pictures = film(&path.join(&out));
        assert_eq!(pictures.len(), 13, "{format}");
        let as_asked = |(width, height, milliseconds, _): &(u32, u32, u32, _)| {
            (*width, *height, *milliseconds) == (16, 16, 100)
        };
        assert!(pictures.iter().all(as_asked), "{format}");
    }
    // The format may be named apart from the file.
    strip("film", &["--format", "webp"]);
    assert!(std::fs::read(path.join("film")).unwrap()[8..].starts_with(b"WEBP"));
}

#[test]
fn classes_are_joined_with_one_latent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_pets(&path.join("pets"));
    for kind in ["concat", "embed", "projection", "acgan"] {
        let pets = ["--dataset", "pets", "--channels", "3", "--conditional", kind];
        train(path, kind, &pets);
        write(path, "a.png", &["interpolate", kind, "--classes", "cats,dogs,0", "--steps", "3"]);
        assert_eq!(png_size(&path.join("a.png")), (3 * 18 + 2, 2 * 18 + 2));
        let all = image::open(path.join("a.png")).unwrap().to_rgb8();
        let part = |column: u32, row: u32| {
            image::imageops::crop_imm(&all, 2 + 18 * column, 2 + 18 * row, 16, 16).to_image()
        };
        write(path, "cat.png", &["sample", kind, "--class", "cats", "--count", "1"]);
        let cat = image::open(path.join("cat.png")).unwrap().to_rgb8();
        assert!(part(0, 0) == cat && part(2, 1) == cat, "{kind}: an end is the image of its class");
        assert!(part(2, 0) != cat && part(1, 0) != cat && part(1, 0) != part(2, 0), "{kind}");
        assert!(part(1, 0) == part(1, 1), "{kind}: halfway is halfway from both sides");
    }
    // Latents of one class; a walk for each class.
    let of = |class: &str| write(path, "b.png", &["interpolate", "embed", "--class", class, "--count", "2"]);
    assert!(of("cats") != of("dogs") && of("cats") == of("0"));
    write(path, "w.apng", &["walk", "embed", "--grid", "2", "--frames", "3"]);
    let pictures = film(&path.join("w.apng"));
    assert_eq!((pictures.len(), pictures[0].0, pictures[0].1), (3, 2 * 18 + 2, 18 + 2));
}

#[test]
fn a_walk_is_a_film_of_so_many_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train(path, "run", &[]);
    for format in ["gif", "apng", "webp"] {
        let out = format!("walk.{format}");
        let flags = ["walk", "run", "--grid", "3", "--frames", "7", "--seed", "5"];
        let bytes = write(path, &out, &flags);
        assert!(bytes == write(path, &out, &flags), "{format}");
        assert!(bytes != write(path, &out, &[&flags[..6], &["--seed", "6"]].concat()), "{format}");
        let pictures = film(&path.join(&out));
        assert_eq!((pictures.len(), pictures[0].0, pictures[0].1), (7, 38, 38), "{format}: 3 in 2x2");
        assert_eq!(pictures[0].2, 50, "{format}");
    }
    succeed_in(path, &["walk", "run", "--frames", "4"]);
    assert_eq!(film(&path.join("walk.gif")).len(), 4);
    write(path, "walk.png", &["walk", "run", "--grid", "2", "--frames", "6"]);
    assert_eq!(png_size(&path.join("walk.png")), (6 * 18 + 2, 2 * 18 + 2), "a row a walk");
    // It begins at the first image of the seed.
    write(path, "one.png", &["walk", "run", "--frames", "2", "--seed", "3", "--truncation", "0.7"]);
    write(path, "same.png", &["sample", "run", "--count", "2", "--seed", "3", "--truncation", "0.7"]);
    let first = |name: &str| {
        let image = image::open(path.join(name)).unwrap().to_luma8();
        image::imageops::crop_imm(&image, 2, 2, 16, 16).to_image()
    };
    assert!(first("one.png") == first("same.png"));
}

#[test]
fn truncated_samples_are_more_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for latent in ["gaussian", "uniform"] {
        train(path, latent, &["--latent", latent]);
        let spread = |psi: &str| {
            let bytes = write(path, "a.png", &["sample", latent, "--truncation", psi]);
            assert!(bytes == write(path, "a.png", &["sample", latent, "--truncation", psi]));
            let grid = image::open(path.join("a.png")).unwrap().to_luma8();
            let tile = |i: u32| {
                image::imageops::crop_imm(&grid, 2 + 18 * (i % 8), 2 + 18 * (i / 8), 16, 16).to_image()
            };
            let first = tile(0);
            let apart = |a: &image::GrayImage| {
                let pixels = a.pixels().zip(first.pixels());
                pixels.map(|(a, b)| (f64::from(a[0]) - f64::from(b[0])).abs()).sum::<f64>()
            };
            (1..64).map(|i| apart(&tile(i))).sum::<f64>()
        };
        let (all, some, few) = (spread("9"), spread("0.8"), spread("0.1"));
        assert!(few < 0.5 * some && some < all, "{latent}: {few}, {some}, {all}");
        let plain = write(path, "b.png", &["sample", latent]);
        assert!(
            plain == write(path, "a.png", &["sample", latent, "--truncation", "9"]),
            "nothing is cut off"
        );
    }
}

#[test]
fn an_image_is_found_again_and_its_latent_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train(path, "run", &[]);
    write(path, "one.png", &["sample", "run", "--count", "1", "--seed", "11"]);
    let flags = ["project", "one.png", "--generator", "run", "--steps", "150"];
    let said = succeed_in(path, &[&flags[..], &["--latent", "a.json"]].concat());
    let psnr = |said: &str| said.split(" dB").next().unwrap().parse::<f64>().unwrap();
    assert!(psnr(&said) > 25.0, "{said}");
    assert_eq!(png_size(&path.join("projection.png")), (2 * 18 + 2, 18 + 2), "side by side");
    let found: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path.join("a.json")).unwrap()).unwrap();
    assert_eq!(found["latent"].as_array().unwrap().len(), 100);
    assert!((found["psnr"].as_f64().unwrap() - psnr(&said)).abs() < 0.01, "{found}");
    let bytes = || {
        succeed_in(path, &flags);
        ["projection.png", "projection.safetensors"].map(|name| std::fs::read(path.join(name)).unwrap())
    };
    assert!(bytes() == bytes(), "the same bytes again");

    // Another size, and no gray image.
    write_png(&path.join("large.png"), 50, 40, 3, 1);
    let said = succeed_in(path, &["project", "large.png", "--generator", "run", "--steps", "5"]);
    assert!(said.contains("50x40 px, and is brought to 16x16"), "{said}");
    // A generator file has no run to say how.
    let file = "run/checkpoints/step-000010/generator.safetensors";
    succeed_in(path, &["project", "large.png", "--generator", file, "--steps", "5"]);

    train(path, "classes", &["--conditional", "concat"]);
    let project = ["project", "one.png", "--generator", "classes", "--steps", "8", "--starts", "2"];
    let said = succeed_in(path, &project);
    assert!(said.contains(", class "), "{said}");
    let said = succeed_in(path, &[&project[..], &["--class", "7"]].concat());
    assert!(said.contains(", class 7"), "{said}");
}

#[test]
fn directions_are_drawn_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (name, flags) in [
        ("dcgan", &["--conditional", "concat"][..]),
        ("mlp", &["--model", "mlp"]),
        ("sagan", &["--model", "sagan", "--loss", "hinge"]),
    ] {
        train_tiny(path, name, &[flags, &["--latent-dim", "12"]].concat());
        let flags = ["directions", name, "--count", "3", "--steps", "5", "--save", "d.safetensors"];
        let picture = write(path, "d.png", &flags);
        assert_eq!(png_size(&path.join("d.png")), (5 * 18 + 2, 3 * 18 + 2), "{name}");
        let file = std::fs::read(path.join("d.safetensors")).unwrap();
        assert!(picture == write(path, "d.png", &flags), "{name}");
        assert!(file == std::fs::read(path.join("d.safetensors")).unwrap(), "{name}");
        let tensors = safetensors::load_buffer(&file, &Device::Cpu).unwrap();
        let directions = &tensors["directions"];
        assert_eq!((directions.dims(), tensors["eigenvalues"].dims()), (&[3, 12][..], &[3][..]), "{name}");
        let products = directions.matmul(&directions.t().unwrap()).unwrap().to_vec2::<f32>().unwrap();
        for (i, row) in products.iter().enumerate() {
            for (j, product) in row.iter().enumerate() {
                assert!((product - if i == j { 1.0 } else { 0.0 }).abs() < 1e-5, "{name}: {i} {j}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_two_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train_tiny(path, "run", &["--latent-dim", "6"]);
    train_tiny(path, "classes", &["--conditional", "concat"]);
    succeed_in(path, &["train", "--recipe", "ring", "--steps", "2", "--out", "ring"]);
    write_png(&path.join("a.png"), 20, 20, 1, 1);
    std::fs::write(path.join("text.png"), "no image").unwrap();
    for (arguments, named) in [
        (&["sample", "run", "--truncation", "0"][..], "truncated at 0"),
        (&["sample", "run", "--truncation", "-1"], "above 0"),
        (&["walk", "run", "--truncation", "NaN"], "above 0"),
        (&["interpolate", "run", "--steps", "0"], "--steps is 0"),
        (&["interpolate", "run", "--steps", "1"], "--steps is 1"),
        (&["interpolate", "run", "--steps", "4000000000"], "2 to 4096"),
        (&["interpolate", "run", "--steps", "4096", "--count", "3"], "too large"),
        (&["interpolate", "run", "--steps", "4096", "--count", "3", "--format", "gif"], "too long"),
        (&["interpolate", "run", "--count", "1"], "--count gives 1"),
        (&["interpolate", "run", "--count", "4000000000"], "2 to 4096"),
        (&["interpolate", "run", "--seeds", "3"], "--seeds gives 1"),
        (&["interpolate", "run", "--seeds", "3,x"], "invalid value 'x'"),
        (&["interpolate", "run", "--classes", "1,2"], "knows no classes"),
        (&["interpolate", "run", "--class", "1"], "knows no classes"),
        (&["interpolate", "classes", "--classes", "1,11"], "no class \"11\""),
        (&["interpolate", "classes", "--classes", "1"], "--classes gives 1"),
        (&["interpolate", "classes", "--classes", "1,2", "--method", "lerp"], "cannot be used with"),
        (&["interpolate", "run", "--out", "a.mp4"], ".apng"),
        (&["interpolate", "run", "--fps", "0"], "--fps is 0"),
        (&["interpolate", "run", "--out", "nowhere/a.png"], "nowhere"),
        (&["interpolate", "nothing"], "nothing"),
        (&["interpolate", "ring"], "points of the plane"),
        (&["walk", "ring"], "points of the plane"),
        (&["directions", "ring"], "points of the plane"),
        (&["project", "a.png", "--generator", "ring"], "points of the plane"),
        (&["walk", "run", "--frames", "1"], "--frames is 1"),
        (&["walk", "run", "--grid", "0"], "--grid is 0"),
        (&["walk", "run", "--out", "nowhere/a.gif", "--frames", "2"], "nowhere"),
        (&["project", "missing.png", "--generator", "run"], "missing.png"),
        (&["project", "text.png", "--generator", "run"], "text.png"),
        (&["project", "a.png", "--generator", "run", "--steps", "0"], "--steps is 0"),
        (&["project", "a.png", "--generator", "run", "--starts", "0"], "--starts is 0"),
        (&["project", "a.png", "--generator", "run", "--lr", "-1"], "--lr is -1"),
        (&["project", "a.png", "--generator", "run", "--lr", "1e30"], "not finite"),
        (&["project", "a.png", "--generator", "run", "--out", "a.gif"], "a.gif is no PNG"),
        (&["project", "a.png", "--generator", "run", "--latent", "a.txt"], "a.txt"),
        (&["project", "a.png", "--generator", "classes", "--class", "x"], "no class \"x\""),
        (&["directions", "run", "--count", "7"], "6 directions"),
        (&["directions", "run", "--count", "0"], "--count is 0"),
        (&["directions", "run", "--range", "0", "--count", "1"], "--range is 0"),
        (&["directions", "run", "--count", "2", "--save", "nowhere/d.safetensors"], "nowhere"),
    ] {
        let said = gan_in(path, arguments);
        assert!(said.status == 1 || said.status == 2, "{arguments:?}: {} {}", said.status, said.stderr);
        assert!(said.stderr.contains(named), "{arguments:?}: {named} in {}", said.stderr);
        let usage = said.stderr.contains("Usage") || said.stderr.contains("For more information");
        assert!(usage || said.stderr.lines().count() == 2, "{arguments:?}: {}", said.stderr);
    }
}
