//! Which device to compute on.

use crate::failure::Failure;
use candle_core::Device;
use gan_ops::Precision;

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
