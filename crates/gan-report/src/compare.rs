//! Several runs side by side.

use crate::chart::{COLOURS, Chart, Curve, MOST_SINGLE};
use crate::error::{Error, Result};
use crate::files;
use crate::numbers::{MOST_PANELS, best_of, better, kind_of, label, panels};
use crate::page::{Mode, page};
use crate::pictures::Picture;
use crate::record::{Kind, RunRecord, differing};
use crate::report::{grid, how_to_read, left_out, newest, points_of_each, state};
use crate::text::{clip, count, short};
use maud::{Markup, html};
use std::path::{Path, PathBuf};

/// The most runs whose curves and pictures are shown together.
const MOST: usize = 24;
/// How many bytes the pictures have together.
const BYTES_OF_PICTURES: usize = 2_000_000;

/// A page that shows runs side by side: in which settings they differ, how far they are and how good, their
/// newest grids, and their curves on the same axes.
pub fn compare(runs: &[RunRecord]) -> String {
    let shown = &runs[..runs.len().min(MOST)];
    let all: Vec<&RunRecord> = shown.iter().collect();
    let mut damage: Vec<String> = shown
        .iter()
        .flat_map(|run| run.damage.iter().map(|what| format!("{}: {what}", run.title())))
        .collect();
    if runs.len() > MOST {
        damage.insert(0, format!("{} of {} runs: no more are told apart", runs.len() - MOST, runs.len()));
    }
    let main = html! {
        header {
            h1 { "Comparison of " (shown.len()) " runs" }
        }
        (table(&all))
        (grids(&all, &mut damage))
        (curves(&all))
        (left_out(&damage))
    };
    page("Comparison of runs", Mode::Still, &main)
}

/// Reads run folders and writes their comparison.
///
/// # Errors
/// If there is none, one of them holds no run, or the page cannot be written.
pub fn write_comparison(folders: &[impl AsRef<Path>], out: impl AsRef<Path>) -> Result<PathBuf> {
    let runs: Vec<RunRecord> = folders.iter().map(RunRecord::read).collect::<Result<_>>()?;
    if runs.is_empty() {
        return Err(Error::NothingToCompare);
    }
    files::write(out.as_ref(), compare(&runs).as_bytes())
}

/// A column for each run: state, scores and the settings that differ.
fn table(runs: &[&RunRecord]) -> Markup {
    let settings = differing(runs);
    html! {
        section {
            h2 { "Runs" }
            div.wide {
                table {
                    thead {
                        tr {
                            td {}
                            @for (place, run) in runs.iter().enumerate() {
                                th scope="col" { (swatch(place)) " " (clip(run.title())) }
                            }
                        }
                    }
                    tbody {
                        tr { th scope="row" { "state" } @for run in runs { td { (state(run)) } } }
                        tr {
                            th scope="row" { "steps" }
                            @for run in runs { td { (count(run.steps_done())) } }
                        }
                        @for name in scores(runs) {
                            tr {
                                th scope="row" { (label_in(runs, name)) }
                                @for run in runs { td { (score(run, name)) } }
                            }
                        }
                        @for (name, values) in &settings {
                            tr { th scope="row" { (name) } @for value in values { td { (clip(value)) } } }
                        }
                    }
                }
            }
            @if settings.is_empty() { p.note { "The runs do not differ in any setting." } }
        }
    }
}

/// The numbers of which it is known what is better, in any of the runs.
fn scores<'a>(runs: &[&'a RunRecord]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        let known = run.metrics.series.iter().filter(|series| better(run, &series.name).is_some());
        for series in known {
            if !names.contains(&series.name.as_str()) {
                names.push(&series.name);
            }
        }
    }
    names
}

/// The best and the last value of a score.
fn score(run: &RunRecord, name: &str) -> Markup {
    let found = run.metrics.get(name).zip(better(run, name));
    let best = found.and_then(|(series, better)| Some((best_of(series, better)?, series.values.last()?)));
    html! {
        @if let Some(((row, value), last)) = best {
            b { (short(value)) }
            " " span.soft { "at step " (count(run.metrics.steps[row])) }
            @if last.0 != row { br; span.soft { "last " (short(last.1)) } }
        } @else { "–" }
    }
}

fn grids(runs: &[&RunRecord], damage: &mut Vec<String>) -> Markup {
    let mut left = BYTES_OF_PICTURES;
    let mut fitting = |picture: &Picture| {
        let fits = picture.url.len() <= left;
        left -= if fits { picture.url.len() } else { 0 };
        fits
    };
    let mut shown = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        match newest(run) {
            Some(picture) if fitting(&picture) => shown.push((place, *run, picture)),
            Some(_) => {
                damage.push(format!("{}: its newest samples, as the page would be too large", run.title()))
            }
            None => {}
        }
    }
    html! {
        @if !shown.is_empty() {
            section {
                h2 { "Newest samples" }
                div.grids {
                    @for (place, run, picture) in &shown {
                        figure {
                            figcaption {
                                h3 { (swatch(*place)) " " (clip(run.title())) }
                                span { "step " (run.newest_sample().map_or(0, |sample| sample.step)) }
                            }
                            (grid(picture, &format!("Newest samples of {}", run.title())))
                        }
                    }
                }
            }
        }
    }
}

/// A panel for each number, with a curve for each run that has it.
fn curves(runs: &[&RunRecord]) -> Markup {
    let mut names: Vec<String> = Vec::new();
    for name in runs.iter().flat_map(|run| panels(run)).flat_map(|panel| panel.names) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let is_score = |name: &String| runs.iter().any(|run| kind_of(run, name) == Kind::Score);
    names.sort_by_key(|name| !is_score(name));
    names.truncate(MOST_PANELS);
    let charts: Vec<Chart> = names.iter().map(|name| chart(runs, name)).collect();
    let points = points_of_each(charts.iter().map(|chart| chart.curves.len()).sum());
    html! {
        @if !charts.is_empty() {
            section {
                h2 { "Curves" }
                (how_to_read(runs.iter().any(|run| run.metrics.steps.len() > MOST_SINGLE)))
                div.charts { @for chart in charts { (chart.render(points)) } }
            }
        }
    }
}

fn chart(runs: &[&RunRecord], name: &str) -> Chart {
    let curve = |(colour, run): (usize, &&RunRecord)| {
        let points = run.metrics.points(run.metrics.get(name)?);
        Some(Curve { label: clip(run.title()), colour, points, best: None })
    };
    let curves = runs.iter().enumerate().filter_map(curve).collect();
    let kind = runs.iter().find(|run| run.metrics.get(name).is_some()).map(|run| kind_of(run, name));
    Chart { title: label_in(runs, name), kind: kind.unwrap_or_default(), curves }
}

/// What the first run that has a number calls it.
fn label_in(runs: &[&RunRecord], name: &str) -> String {
    let with = runs.iter().find(|run| run.metrics.get(name).is_some());
    with.map_or_else(|| name.to_owned(), |run| label(run, name))
}

/// The colour of a run's curves.
fn swatch(place: usize) -> Markup {
    html! { span class={ "swatch f" (place % COLOURS) } {} }
}
