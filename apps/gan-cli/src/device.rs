//! Which device to compute on.

use crate::failure::Failure;
use candle_core::Device;
use gan_ops::Precision;

/// More threads than this for each core only stand in each other's way.
const THREADS_A_CORE: usize = 4;

/// Sets how many threads compute, and says how many: one a core unless asked for otherwise. The result of a
/// run does not depend on it.
pub fn use_threads(asked: Option<usize>) -> usize {
    let threads = threads(asked, cores());
    if let Some(asked) = asked.filter(|&asked| asked > threads) {
        tracing::warn!(
            "{asked} threads were asked for, and {threads} are used: {THREADS_A_CORE} for each core"
        );
    }
    if let Err(error) = gan_ops::set_threads(threads) {
        tracing::warn!("{error}");
    }
    threads
}

fn threads(asked: Option<usize>, cores: usize) -> usize {
    asked.unwrap_or(cores).min(cores.saturating_mul(THREADS_A_CORE))
}

/// The device of a name, and a sentence that says which it is, why, and what becomes of the precision asked for.
pub fn choose(name: &str, precision: Precision) -> Result<(Device, String), Failure> {
    let (device, which) = gan_models::device(name)?;
    let bf16 = match (precision, &device) {
        (Precision::F32, _) => "",
        (Precision::Bf16, Device::Cpu) if gan_ops::bf16_is_fast() => "; bf16 on AMX",
        (Precision::Bf16, Device::Cpu) => "; in f32, not in bf16: this CPU has no AMX",
        (Precision::Bf16, _) => "; in f32, not in bf16: that is for CPUs",
    };
    Ok((device, which + bf16))
}

/// One thread a core.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_as_many_as_asked_for_up_to_four_a_core() {
        for (asked, threads_used) in [(None, 2), (Some(1), 1), (Some(8), 8), (Some(9), 8), (Some(3000), 8)] {
            assert_eq!(threads(asked, 2), threads_used, "{asked:?}");
        }
    }
}
