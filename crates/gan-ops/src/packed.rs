//! Weights as kernels read them fastest.

use crate::cpu::Real;
use crate::scratch::Scratch;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The values of a parameter as kernels read them fastest, made once and kept: to sample a single image,
/// packing the weights takes longer than all else.
///
/// For a parameter whose values no longer change: whoever changes them must [clear](Self::clear) this, or
/// goes on with the old ones. A clone shares what is kept.
#[derive(Clone, Default)]
pub struct PackedWeights(Arc<Mutex<Vec<(Layout, Kept)>>>);

type Kept = Arc<dyn Any + Send + Sync>;

/// In which order weights are packed: what packs them, how far apart output and source channels lie, and
/// the taps it takes one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub kind: &'static str,
    pub strides: (usize, usize),
    pub taps: Vec<Vec<usize>>,
}

impl PackedWeights {
    /// Forgets what was kept: the values have changed.
    pub fn clear(&self) {
        self.kept().clear();
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<(Layout, Kept)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a list of buffers is whole at every instant
    }

    fn get<T: Real>(&self, layout: Layout, pack: impl FnOnce() -> Scratch<T>) -> Arc<Scratch<T>> {
        let of_layout = |(other, kept): &(Layout, Kept)| {
            // Of either type of elements there may be one.
            if *other == layout { kept.clone().downcast().ok() } else { None }
        };
        if let Some(found) = self.kept().iter().find_map(of_layout) {
            return found;
        }
        // Not locked while packing: a thread that waits for the others may be given work that comes
        // back here.
        let packed = Arc::new(pack());
        self.kept().push((layout, packed.clone()));
        packed
    }
}

impl fmt::Debug for PackedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kept().iter().map(|(layout, _)| layout)).finish()
    }
}

/// A weight, and what is kept of it.
#[derive(Clone, Copy)]
pub(crate) struct Weight<'a, T> {
    pub values: &'a [T],
    pub packed: Option<&'a PackedWeights>,
}

impl<'a, T: Real> Weight<'a, T> {
    /// A weight that may change before it is used again.
    pub fn passing(values: &'a [T]) -> Self {
        Self { values, packed: None }
    }

    /// The weight in some layout, packed now or before.
    pub fn packed(
        &self,
        layout: impl FnOnce() -> Layout,
        pack: impl FnOnce(&[T]) -> Scratch<T>,
    ) -> Arc<Scratch<T>> {
        match self.packed {
            Some(kept) => kept.get(layout(), || pack(self.values)),
            None => Arc::new(pack(self.values)),
        }
    }
}
