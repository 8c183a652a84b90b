//! One buffer a thread that goes from image to image: memory that is taken anew is zeroed first, which costs a tenth of
//! the time of decoding a photo.

use std::cell::Cell;

/// Larger ones are given back to the system.
const MOST: usize = 64 << 20;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer of this length, whatever is in it.
pub(crate) fn take(length: usize) -> Vec<u8> {
    let mut buffer = SPARE.take();
    buffer.resize(length, 0); // zeroes what is longer than the last one alone
    buffer
}

/// Keeps a buffer that is no longer needed for the next [`take`].
pub(crate) fn give(buffer: Vec<u8>) {
    if buffer.capacity() <= MOST {
        SPARE.set(buffer);
    }
}
