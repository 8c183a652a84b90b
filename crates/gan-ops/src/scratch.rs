//! Buffers that kernels borrow and give back: a training step needs the same ones every time, and asking the system for
//! them anew, page by page, would cost a sixth of the step.

use bytemuck::{Pod, Zeroable};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cache line: vectors that start on one are loaded fastest.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, align(64))]
struct Line([u8; 64]);

struct Pool {
    /// Each with the count of `takes` when it was given back.
    free: Vec<(u64, Vec<Line>)>,
    takes: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), takes: 0 });

/// A buffer that lies unused while so many others are taken is freed when the next one has to be made.
const PATIENCE: u64 = 1 << 14;

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner) // a list of buffers is whole at every instant
}

/// `len` elements of any values, on a cache line.
pub(crate) struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Pod> Scratch<T> {
    pub fn take(len: usize) -> Self {
        let needed = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let lines = pool().take(needed).unwrap_or_else(|| bytemuck::zeroed_vec(needed));
        Self { lines, len, element: PhantomData }
    }
}

impl Pool {
    fn take(&mut self, needed: usize) -> Option<Vec<Line>> {
        self.takes += 1;
        // Layers of one network need buffers of many sizes one after the other: they share those of about
        // their size.
        let fits = |lines: &Vec<Line>| (needed..=2 * needed).contains(&lines.len());
        let best = (self.free.iter().enumerate())
            .filter(|(_, (_, lines))| fits(lines))
            .min_by_key(|(_, (_, lines))| lines.len())
            .map(|(index, _)| index);
        if best.is_none() {
            self.free.retain(|(given_back, _)| given_back + PATIENCE > self.takes);
        }
        best.map(|index| self.free.swap_remove(index).1)
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let mut pool = pool();
        let now = pool.takes;
        pool.free.push((now, std::mem::take(&mut self.lines)));
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
    fn a_buffer_is_used_again_for_what_nearly_fills_it() {
        // A size that no other test takes, which may run beside this one.
        let address = {
            let mut first = Scratch::<f32>::take(20_000_000);
            first.fill(1.0);
            first.as_ptr().addr()
        };
        assert_eq!(address % 64, 0);
        let small = Scratch::<f32>::take(100);
        assert_ne!(small.as_ptr().addr(), address, "a small one must not hold a large one");
        let again = Scratch::<f64>::take(9_900_000);
        assert_eq!((again.as_ptr().addr(), again.len()), (address, 9_900_000));
    }
}
