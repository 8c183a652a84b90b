//! `gan data`, and training on data of one's own: what a person sees of their images, and that it is true.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{
    Said, TINY, files_under, final_generator, gan_in, png_size, succeed_in, train_tiny, write_broken_png,
    write_cifar, write_mnist, write_pets, write_png,
};
use image::RgbImage;
use std::io::Write;
use std::path::Path;

/// Runs `gan data check`, whose images must all be whole, and gives the report.
fn check(folder: &Path, arguments: &[&str]) -> String {
    let report = succeed_in(folder, &[&["data", "check"], arguments].concat());
    assert_trains(folder, &report);
    report
}

/// The command that the last line of a report suggests must work.
fn assert_trains(folder: &Path, report: &str) {
    let command = report.lines().last().unwrap();
    // It begins with `gan` or with `cargo run`, as this program was called.
    let (_, flags) = command.split_once(" train ").unwrap_or_else(|| panic!("no command ends\n{report}"));
    let words: Vec<&str> = flags.split(' ').collect();
    succeed_in(folder, &[&["train", "--dry-run"], &words[..]].concat());
}

fn expect(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

/// Packs a folder, its name and all.
fn zip(folder: &Path, name: &str) {
    let file = std::fs::File::create(folder.join(format!("{name}.zip"))).unwrap();
    let mut zip = zip::ZipWriter::new(file);
    for path in files_under(&folder.join(name)) {
        zip.start_file(format!("{name}/{path}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(folder.join(name).join(&path)).unwrap()).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_check_says_what_images_there_are() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    zip(folder.path(), "pets");
    for (source, prefix) in [("pets", "pets/"), ("folder:pets", "pets/"), ("pets.zip", "pets.zip: ")] {
        let report = check(folder.path(), &[source]);
        expect(
            &report,
            &[
                "12 images\n",
                "7 different, from 24x24 to 35x35, median 30x40 (width x height)",
                "3 (colour), 6 images are gray",
                "classes:  2: cats 6, dogs 6",
                "repeated: 1\n",
                &format!("{prefix}dogs/5.png is the same as {prefix}dogs/4.png"),
                "resize to 32 (shorter side, bilinear), centre crop 32x32",
                "8 images are smaller than that",
            ],
        );
        for word in ["broken", "odd"] {
            assert!(!report.contains(word), "{report}");
        }
    }
}

#[test]
fn a_check_names_what_is_broken_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    write_broken_png(&folder.path().join("pets/cats/bad.png"));
    let Said { status, stdout, stderr } = gan_in(folder.path(), &["data", "check", "pets"]);
    assert_eq!(status, 1, "{stdout}{stderr}");
    expect(
        &stdout,
        &["13 images\n", "cats 6, dogs 6", "broken:   1\n", "pets/cats/bad.png: ", "--on-bad-image skip"],
    );
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert_eq!(lines[0], "error: 1 of the 13 images of folder:pets cannot be read");
    assert!(lines[1].starts_with(" help: ") && lines[1].contains("--on-bad-image skip"), "{stderr}");
    assert_trains(folder.path(), &stdout);
}

#[test]
fn a_check_knows_published_forms_and_what_the_program_draws() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("like-mnist"), 70);
    write_cifar(&folder.path().join("cifar"), 20);
    let classes = "classes:  10: 0 7, 1 7, 2 7";
    expect(&check(folder.path(), &["like-mnist"]), &["70 images\n", "all 20x20", "1 (gray)", classes]);
    let named = check(folder.path(), &["mnist", "--data-dir", "like-mnist"]);
    expect(&named, &["70 images\n", "--data-dir like-mnist"]);
    expect(
        &check(folder.path(), &["cifar"]),
        &["20 images\n", "all 32x32", "3 (colour)", "10: airplane 2, automobile 2"],
    );
    expect(
        &check(folder.path(), &["digits"]),
        &["60000 images\n", "all 32x32", "1 (gray)", "classes:  10: 0 "],
    );
    expect(
        &check(folder.path(), &["shapes"]),
        &["60000 images\n", "3 (colour)", "circle ", "captions: \"a "],
    );
}

#[test]
fn a_check_hints_at_what_would_serve_better() {
    let folder = tempfile::tempdir().unwrap();
    let gray = folder.path().join("gray photos");
    for i in 0..3 {
        write_png(&gray.join(format!("{i}.png")), 80, 90, 1, i);
    }
    write_png(&gray.join("wide.png"), 250, 80, 1, 3);
    let report = succeed_in(folder.path(), &["data", "check", "gray photos"]);
    expect(
        &report,
        &[
            "classes:  none",
            "all images are gray: --channels 1",
            "centre crop 64x64, convert to gray",
            "1 image is more than 3 times longer than wide",
            // Large enough for 64 px; and the name is one word for a shell.
            "train --dataset 'gray photos' --channels 1 --image-size 64 --batch-size 4 \
             --augment color,translation --ema 0.995 --upsample nearest --lr 4e-4 --base-width 32\n",
            "few:      under 2000 images",
        ],
    );
}

#[test]
fn a_check_tells_pairs_and_what_is_nearly_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Two smooth halves, one dark and one light.
    let pair = |seed: u8| {
        let value = |x: usize, y: usize| (x % 64 + y) as u8 / 4 + seed + if x < 64 { 0 } else { 150 };
        RgbImage::from_fn(128, 64, |x, y| image::Rgb([value(x as usize, y as usize); 3]))
    };
    std::fs::create_dir(folder.path().join("pairs")).unwrap();
    for seed in [0, 20, 40] {
        pair(seed).save(folder.path().join(format!("pairs/{seed}.png"))).unwrap();
    }
    let report = check(folder.path(), &["pairs"]);
    expect(&report, &["pairs:    3 images are two pictures side by side"]);

    // One picture at two sizes, and another.
    let wave = |width: u32, height: u32, k: f32| {
        RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
            image::Rgb([(120.0 + 50.0 * (k * x).sin() + 50.0 * (2.0 * k * y).cos()) as u8; 3])
        })
    };
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    for (name, picture) in [("a", wave(160, 120, 9.0)), ("b", wave(80, 60, 9.0)), ("c", wave(160, 120, 5.0))]
    {
        picture.save(folder.path().join(format!("photos/{name}.png"))).unwrap();
    }
    let report = check(folder.path(), &["photos"]);
    expect(&report, &["alike:    1\n", "photos/b.png shows nearly the same as ", "photos/a.png"]);
    assert!(!report.contains("pairs"), "{report}");
}

#[test]
fn a_preview_shows_what_training_shows_its_discriminator() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    let preview = |out: &str, more: &[&str]| {
        succeed_in(
            folder.path(),
            &[&["data", "preview", "pets", "--out", out, "--image-size", "16"], more].concat(),
        );
        std::fs::read(folder.path().join(out)).unwrap()
    };
    let augmented = ["--crop", "random", "--flip", "--color-jitter", "0.2"];
    for (name, more) in [("plain", &[][..]), ("augmented", &augmented)] {
        let run = train_tiny(folder.path(), name, &[&["--dataset", "pets"], more].concat());
        let shown = std::fs::read(run.join("samples/real.png")).unwrap();
        assert_eq!(preview(&format!("{name}.png"), more), shown, "{name}");
        assert_eq!(preview("again.png", more), shown, "{name}");
    }
    assert_ne!(preview("plain.png", &[]), preview("augmented.png", &augmented));
    // 12 images of 16 px, eight in a row, with 2 px around each.
    assert_eq!(png_size(&folder.path().join("plain.png")), (8 * 18 + 2, 2 * 18 + 2));
    preview("few.png", &["--count", "3"]);
    assert_eq!(png_size(&folder.path().join("few.png")), (3 * 18 + 2, 18 + 2));

    let report = succeed_in(folder.path(), &["data", "preview", "pets"]);
    assert_trains(folder.path(), &report);
    assert!(folder.path().join("preview.png").is_file());
}

#[test]
fn what_is_exported_can_be_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let export = |arguments: &[&str]| succeed_in(folder.path(), &[&["data", "export"], arguments].concat());
    let said = export(&["digits", "idx", "--format", "idx", "--count", "70"]);
    assert_eq!(said, "70 images of digits written to idx\n");
    expect(&check(folder.path(), &["idx"]), &["70 images\n", "all 32x32", "1 (gray)", "classes:  10: 0 "]);
    train_tiny(folder.path(), "run-idx", &["--dataset", "mnist", "--data-dir", "idx"]);

    export(&["shapes", "shapes-out", "--count", "70", "--image-size", "24"]);
    expect(&check(folder.path(), &["shapes-out"]), &["70 images\n", "all 24x24", "circle ", "star "]);
    train_tiny(folder.path(), "run-folder", &["--dataset", "shapes-out"]);

    // Images of one's own keep their size, or take the one that is asked for.
    write_pets(&folder.path().join("pets"));
    export(&["pets", "same/"]);
    expect(&check(folder.path(), &["same"]), &["12 images\n", "7 different", "cats 6, dogs 6"]);
    export(&["pets", "gray", "--format", "idx", "--channels", "1", "--image-size", "20x16"]);
    expect(&check(folder.path(), &["gray"]), &["12 images\n", "all 16x20 (width x height)", "2: 0 6, 1 6"]);
}

#[test]
fn a_broken_image_is_skipped_if_so_asked_or_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    write_broken_png(&folder.path().join("pets/cats/bad.png"));
    let train = |out: &str, more: &[&str]| {
        let arguments = ["train", "--dataset", "pets", "--out", out];
        gan_in(folder.path(), &[&arguments, &TINY[..], more].concat())
    };
    let skipped = train("skipped", &["--on-bad-image", "skip"]);
    assert_eq!(skipped.status, 0, "{}", skipped.stderr);
    expect(&skipped.stderr, &["skipped: pets/cats/bad.png: "]);
    expect(&skipped.stdout, &["Skipped 1 image that could not be read."]);

    let stopped = train("stopped", &[]);
    assert_eq!(stopped.status, 1, "{}", stopped.stderr);
    expect(&stopped.stderr, &["error: pets/cats/bad.png: ", " help: "]);

    std::fs::remove_file(folder.path().join("pets/cats/bad.png")).unwrap();
    let whole = train("whole", &["--on-bad-image", "skip"]);
    assert!(whole.status == 0 && !whole.stdout.contains("Skipped"), "{}", whole.stdout);
}

#[test]
fn how_images_are_loaded_does_not_change_what_is_learnt() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    let augmented = ["--dataset", "pets", "--flip", "--color-jitter", "0.2", "--crop", "random"];
    let run = |name: &str, more: &[&str]| {
        final_generator(&train_tiny(folder.path(), name, &[&augmented, more].concat()))
    };
    let reference = run("reference", &["--workers", "1", "--cache", "off"]);
    for cache in ["auto", "ram", "disk", "off"] {
        for workers in ["1", "3"] {
            let learnt = run(&format!("{cache}-{workers}"), &["--workers", workers, "--cache", cache]);
            assert_eq!(learnt, reference, "--cache {cache} --workers {workers}");
        }
    }
    let plain = train_tiny(folder.path(), "plain", &["--dataset", "pets"]);
    assert_ne!(final_generator(&plain), reference, "the images were not changed at all");
}

#[test]
fn ones_own_images_can_be_timed() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    let arguments = ["bench", "data", "folder:pets", "--cache", "off", "--json", "--min-seconds", "0"];
    let report: serde_json::Value = serde_json::from_str(&succeed_in(folder.path(), &arguments)).unwrap();
    assert_eq!((report["what"].as_str(), report["batch_size"].as_u64()), (Some("data"), Some(12)));
    assert!(report["images_per_second"].as_f64().unwrap() > 0.0, "{report}");
}
