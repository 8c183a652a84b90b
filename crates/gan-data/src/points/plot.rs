//! Scatter plots: axes in the units of the plane, and a legend.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    BLACK, BitMapBackend, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, Pixel, RGBColor, Ranged,
    WHITE,
};

use crate::{Error, Image, Result};

/// Side of what the axes enclose, px.
pub(super) const SIDE: u32 = 512;
/// Room for the numbers of the axes and for the legend, px.
pub(super) const LEFT: u32 = 40;
pub(super) const TOP: u32 = 32;
const RIGHT: u32 = 16;
const BOTTOM: u32 = 32;
const WIDTH: u32 = LEFT + SIDE + RIGHT;
const HEIGHT: u32 = TOP + SIDE + BOTTOM;

/// Numbers on an axis, at most.
const TICKS: usize = 7;
const FONT: RasterHeight = RasterHeight::Size16;
const GRID: RGBColor = RGBColor(232, 232, 232);
const AXIS: RGBColor = RGBColor(110, 110, 110);

/// Points of one kind.
pub(super) struct Cloud {
    /// Places in [-1, 1].
    pub places: Vec<[f32; 2]>,
    pub color: RGBColor,
    pub name: &'static str,
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// The part of the plane within `half_side` of the origin, which the values -1 and 1 stand for. Later clouds lie on top.
pub(super) fn plot(clouds: &[Cloud], half_side: f64) -> Result<Image> {
    let mut pixels = vec![255; (WIDTH * HEIGHT * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (WIDTH, HEIGHT)).into_drawing_area();
        draw(&area, clouds, half_side)
            .map_err(|error| Error::Tensor(candle_core::Error::Msg(format!("cannot plot: {error}"))))?;
    }
    Ok(Image { width: WIDTH as usize, height: HEIGHT as usize, channels: 3, pixels })
}

fn draw(
    area: &Area<'_>,
    clouds: &[Cloud],
    half_side: f64,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let axis = -half_side..half_side;
    let mut chart = ChartBuilder::on(area)
        .margin_left(LEFT)
        .margin_right(RIGHT)
        .margin_top(TOP)
        .margin_bottom(BOTTOM)
        .build_cartesian_2d(axis.clone(), axis.clone())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_labels(TICKS).y_labels(TICKS).max_light_lines(1).bold_line_style(GRID).axis_style(AXIS).draw()?;
    for cloud in clouds {
        let dots = cloud.places.iter().map(|&[x, y]| {
            let place = (f64::from(x) * half_side, f64::from(y) * half_side);
            Circle::new(place, 1, cloud.color.mix(0.5).filled())
        });
        chart.draw_series(dots)?;
    }
    for tick in RangedCoordf64::from(axis).key_points(TICKS) {
        let along = ((tick / half_side + 1.0) / 2.0 * f64::from(SIDE)) as i32;
        let number = if tick.fract() == 0.0 { format!("{tick:.0}") } else { format!("{tick:.1}") };
        let width = width_of(&number);
        let (left, bottom) = (LEFT as i32, (TOP + SIDE) as i32);
        text(area, &number, (left + along - width / 2, bottom + 8))?;
        text(area, &number, (left - 8 - width, bottom - along - FONT.val() as i32 / 2))?;
    }
    let mut x = LEFT as i32;
    for cloud in clouds {
        area.draw(&Circle::new((x + 5, TOP as i32 / 2), 4, cloud.color.filled()))?;
        text(area, cloud.name, (x + 16, (TOP as i32 - FONT.val() as i32) / 2))?;
        x += 16 + width_of(cloud.name) + 24;
    }
    area.present()?;
    Ok(())
}

fn width_of(text: &str) -> i32 {
    (text.chars().count() * get_raster_width(FontWeight::Regular, FONT)) as i32
}

/// Writes a line of text, its upper left corner at a place. plotters' own text wants a font of the system.
fn text(
    area: &Area<'_>,
    text: &str,
    (left, top): (i32, i32),
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let width = get_raster_width(FontWeight::Regular, FONT) as i32;
    for (number, glyph) in text.chars().enumerate() {
        let Some(glyph) = get_raster(glyph, FontWeight::Regular, FONT) else { continue };
        for (row, line) in glyph.rows().enumerate() {
            for (column, &ink) in line.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                let place = (left + number as i32 * width + column as i32, top + row as i32);
                area.draw(&Pixel::new(place, BLACK.mix(f64::from(ink) / 255.0)))?;
            }
        }
    }
    Ok(())
}
