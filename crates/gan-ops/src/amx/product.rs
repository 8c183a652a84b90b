//! The product of tiles: four tiles of sums in registers, over any number of steps.

use super::Unit;
use super::words::ROW;
use std::arch::asm;
use std::mem::offset_of;

/// Words of a tile.
pub(crate) const TILE: usize = ROW * ROW;

/// Which four tiles of sums are made together: so many that none has to wait for the product before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProductShape {
    /// Two of rows and two of columns: an operand that was loaded serves two products.
    Square,
    /// Four of rows and one of columns, for matrices that have no more.
    Tall,
}

impl ProductShape {
    /// For a matrix of so many columns.
    pub fn of(columns: usize) -> Self {
        if columns > ROW { ProductShape::Square } else { ProductShape::Tall }
    }

    /// Tiles of rows and tiles of columns.
    pub fn tiles(self) -> (usize, usize) {
        match self {
            ProductShape::Square => (2, 2),
            ProductShape::Tall => (4, 1),
        }
    }
}

/// Where the operands of one step lie, in words from the beginning of each.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Step {
    pub a: usize,
    pub b: usize,
}

/// `sums[m, n] = sum over steps and their 16 words k, of both bf16 in a word: a[m, k] * b[k, n]`.
///
/// In `PARTS` parts, 1 or 3, an operand is their sum, and the products that count in f32 are made of each pair of parts.
pub(crate) struct Product<'a, const PARTS: usize> {
    pub shape: ProductShape,
    /// Rows of 16 words.
    pub a: &'a [u32],
    /// Words from a row of a tile to the next, from the tile to the next below, and from a part to the next.
    pub a_row: usize,
    pub a_tile: usize,
    pub a_part: usize,
    /// Tiles `[columns, parts, 16, 16]`, one after the other.
    pub b: &'a [u32],
    pub steps: &'a [Step],
}

/// Where the sums go: rows of 16 or 32, so many elements apart; and the tile below.
pub(crate) struct Sums<'a> {
    pub to: &'a mut [f32],
    pub row: usize,
    pub tile: usize,
    /// Whether to add to what is there.
    pub add: bool,
}

/// What the assembly reads once, from memory: it has no registers for it. In bytes.
#[repr(C)]
struct Frame {
    a_tile: usize,
    a_part: usize,
    sums: *mut f32,
    sums_tile: usize,
    sums_row: usize,
    add: usize,
}

impl<const PARTS: usize> Product<'_, PARTS> {
    /// Panics where a step leads out of an operand, or sums do not fit.
    #[inline(never)]
    pub fn run(&self, _: &Unit, sums: Sums) {
        const { assert!(PARTS == 1 || PARTS == 3) }
        let (below, beside) = self.shape.tiles();
        let a_reach = (below - 1) * self.a_tile + (PARTS - 1) * self.a_part + (ROW - 1) * self.a_row + ROW;
        let b_reach = beside * PARTS * TILE;
        if !self.steps.is_empty() {
            let (a, b) = self.steps.iter().fold((0, 0), |(a, b), step| (step.a.max(a), step.b.max(b)));
            assert!(a < usize::MAX / 8 && a + a_reach <= self.a.len(), "a step leads out of the rows");
            assert!(b < usize::MAX / 8 && b + b_reach <= self.b.len(), "a step leads out of the columns");
        }
        let sums_reach = (below - 1) * sums.tile + (ROW - 1) * sums.row + beside * ROW;
        assert!(sums.row >= beside * ROW && sums_reach <= sums.to.len(), "the sums do not fit");

        let frame = Frame {
            a_tile: 4 * self.a_tile,
            a_part: 4 * self.a_part,
            sums: sums.to.as_mut_ptr(),
            sums_tile: 4 * sums.tile,
            sums_row: 4 * sums.row,
            add: sums.add.into(),
        };
        // SAFETY: the unit is set up on this thread (`Unit`). Every load and store is of 16 rows of 64 bytes at the
        // strides whose reach was compared with the slices above; sums are borrowed mutably. No tile is expected to
        // keep its values before or after.
        #[allow(unsafe_code)]
        unsafe {
            match (self.shape, PARTS) {
                (ProductShape::Square, 1) => self.square_1(&frame),
                (ProductShape::Square, _) => self.square_3(&frame),
                (ProductShape::Tall, 1) => self.tall_1(&frame),
                (ProductShape::Tall, _) => self.tall_3(&frame),
            }
        }
    }
}

/// A loop over the steps, and the loads and stores of the sums (tmm0 to tmm3) around it.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident, $sums:ident, $($body:expr),* $(,)?) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        unsafe fn $name(&self, frame: &Frame) {
            let steps = self.steps.as_ptr_range();
            // SAFETY: by the caller.
            unsafe {
                asm!(
                    "# not in every kernel: {start} {next} {A_PART} {NEXT_COLUMNS}",
                    "cmp qword ptr [{frame} + {ADD}], 0",
                    "jne 3f",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "jmp 4f",
                    "3:",
                    $sums!(load),
                    "4:",
                    "cmp {step}, {end}",
                    "je 5f",
                    "2:",
                    "mov {pa}, [{step}]",
                    "mov {pb}, [{step} + 8]",
                    "lea {pa}, [{a} + 4 * {pa}]",
                    "lea {pb}, [{b} + 4 * {pb}]",
                    $($body,)*
                    "add {step}, 16",
                    "cmp {step}, {end}",
                    "jne 2b",
                    "5:",
                    $sums!(store),
                    frame = in(reg) frame,
                    a = in(reg) self.a.as_ptr(),
                    b = in(reg) self.b.as_ptr(),
                    step = inout(reg) steps.start => _,
                    end = in(reg) steps.end,
                    a_row = in(reg) 4 * self.a_row,
                    b_row = in(reg) 4 * ROW,
                    pa = out(reg) _,
                    pb = out(reg) _,
                    next = out(reg) _,
                    start = out(reg) _,
                    A_TILE = const offset_of!(Frame, a_tile),
                    A_PART = const offset_of!(Frame, a_part),
                    SUMS = const offset_of!(Frame, sums),
                    SUMS_TILE = const offset_of!(Frame, sums_tile),
                    SUMS_ROW = const offset_of!(Frame, sums_row),
                    ADD = const offset_of!(Frame, add),
                    NEXT_COLUMNS = const 4 * PARTS * TILE,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

macro_rules! square_sums {
    (load) => {
        "mov {pa}, [{frame} + {SUMS}]
         mov {pb}, [{frame} + {SUMS_ROW}]
         mov {next}, {pa}
         add {next}, [{frame} + {SUMS_TILE}]
         tileloadd tmm0, [{pa} + {pb}]
         tileloadd tmm1, [{pa} + {pb} + 64]
         tileloadd tmm2, [{next} + {pb}]
         tileloadd tmm3, [{next} + {pb} + 64]"
    };
    (store) => {
        "mov {pa}, [{frame} + {SUMS}]
         mov {pb}, [{frame} + {SUMS_ROW}]
         mov {next}, {pa}
         add {next}, [{frame} + {SUMS_TILE}]
         tilestored [{pa} + {pb}], tmm0
         tilestored [{pa} + {pb} + 64], tmm1
         tilestored [{next} + {pb}], tmm2
         tilestored [{next} + {pb} + 64], tmm3"
    };
}

macro_rules! tall_sums {
    (load) => {
        "mov {pa}, [{frame} + {SUMS}]
         mov {pb}, [{frame} + {SUMS_ROW}]
         mov {next}, [{frame} + {SUMS_TILE}]
         tileloadd tmm0, [{pa} + {pb}]
         add {pa}, {next}
         tileloadd tmm1, [{pa} + {pb}]
         add {pa}, {next}
         tileloadd tmm2, [{pa} + {pb}]
         add {pa}, {next}
         tileloadd tmm3, [{pa} + {pb}]"
    };
    (store) => {
        "mov {pa}, [{frame} + {SUMS}]
         mov {pb}, [{frame} + {SUMS_ROW}]
         mov {next}, [{frame} + {SUMS_TILE}]
         tilestored [{pa} + {pb}], tmm0
         add {pa}, {next}
         tilestored [{pa} + {pb}], tmm1
         add {pa}, {next}
         tilestored [{pa} + {pb}], tmm2
         add {pa}, {next}
         tilestored [{pa} + {pb}], tmm3"
    };
}

/// Two tiles of rows (tmm4, tmm5), two of columns (tmm6, tmm7).
macro_rules! square {
    (rows) => {
        "tileloadd tmm4, [{pa} + {a_row}]
         tileloadd tmm5, [{next} + {a_row}]"
    };
    (next part) => {
        "add {pa}, [{frame} + {A_PART}]
         add {next}, [{frame} + {A_PART}]"
    };
    (first part) => {
        "sub {pa}, [{frame} + {A_PART}]
         sub {next}, [{frame} + {A_PART}]
         sub {pa}, [{frame} + {A_PART}]
         sub {next}, [{frame} + {A_PART}]"
    };
    (columns) => {
        "tileloadd tmm6, [{pb} + {b_row}]
         tileloadd tmm7, [{pb} + {b_row} + {NEXT_COLUMNS}]"
    };
    (columns, part 1) => {
        "tileloadd tmm6, [{pb} + {b_row} + 1024]
         tileloadd tmm7, [{pb} + {b_row} + {NEXT_COLUMNS} + 1024]"
    };
    (columns, part 2) => {
        "tileloadd tmm6, [{pb} + {b_row} + 2048]
         tileloadd tmm7, [{pb} + {b_row} + {NEXT_COLUMNS} + 2048]"
    };
    (products) => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm4, tmm7
         tdpbf16ps tmm2, tmm5, tmm6
         tdpbf16ps tmm3, tmm5, tmm7"
    };
}

/// Two tiles of rows at a time (tmm4, tmm5), one of columns, its parts in tmm6, tmm7.
macro_rules! tall {
    (rows) => {
        "tileloadd tmm4, [{pa} + {a_row}]
         add {pa}, {next}
         tileloadd tmm5, [{pa} + {a_row}]
         add {pa}, {next}"
    };
    (upper half) => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm5, tmm6"
    };
    (lower half) => {
        "tdpbf16ps tmm2, tmm4, tmm6
         tdpbf16ps tmm3, tmm5, tmm6"
    };
}

impl<const PARTS: usize> Product<'_, PARTS> {
    kernel!(
        square_1,
        square_sums,
        "mov {next}, {pa}",
        "add {next}, [{frame} + {A_TILE}]",
        square!(rows),
        square!(columns),
        square!(products),
    );

    kernel!(
        /// Parts of rows and columns: 0 2, 0 1, 1 1, 1 0, 2 0, 0 0. Each line changes one of them.
        square_3,
        square_sums,
        "mov {next}, {pa}",
        "add {next}, [{frame} + {A_TILE}]",
        square!(columns, part 2),
        square!(rows),
        square!(products),
        square!(columns, part 1),
        square!(products),
        square!(next part),
        square!(rows),
        square!(products),
        square!(columns),
        square!(products),
        square!(next part),
        square!(rows),
        square!(products),
        square!(first part),
        square!(rows),
        square!(products),
    );

    kernel!(
        tall_1,
        tall_sums,
        "mov {next}, [{frame} + {A_TILE}]",
        "tileloadd tmm6, [{pb} + {b_row}]",
        tall!(rows),
        tall!(upper half),
        tall!(rows),
        tall!(lower half),
    );

    kernel!(
        /// Part 2 of the rows times part 0 of the columns, then 1 times 0 and 1, then 0 times 0, 1 and 2.
        tall_3,
        tall_sums,
        "mov {next}, [{frame} + {A_TILE}]",
        "tileloadd tmm6, [{pb} + {b_row}]",
        "tileloadd tmm7, [{pb} + {b_row} + 1024]",
        "mov {start}, {pa}",
        "add {pa}, [{frame} + {A_PART}]",
        "add {pa}, [{frame} + {A_PART}]",
        tall!(rows),
        tall!(upper half),
        tall!(rows),
        tall!(lower half),
        "mov {pa}, {start}",
        "add {pa}, [{frame} + {A_PART}]",
        tall!(rows),
        tall!(upper half),
        "tdpbf16ps tmm0, tmm4, tmm7",
        "tdpbf16ps tmm1, tmm5, tmm7",
        tall!(rows),
        tall!(lower half),
        "tdpbf16ps tmm2, tmm4, tmm7",
        "tdpbf16ps tmm3, tmm5, tmm7",
        "mov {pa}, {start}",
        tall!(rows),
        tall!(upper half),
        "tdpbf16ps tmm0, tmm4, tmm7",
        "tdpbf16ps tmm1, tmm5, tmm7",
        "tileloadd tmm6, [{pb} + {b_row} + 2048]",
        tall!(upper half),
        tall!(rows),
        tall!(lower half),
        "tdpbf16ps tmm2, tmm4, tmm7",
        "tdpbf16ps tmm3, tmm5, tmm7",
        "tileloadd tmm6, [{pb} + {b_row}]",
        tall!(lower half),
    );
}

#[cfg(test)]
mod tests {
    use super::super::{Unit, available, load, numbers};
    use super::*;

    /// A product of `parts`, and the largest difference to the same in f64.
    fn difference<const PARTS: usize>(shape: ProductShape, count: usize, add: bool) -> f64 {
        let (below, beside) = shape.tiles();
        let (m, n, k) = (below * ROW, beside * ROW, count * 2 * ROW);
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let pulp::Arch::V4(simd) = crate::simd::arch() else { panic!("AMX without AVX-512") };
        let pair = |low: &[f32], high: &[f32]| -> [[u32; ROW]; PARTS] {
            super::super::pair::<PARTS>(simd, load(low), load(high)).map(pulp::cast)
        };
        // Rows [steps, m, parts, 16]; columns [steps, tiles, parts, 16, 16].
        let mut a_words = Vec::new();
        let mut b_words = vec![0; count * beside * PARTS * TILE];
        for step in 0..count {
            for m in 0..m {
                let at = m * k + step * 2 * ROW;
                a_words.extend(pair(&a[at..], &a[at + ROW..]).concat());
            }
            for tile in 0..beside {
                for i in 0..ROW {
                    let at = |k: usize| (step * 2 * ROW + k) * n + tile * ROW;
                    let words = pair(&b[at(i)..], &b[at(i + ROW)..]);
                    for (part, words) in words.iter().enumerate() {
                        let to = ((step * beside + tile) * PARTS + part) * TILE + i * ROW;
                        b_words[to..to + ROW].copy_from_slice(words);
                    }
                }
            }
        }
        let step = |step| Step { a: step * m * PARTS * ROW, b: step * beside * PARTS * TILE };
        let (sums_row, before) = (n + 3, 0.25);
        let mut sums = vec![before; m * sums_row];
        let product = Product::<PARTS> {
            shape,
            a: &a_words,
            a_row: PARTS * ROW,
            a_tile: ROW * PARTS * ROW,
            a_part: ROW,
            b: &b_words,
            steps: &(0..count).map(step).collect::<Vec<_>>(),
        };
        product.run(&Unit::set_up(), Sums { to: &mut sums, row: sums_row, tile: ROW * sums_row, add });
        let mut largest = 0f64;
        for i in 0..m {
            for j in 0..sums_row {
                let exact = (0..k).map(|k_| f64::from(a[i * k + k_]) * f64::from(b[k_ * n + j.min(n - 1)]));
                let expected = match (j < n, add) {
                    (false, _) => f64::from(before), // between the rows
                    (true, false) => exact.sum(),
                    (true, true) => f64::from(before) + exact.sum::<f64>(),
                };
                largest = largest.max((f64::from(sums[i * sums_row + j]) - expected).abs());
            }
        }
        largest
    }

    #[test]
    fn products_are_those_of_f64_to_the_precision_of_their_parts() {
        if !available() {
            return eprintln!("skipped: this CPU has no AMX");
        }
        for shape in [ProductShape::Square, ProductShape::Tall] {
            for add in [false, true] {
                // 320 products of numbers up to 1. Added up one by one in f32 they would be wrong by up to 1e-5.
                let (f32, bf16) = (difference::<3>(shape, 10, add), difference::<1>(shape, 10, add));
                assert!(f32 < 6e-6, "{shape:?}: {f32}");
                assert!(bf16 < 0.1 && bf16 > 1e-3, "{shape:?}: {bf16}");
                assert_eq!(difference::<3>(shape, 0, add), 0.0, "no steps");
            }
        }
    }
}
