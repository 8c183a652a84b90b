//! The curves of a run.

use crate::chart::{Chart, Curve, MOST_SINGLE};
use crate::numbers::{Panel, best_of, better, label, panels};
use crate::record::RunRecord;
use maud::{Markup, html};

/// How many points the curves of a page have together, so that a page stays small, and how many one has.
const POINTS_OF_A_PAGE: usize = 80_000;
const POINTS_OF_A_CURVE: usize = 1000;

/// How many points each of so many curves may have.
pub(crate) fn points_of_each(curves: usize) -> usize {
    (POINTS_OF_A_PAGE / curves.max(1)).clamp(50, POINTS_OF_A_CURVE)
}

/// All panels.
pub(super) fn section(run: &RunRecord) -> Markup {
    let panels = panels(run);
    let points = points_of_each(panels.iter().map(|panel| panel.names.len()).sum());
    html! {
        @if !panels.is_empty() {
            section {
                h2 { "Curves" }
                (how_to_read(run.metrics.steps.len() > MOST_SINGLE))
                div.charts {
                    @for panel in panels { (chart(run, panel).render(points)) }
                }
            }
        }
    }
}

/// What the axis is, and what is faint and what is not.
pub(crate) fn how_to_read(is_averaged: bool) -> Markup {
    html! {
        p.above.soft {
            "Over the steps of training."
            @if is_averaged { " Faint: each logged step. Strong: the average of the steps around it." }
        }
    }
}

fn chart(run: &RunRecord, panel: Panel) -> Chart {
    let metrics = &run.metrics;
    let series = panel.names.iter().filter_map(|name| metrics.get(name));
    let curves = series.enumerate().map(|(colour, series)| {
        let best = better(run, &series.name).and_then(|better| best_of(series, better));
        Curve {
            label: label(run, &series.name),
            colour,
            points: metrics.points(series),
            best: best.map(|(row, value)| (metrics.steps[row] as f64, value)),
        }
    });
    let curves = curves.collect();
    Chart { title: panel.title, kind: panel.kind, curves }
}
