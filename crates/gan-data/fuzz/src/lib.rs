//! What several targets need.

use std::cell::RefCell;
use std::panic::{self, UnwindSafe};
use std::path::Path;

use gan_data::{Dataset, Error, Result, Sample};

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Replaces libfuzzer-sys' hook, which ends the process at every panic: gan-data expects some of its decoders, and
/// meets them with an error. A panic that begins in gan-data itself still ends the process, guard or no guard.
pub fn expect_panics() {
    panic::set_hook(Box::new(|info| {
        if info.location().is_some_and(|place| !of_a_dependency(place.file())) {
            eprintln!("{info}");
            std::process::abort();
        }
        LAST_PANIC.set(info.to_string());
    }));
}

fn of_a_dependency(file: &str) -> bool {
    ["/registry/src/", "/rustc/", "/library/"].iter().any(|folder| file.contains(folder))
}

/// Runs a target after [`expect_panics`]: a panic that gan-data has not met is told, and ends the process.
pub fn guarded(run: impl FnOnce() + UnwindSafe) {
    if panic::catch_unwind(run).is_err() {
        eprintln!("nothing in gan-data met this panic:\n{}", LAST_PANIC.take());
        std::process::abort();
    }
}

/// Puts the bytes into a file of this name, shows its path, and removes it. In memory where TMPDIR is.
pub fn with_file(name: &str, bytes: &[u8], show: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("TMPDIR takes folders");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("TMPDIR takes files");
    show(&path);
}

/// What a target makes of a data set or of the error in its place.
pub fn look_at(data: Result<impl Dataset>) {
    let data = match data {
        Ok(data) => data,
        Err(error) => return assert_readable(&error),
    };
    assert!(!data.is_empty());
    for index in (0..data.len().min(4)).chain([data.len() - 1]) {
        let _ = (data.describe(index), data.caption(index));
        match data.get(index) {
            Ok(Sample { image, label }) => {
                assert!(image.channels == data.channels() && !image.pixels.is_empty());
                assert_eq!(image.pixels.len(), image.width * image.height * image.channels);
                assert!(label.is_some() || data.classes().is_none() || data.unlabelled().contains(&index));
                assert!(label.is_none_or(|label| Some(label as usize) < data.classes()));
            }
            Err(error) => assert_readable(&error),
        }
    }
    assert!(data.get(data.len()).is_err());
}

/// What a file says of itself must not move the cursor of a terminal.
pub fn assert_readable(error: &Error) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
}
