//! Samples from a generator file with gan-models alone, and draws the image in the terminal.

use gan_models::candle_core::Device;
use gan_models::{Context, load_generator};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: sample-only GENERATOR.safetensors")?;
    let generator = load_generator(path.as_ref(), &Device::Cpu)?;
    let z = generator.latent_space().sample(7, 1, &Device::Cpu)?; // one latent vector of seed 7
    let images = generator.forward(&z, &Context::eval())?; // [1, C, H, W] in [-1, 1]
    for row in images.get(0)?.get(0)?.to_vec2::<f32>()? {
        let shade = |x: f32| [' ', '.', ':', 'o', '#'][((x + 1.0) * 2.49) as usize];
        println!("{}", row.into_iter().flat_map(|x| [shade(x); 2]).collect::<String>());
    }
    Ok(())
}
