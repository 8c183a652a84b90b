//! The files of MNIST: the first two bytes say how many of the rest are the images; what is left are the labels.
#![no_main]

use gan_data::fuzzing;
use gan_data_fuzz::look_at;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((length, files)) = bytes.split_first_chunk() else { return };
    let length = usize::from(u16::from_be_bytes(*length)).min(files.len());
    let (images, labels) = files.split_at(length);
    for name in ["idx", "idx.gz"] {
        look_at(fuzzing::idx(name, images, labels));
    }
});
