//! Writes the images a generator makes of some latents to a safetensors file, for comparison with other programs
//! (scripts/strict_load.py).

use gan_models::candle_core::{Device, safetensors};
use gan_models::{Context, load_generator};
use std::collections::HashMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(generator), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dump_images GENERATOR.safetensors IMAGES.safetensors".into());
    };
    let generator = load_generator(generator.as_ref(), &Device::Cpu)?;
    let latents = generator.latent_space().sample(1, 16, &Device::Cpu)?;
    let images = generator.forward(&latents, &Context::eval())?;
    safetensors::save(&HashMap::from([("latents", latents), ("images", images)]), out)?;
    Ok(())
}
