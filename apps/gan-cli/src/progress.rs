//! How training shows itself: a bar on a terminal, plain lines elsewhere.

use gan_train::StepStats;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Shows the steps of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    steps: u64,
    log_every: u64,
}

impl Progress {
    /// For a run of so many steps; plain lines come every `log_every` steps.
    pub fn new(steps: u64, log_every: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps);
            let template = "{bar:30} {pos}/{len} {elapsed}<{eta} {msg}";
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self { bar, steps, log_every }
    }

    /// Takes in a step.
    pub fn step(&mut self, stats: &StepStats) {
        let numbers = format!(
            "errD {:.3} errG {:.3} D(x) {:.2} D(G(z)) {:.2}/{:.2} {:.0} img/s",
            stats.err_d, stats.err_g, stats.d_x, stats.d_g_z1, stats.d_g_z2, stats.images_per_second
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(stats.step);
                bar.set_message(numbers);
            }
            None if stats.step.is_multiple_of(self.log_every)
                || stats.step == 1
                || stats.step == self.steps =>
            {
                println!("step {}/{} {numbers}", stats.step, self.steps);
            }
            None => {}
        }
    }

    /// Leaves the last numbers on the screen.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
