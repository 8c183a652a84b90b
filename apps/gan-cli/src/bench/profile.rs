//! Where the time of a step goes: listens to spans and adds up the time spent in each.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tracing::Subscriber;
use tracing::span::Id;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Adds up the time that one thread, the one that made it, spends in spans, by their names. The time of a span within
/// another counts for the inner one alone, so that nothing counts twice. Clones share their sums.
#[derive(Clone)]
pub struct Profile {
    thread: ThreadId,
    times: Arc<Mutex<Times>>,
}

#[derive(Default)]
struct Times {
    /// The spans that the thread is in, the innermost last.
    open: Vec<Open>,
    own: BTreeMap<&'static str, Duration>,
}

struct Open {
    entered: Instant,
    in_inner_spans: Duration,
}

/// A line of the profile.
#[derive(Serialize)]
pub struct Row {
    /// Name of the span, or `other` for the time in none.
    pub op: &'static str,
    /// Of the time of all steps, 0 to 1.
    pub share: f64,
    /// In the average step.
    pub ms: f64,
}

impl Profile {
    /// Of the calling thread.
    pub fn new() -> Self {
        Self { thread: std::thread::current().id(), times: Arc::default() }
    }

    /// Forgets what was added up so far.
    pub fn reset(&self) {
        self.times().own.clear();
    }

    /// How the time of these steps was spent, the largest share first.
    pub fn rows(&self, steps: &[Duration]) -> Vec<Row> {
        let total: Duration = steps.iter().sum();
        let own = self.times().own.clone();
        let other = total.saturating_sub(own.values().sum());
        let row = |(op, time): (&'static str, Duration)| Row {
            op,
            share: time.as_secs_f64() / total.as_secs_f64(),
            ms: time.as_secs_f64() * 1e3 / steps.len() as f64,
        };
        let mut rows: Vec<Row> = own.into_iter().chain([("other", other)]).map(row).collect();
        rows.sort_by(|a, b| b.share.total_cmp(&a.share));
        rows
    }

    /// The lock is held for a few additions, which cannot fail half way.
    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_elsewhere(&self) -> bool {
        std::thread::current().id() != self.thread
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Profile {
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        if self.is_elsewhere() {
            return;
        }
        self.times().open.push(Open { entered: Instant::now(), in_inner_spans: Duration::ZERO });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if self.is_elsewhere() {
            return;
        }
        let mut times = self.times();
        let (Some(open), Some(metadata)) = (times.open.pop(), context.metadata(id)) else { return };
        let elapsed = open.entered.elapsed();
        *times.own.entry(metadata.name()).or_default() += elapsed.saturating_sub(open.in_inner_spans);
        if let Some(outer) = times.open.last_mut() {
            outer.in_inner_spans += elapsed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::trace_span;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn time_counts_once_for_the_innermost_span_of_the_own_thread() {
        let pause = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
        let profile = Profile::new();
        let subscriber = tracing_subscriber::registry().with(profile.clone());
        tracing::subscriber::with_default(subscriber, || {
            trace_span!("warm-up").in_scope(|| pause(1));
            profile.reset();
            let started = Instant::now();
            trace_span!("outer").in_scope(|| {
                trace_span!("inner").in_scope(|| pause(30));
                trace_span!("inner").in_scope(|| pause(30));
                pause(10);
            });
            pause(3);
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    tracing::dispatcher::with_default(&dispatch, || {
                        trace_span!("elsewhere").in_scope(|| pause(1))
                    })
                });
            });
            let steps = [started.elapsed() / 2; 2];
            let rows = profile.rows(&steps);

            let mut ops: Vec<&str> = rows.iter().map(|row| row.op).collect();
            assert_eq!(ops[0], "inner");
            ops.sort_unstable();
            assert_eq!(ops, ["inner", "other", "outer"]);
            assert!((rows.iter().map(|row| row.share).sum::<f64>() - 1.0).abs() < 1e-6);
            let ms = |op| rows.iter().find(|row| row.op == op).unwrap().ms;
            assert!(ms("inner") >= 30.0 && ms("outer") >= 5.0 && ms("other") >= 1.5);
        });
    }
}
