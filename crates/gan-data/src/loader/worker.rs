//! The threads that prepare batches.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Batch, Recipe};
use crate::{Error, Result};

/// No more batches than this wait to be taken, whatever the configuration says: they are memory.
const MAX_PREFETCH: usize = 256;
/// More threads are a slip of the keyboard.
const MAX_WORKERS: usize = 64;

/// Threads each of which takes the next batch that nobody prepares yet. Batches are handed out in their order, whoever
/// was faster.
pub(super) struct Workers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
    /// How long nothing was finished when it was asked for.
    pub(super) waited: Duration,
}

/// Where the workers and the one who takes the batches meet.
struct Desk {
    state: Mutex<State>,
    /// Something has changed: a batch is finished or taken, a worker is gone, or all is to stop.
    changed: Condvar,
    /// How many batches may be finished or in the making before the next one is taken.
    ahead: u64,
}

struct State {
    /// The batch that is handed out next, and the one that is prepared next.
    wanted: u64,
    unclaimed: u64,
    finished: BTreeMap<u64, Result<Batch>>,
    /// Workers that have not ended. One that panics ends too.
    alive: usize,
    stop: bool,
}

impl Workers {
    /// Starts preparing batches from number `first` on.
    pub(super) fn start(recipe: &Arc<Recipe>, first: u64) -> Result<Self> {
        let count = recipe.config.workers.clamp(1, MAX_WORKERS);
        let ahead = (recipe.config.prefetch.min(MAX_PREFETCH) + count) as u64;
        let finished = BTreeMap::new();
        let state = State { wanted: first, unclaimed: first, finished, alive: 0, stop: false };
        let desk = Arc::new(Desk { state: Mutex::new(state), changed: Condvar::new(), ahead });
        let mut workers = Self { desk, threads: Vec::with_capacity(count), waited: Duration::ZERO };
        for _ in 0..count {
            let place = Place::take(&workers.desk); // before the thread runs, so that nobody finds the desk deserted
            let recipe = recipe.clone();
            let thread = thread::Builder::new().name("gan-data loader".to_owned());
            match thread.spawn(move || run(&recipe, &place)) {
                Ok(thread) => workers.threads.push(thread),
                Err(error) => return workers.stop().and(Err(Error::Worker(error.to_string()))),
            }
        }
        Ok(workers)
    }

    /// The next batch, or what went wrong with it. After an error only [`stop`](Self::stop) may follow.
    pub(super) fn receive(&mut self) -> Result<Batch> {
        let mut state = self.desk.lock();
        loop {
            let wanted = state.wanted;
            if let Some(batch) = state.finished.remove(&wanted) {
                state.wanted += 1;
                drop(state);
                self.desk.changed.notify_all();
                return batch;
            }
            if state.alive == 0 {
                return Err(Error::Worker("it ended early".to_owned()));
            }
            let asked = Instant::now();
            state = self.desk.wait(state);
            self.waited += asked.elapsed();
        }
    }

    /// Waits for the threads to end. An error if one panicked.
    pub(super) fn stop(self) -> Result<()> {
        self.desk.lock().stop = true;
        self.desk.changed.notify_all();
        self.threads.into_iter().map(join).fold(Ok(()), Result::and)
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's place at the desk, given up when the worker ends, however it ends.
struct Place(Arc<Desk>);

impl Place {
    fn take(desk: &Arc<Desk>) -> Self {
        desk.lock().alive += 1;
        Self(desk.clone())
    }

    /// The number of a batch to prepare, once there is room for it; `None` if all is to stop.
    fn claim(&self) -> Option<u64> {
        let mut state = self.0.lock();
        loop {
            if state.stop {
                return None;
            }
            if state.unclaimed - state.wanted < self.0.ahead {
                state.unclaimed += 1;
                return Some(state.unclaimed - 1);
            }
            state = self.0.wait(state);
        }
    }

    fn deliver(&self, index: u64, batch: Result<Batch>) {
        self.0.lock().finished.insert(index, batch);
        self.0.changed.notify_all();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.alive -= 1;
        // The batch of a worker that panicked never comes: the others need not go on either.
        state.stop |= thread::panicking();
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Prepares batches until one fails or all is to stop.
fn run(recipe: &Recipe, place: &Place) {
    let mut order: Option<(u64, Vec<usize>)> = None;
    while let Some(index) = place.claim() {
        let epoch = index / recipe.batches_per_epoch();
        let known = order.take().filter(|(of, _)| *of == epoch);
        let (_, order) = order.insert(known.unwrap_or_else(|| (epoch, recipe.order(epoch))));
        let batch = recipe.batch(index, order);
        let failed = batch.is_err();
        place.deliver(index, batch);
        if failed {
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

#[cfg(test)]
mod tests;
