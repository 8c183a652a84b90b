//! The page of one run.

mod curves;
mod grids;

pub(crate) use curves::{how_to_read, points_of_each};
pub(crate) use grids::{grid, newest, thumbnail};

use crate::error::Result;
use crate::files;
use crate::numbers::label;
use crate::page::{Mode, page};
use crate::record::{RunRecord, Setting, Severity};
use crate::text::{clip, count, short};
use maud::{Markup, html};
use std::path::{Path, PathBuf};

/// The most verdicts, events and details of an event that are shown, and of what is damaged.
const MOST_VERDICTS: usize = 50;
const MOST_EVENTS: usize = 200;
const MOST_DETAILS: usize = 30;
const MOST_DAMAGE: usize = 50;

/// The page of a run: one HTML file that needs nothing else.
pub fn render(run: &RunRecord) -> String {
    page(run.title(), Mode::Still, &body(run))
}

/// Reads a run folder and writes its page there, as `report.html`.
///
/// # Errors
/// If the folder holds no run, or the page cannot be written.
pub fn write(folder: impl AsRef<Path>) -> Result<PathBuf> {
    let run = RunRecord::read(&folder)?;
    files::write(&folder.as_ref().join("report.html"), render(&run).as_bytes())
}

/// What the page shows.
pub(crate) fn body(run: &RunRecord) -> Markup {
    let mut damage = run.damage.clone();
    let grids = grids::section(run, &mut damage);
    html! {
        (header(run))
        (verdicts(run))
        (grids)
        (curves::section(run))
        section {
            h2 { "Settings" }
            p { "This trains the run again:" }
            pre { code { (run.command()) } }
            (settings(&run.settings))
        }
        (events(run))
        (left_out(&damage))
    }
}

fn header(run: &RunRecord) -> Markup {
    let (done, steps) = (run.steps_done(), run.steps());
    let metrics = &run.metrics;
    let last = |name: &str| metrics.get(name).and_then(|series| series.values.last()).map(|value| value.1);
    html! {
        header {
            h1 { (clip(run.title())) }
            dl.facts {
                div { dt { "State" } dd { (state(run)) } }
                div {
                    dt { "Steps" }
                    dd { (count(done)) @if let Some(steps) = steps { " of " (count(steps)) } }
                }
                @if let Some(data) = run.data() { div { dt { "Data" } dd { (clip(data)) } } }
                @if let Some(model) = run.model() { div { dt { "Model" } dd { (clip(model)) } } }
                @if let Some(seconds) = last("seconds") { div { dt { "Time" } dd { (duration(seconds)) } } }
                @if let Some(Some(epoch)) = metrics.epochs.last() {
                    div { dt { "Epochs" } dd { (short(*epoch)) } }
                }
                @if let Some(best) = &run.best {
                    div {
                        dt { "Best " (clip(&label(run, &best.metric))) }
                        dd { (short(best.score)) " at step " (count(best.step)) }
                    }
                }
            }
            @if let Some(steps) = steps {
                div.progress {
                    progress max=(steps) value=(done.min(steps)) aria-label="Steps done" {}
                }
            }
        }
    }
}

/// The state of a run, in its colour.
pub(crate) fn state(run: &RunRecord) -> Markup {
    let label = run.state().label();
    html! { span class={ "state " (label) } { (label) } }
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) as u64 } else { 0 };
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{} h {m} min", count(h)),
    }
}

/// The verdicts, the worst first.
fn verdicts(run: &RunRecord) -> Markup {
    let mut verdicts: Vec<_> = run.health.iter().collect();
    verdicts.sort_by_key(|health| match health.severity {
        Severity::Bad => 0,
        Severity::Warning => 1,
        Severity::Good => 2,
    });
    html! {
        @if !verdicts.is_empty() {
            section.verdicts aria-label="Health" {
                @for health in verdicts.into_iter().take(MOST_VERDICTS) {
                    article class={ "verdict " (tone(health.severity)) } {
                        h3 { (clip(&health.verdict)) }
                        p {
                            (clip(&health.evidence))
                            @if let Some(step) = health.step { span.soft { " (step " (count(step)) ")" } }
                        }
                        @if let Some(remedy) = &health.remedy { pre { code { (remedy) } } }
                    }
                }
            }
        }
    }
}

fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Bad => "bad",
        Severity::Warning => "warning",
        Severity::Good => "good",
    }
}

/// A table for each section.
fn settings(settings: &[Setting]) -> Markup {
    html! {
        @if !settings.is_empty() {
            div.sections {
                @for section in settings.chunk_by(|a, b| a.section == b.section) {
                    table {
                        @if !section[0].section.is_empty() { caption { (clip(&section[0].section)) } }
                        tbody {
                            @for setting in section {
                                tr {
                                    th scope="row" { (clip(&setting.key)) }
                                    td {
                                        @if setting.value.is_empty() { span.soft { "none" } }
                                        (clip(&setting.value))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn events(run: &RunRecord) -> Markup {
    let left_out = run.events.len().saturating_sub(MOST_EVENTS);
    html! {
        @if !run.events.is_empty() {
            section {
                h2 { "Events" }
                @if left_out > 0 {
                    p.note { "the last " (MOST_EVENTS) " of " (count(run.events.len() as u64)) }
                }
                div.wide {
                    table {
                        thead {
                            tr { @for name in ["Event", "Step", "Details"] { th scope="col" { (name) } } }
                        }
                        tbody {
                            @for event in &run.events[left_out..] {
                                tr {
                                    th scope="row" { (clip(&event.event)) }
                                    td { @if let Some(step) = event.step { (count(step)) } }
                                    td {
                                        @let details = event.details.iter().take(MOST_DETAILS);
                                        @for (i, (name, value)) in details.enumerate() {
                                            @if i > 0 { ", " }
                                            span.soft { (clip(name)) } " " (clip(value))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is damaged, and so is not shown.
pub(crate) fn left_out(damage: &[String]) -> Markup {
    html! {
        @if !damage.is_empty() {
            section {
                h2 { "Left out" }
                ul { @for what in damage.iter().take(MOST_DAMAGE) { li { (clip(what)) } } }
                @if damage.len() > MOST_DAMAGE { p.note { "and " (damage.len() - MOST_DAMAGE) " more" } }
            }
        }
    }
}
