//! Which device to compute on.

use crate::failure::Failure;
use candle_core::Device;
use candle_core::utils::{cuda_is_available, metal_is_available};
use gan_ops::Precision;

/// The device of a name, and a sentence that says which it is, why, and what becomes of the precision asked for. `auto`
/// takes CUDA, then Metal, then the CPU.
pub fn choose(name: &str, precision: Precision) -> Result<(Device, String), Failure> {
    let (device, which) = of_name(name)?;
    let bf16 = match (precision, &device) {
        (Precision::F32, _) => "",
        (Precision::Bf16, Device::Cpu) if gan_ops::bf16_is_fast() => "; bf16 on AMX",
        (Precision::Bf16, Device::Cpu) => "; in f32, not in bf16: this CPU has no AMX",
        (Precision::Bf16, _) => "; in f32, not in bf16: that is for CPUs",
    };
    Ok((device, which + bf16))
}

fn of_name(name: &str) -> Result<(Device, String), Failure> {
    let cuda = |index| {
        let device =
            compiled(cuda_is_available(), "cuda").and_then(|()| Device::new_cuda(index).map_err(first_line));
        device.map_err(|why| unavailable(name, &why))
    };
    let metal = || {
        let device =
            compiled(metal_is_available(), "metal").and_then(|()| Device::new_metal(0).map_err(first_line));
        device.map_err(|why| unavailable(name, &why))
    };
    match name {
        "cpu" => Ok((Device::Cpu, "CPU, as asked for".into())),
        "cuda" => Ok((cuda(0)?, "CUDA device 0, as asked for".into())),
        "metal" => Ok((metal()?, "Metal, as asked for".into())),
        "auto" => Ok(auto()),
        _ => match name.strip_prefix("cuda:").and_then(|index| index.parse().ok()) {
            Some(index) => Ok((cuda(index)?, format!("CUDA device {index}, as asked for"))),
            None => Err(Failure::usage(
                format!("there is no device {name:?}"),
                "use auto, cpu, cuda, cuda:N or metal",
            )),
        },
    }
}

fn auto() -> (Device, String) {
    let mut why_not = Vec::new();
    for (compiled, name, open) in [
        (cuda_is_available(), "CUDA", (|| Device::new_cuda(0)) as fn() -> candle_core::Result<Device>),
        (metal_is_available(), "Metal", || Device::new_metal(0)),
    ] {
        match (compiled, open()) {
            (true, Ok(device)) => return (device, format!("{name}: the first choice that is there")),
            (true, Err(error)) => why_not.push(format!("no {name}: {}", first_line(error))),
            (false, _) => why_not.push(format!("this build has no {name}")),
        }
    }
    (Device::Cpu, format!("CPU ({})", why_not.join(", ")))
}

fn compiled(is: bool, feature: &str) -> Result<(), String> {
    if is { Ok(()) } else { Err(format!("this build has no {feature}: build with --features {feature}")) }
}

fn unavailable(name: &str, why: &str) -> Failure {
    Failure::other(format!("the device {name} is not there: {why}"), "use --device auto or --device cpu")
}

fn first_line(error: candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
