//! A parquet file, read as people's own and as a published set.
#![no_main]

use gan_data::{Parquet, Split, ProgressCallback, fuzzing};
use gan_data_fuzz::{expect_panics, guarded, look_at, with_file};

libfuzzer_sys::fuzz_target!(init: expect_panics(), |bytes: &[u8]| {
    guarded(|| {
        with_file("fuzz.parquet", bytes, |path| {
            look_at(Parquet::open(path, Split::Train, &ProgressCallback::default()));
            look_at(fuzzing::published_parquet(path, 4, 3));
        });
    });
});
