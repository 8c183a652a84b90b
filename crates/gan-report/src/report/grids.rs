//! The sample grids of a run: the newest beside the real images, and a slider through the steps.

use crate::pictures::{Picture, spread};
use crate::record::{RunRecord, Sample};
use crate::text::count;
use maud::{Markup, html};
use std::path::Path;

/// How many bytes the pictures of a page have together.
const BYTES_OF_A_PAGE: usize = 2_100_000;
/// The most steps of a slider.
const MOST_FRAMES: usize = 60;
/// The most sliders; a system that draws more pictures names them for a person to find.
const MOST_FILMS: usize = 8;
/// Pictures up to this size are shown with their pixels.
const SMALL: u32 = 640;

/// The longest side of a picture in a table, in pixels.
const THUMBNAIL: u32 = 224;

/// A picture of a step.
struct Frame {
    step: u64,
    picture: Picture,
}

/// The section of the sample grids; what cannot be read is named.
pub(super) fn section(run: &RunRecord, damage: &mut Vec<String>) -> Markup {
    let names = run.sample_names();
    let real = run.real.as_deref().and_then(|path| read(path, damage));
    let left = BYTES_OF_A_PAGE.saturating_sub(real.as_ref().map_or(0, |real| real.url.len()));
    let shown = names.len().min(MOST_FILMS);
    if names.len() > shown {
        damage
            .push(format!("pictures other than the first {MOST_FILMS} names: {}", names[shown..].join(", ")));
    }
    let mut films = Vec::new();
    for name in &names[..shown] {
        let samples = run.samples_of(name);
        let best = run.best.as_ref().map(|best| best.step);
        let frames = choose(&samples, best, left / shown, damage);
        films.push((*name, samples.len(), frames));
    }
    html! {
        @if real.is_some() || films.iter().any(|film| !film.2.is_empty()) {
            section {
                h2 { "Samples" }
                div.grids {
                    @for (place, (name, count, frames)) in films.iter().enumerate() {
                        (film(place, name, *count, frames))
                    }
                    @if let Some(real) = &real {
                        figure {
                            figcaption { h3 { "Real images" } }
                            (grid(real, "Real images of the data set"))
                        }
                    }
                }
            }
        }
    }
}

/// The pictures that fit: the last, the first, the best, and others evenly between them.
fn choose(samples: &[&Sample], best: Option<u64>, most_bytes: usize, damage: &mut Vec<String>) -> Vec<Frame> {
    let mut frame = |place: usize| {
        let sample = samples[place];
        read(&sample.path, damage).map(|picture| Frame { step: sample.step, picture })
    };
    // The newest that can be read is shown in any case. The size of the others is guessed by it and the
    // first.
    let Some((last, newest)) =
        (0..samples.len()).rev().take(20).find_map(|place| Some((place, frame(place)?)))
    else {
        return Vec::new();
    };
    let first = if last > 0 { frame(0) } else { None };
    let size = first.iter().chain([&newest]).map(|frame| frame.picture.url.len()).max().unwrap_or(1);
    let best = best.and_then(|step| samples.iter().position(|sample| sample.step == step));
    let places = spread(last + 1, (most_bytes / size.max(1)).clamp(1, MOST_FRAMES), best);
    let mut left = most_bytes.saturating_sub(newest.picture.url.len());
    let mut frames = Vec::new();
    for place in places.into_iter().filter(|&place| place != last) {
        let Some(frame) = frame(place) else { continue };
        let size = frame.picture.url.len();
        if size <= left {
            left -= size;
            frames.push(frame);
        }
    }
    frames.push(newest);
    frames
}

/// The pictures of a name over the steps. Without JavaScript the newest is shown.
fn film(number: usize, name: &str, all: usize, frames: &[Frame]) -> Markup {
    let Some(last) = frames.len().checked_sub(1) else { return html! {} };
    let title = if name.is_empty() { "Samples" } else { name };
    html! {
        figure.film id={ "film-" (number) } {
            figcaption { h3 { (title) } output { "step " (frames[last].step) } }
            @for (place, Frame { step, picture }) in frames.iter().enumerate() {
                img src=(picture.url) width=(picture.width) height=(picture.height) class=(class(picture))
                    alt={ (title) " at step " (step) } data-step=(step) hidden[place < last];
            }
            @if last > 0 {
                label.slider hidden {
                    span.soft { "Step" }
                    input type="range" min="0" max=(last) value=(last) aria-label={ "Step of " (title) };
                }
            }
            @if frames.len() < all { p.note { "shown: " (frames.len()) " of " (count(all as u64)) " steps" } }
        }
    }
}

/// The newest grid of a run, which can be read.
pub(crate) fn newest(run: &RunRecord) -> Option<Picture> {
    Picture::read(&run.newest_sample()?.path).ok()
}

/// The newest grid of a run, small, for a table.
pub(crate) fn thumbnail(run: &RunRecord) -> Markup {
    let newest = run.newest_sample();
    let picture = newest.and_then(|sample| Picture::read_at_most(&sample.path, THUMBNAIL).ok());
    html! {
        @if let Some(picture) = &picture {
            img.thumb src=(picture.url) width=(picture.width) height=(picture.height)
                alt={ "Newest samples of " (run.title()) };
        }
    }
}

/// A grid by itself.
pub(crate) fn grid(picture: &Picture, alt: &str) -> Markup {
    html! {
        img src=(picture.url) width=(picture.width) height=(picture.height) class=(class(picture)) alt=(alt);
    }
}

fn class(picture: &Picture) -> &'static str {
    if picture.width <= SMALL { "small" } else { "large" }
}

fn read(path: &Path, damage: &mut Vec<String>) -> Option<Picture> {
    Picture::read(path).map_err(|error| damage.push(error.to_string())).ok()
}
