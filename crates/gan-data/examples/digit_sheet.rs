//! Writes a sheet of the embedded digits, a row for each class, to look at:
//! `cargo run --release -p gan-data --example digit_sheet -- digits.png 32`

use std::path::Path;

use candle_core::Device;
use gan_data::{Dataset, Digits, save_image, to_tensor};

const COLUMNS: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "digits.png".to_owned());
    let size = arguments.next().map_or(Ok(32), |size| size.parse())?;

    let digits = Digits::train(0, size)?;
    let mut rows = vec![Vec::new(); 10];
    for index in 0..digits.len() {
        let sample = digits.get(index)?;
        let row = &mut rows[sample.label.unwrap_or(0) as usize];
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
