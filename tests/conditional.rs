//! Conditional GANs from the command line: trained on classes, sampled by class, written as labelled data sets.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{files_under, gan_in, png_size, succeed_in, train_tiny, write_pets};
use std::fs;
use std::path::Path;

/// What `gan sample` wrote into a file.
fn sample(folder: &Path, run: &str, more: &[&str]) -> Vec<u8> {
    let flags: Vec<&str> = ["sample", run, "--out", "out.png"].iter().chain(more).copied().collect();
    succeed_in(folder, &flags);
    fs::read(folder.join("out.png")).unwrap()
}

#[test]
fn a_class_is_sampled_by_name_or_number_and_all_of_them_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_pets(&path.join("pets"));
    train_tiny(path, "run", &["--dataset", "pets", "--conditional", "projection", "--channels", "3"]);
    let cats = sample(path, "run", &["--class", "cats", "--count", "4"]);
    assert_eq!(cats, sample(path, "run", &["--class", "0", "--count", "4"]));
    assert_ne!(cats, sample(path, "run", &["--class", "dogs", "--count", "4"]));
    assert_eq!(png_size(&path.join("out.png")), (2 * 18 + 2, 2 * 18 + 2));
    sample(path, "run", &["--per-class", "5"]);
    assert_eq!(png_size(&path.join("out.png")), (5 * 18 + 2, 2 * 18 + 2), "a row a class");
    // The grids of the run have a row a class too.
    assert_eq!(png_size(&path.join("run/samples/step-000004.png")), (8 * 18 + 2, 2 * 18 + 2));

    for (flags, named) in [
        (&["--class", "birds"][..], &["no class \"birds\"", "the classes are cats, dogs"][..]),
        (&["--class", "2"], &["no class \"2\"", "cats, dogs"]),
        (&["--per-class", "0"], &["--per-class is 0"]),
    ] {
        let flags: Vec<&str> = ["sample", "run"].iter().chain(flags).copied().collect();
        let said = gan_in(path, &flags);
        assert_eq!(said.status, 2, "{}", said.stderr);
        assert!(named.iter().all(|part| said.stderr.contains(part)), "{}", said.stderr);
    }
}

#[test]
fn a_labelled_set_is_written_that_can_be_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train_tiny(path, "run", &["--conditional", "concat"]);
    succeed_in(path, &["sample", "run", "--per-class", "3", "--format", "folder", "--out", "made/"]);
    let files = files_under(&path.join("made"));
    let of = |class: &str| files.iter().filter(|file| file.starts_with(&format!("{class}/"))).count();
    assert_eq!((files.len(), of("0"), of("9")), (30, 3, 3), "{files:?}");
    succeed_in(path, &["sample", "run", "--count", "20", "--format", "idx", "--out", "idx"]);
    for (data, images) in [("made", "30 images"), ("idx", "20 images")] {
        let said = succeed_in(path, &["data", "check", data]);
        assert!(said.contains(images) && said.contains("16x16"), "{said}");
    }
    train_tiny(path, "again", &["--dataset", "made", "--conditional", "acgan"]);
    // The labels are those of the images: the first of a class is the same image as by --class.
    succeed_in(path, &["sample", "run", "--class", "0", "--count", "3", "--out", "zeros/"]);
    let pixels = |file: &str| image::open(path.join(file)).unwrap().to_luma8().into_raw();
    assert_eq!(pixels("zeros/00001.png"), pixels("made/0/000001.png"));
    // Nothing is overwritten.
    let said = gan_in(path, &["sample", "run", "--format", "folder", "--out", "made/"]);
    assert!(said.status != 0 && said.stderr.contains("made"), "{}", said.stderr);
}

#[test]
fn the_average_and_the_last_weights_are_two_generators() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    train_tiny(path, "averaged", &["--ema", "0.9"]);
    let ema = sample(path, "averaged", &["--weights", "ema"]);
    assert_eq!(ema, sample(path, "averaged", &[]));
    assert_ne!(ema, sample(path, "averaged", &["--weights", "raw"]));
    train_tiny(path, "plain", &["--ema", "0"]);
    assert_eq!(sample(path, "plain", &[]), sample(path, "plain", &["--weights", "raw"]));
    let file = "plain/checkpoints/step-000004/generator.safetensors";
    let said = gan_in(path, &["sample", file, "--weights", "raw"]);
    assert!(said.status == 2 && said.stderr.contains("one set of weights"), "{}", said.stderr);
}

#[test]
fn what_cannot_be_conditional_is_refused_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_pets(&path.join("pets"));
    fs::create_dir(path.join("unlabelled")).unwrap();
    for i in 0..6 {
        common::write_png(&path.join(format!("unlabelled/{i}.png")), 20, 20, 1, i);
    }
    train_tiny(path, "plain", &[]);
    for (flags, named) in [
        (
            &["train", "--dataset", "unlabelled", "--conditional", "acgan"][..],
            "acgan networks need images with classes",
        ),
        (
            &["train", "--conditional", "projection", "--model", "mlp"],
            "projection tells the generator its class by batch norm",
        ),
        (
            &["train", "--conditional", "concat", "--norm-d", "batch", "--gradient-penalty", "10"],
            "with batch norm D has none",
        ),
        (&["train", "--conditional", "nonsense"], "possible values: concat, embed, projection, acgan"),
        (&["sample", "plain", "--class", "3"], "this generator knows no classes"),
        (&["sample", "plain", "--per-class", "3"], "this generator knows no classes"),
    ] {
        let said = gan_in(path, flags);
        assert_eq!(said.status, 2, "{flags:?}: {}", said.stderr);
        assert!(said.stderr.contains(named), "{flags:?}: {}", said.stderr);
        assert!(!path.join("runs").exists(), "{flags:?}");
    }
}
