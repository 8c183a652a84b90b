//! The gradient of the weight on AMX, on all cores.
//!
//! `dweight[o, c, ky, kx] = sum over images and places of maps[o] * padded image[c] at the tap`. For each tap the rows of a
//! product are c, its columns o, and its words the places of one row of the feature maps, of so many pairs of
//! images (a *group*) as fill 16. A word holds one place of two images, and the pairs of a group lie
//! interleaved, `[y, x, pair]`, in phases (as in `layout.rs`): so each step of the kernel is a step of whole
//! words.
//!
//! First some groups are packed, each on one thread, then each thread makes some of the sums, over all of them in their
//! order, and so on with the next groups: one thread and many give the same bits.

use super::layout::group;
use super::source::Unpack;
use crate::amx::{
    Columns, Product, ProductShape, ROW, Step, Sums, TILE, Unit, load, pair, store_words, thin,
};
use crate::conv::geometry::Geometry;
use crate::scratch::Scratch;
use pulp::NullaryFnOnce;
use pulp::x86::V4;
use rayon::prelude::*;

/// Words that are packed at a time: for few, threads would often wait for one another.
const PACKED_WORDS: usize = 1 << 21;
/// Words of feature maps that stay in a second-level cache while they are multiplied by many rows.
const ROUND_WORDS: usize = 3 << 16;
/// Fewer weights are added up on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;

/// image `[N, C, H, W]`, feature maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O,
/// C, kh, kw]`, written or added to what is there.
pub(in crate::conv) fn run<const PARTS: usize>(
    simd: V4,
    g: &Geometry,
    image: &[f32],
    maps: &[f32],
    gradient: &mut [f32],
    add: bool,
) {
    let layout = Layout::of::<PARTS>(g);
    let images_a_group = 2 * layout.group;
    let groups = g.batch.div_ceil(images_a_group);
    let groups_a_block = (PACKED_WORDS / (layout.image_words + layout.map_words)).clamp(1, groups);
    let mut rows = Scratch::<u32>::take(groups_a_block * layout.image_words + layout.slack);
    let packed = groups_a_block * layout.image_words;
    rows[packed..].fill(0); // what tiles read beyond the last row is multiplied by zeros, and so must be numbers
    let mut columns = Scratch::<u32>::take(groups_a_block * layout.map_words);
    let mut sums = Scratch::<f32>::take(g.kernel_h * g.kernel_w * layout.rows * layout.lanes);
    let images_a_block = groups_a_block * images_a_group;
    let blocks = image.chunks(images_a_block * g.image_len()).zip(maps.chunks(images_a_block * g.map_len()));
    for (block, (image, maps)) in blocks.enumerate() {
        let images = image.par_chunks(images_a_group * g.image_len());
        let of_groups = images.zip(maps.par_chunks(images_a_group * g.map_len()));
        let rows_of = rows.par_chunks_exact_mut(layout.image_words);
        let to = rows_of.zip(columns.par_chunks_exact_mut(layout.map_words));
        of_groups.zip(to).for_each(|((images, maps), (rows, columns))| {
            simd.vectorize(PackImages::<PARTS> { simd, g, layout: &layout, images, to: rows });
            simd.vectorize(PackMaps::<PARTS> { simd, g, layout: &layout, maps, to: columns });
        });
        let groups = image.len().div_ceil(images_a_group * g.image_len());
        sum_up::<PARTS>(g, &layout, groups, &rows, &columns, &mut sums, block > 0);
    }
    unpack(simd, g, &layout, &sums, gradient, add);
}

struct Layout {
    shape: ProductShape,
    /// Pairs of images side by side.
    group: usize,
    /// Runs of 16 words for one row of the feature maps, and for all.
    runs_a_row: usize,
    runs: usize,
    /// Rows of the gradient for one tap: c, filled up to whole products.
    rows: usize,
    /// Columns of the gradient: o, filled up.
    lanes: usize,
    /// Words of a row of a phase; of a phase of one part; of all channels of a phase.
    row_words: usize,
    plane_words: usize,
    phase_words: usize,
    /// Words of a group, packed.
    image_words: usize,
    map_words: usize,
    /// Words that tiles read beyond the last.
    slack: usize,
}

impl Layout {
    fn of<const PARTS: usize>(g: &Geometry) -> Self {
        let shape = ProductShape::of(g.map_channels);
        let (below, beside) = shape.tiles();
        let rows = g.image_channels.next_multiple_of(below * ROW);
        let lanes = g.map_channels.next_multiple_of(beside * ROW);
        let group = group(g.map_w, g.batch.div_ceil(2));
        let runs_a_row = (group * g.map_w).div_ceil(ROW);
        let runs = g.map_h * runs_a_row;
        let row_words = (g.map_w + (g.kernel_w - 1) / g.stride) * group;
        let plane_words = (g.map_h + (g.kernel_h - 1) / g.stride) * row_words;
        let phase_words = g.image_channels * PARTS * plane_words;
        Self {
            shape,
            group,
            runs_a_row,
            runs,
            rows,
            lanes,
            row_words,
            plane_words,
            phase_words,
            image_words: g.stride * g.stride * phase_words,
            map_words: runs * lanes * ROW * PARTS,
            slack: (rows - g.image_channels) * PARTS * plane_words + runs_a_row * ROW,
        }
    }
}

/// Packs a group, `[images, C, H, W]`, as phases `[s, s, C, parts, y, x, pair]`.
struct PackImages<'a, const PARTS: usize> {
    simd: V4,
    g: &'a Geometry,
    layout: &'a Layout,
    images: &'a [f32],
    to: &'a mut [u32],
}

impl<const PARTS: usize> NullaryFnOnce for PackImages<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, g, layout, images, to } = self;
        let (s, plane) = (g.stride, g.image_h * g.image_w);
        let zeros = vec![0.0; plane]; // beside an odd image
        let pairs = images.len().div_ceil(2 * g.image_len());
        let rows = layout.plane_words / layout.row_words;
        let columns = layout.row_words / layout.group;
        // A plane in words, `[parts, rows, width]`, each row between the zeros of the padding.
        let width = g.padding.left + g.image_w.next_multiple_of(ROW);
        let width = width.max((columns.next_multiple_of(ROW) + ROW) * s);
        let mut words = Scratch::<u32>::take(PARTS * g.image_h * width);
        words.fill(0);
        let mut thinned = [0; ROW];
        if pairs < layout.group {
            to.fill(0);
        }
        for c in 0..g.image_channels {
            for pair in 0..pairs {
                let image =
                    |n: usize| images.get((n * g.image_channels + c) * plane..).filter(|x| !x.is_empty());
                let low = &image(2 * pair).unwrap_or(&zeros)[..plane];
                let high = &image(2 * pair + 1).unwrap_or(&zeros)[..plane];
                pair_rows::<PARTS>(simd, (low, high), g.image_w, &mut words, (width, g.padding.left));
                for part in 0..PARTS {
                    for row in 0..s * rows {
                        let y = row.checked_sub(g.padding.top).filter(|&y| y < g.image_h);
                        for px in 0..s {
                            let phase = (row % s * s + px) * layout.phase_words;
                            let at =
                                phase + (c * PARTS + part) * layout.plane_words + row / s * layout.row_words;
                            let to = &mut to[at..at + layout.row_words];
                            let Some(y) = y else {
                                to.iter_mut().skip(pair).step_by(layout.group).for_each(|word| *word = 0);
                                continue;
                            };
                            let from = &words[(part * g.image_h + y) * width + px..];
                            for x in (0..columns).step_by(ROW) {
                                thin(simd, s, &from[x * s..], &mut thinned);
                                let to = &mut to[x * layout.group..];
                                match layout.group {
                                    1 if columns - x >= ROW => to[..ROW].copy_from_slice(&thinned),
                                    2 => (to.chunks_mut(2).zip(&thinned))
                                        .for_each(|(to, word)| to[pair] = *word),
                                    4 => (to.chunks_mut(4).zip(&thinned))
                                        .for_each(|(to, word)| to[pair] = *word),
                                    group => (to[pair..].iter_mut().step_by(group).zip(&thinned))
                                        .for_each(|(to, word)| *to = *word),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Two planes as one of words, `[parts, rows, width]`, from column `left` on.
#[inline(always)]
fn pair_rows<const PARTS: usize>(
    simd: V4,
    (low, high): (&[f32], &[f32]),
    columns: usize,
    words: &mut [u32],
    (width, left): (usize, usize),
) {
    let part_words = low.len() / columns * width;
    for (y, (low, high)) in low.chunks_exact(columns).zip(high.chunks_exact(columns)).enumerate() {
        for x in (0..columns).step_by(ROW) {
            let count = ROW.min(columns - x);
            let parts = pair::<PARTS>(simd, some(&low[x..], count), some(&high[x..], count));
            for (part, vector) in parts.into_iter().enumerate() {
                // Beyond the last column these are zeros again.
                store_words(&mut words[part * part_words + y * width + left + x..], vector);
            }
        }
    }
}

/// The first `count` of 16 elements, the rest 0.
#[inline(always)]
fn some(from: &[f32], count: usize) -> std::arch::x86_64::__m512 {
    if count == ROW {
        return load(from);
    }
    let mut some = [0.0; ROW];
    some[..count].copy_from_slice(&from[..count]);
    load(&some)
}

/// Packs the feature maps of a group, `[images, O, places]`, as `[runs, tiles of lanes, parts, 16 words, 16
/// lanes]`.
struct PackMaps<'a, const PARTS: usize> {
    simd: V4,
    g: &'a Geometry,
    layout: &'a Layout,
    maps: &'a [f32],
    to: &'a mut [u32],
}

impl<const PARTS: usize> NullaryFnOnce for PackMaps<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, g, layout, maps, to } = self;
        let (places, tiles) = (g.places(), layout.lanes / ROW);
        let images = maps.len() / g.map_len();
        if images < 2 * layout.group || !(layout.group * g.map_w).is_multiple_of(ROW) {
            to.fill(0);
        }
        for pair_of_images in 0..images.div_ceil(2) {
            for tile in 0..tiles {
                let first = (tile * ROW).min(g.map_channels);
                let of_image = |n: usize| {
                    let rows = if n < images { (g.map_channels - first).min(ROW) } else { 0 };
                    let from = if rows > 0 { &maps[n * g.map_len() + first * places..] } else { &[] };
                    Columns { from, stride: places, rows }
                };
                let (low, high) = (of_image(2 * pair_of_images), of_image(2 * pair_of_images + 1));
                for start in (0..places).step_by(ROW) {
                    let count = ROW.min(places - start);
                    let (low, high) = (low.read(simd, start, count), high.read(simd, start, count));
                    for (i, place) in (start..start + count).enumerate() {
                        let word = place % g.map_w * layout.group + pair_of_images;
                        let run = place / g.map_w * layout.runs_a_row + word / ROW;
                        let to = &mut to[(run * tiles + tile) * PARTS * TILE + word % ROW * ROW..];
                        for (part, words) in pair::<PARTS>(simd, low[i], high[i]).into_iter().enumerate() {
                            store_words(&mut to[part * TILE..], words);
                        }
                    }
                }
            }
        }
    }
}

/// Adds the products of these groups to the sums, `[taps, rows, lanes]`.
fn sum_up<const PARTS: usize>(
    g: &Geometry,
    layout: &Layout,
    groups: usize,
    rows: &[u32],
    columns: &[u32],
    sums: &mut [f32],
    add: bool,
) {
    let s = g.stride;
    let (below, beside) = layout.shape.tiles();
    let of_group = |group| {
        (0..layout.runs).map(move |run| Step {
            a: group * layout.image_words
                + run / layout.runs_a_row * layout.row_words
                + run % layout.runs_a_row * ROW,
            b: group * layout.map_words + run * (layout.lanes * ROW * PARTS),
        })
    };
    let steps: Vec<Step> = (0..groups).flat_map(of_group).collect();
    // Each sum is made by one task, over steps that follow from the shape: who makes which does not change a bit.
    let strip = below * ROW * layout.lanes;
    let strips_a_task = (sums.len() / strip).div_ceil(2 * rayon::current_num_threads());
    let steps_a_round = (ROUND_WORDS / (layout.lanes * ROW * PARTS)).max(1);
    sums.par_chunks_mut(strips_a_task * strip).enumerate().for_each(|(task, sums)| {
        let unit = Unit::set_up();
        for (round, steps) in steps.chunks(steps_a_round).enumerate() {
            for (index, sums) in sums.chunks_mut(strip).enumerate() {
                let first_row = (task * strips_a_task + index) * below * ROW;
                let (tap, row) = (first_row / layout.rows, first_row % layout.rows);
                let (ky, kx) = (tap / g.kernel_w, tap % g.kernel_w);
                let a = (ky % s * s + kx % s) * layout.phase_words
                    + ky / s * layout.row_words
                    + kx / s * layout.group
                    + row * PARTS * layout.plane_words;
                for lane in (0..layout.lanes).step_by(beside * ROW) {
                    let product = Product::<PARTS> {
                        shape: layout.shape,
                        a: &rows[a..],
                        a_row: PARTS * layout.plane_words,
                        a_tile: ROW * PARTS * layout.plane_words,
                        a_part: layout.plane_words,
                        b: &columns[lane * ROW * PARTS..],
                        steps,
                    };
                    let (row, tile) = (layout.lanes, ROW * layout.lanes);
                    let to = &mut sums[lane..];
                    product.run(&unit, Sums { to, row, tile, add: add || round > 0 });
                }
            }
        }
    });
}

/// Sums `[taps, c, lanes]` -> gradient `[O, C, kh, kw]`.
fn unpack(simd: V4, g: &Geometry, layout: &Layout, sums: &[f32], gradient: &mut [f32], add: bool) {
    let taps = g.kernel_h * g.kernel_w;
    let rows: Vec<usize> = (0..taps).map(|tap| tap * layout.rows).collect();
    let of_panels = gradient.par_chunks_mut(ROW * g.taps());
    let of_panels = of_panels.with_min_len(MIN_WEIGHTS_A_TASK.div_ceil(ROW * g.taps()));
    of_panels.enumerate().for_each(|(panel, gradient)| {
        let channels = gradient.len() / g.taps();
        for c in 0..g.image_channels {
            let sums = &sums[c * layout.lanes + panel * ROW..];
            let planes = &mut gradient[c * taps..];
            let (lanes, stride) = (layout.lanes, g.taps());
            simd.vectorize(Unpack { simd, rows: &rows, lanes, sums, planes, stride, channels, add });
        }
    });
}
