//! A file of CIFAR-10, raw and compressed.
#![no_main]

use gan_data::fuzzing;
use gan_data_fuzz::look_at;

const ROOM: u64 = 4 * 32 * 32 * 3; // of four images

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for name in ["batch.bin", "batch.bin.gz"] {
        look_at(fuzzing::cifar(name, bytes, ROOM));
    }
});
