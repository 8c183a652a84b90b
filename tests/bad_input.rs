//! Nothing a person can type or point at ends in a panic: one line says what is wrong and where, one what to do.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{TINY, files_under, gan_in, train_tiny, write_broken_png, write_cifar, write_mnist, write_pets};
use std::path::Path;

/// Runs a command that must fail with this status, and gives its two lines.
fn refusal(folder: &Path, status: i32, arguments: &[&str]) -> String {
    let said = gan_in(folder, arguments);
    assert_eq!(said.status, status, "gan {arguments:?}:\n{}{}", said.stdout, said.stderr);
    // What the program was doing may stand before the error.
    let lines: Vec<&str> = said.stderr.lines().filter(|line| !line.starts_with(" INFO ")).collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with(" help: "),
        "{lines:?}"
    );
    assert!(lines[1].len() > 15, "the help is empty: {lines:?}");
    said.stderr
}

/// Runs a training command that must fail.
fn refused_training(folder: &Path, status: i32, arguments: &[&str]) -> String {
    refusal(folder, status, &[&["train", "--out", "out"], arguments].concat())
}

fn expect(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn a_data_set_without_its_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for dataset in ["mnist", "fashion-mnist", "cifar10"] {
        let run =
            |more: &[&str]| refused_training(folder.path(), 1, &[&["--dataset", dataset], more].concat());
        expect(&run(&["--data-dir", "missing"]), &["missing"]);
        let file = if dataset == "cifar10" { "data_batch_" } else { "train-images-idx3-ubyte" };
        expect(&run(&["--data-dir", "empty"]), &["empty", file]);
    }
    expect(
        &refused_training(folder.path(), 2, &["--dataset", "svhn"]),
        &["svhn", "digits, shapes, ring, grid, mnist"],
    );
}

#[test]
fn a_data_set_that_is_neither_here_nor_on_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    // With the hub, it is out of reach (see common); without, the build is named that has it.
    let status = if cfg!(feature = "hub") { 1 } else { 2 };
    let said = refused_training(folder.path(), status, &["--dataset", "mnist"]);
    expect(&said, &["mnist", "--data-dir", "train-images-idx3-ubyte"]);
    assert!(cfg!(feature = "hub") || said.contains("--features hub"), "{said}");
}

#[test]
fn idx_files_that_are_cut_or_lie() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mnist");
    write_mnist(&data, 20);
    let images = data.join("train-images-idx3-ubyte");
    let good = std::fs::read(&images).unwrap();
    let run = || refused_training(folder.path(), 1, &["--dataset", "mnist", "--data-dir", "mnist"]);
    for length in [0, 3, 10, 16, good.len() - 1] {
        std::fs::write(&images, &good[..length]).unwrap();
        expect(&run(), &["train-images-idx3-ubyte"]);
    }
    let mut lying = good.clone();
    lying[4..8].copy_from_slice(&u32::MAX.to_be_bytes()); // four thousand million images
    std::fs::write(&images, &lying).unwrap();
    expect(&run(), &["train-images-idx3-ubyte"]);
    std::fs::write(&images, [&good[..], &[0]].concat()).unwrap();
    expect(&run(), &["train-images-idx3-ubyte"]);
    std::fs::write(&images, b"this is no IDX file").unwrap();
    expect(&run(), &["train-images-idx3-ubyte"]);
    std::fs::write(&images, &good).unwrap();
    write_labels_only(&data, 19);
    expect(&run(), &["20", "19"]);
}

fn write_labels_only(data: &Path, count: u32) {
    let other = tempfile::tempdir().unwrap();
    write_mnist(other.path(), count);
    std::fs::copy(other.path().join("train-labels-idx1-ubyte"), data.join("train-labels-idx1-ubyte"))
        .unwrap();
}

#[test]
fn cifar_files_that_are_cut_or_lie() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cifar");
    write_cifar(&data, 20);
    let batch = data.join("data_batch_1.bin");
    let mut good = std::fs::read(&batch).unwrap();
    let run = || refused_training(folder.path(), 1, &["--dataset", "cifar10", "--data-dir", "cifar"]);
    for length in [0, 1, 3072, good.len() - 1] {
        std::fs::write(&batch, &good[..length]).unwrap();
        expect(&run(), &["data_batch_1.bin"]);
    }
    good[3 * 3073] = 10; // the label of record 3
    std::fs::write(&batch, &good).unwrap();
    expect(&run(), &["data_batch_1.bin", "3", "10"]);
}

#[test]
fn a_folder_of_images_that_is_none_or_holds_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let train = |path: &str| refused_training(folder.path(), 1, &["--dataset", &format!("folder:{path}")]);
    expect(&train("nowhere"), &["nowhere"]);
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    expect(&train("photos"), &["photos", "no images"]);
    for i in 0..64 {
        std::fs::write(folder.path().join(format!("photos/{i}.jpg")), b"\xff\xd8\xff\xe0 broken off")
            .unwrap();
    }
    expect(&train("photos"), &[".jpg"]);
}

#[test]
fn settings_that_make_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| refused_training(folder.path(), 2, arguments);
    expect(&run(&["--image-size", "30"]), &["30x30", "28x28 and 32x32"]);
    expect(&run(&["--image-size", "100"]), &["100x100", "96x96 and 112x112"]);
    expect(&run(&["--model", "notebook", "--image-size", "64"]), &["46x46", "64x64"]);
    expect(&run(&["--batch-size", "0"]), &["error: --batch-size is 0"]);
    expect(&run(&["--base-width", "0"]), &["error: --base-width is 0"]);
    expect(&run(&["--latent-dim", "4000000000"]), &["more than a machine can hold"]);
    expect(&run(&["--lr", "-1"]), &["error: --lr is -1", "a number above 0; 2e-4 is usual"]);
    expect(&run(&["--device", "gpu"]), &["gpu", "cuda:N"]);
    expect(&run(&["--recipe", "mnits"]), &["mnits", "did you mean", "mnist-dcgan"]);
    expect(&run(&["--image-size", "0"]), &["--image-size is 0"]);
    expect(&run(&["--channels", "2"]), &["--channels is 2", "1 for gray, 3 for colour"]);
    expect(&run(&["--workers", "0"]), &["--workers is 0"]);
    expect(&run(&["--color-jitter", "3"]), &["--color-jitter is 3", "0 to 1"]);
    // What does not go together is spoken of in flags too.
    expect(&run(&["--fit", "pad", "--crop", "random"]), &["leave out --crop, or use --fit crop"]);
    expect(&run(&["--dataset", "mnits"]), &["mnits", "did you mean mnist?"]);
    assert!(!folder.path().join("out").exists(), "a refused run leaves no folder behind");
}

#[test]
fn a_data_set_that_nothing_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let check = |source: &str| refusal(folder.path(), 2, &["data", "check", source]);
    expect(&check("no/such/path"), &["no/such/path", "digits, shapes, ring, grid, mnist"]);
    expect(&check("folder:"), &["folder:PATH"]);
    for source in ["hub:notarepo", "hub:../.."] {
        let said = check(source);
        let why =
            if cfg!(feature = "hub") { "does not name a data set on the hub" } else { "--features hub" };
        expect(&said, &[why]);
    }
    std::fs::write(folder.path().join("notes.txt"), "text").unwrap();
    expect(
        &refusal(folder.path(), 1, &["data", "check", "notes.txt"]),
        &["notes.txt", "neither a folder nor a zip or tar archive"],
    );
}

#[test]
fn a_preview_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    let preview = |status, more: &[&str]| {
        refusal(folder.path(), status, &[&["data", "preview", "pets"], more].concat())
    };
    expect(&preview(2, &["--count", "0"]), &["--count is 0"]);
    expect(&preview(2, &["--count", "100000"]), &["--count is 100000", "1024"]);
    expect(&preview(2, &["--out", "grid.bmp"]), &["grid.bmp", ".png"]);
    expect(&preview(1, &["--out", "nowhere/grid.png"]), &["nowhere/grid.png"]);
    expect(&preview(1, &["--image-size", "16384"]), &["a grid of", "16384", "fewer images"]);
    expect(&preview(2, &["--image-size", "0"]), &["--image-size is 0"]);
}

#[test]
fn an_export_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_pets(&folder.path().join("pets"));
    write_pets(&folder.path().join("broken"));
    write_broken_png(&folder.path().join("broken/cats/bad.png"));
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    std::fs::write(folder.path().join("taken/mine.txt"), "text").unwrap();
    let there = || (std::fs::read_dir(folder.path()).unwrap().count(), files_under(folder.path()));
    let before = there();

    let export =
        |status, more: &[&str]| refusal(folder.path(), status, &[&["data", "export"], more].concat());
    expect(&export(1, &["pets", "out", "--format", "idx"]), &["cats/0.png", "in colour", "--channels"]);
    let uneven = ["pets", "out", "--format", "idx", "--channels", "1"];
    expect(&export(1, &uneven), &["cats/1.png", "one size", "--image-size"]);
    expect(&export(1, &["broken", "deep/er/out"]), &["broken/cats/bad.png"]);
    expect(&export(1, &["pets", "taken"]), &["taken is not empty"]);
    expect(&export(2, &["pets", "out", "--count", "0"]), &["--count is 0"]);
    assert_eq!(there(), before);
}

#[test]
fn a_batch_larger_than_the_data() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"), 20);
    let arguments = ["--dataset", "mnist", "--data-dir", "mnist", "--batch-size", "21"];
    expect(&refused_training(folder.path(), 1, &arguments), &["21", "20"]);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_device_that_is_not_there() {
    if candle_core::utils::cuda_is_available() || candle_core::utils::metal_is_available() {
        return; // this build may well have what is asked for below
    }
    let folder = tempfile::tempdir().unwrap();
    expect(&refused_training(folder.path(), 1, &["--device", "cuda"]), &["cuda", "--features cuda"]);
    expect(&refused_training(folder.path(), 1, &["--device", "cuda:3"]), &["cuda:3"]);
    expect(&refused_training(folder.path(), 1, &["--device", "metal"]), &["metal", "auto or cpu"]);
}

#[test]
fn an_output_that_cannot_be_written_or_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "text").unwrap();
    let train =
        |out: &str, status| refusal(folder.path(), status, &[&["train", "--out", out], &TINY[..]].concat());
    expect(&train("file/run", 1), &["file/run"]);
    expect(&train("file", 1), &["file"]);
    train_tiny(folder.path(), "taken", &[]);
    expect(&train("taken", 2), &["taken is not empty"]);

    let sample = |out: &str, status| refusal(folder.path(), status, &["sample", "taken", "--out", out]);
    expect(&sample("file/grid.png", 1), &["file/grid.png"]);
    expect(&sample("file/folder/", 1), &["file/folder"]);
    expect(&sample("grid.bmp", 2), &["grid.bmp", ".png"]);
}

#[test]
fn a_config_that_does_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        std::fs::write(folder.path().join("my.toml"), text).unwrap();
        refused_training(folder.path(), 2, &["--config", "my.toml"])
    };
    expect(
        &config("lr = 1e-4\nlearning_rte = 3"),
        &["my.toml, line 2", "learning_rte", "did you mean `lr`?"],
    );
    expect(
        &config("[optimizers]\nlr = 0.0"),
        &["my.toml, line 2: `lr` in [optimizers] is 0", "a number above 0"],
    );
    expect(&config("fit = 'pad'\ncrop = 'random'"), &["my.toml: ", "`crop`", "`fit = \"crop\"`"]);
    expect(&config("recipe = 'ditigs'"), &["ditigs", "did you mean digits?"]);
    expect(&config("model = 'vae'"), &["my.toml, line 1", "vae", "dcgan"]);
    expect(&config("batch_size = -1"), &["my.toml, line 1", "-1"]);
    expect(&config("lr = "), &["my.toml, line 1"]);
    expect(&refused_training(folder.path(), 2, &["--config", "none.toml"]), &["none.toml"]);
}

#[test]
fn a_generator_file_that_is_not_one() {
    let folder = tempfile::tempdir().unwrap();
    let sample = |model: &str| refusal(folder.path(), 1, &["sample", model]);
    expect(&sample("nothing.safetensors"), &["nothing.safetensors"]);
    std::fs::write(folder.path().join("text.safetensors"), "this is text").unwrap();
    expect(&sample("text.safetensors"), &["text.safetensors is not a generator file"]);
    std::fs::create_dir(folder.path().join("no-run")).unwrap();
    expect(&sample("no-run"), &["no-run", "no checkpoint"]);

    let run = train_tiny(folder.path(), "run", &[]);
    let checkpoint = run.join("checkpoints/step-000004");
    let discriminator = checkpoint.join("discriminator.safetensors");
    expect(&sample(discriminator.to_str().unwrap()), &["it holds a discriminator"]);
    let good = std::fs::read(checkpoint.join("generator.safetensors")).unwrap();
    std::fs::write(folder.path().join("cut.safetensors"), &good[..good.len() - 1]).unwrap();
    expect(&sample("cut.safetensors"), &["cut.safetensors is not a generator file"]);
    expect(&refusal(folder.path(), 2, &["sample", "run", "--count", "0"]), &["--count is 0"]);
    expect(&refusal(folder.path(), 2, &["sample", "run", "--count", "1000000"]), &["1000000", "--out DIR/"]);
}

#[test]
fn a_command_line_that_does_not_parse_is_usage() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["train", "--bogus"][..],
        &["train", "--batch-size", "many"],
        &["train", "--image-size", "64x"],
        &["train", "--steps", "1", "--epochs", "1"],
        &["train", "--loss", "wasserstien"],
        &["train", "--crop", "bogus"],
        &["train", "--cache", "tape"],
        &["train", "--on-bad-image", "ignore"],
        &["data", "check"],
        &["data", "export", "digits"],
        &["data", "export", "digits", "out", "--format", "tiff"],
        &["sample"],
        &["paint"],
        &[],
    ] {
        let said = gan_in(folder.path(), arguments);
        assert_eq!(said.status, 2, "{arguments:?}");
        assert!(said.stderr.contains("Usage") || said.stderr.contains("error:"), "{}", said.stderr);
    }
}
