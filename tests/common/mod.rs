//! What the whole-program tests share: running `gan`, and small data to point it at.
#![allow(dead_code)] // each test file is a crate of its own and uses a part

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The flags of a run that takes a second: tiny networks, a few steps.
pub const TINY: [&str; 8] = ["--image-size", "16", "--base-width", "4", "--batch-size", "8", "--steps", "4"];

/// What a command said and how it ended.
pub struct Said {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `gan`, to be run in a folder.
pub fn gan(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gan"));
    command.args(arguments).current_dir(folder).env_remove("RUST_LOG");
    // No test goes to the network: the hub is a port where nobody listens, and its cache is empty.
    command.env("HF_ENDPOINT", "http://127.0.0.1:9").env("HF_HOME", folder.join("hf-home"));
    command.env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

/// Runs `gan` in a folder.
pub fn gan_in(folder: &Path, arguments: &[&str]) -> Said {
    said(gan(folder, arguments).output().unwrap())
}

/// What a program said and how it ended.
pub fn said(output: Output) -> Said {
    Said {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `gan`, which must succeed, and gives what it printed.
pub fn succeed_in(folder: &Path, arguments: &[&str]) -> String {
    let said = gan_in(folder, arguments);
    assert_eq!(said.status, 0, "gan {arguments:?} failed:\n{}", said.stderr);
    said.stdout
}

/// Trains a tiny GAN into `folder/name` and gives the run folder.
pub fn train_tiny(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let arguments: Vec<&str> = ["train", "--out", name].iter().chain(&TINY).chain(more).copied().collect();
    succeed_in(folder, &arguments);
    folder.join(name)
}

/// The bytes of every file of a run's checkpoint.
pub fn checkpoint(run: &Path, step: u64) -> BTreeMap<String, Vec<u8>> {
    let folder = run.join(format!("checkpoints/step-{step:06}"));
    let read = |name: String| (name.clone(), std::fs::read(folder.join(name)).unwrap());
    files_under(&folder).into_iter().map(read).collect()
}

/// The lines of a run's metrics log, without what depends on the clock.
pub fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for of_the_clock in ["images_per_second", "seconds"] {
            line.as_object_mut().unwrap().remove(of_the_clock).unwrap();
        }
        line
    };
    text.lines().map(line).collect()
}

/// The bytes of the final generator of a run.
pub fn final_generator(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("checkpoints/step-000004/generator.safetensors")).unwrap()
}

/// Writes an MNIST-like folder with `count` images of 20x20 px.
pub fn write_mnist(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).unwrap();
    let header = |magic: u32, dims: &[u32]| -> Vec<u8> {
        std::iter::once(&magic).chain(dims).flat_map(|number| number.to_be_bytes()).collect()
    };
    let mut images = header(0x803, &[count, 20, 20]);
    images.extend((0..count * 400).map(|i| (i * 37 % 251) as u8));
    let mut labels = header(0x801, &[count]);
    labels.extend((0..count).map(|i| (i % 10) as u8));
    std::fs::write(folder.join("train-images-idx3-ubyte"), images).unwrap();
    std::fs::write(folder.join("train-labels-idx1-ubyte"), labels).unwrap();
}

/// Writes a PNG of noise in which every pixel differs from image to image.
pub fn write_png(path: &Path, width: usize, height: usize, channels: usize, number: usize) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = (0..width * height * channels).map(|i| (i * 31 * (number + 3) % 251) as u8).collect();
    gan_data::Image { width, height, channels, pixels }.save_png(path).unwrap();
}

/// Writes a folder of 12 images in two classes: six cats in colour, all of another size, and six gray dogs, the last
/// two the same.
pub fn write_pets(folder: &Path) {
    for i in 0..6 {
        write_png(&folder.join(format!("cats/{i}.png")), 30 + i, 40 - i, 3, i);
        write_png(&folder.join(format!("dogs/{i}.png")), 24, 24, 1, 10 + i.min(4));
    }
}

/// Puts a PNG that is broken off into a folder.
pub fn write_broken_png(path: &Path) {
    write_png(path, 30, 30, 3, 1);
    let whole = std::fs::read(path).unwrap();
    std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
}

/// Writes a CIFAR-10 folder with one batch of `count` images.
pub fn write_cifar(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).unwrap();
    let record = |i: u32| {
        std::iter::once((i % 10) as u8).chain((0..3072).map(move |p| ((p * 7 + i * 13) % 255) as u8))
    };
    let bytes: Vec<u8> = (0..count).flat_map(record).collect();
    std::fs::write(folder.join("data_batch_1.bin"), bytes).unwrap();
}

/// The width and height of an image file.
pub fn png_size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in a folder and in those within it, by their paths in it.
pub fn files_under(folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_string());
            }
        }
    }
    files
}

/// A run with averaged weights and two critic steps, saved at steps 2 and 4.
pub fn saved_twice(folder: &Path, name: &str) -> PathBuf {
    train_tiny(folder, name, &["--checkpoint-every", "2", "--ema", "0.9", "--n-critic", "2"])
}

/// The two lines of an error, and the exit status.
pub fn refusal(folder: &Path, arguments: &[&str], status: i32) -> (String, String) {
    let said = gan_in(folder, arguments);
    assert_eq!(said.status, status, "gan {arguments:?}: {}{}", said.stdout, said.stderr);
    let lines: Vec<&str> = said.stderr.lines().collect();
    let [.., what, help] = lines[..] else { panic!("gan {arguments:?}: {}", said.stderr) };
    assert!(what.starts_with("error: ") && help.starts_with(" help: "), "{}", said.stderr);
    (what.to_owned(), help.to_owned())
}

/// A run that would go on for minutes, once it has done a few steps.
pub fn long_run(folder: &Path, more: &[&str]) -> Child {
    let long =
        ["train", "--out", "run", "--steps", "1000000", "--log-every", "1", "--checkpoint-every", "100000"];
    let arguments = [&long[..], &TINY[..6], more].concat();
    let mut child = gan(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reached = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("step 3/"));
    assert!(reached.is_some(), "it ended early");
    // Read on, so that the run does not wait for a reader; what it says in the end goes to a file.
    let rest = folder.join("said");
    std::thread::spawn(move || fs::write(rest, lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")));
    child
}
