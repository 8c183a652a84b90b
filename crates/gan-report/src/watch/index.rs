//! The page of a folder of runs.

use super::address::address;
use crate::record::RunRecord;
use crate::report::{state, thumbnail};
use crate::runs::{RunSummary, summaries};
use crate::text::{clip, count, short};
use maud::{Markup, html};

/// How many runs are shown with a picture: the last.
const MOST_PICTURES: usize = 100;

/// A table of the runs, the last first, each with its newest grid.
pub(super) fn body(runs: &[RunRecord]) -> Markup {
    let summaries = summaries(runs);
    let has_best = summaries.iter().any(|summary| summary.best.is_some());
    let settings = summaries.first().map(|summary| summary.settings.as_slice()).unwrap_or_default();
    html! {
        header { h1 { "Runs" } }
        @if runs.is_empty() {
            p.note { "There are none yet. They appear here once they are begun." }
        } @else {
            section.wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "Newest" } th scope="col" { "Run" } th scope="col" { "State" }
                            th scope="col" { "Steps" }
                            @if has_best { th scope="col" { "Best" } }
                            th scope="col" { "Data" } th scope="col" { "Model" }
                            @for (name, _) in settings { th scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for (place, (run, summary)) in runs.iter().zip(&summaries).rev().enumerate() {
                            (row(run, summary, has_best, place < MOST_PICTURES))
                        }
                    }
                }
            }
        }
    }
}

fn row(run: &RunRecord, summary: &RunSummary, has_best: bool, with_picture: bool) -> Markup {
    let picture = if with_picture {
        thumbnail(run)
    } else {
        html! {}
    };
    html! {
        tr {
            td { (picture) }
            th scope="row" {
                @match address(&run.folder) {
                    Some(address) => a href=(address) { (clip(&summary.name)) },
                    None => (clip(&summary.name)),
                }
            }
            td { (state(run)) }
            td {
                (count(summary.steps_done))
                @if let Some(steps) = summary.steps { span.soft { " of " (count(steps)) } }
            }
            @if has_best {
                td {
                    @match &summary.best {
                        Some((metric, score)) => { b { (short(*score)) } " " span.soft { (metric) } }
                        None => "–",
                    }
                }
            }
            td { (clip(summary.data.as_deref().unwrap_or("–"))) }
            td { (clip(summary.model.as_deref().unwrap_or("–"))) }
            @for (_, value) in &summary.settings { td { (clip(value)) } }
        }
    }
}
