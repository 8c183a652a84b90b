//! The threads that prepare batches.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use super::{Batch, Recipe};
use crate::{Error, Result};

/// No more batches than this wait to be taken, whatever the configuration says: they are memory.
const MAX_PREFETCH: usize = 256;
/// More threads are a slip of the keyboard.
const MAX_WORKERS: usize = 64;

/// Threads that take turns: of `n` workers, number `w` makes the batches `w`, `w + n`, `w + 2n`, ... after the first.
/// So batches come in their order, whoever is faster.
pub(super) struct Workers {
    workers: Vec<Worker>,
    /// Whose batch is the next.
    turn: usize,
}

impl Workers {
    /// Starts preparing batches from number `first` on.
    pub(super) fn start(recipe: &Arc<Recipe>, first: u64) -> Result<Self> {
        let count = recipe.config.workers.clamp(1, MAX_WORKERS);
        // What one worker may have waiting, so that all together have what was asked for.
        let waiting = recipe.config.prefetch.min(MAX_PREFETCH).div_ceil(count);
        let mut workers = Self { workers: Vec::with_capacity(count), turn: 0 };
        for number in 0..count {
            match Worker::start(recipe.clone(), first + number as u64, count, waiting) {
                Ok(worker) => workers.workers.push(worker),
                Err(error) => return workers.stop().and(Err(error)),
            }
        }
        Ok(workers)
    }

    /// The next batch, or what went wrong with it. After an error only [`stop`](Self::stop) may follow.
    pub(super) fn receive(&mut self) -> Result<Batch> {
        let worker = &self.workers[self.turn];
        self.turn = (self.turn + 1) % self.workers.len();
        // A worker hands over its errors and ends; one that panicked has ended without a word.
        let ended = |_| Err(Error::Worker("it ended early".to_owned()));
        worker.batches.recv().unwrap_or_else(ended)
    }

    /// Waits for the threads to end. An error if one panicked.
    pub(super) fn stop(self) -> Result<()> {
        let threads = self.workers.into_iter().map(|worker| {
            drop(worker.batches); // wakes a thread that waits for room
            worker.thread
        });
        let threads: Vec<JoinHandle<()>> = threads.collect();
        threads.into_iter().map(join).fold(Ok(()), Result::and)
    }
}

struct Worker {
    batches: Receiver<Result<Batch>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(recipe: Arc<Recipe>, first: u64, step: usize, waiting: usize) -> Result<Self> {
        let (sender, batches) = mpsc::sync_channel(waiting);
        let thread = thread::Builder::new()
            .name("gan-data loader".to_owned())
            .spawn(move || run(&recipe, first, step, |batch| sender.send(batch).is_ok()))
            .map_err(|error| Error::Worker(error.to_string()))?;
        Ok(Self { batches, thread })
    }
}

/// Hands out every `step`-th batch from number `first` on, until one fails or `deliver` says that nobody takes them any
/// more.
fn run(recipe: &Recipe, first: u64, step: usize, deliver: impl Fn(Result<Batch>) -> bool) {
    let mut epoch = first / recipe.batches_per_epoch();
    let mut order = recipe.order(epoch);
    for index in (first..).step_by(step) {
        let its_epoch = index / recipe.batches_per_epoch();
        if its_epoch != epoch {
            epoch = its_epoch;
            order = recipe.order(epoch);
        }
        let batch = recipe.batch(index, &order);
        let failed = batch.is_err();
        if !deliver(batch) || failed {
            return;
        }
    }
}

fn join(thread: JoinHandle<()>) -> Result<()> {
    thread.join().map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Error::Worker(format!("it panicked: {}", text.unwrap_or("without a message")))
    })
}
