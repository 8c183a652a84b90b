//! Writes a sheet of an embedded data set, a row for each class, to look at, and prints what the first column shows:
//! `cargo run --release -p gan-data --example sheet -- shapes shapes.png 32`

use std::path::Path;

use candle_core::Device;
use gan_data::{Dataset, Digits, Shapes, save_image, to_tensor};

const COLUMNS: usize = 16;

#[expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let set = arguments.next().unwrap_or_else(|| "digits".to_owned());
    let path = arguments.next().unwrap_or_else(|| format!("{set}.png"));
    let size = arguments.next().map_or(Ok(32), |size| size.parse())?;

    let data: Box<dyn Dataset> = match set.as_str() {
        "digits" => Box::new(Digits::train(0, size)?),
        "shapes" => Box::new(Shapes::train(0, size)?),
        _ => return Err(format!("there is no embedded data set {set}: digits or shapes").into()),
    };
    let mut rows = vec![Vec::new(); data.classes().unwrap_or(1)];
    for index in 0..data.len() {
        let sample = data.get(index)?;
        let row = &mut rows[sample.label.unwrap_or(0) as usize];
        if row.is_empty()
            && let Some(caption) = data.caption(index)?
        {
            println!("{caption}");
        }
        if row.len() < COLUMNS {
            row.push(sample.image);
        }
        if rows.iter().all(|row| row.len() == COLUMNS) {
            break;
        }
    }
    save_image(&to_tensor(&rows.concat(), &Device::Cpu)?, Path::new(&path), COLUMNS)?;
    Ok(())
}
