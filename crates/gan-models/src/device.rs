//! Which device to compute on.

use crate::error::{Error, Result};
use candle_core::Device;
use candle_core::utils::{cuda_is_available, metal_is_available};

/// The device of a name, and half a sentence that says which it is and why.
///
/// `auto` takes CUDA, then Metal, then the CPU, whichever is there first; `cpu`, `cuda`, `cuda:1` and `metal` take that
/// one or none.
///
/// # Errors
/// If there is no such name, or no such device here or in this build.
///
/// ```
/// let (device, why) = gan_models::device("auto")?;
/// println!("computing on {why}");
/// # Ok::<(), gan_models::Error>(())
/// ```
pub fn device(name: &str) -> Result<(Device, String)> {
    let cuda = |index| {
        let device =
            compiled(cuda_is_available(), "cuda").and_then(|()| Device::new_cuda(index).map_err(first_line));
        device.map_err(|why| Error::NoDevice { name: name.to_owned(), why })
    };
    let metal = || {
        let device =
            compiled(metal_is_available(), "metal").and_then(|()| Device::new_metal(0).map_err(first_line));
        device.map_err(|why| Error::NoDevice { name: name.to_owned(), why })
    };
    match name {
        "cpu" => Ok((Device::Cpu, "CPU, as asked for".into())),
        "cuda" => Ok((cuda(0)?, "CUDA device 0, as asked for".into())),
        "metal" => Ok((metal()?, "Metal, as asked for".into())),
        "auto" => Ok(auto()),
        _ => match name.strip_prefix("cuda:").and_then(|index| index.parse().ok()) {
            Some(index) => Ok((cuda(index)?, format!("CUDA device {index}, as asked for"))),
            None => Err(Error::config(
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

fn compiled(is: bool, feature: &str) -> std::result::Result<(), String> {
    if is { Ok(()) } else { Err(format!("this build has no {feature}: build with --features {feature}")) }
}

fn first_line(error: candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there_and_other_names_are_refused_with_those_that_are_known() {
        assert!(matches!(device("cpu").unwrap().0, Device::Cpu));
        assert!(!device("auto").unwrap().1.is_empty());
        for wrong in ["gpu", "cuda:x", ""] {
            assert!(device(wrong).unwrap_err().hint().contains("cuda:N"), "{wrong}");
        }
    }
}
