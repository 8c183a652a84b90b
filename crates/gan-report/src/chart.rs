//! Curves as inline SVG. `plotters` draws; colours are classes of the page's style sheet, so that a chart is
//! legible in the dark and on paper. Text is left to the browser, and no font is needed.

mod axis;

use crate::record::Kind;
use crate::text::short;
use crate::thin::{average, thin};
use axis::{Axis, widen};
use maud::{Markup, PreEscaped, html};
use plotters::prelude::{
    ChartBuilder, Circle, DrawingAreaErrorKind, IntoDrawingArea, LineSeries, RGBColor, SVGBackend,
    TRANSPARENT,
};
use plotters::style::{Color, TextStyle};

/// How many colours the style sheet has.
pub(crate) const COLOURS: usize = 8;
/// Width and height. plotters places everything at whole units, so the units are quarters of a pixel.
const SIZE: (u32, u32) = (4 * 360, 4 * 220);
/// 15 pixels in those units; plotters' font sizes are 1.24 times those of SVG.
const FONT: f64 = 4.0 * 15.0 * 1.24;
/// A curve of more points is drawn faintly, below its average.
pub(crate) const MOST_SINGLE: usize = 200;
/// Larger values are left out: no curve is seen beside them.
const LARGEST: f64 = 1e100;

/// A curve.
pub(crate) struct Curve {
    pub label: String,
    /// Which of the colours it has.
    pub colour: usize,
    /// Steps and values, in the order of the steps.
    pub points: Vec<(f64, f64)>,
    /// The point to be marked.
    pub best: Option<(f64, f64)>,
}

/// A panel of curves over the steps.
pub(crate) struct Chart {
    pub title: String,
    pub kind: Kind,
    pub curves: Vec<Curve>,
}

// What the colours are called while plotters draws.
const INK: RGBColor = RGBColor(2, 0, 0);
const GRID: RGBColor = RGBColor(3, 0, 0);
const GUIDE: RGBColor = RGBColor(4, 0, 0);

impl Chart {
    /// The chart with its title and legend; each curve has at most about so many points.
    pub(crate) fn render(mut self, most_points: usize) -> Markup {
        for curve in &mut self.curves {
            curve.points.retain(|(_, value)| value.is_finite() && value.abs() <= LARGEST);
        }
        let constant =
            self.curves.iter().all(|curve| curve.points.windows(2).all(|pair| pair[0].1 == pair[1].1));
        let is_told = constant && matches!(self.kind, Kind::Rate | Kind::Count);
        html! {
            figure.chart {
                figcaption { h3 { (self.title) } (self.legend()) }
                @if is_told {
                    p.note { "constant" }
                } @else {
                    @match self.draw(most_points) {
                        Some((svg, is_log)) => {
                            svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img"
                                aria-label=(self.description()) { (PreEscaped(svg)) }
                            @if is_log { p.note { "logarithmic scale" } }
                        }
                        None => p.note { "nothing to draw" }
                    }
                }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for curve in &self.curves {
                    li {
                        span class={ "swatch f" (curve.colour % COLOURS) } {} " "
                        // The title of a panel with one curve says what it is.
                        (if curve.label == self.title { "last" } else { &curve.label })
                        @if let Some((_, value)) = curve.points.last() { " " b { (short(*value)) } }
                        @if let Some((step, value)) = curve.best {
                            span.best { "best " b { (short(value)) } " at step " (step) }
                        }
                    }
                }
            }
        }
    }

    /// What a reader who does not see the curves is told.
    fn description(&self) -> String {
        let curves = self.curves.iter().filter_map(|curve| {
            let (first, last) = (curve.points.first()?, curve.points.last()?);
            Some(format!(
                "{} from {} at step {} to {} at step {}",
                curve.label,
                short(first.1),
                first.0,
                short(last.1),
                last.0
            ))
        });
        format!("{}: {}", self.title, curves.collect::<Vec<_>>().join("; "))
    }

    /// What is inside of the SVG, and whether its scale is logarithmic.
    fn draw(&self, most_points: usize) -> Option<(String, bool)> {
        let all = || self.curves.iter().flat_map(|curve| &curve.points);
        let steps = all().map(|point| point.0).fold(None, widen)?;
        let axis = Axis::of(self.kind, &all().map(|point| point.1).collect::<Vec<_>>())?;
        let mut svg = String::new();
        if let Err(error) = self.draw_on(SVGBackend::with_string(&mut svg, SIZE), steps, &axis, most_points) {
            tracing::warn!("the chart {} cannot be drawn: {error}", self.title);
            return None;
        }
        let inside = svg.split_once('>')?.1.trim_end().strip_suffix("</svg>")?;
        Some((with_classes(inside), axis.is_log()))
    }

    /// Whether a curve is drawn with its average: where single steps say little and there are many.
    fn is_averaged(&self, curve: &Curve) -> bool {
        curve.points.len() > MOST_SINGLE && !matches!(self.kind, Kind::Rate | Kind::Count | Kind::Score)
    }

    fn draw_on<'a>(
        &self,
        backend: SVGBackend<'a>,
        (first, last): (f64, f64),
        axis: &Axis,
        most_points: usize,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let root = backend.into_drawing_area();
        let last = if last > first { last } else { first + 1.0 };
        let mut chart = ChartBuilder::on(&root)
            .margin_top(24)
            .margin_right(56)
            .y_label_area_size(190)
            .x_label_area_size(92)
            .build_cartesian_2d(first..last, axis.low..axis.high)?;
        let text = TextStyle::from(("sans-serif", FONT)).color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(4))
            .axis_style(GRID.stroke_width(4))
            .label_style(text)
            .x_labels(4)
            .y_labels(axis.labels())
            .x_label_formatter(&|step| in_thousands(*step))
            .y_label_formatter(&|place| short(axis.value(*place)))
            .draw()?;
        let guide = match self.kind {
            Kind::Probability => Some(0.5),
            Kind::Logit => Some(0.0),
            _ => None,
        };
        if let Some(place) = guide.map(|value| axis.place(value)).filter(|place| axis.holds(*place)) {
            chart.draw_series(LineSeries::new([(first, place), (last, place)], GUIDE.stroke_width(6)))?;
        }
        for curve in &self.curves {
            let colour = colour_of(curve);
            let points = thin(&placed(curve, axis), most_points);
            if let [point] = points[..] {
                chart.draw_series([Circle::new(point, 14, colour.filled())])?;
            }
            let style = if self.is_averaged(curve) {
                colour.mix(0.3).stroke_width(4)
            } else {
                colour.stroke_width(7)
            };
            chart.draw_series(LineSeries::new(points, style))?;
        }
        // Above all else.
        for curve in self.curves.iter().filter(|curve| self.is_averaged(curve)) {
            let points = average(&placed(curve, axis), curve.points.len() / 40);
            chart.draw_series(LineSeries::new(
                thin(&points, most_points / 4),
                colour_of(curve).stroke_width(8),
            ))?;
        }
        for curve in &self.curves {
            if let Some((step, value)) = curve.best.filter(|best| best.1.abs() <= LARGEST) {
                chart.draw_series([Circle::new((step, axis.place(value)), 22, colour_of(curve).filled())])?;
            }
        }
        root.present()
    }
}

fn colour_of(curve: &Curve) -> RGBColor {
    RGBColor(1, 0, (curve.colour % COLOURS) as u8)
}

/// The points of a curve where they stand on the axis.
fn placed(curve: &Curve, axis: &Axis) -> Vec<(f64, f64)> {
    curve.points.iter().map(|&(step, value)| (step, axis.place(value))).collect()
}

/// A step as short as an axis has it: `500`, `12k`, `1.5M`.
fn in_thousands(step: f64) -> String {
    match step {
        _ if step >= 1e6 => format!("{}M", short(step / 1e6)),
        _ if step >= 1e4 => format!("{}k", short(step / 1e3)),
        _ => short(step),
    }
}

/// Puts the classes of the style sheet in the place of the colours. Text cannot hold what is replaced: its
/// quotes are escaped.
fn with_classes(svg: &str) -> String {
    let mut svg = svg
        .replace(r##"fill="#020000""##, r#"class="ink""#)
        .replace(r##"stroke="#030000""##, r#"class="grid""#)
        .replace(r##"stroke="#040000""##, r#"class="guide""#);
    for colour in 0..COLOURS {
        svg = svg
            .replace(&format!(r##"stroke="#0100{colour:02X}""##), &format!(r#"class="s{colour}""#))
            .replace(&format!(r##"fill="#0100{colour:02X}""##), &format!(r#"class="f{colour}""#));
    }
    svg.replace(r#" font-family="sans-serif""#, "").replace(r#" opacity="1""#, "")
}
