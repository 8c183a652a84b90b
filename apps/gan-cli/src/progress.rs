//! How long work shows itself: a bar on a terminal, plain lines elsewhere.

use crate::out;
use crate::printable::printable;
use gan_data::{Progress, ProgressCallback, Unit};
use gan_train::{Kind, StepStats};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is over sooner shows no bar.
const PATIENCE: Duration = Duration::from_secs(2);
/// From one plain line to the next, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the steps of a run.
pub struct Steps {
    bar: Option<ProgressBar>,
    steps: u64,
    log_every: u64,
    /// Whether it was said that standard output takes no more.
    warned: bool,
    /// What is wrong with the run, at the end of each line.
    verdict: Option<&'static str>,
}

impl Steps {
    /// For a run of so many steps; plain lines come every `log_every` steps.
    pub fn new(steps: u64, log_every: u64) -> Self {
        let bar = std::io::stderr()
            .is_terminal()
            .then(|| bar(Some(steps), "{bar:30} {pos}/{len} {elapsed}<{eta} {msg}"));
        Self { bar, steps, log_every, warned: false, verdict: None }
    }

    /// Takes in a step.
    pub fn step(&mut self, stats: &StepStats) {
        let shown = stats.numbers.iter().filter_map(|number| {
            let digits = if number.kind == Kind::Loss { 3 } else { 2 };
            Some(format!("{} {:.digits$}", number.label?, number.value))
        });
        let shown: Vec<String> = shown.collect();
        let verdict = self.verdict.map(|verdict| format!(" ({verdict}?)")).unwrap_or_default();
        let numbers = format!("{} {:.0} img/s{verdict}", shown.join(" "), stats.images_per_second);
        match &self.bar {
            Some(bar) => {
                bar.set_position(stats.step);
                bar.set_message(numbers);
            }
            None if stats.step.is_multiple_of(self.log_every)
                || stats.step == 1
                || stats.step == self.steps =>
            {
                // A run does not end because nobody reads on, or because the disk of its output is full.
                if let Err(error) =
                    out::try_line(format_args!("step {}/{} {numbers}", stats.step, self.steps))
                    && !out::reader_has_left(&error)
                    && !std::mem::replace(&mut self.warned, true)
                {
                    tracing::warn!("standard output takes no more ({error}); the run goes on without it");
                }
            }
            None => {}
        }
    }

    /// What is wrong with the run from here on, if anything is.
    pub fn warn(&mut self, verdict: Option<&'static str>) {
        self.verdict = verdict;
    }

    /// Leaves the last numbers on the screen.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// Shows what a library is long at: fetching, reading, checking and writing data.
pub fn watch() -> ProgressCallback {
    let shown = Mutex::new(None);
    let terminal = std::io::stderr().is_terminal();
    ProgressCallback::new(move |progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        Shown::tell(&mut shown, progress, terminal);
    })
}

/// The work that is under way.
struct Shown {
    what: String,
    started: Instant,
    bar: Option<ProgressBar>,
    /// When the last plain line came.
    line: Option<Instant>,
}

impl Shown {
    fn tell(shown: &mut Option<Self>, progress: Progress<'_>, terminal: bool) {
        if shown.as_ref().is_none_or(|shown| shown.what != printable(progress.what)) {
            let what = printable(progress.what).into_owned();
            *shown = Some(Self { what, started: Instant::now(), bar: None, line: None });
        }
        let over = progress.total == Some(progress.done);
        if let Some(current) = shown {
            if current.started.elapsed() >= PATIENCE {
                if terminal { current.draw(progress) } else { current.print(progress, over) }
            }
            if over && let Some(bar) = &current.bar {
                bar.finish_and_clear();
            }
        }
        if over {
            *shown = None;
        }
    }

    fn draw(&mut self, progress: Progress<'_>) {
        let bar = self.bar.get_or_insert_with(|| {
            let numbers = match progress.unit {
                Unit::Bytes => "{bytes}/{total_bytes} {bytes_per_sec}",
                Unit::Images => "{pos}/{len} images {per_sec}",
            };
            let bar = bar(progress.total, &format!("{{msg}} {{bar:30}} {numbers} {{eta}} left"));
            bar.set_message(self.what.clone());
            bar
        });
        bar.set_position(progress.done);
    }

    fn print(&mut self, progress: Progress<'_>, over: bool) {
        if !over && self.line.is_some_and(|last| last.elapsed() < LINE_EVERY) {
            return;
        }
        self.line = Some(Instant::now());
        let part = match progress.total {
            Some(total) if total > 0 => {
                format!("{:.0} %", 100.0 * progress.done as f64 / total as f64)
            }
            _ => progress.done.to_string(),
        };
        eprintln!("{}: {part}", self.what);
    }
}

fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
