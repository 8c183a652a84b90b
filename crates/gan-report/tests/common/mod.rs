//! Small run folders for the tests.

#![allow(dead_code, clippy::unwrap_used)] // each test uses some of it, and fails by panicking

use image::{Rgb, RgbImage};
use std::fs;
use std::path::{Path, PathBuf};

/// A run folder that goes away with it.
pub struct Run {
    pub root: tempfile::TempDir,
    pub path: PathBuf,
}

impl Run {
    /// A run with nothing but settings.
    pub fn empty(name: &str) -> Run {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(name);
        begin(&path);
        Run { root, path }
    }

    /// A run of 100 steps, logged every ten, with samples every 50.
    pub fn small() -> Run {
        let run = Run::empty("0001");
        fill(&run.path);
        run
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        write(&self.path, name, text);
    }
}

/// Makes a run folder.
pub fn begin(path: &Path) {
    write(
        path,
        "config.toml",
        "recipe = \"none\"\n[data]\ndataset = \"digits\"\n[training]\nsteps = 100\nlr = 0.0002\n",
    );
}

/// Fills a run folder.
pub fn fill(path: &Path) {
    let line = |step: u64| {
        let step_f = step as f64;
        format!(
            "{{\"step\":{step},\"epoch\":{},\"errD\":{},\"errG\":{},\"d_x\":0.7,\"d_g_z1\":0.3,\"d_g_z2\":0.25,\
             \"grad_norm_d\":{},\"lr\":0.0002,\"seconds\":{}{}}}\n",
            step_f / 50.0,
            1.0 / (1.0 + step_f),
            2.0 + step_f / 100.0,
            10f64.powf(step_f / 25.0),
            step_f / 10.0,
            if step.is_multiple_of(50) {
                format!(",\"fd_digits\":{}", 400.0 - 3.0 * step_f)
            } else {
                String::new()
            },
        )
    };
    let log: String = (1..=10).map(|i| line(10 * i)).collect();
    write(path, "metrics.jsonl", log);
    picture(&path.join("samples/real.png"), 16, [200, 200, 200]);
    for step in [0, 50, 100] {
        picture(&path.join(format!("samples/step-{step:06}.png")), 16, [step as u8, 40, 90]);
    }
    write(path, "checkpoints/step-000100/checkpoint.json", "{}");
}

pub fn write(path: &Path, name: &str, text: impl AsRef<[u8]>) {
    let file = path.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A picture whose pixels differ, so that it does not compress to nothing.
pub fn picture(path: &Path, side: u32, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut state = 1u32;
    let image = RgbImage::from_fn(side, side, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb(colour.map(|c| c.wrapping_add((state >> 24) as u8)))
    });
    image.save(path).unwrap();
}
