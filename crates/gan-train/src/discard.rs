//! A run that failed before its first step leaves no folder behind.

use crate::file_names::MARKER;
use crate::run_dir::RunDir;
use std::fs;

impl RunDir {
    /// Removes what a new run has written if no step of it was logged, with its folder if that was new too.
    /// Anything else in it stays, and so then does the folder.
    pub fn discard_if_untrained(self, with_folder: bool) {
        let path = self.path().to_path_buf();
        if path.join("metrics.jsonl").exists() {
            return;
        }
        drop(self); // gives the lock back
        // What cannot be removed stays: the error that led here says more than one of this.
        for file in ["samples/real.png", "config.toml", "lock", MARKER] {
            let _ = fs::remove_file(path.join(file));
        }
        for folder in ["samples", "checkpoints", "tensorboard"] {
            let _ = fs::remove_dir(path.join(folder));
        }
        if with_folder {
            let _ = fs::remove_dir(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;

    #[test]
    fn only_a_run_without_a_step_is_removed_and_only_what_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let config = TrainConfig::default().resolve().unwrap();
        let run = || RunDir::create(Some(&path), &config).unwrap();
        let untrained = run();
        fs::write(untrained.real_path(), "").unwrap();
        untrained.discard_if_untrained(true);
        assert!(!path.exists());

        fs::create_dir(&path).unwrap();
        run().discard_if_untrained(false);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the folder was there before");

        let with_notes = run();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        with_notes.discard_if_untrained(true);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_file(path.join("notes.txt")).unwrap();

        let trained = run();
        fs::write(path.join("metrics.jsonl"), "{\"step\":1}\n").unwrap();
        trained.discard_if_untrained(true);
        assert!(path.join("config.toml").is_file());
    }
}
