//! Buffers that kernels borrow and give back: a training step needs the same ones every time.

use bytemuck::{Pod, Zeroable};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A cache line: vectors that start on one are loaded fastest.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, align(64))]
struct Line([u8; 64]);

thread_local! {
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// `len` elements of any values, on a cache line; given back to the thread that drops it.
pub(crate) struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Pod> Scratch<T> {
    pub fn take(len: usize) -> Self {
        let needed = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let mut lines = FREE.with_borrow_mut(|free| {
            // The smallest that is large enough, or else the largest, to grow.
            let fits = |lines: &Vec<Line>| (lines.len() < needed, lines.len().abs_diff(needed));
            let best = (0..free.len()).min_by_key(|&i| fits(&free[i]));
            best.map(|i| free.swap_remove(i)).unwrap_or_default()
        });
        if lines.len() < needed {
            lines.clear(); // nothing needs to be copied when it moves
            lines.resize(needed, Line::zeroed());
        }
        Self { lines, len, element: PhantomData }
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        FREE.with_borrow_mut(|free| free.push(std::mem::take(&mut self.lines)));
    }
}

impl<T: Pod> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl<T: Pod> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_grow() {
        let address = {
            let mut first = Scratch::<f32>::take(100);
            first.fill(1.0);
            first.as_ptr().addr()
        };
        assert_eq!(address % 64, 0);
        let again = Scratch::<f64>::take(40);
        assert_eq!((again.as_ptr().addr(), again.len()), (address, 40));
        let (more, other) = (Scratch::<f32>::take(1000), Scratch::<f32>::take(10));
        assert_eq!((more.len(), other.len()), (1000, 10));
    }
}
