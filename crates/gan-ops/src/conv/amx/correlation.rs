//! The sums of a [`Plan`] on AMX, on all cores.

use super::layout::{CHANNELS, Layout, TilePass};
use super::source::{Pack, Unpack};
use crate::activation::activate_serially;
use crate::amx::{Columns, Product, ROW, Step, Sums, TILE, Unit, load, pair, store, store_words};
use crate::batch_norm::moments_of_planes;
use crate::conv::Epilogue;
use crate::conv::plan::Plan;
use crate::scratch::Scratch;
use pulp::NullaryFnOnce;
use pulp::x86::V4;
use rayon::prelude::*;

/// Words of a packed source that stay in a second-level cache, beside the weights and the sums.
const SOURCE_WORDS: usize = 1 << 18;
/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;

/// source `[N, source channels, ...]`, weight -> out `[N, output channels, ...]`, activated; with
/// [`Epilogue::Moments`] also mean and variance of each plane.
pub(in crate::conv) fn run<const PARTS: usize>(
    simd: V4,
    plan: &Plan,
    source: &[f32],
    weight: &[f32],
    epilogue: Epilogue,
    out: &mut [f32],
    moments: &mut [(f64, f64)],
) {
    let image_len = plan.source_channels * plan.source.height * plan.source.width;
    let images = source.len() / image_len;
    let layout = Layout::of(plan, images);
    let weights = pack::<PARTS>(simd, plan, &layout, weight);
    let source_rows = layout.source_rows(plan);
    let padding_rows = layout.padding_rows(&source_rows);

    let groups = images.div_ceil(layout.group);
    let source_words = layout.source_len() * PARTS * ROW;
    let groups_a_task = (SOURCE_WORDS / source_words).min(groups.div_ceil(TASKS)).max(1);
    let images_a_task = groups_a_task * layout.group;
    let panels = plan.out_channels.div_ceil(layout.lanes());
    let panels_a_part = panels.div_ceil(TASKS.div_ceil(images.div_ceil(images_a_task)));
    let parts = panels.div_ceil(panels_a_part);

    // A task fills some channels (a part) of some images.
    let plane = plan.out_h * plan.out_w;
    type OfImage<'a> = (&'a mut [f32], &'a mut [(f64, f64)]);
    let mut tasks: Vec<Vec<OfImage>> =
        (0..images.div_ceil(images_a_task) * parts).map(|_| Vec::new()).collect();
    let a_part = panels_a_part * layout.lanes();
    let of_images = out.chunks_mut(plan.out_len()).zip(moments.chunks_mut(plan.out_channels));
    for (image, (out, moments)) in of_images.enumerate() {
        let of_parts = out.chunks_mut(a_part * plane).zip(moments.chunks_mut(a_part));
        for (part, planes) in of_parts.enumerate() {
            tasks[image / images_a_task * parts + part].push(planes);
        }
    }
    let weights_len = layout.weight_tiles() * layout.lanes() * ROW * PARTS;
    tasks.into_par_iter().enumerate().for_each(|(task, mut out)| {
        let (first_image, first_panel) = (task / parts * images_a_task, task % parts * panels_a_part);
        let groups = out.len().div_ceil(layout.group);
        let mut packed = Scratch::<u32>::take(groups * source_words);
        let of_groups =
            source[first_image * image_len..][..out.len() * image_len].chunks(layout.group * image_len);
        for (images, to) in of_groups.zip(packed.chunks_mut(source_words)) {
            let channels = plan.source_channels;
            let (layout, rows, padding) = (&layout, &source_rows[..], &padding_rows[..]);
            simd.vectorize(Pack::<PARTS> { simd, layout, rows, padding, channels, images, to });
        }
        let unit = Unit::set_up();
        let sums_len = layout.sums * layout.lanes();
        let mut sums = Scratch::<f32>::take(groups * sums_len);
        for panel in first_panel..panels.min(first_panel + panels_a_part) {
            let mut weights = &weights[panel * weights_len..][..weights_len];
            for pass in &layout.passes {
                let (of_pass, rest) = weights.split_at(pass.taps.len() * layout.lanes() * ROW * PARTS);
                for (source, sums) in packed.chunks(source_words).zip(sums.chunks_mut(sums_len)) {
                    sum_up::<PARTS>(&unit, &layout, pass, source, of_pass, sums);
                }
                weights = rest;
            }
            let first = (panel - first_panel) * layout.lanes();
            let channels = layout.lanes().min(plan.out_channels - panel * layout.lanes());
            for (image, (out, moments)) in out.iter_mut().enumerate() {
                let sums = &sums[image / layout.group * sums_len..][..sums_len];
                let sums = &sums[image % layout.group * layout.lanes()..];
                let planes = &mut out[first * plane..][..channels * plane];
                let (rows, lanes) = (&layout.sum_rows, layout.lanes());
                simd.vectorize(Unpack {
                    simd,
                    rows,
                    lanes,
                    sums,
                    planes,
                    stride: plane,
                    channels,
                    add: false,
                });
                match epilogue {
                    Epilogue::Activation(activation) => activate_serially(activation, planes),
                    Epilogue::Moments => moments_of_planes(planes, plane, &mut moments[first..][..channels]),
                }
            }
        }
    });
}

/// The sums of one pass over one group, `[rows, lanes]`.
fn sum_up<const PARTS: usize>(
    unit: &Unit,
    layout: &Layout,
    pass: &TilePass,
    source: &[u32],
    weights: &[u32],
    sums: &mut [f32],
) {
    let (row_words, lanes) = (PARTS * ROW, layout.lanes());
    let of_weights = lanes * ROW * PARTS;
    let steps: Vec<Step> =
        pass.taps.iter().map(|step| Step { a: step.a * row_words, b: step.b * of_weights }).collect();
    for y in (0..pass.high).step_by(layout.shape.tiles().0) {
        for x in 0..pass.wide {
            let product = Product::<PARTS> {
                shape: layout.shape,
                a: &source[(y * layout.pixel_row + x * ROW) * row_words..],
                a_row: row_words,
                a_tile: layout.pixel_row * row_words,
                a_part: ROW,
                b: weights,
                steps: &steps,
            };
            let first = pass.first + (y * pass.wide + x) * ROW;
            let tile = pass.wide * ROW * lanes;
            product.run(unit, Sums { to: &mut sums[first * lanes..], row: lanes, tile, add: false });
        }
    }
}

/// The weights, `[panels, passes, taps, blocks of channels, tiles of lanes, parts, 16 words, 16 lanes]`.
fn pack<const PARTS: usize>(simd: V4, plan: &Plan, layout: &Layout, weight: &[f32]) -> Scratch<u32> {
    let lanes = layout.lanes();
    let panel_len = (layout.weight_tiles() * lanes * ROW * PARTS).max(1);
    let panels = plan.out_channels.div_ceil(lanes);
    let mut packed = Scratch::<u32>::take(panels * panel_len);
    packed.par_chunks_mut(panel_len).enumerate().for_each(|(panel, packed)| {
        simd.vectorize(PackPanel::<PARTS> { simd, plan, layout, weight, first: panel * lanes, packed });
    });
    packed
}

struct PackPanel<'a, const PARTS: usize> {
    simd: V4,
    plan: &'a Plan,
    layout: &'a Layout,
    weight: &'a [f32],
    /// The first channel of the output.
    first: usize,
    packed: &'a mut [u32],
}

impl<const PARTS: usize> NullaryFnOnce for PackPanel<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (plan, layout) = (self.plan, self.layout);
        let taps = plan.kernel_taps;
        let (of_out, of_source) = plan.weight_strides;
        let tiles = layout.shape.tiles().1;
        // [32 channels, taps, 16 lanes]
        let mut columns = Scratch::<f32>::take(CHANNELS * taps.next_multiple_of(ROW) * ROW);
        let (columns, _) = columns.as_chunks_mut::<ROW>();
        for tile in 0..tiles {
            let first = (self.first + tile * ROW).min(plan.out_channels);
            let rows = (plan.out_channels - first).min(ROW);
            for block in 0..layout.blocks {
                for (i, columns) in columns.chunks_mut(taps.next_multiple_of(ROW)).enumerate() {
                    let source = block * CHANNELS + i;
                    if rows == 0 || source >= plan.source_channels {
                        columns.fill([0.0; ROW]);
                        continue;
                    }
                    let from = &self.weight[first * of_out + source * of_source..];
                    let from = Columns { from, stride: of_out, rows };
                    for tap in (0..taps).step_by(ROW) {
                        let read = from.read(self.simd, tap, ROW.min(taps - tap));
                        for (column, vector) in columns[tap..].iter_mut().zip(read) {
                            store(column, vector);
                        }
                    }
                }
                let column = |i: usize, tap: usize| &columns[i * taps.next_multiple_of(ROW) + tap];
                let mut before = 0;
                for pass in &plan.passes {
                    for (t, &tap) in pass.taps.iter().enumerate() {
                        let at = ((before + t) * layout.blocks + block) * tiles + tile;
                        let to = &mut self.packed[at * PARTS * TILE..][..PARTS * TILE];
                        for i in 0..ROW {
                            let (low, high) = (load(column(i, tap)), load(column(i + ROW, tap)));
                            for (part, words) in pair::<PARTS>(self.simd, low, high).into_iter().enumerate() {
                                store_words(&mut to[part * TILE + i * ROW..], words);
                            }
                        }
                    }
                    before += pass.taps.len();
                }
            }
        }
    }
}
