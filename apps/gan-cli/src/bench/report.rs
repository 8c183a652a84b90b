//! What a benchmark found, as JSON for programs and as a few lines for people.

use super::profile::Row;
use crate::failure::Failure;
use serde::Serialize;
use std::time::Duration;

/// What a benchmark found.
#[derive(Serialize)]
pub struct BenchReport {
    /// `gan` and its version.
    pub system: String,
    /// `train`, `sample` or `data`.
    pub what: &'static str,
    /// Where it was computed.
    pub device: String,
    /// How many threads could be at work.
    pub threads: usize,
    /// Images in a batch.
    pub batch_size: usize,
    /// Steps timed.
    pub steps: usize,
    /// At the median step, or over whole epochs of data.
    pub images_per_second: f64,
    pub step_ms_median: f64,
    pub step_ms_min: f64,
    /// The most memory the process ever held, MiB; unknown outside Linux.
    pub peak_rss_mb: Option<f64>,
    /// What the networks had to compute.
    #[serde(flatten)]
    pub work: Option<Work>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Vec<Row>>,
}

/// What the networks had to compute a second, beside what gemm alone reaches. A multiply-add counts as two operations.
#[derive(Serialize)]
pub struct Work {
    pub gflops: f64,
    /// Of the CPU: unknown where another device computed.
    pub ceiling_gflops: Option<f64>,
    pub fraction_of_ceiling: Option<f64>,
}

impl Work {
    /// This many operations in a step of this many milliseconds, on so many of the CPU's threads, or elsewhere.
    pub fn new(operations: f64, step_ms: f64, cpu_threads: Option<usize>) -> Self {
        let gflops = operations / step_ms / 1e6;
        // More threads than cores cannot do more.
        let ceiling = cpu_threads.map(|threads| gan_ops::gemm_ceiling(threads.min(crate::device::cores())));
        Self { gflops, ceiling_gflops: ceiling, fraction_of_ceiling: ceiling.map(|ceiling| gflops / ceiling) }
    }
}

impl BenchReport {
    /// A report of these step times, and of the process's memory up to now.
    pub fn new(what: &'static str, batch_size: usize, times: &[Duration]) -> Self {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        // The middle one, or the mean of the middle two.
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
        Self {
            system: concat!("gan ", env!("CARGO_PKG_VERSION")).into(),
            what,
            device: "CPU".into(),
            threads: 1,
            batch_size,
            steps: times.len(),
            images_per_second: batch_size as f64 * 1e3 / median,
            step_ms_median: median,
            step_ms_min: sorted[0],
            peak_rss_mb: peak_rss_mb(),
            work: None,
            profile: None,
        }
    }

    /// Prints it.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            let line =
                serde_json::to_string(self).map_err(|error| Failure::other(error, "please report it"))?;
            println!("{line}");
            return Ok(());
        }
        println!("{}: batches of {}, threads: {}, {}", self.what, self.batch_size, self.threads, self.device);
        println!(
            "  {:.1} images/s; a step takes {:.1} ms (median of {}; the fastest {:.1} ms)",
            self.images_per_second, self.step_ms_median, self.steps, self.step_ms_min
        );
        if let Some(work) = &self.work {
            let of_ceiling = match (work.ceiling_gflops, work.fraction_of_ceiling) {
                (Some(ceiling), Some(fraction)) => {
                    format!(
                        ", {:.0} % of the {ceiling:.1} that matrix products alone reach",
                        fraction * 100.0
                    )
                }
                _ => String::new(),
            };
            println!("  {:.1} GFLOP/s{of_ceiling}", work.gflops);
        }
        if let Some(mb) = self.peak_rss_mb {
            println!("  {mb:.0} MiB of memory at the peak");
        }
        if let Some(rows) = &self.profile {
            println!("\nOf the average step:");
            for Row { op, share, ms } in rows {
                println!("  {:5.1} %  {ms:9.2} ms  {op}", share * 100.0);
            }
        }
        Ok(())
    }
}

/// The most memory that this process ever held, MiB, as Linux tells it.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
