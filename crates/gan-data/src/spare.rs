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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_that_is_asked_for_whatever_was_given() {
        for (given, length) in [(0, 10), (10, 3), (3, 100), (100, 0), (7, 7)] {
            give(vec![1; given]);
            assert_eq!(take(length).len(), length, "after one of {given}");
        }
        assert_eq!(take(5), [0; 5], "there is none to spare");
    }

    #[test]
    fn a_huge_buffer_goes_back_to_the_system() {
        give(Vec::with_capacity(MOST + 1));
        assert_eq!(take(0).capacity(), 0);
        give(Vec::with_capacity(MOST));
        assert!(take(0).capacity() > 0);
    }
}
