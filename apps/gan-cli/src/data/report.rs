//! What `gan data check` found, for a person to read.

use super::{FEW, train_command};
use crate::args::DataFlags;
use crate::configure;
use crate::failure::Failure;
use crate::words::images;
use gan_data::{Dataset, Report, Source, Split};
use gan_train::{ImageSize, TrainConfig, data};

/// No more lines than this about one thing.
const LINES: usize = 10;
/// An image so many times longer than wide, or wider than long, is odd.
const LONG: usize = 3;
/// The size to train on that is suggested for larger photos, pixels.
const USUAL_SIDE: usize = 64;

/// Prints it.
pub fn print(
    report: &Report,
    dataset: &dyn Dataset,
    config: &TrainConfig,
    flags: &DataFlags,
) -> Result<(), Failure> {
    println!("data:     {}, {}{}", dataset.name(), images(dataset.len()), canonical(report));
    if report.images > 0 {
        println!("sizes:    {}", sizes(report));
        println!("channels: {}", channels(report, dataset));
        print_classes(report, dataset);
        if let Some(caption) = dataset.caption(0)? {
            println!("captions: \"{caption}\", ...");
        }
    }
    print_bad(report);
    print_odd(report, dataset);
    if report.images == 0 {
        return Ok(());
    }
    if dataset.len() < FEW {
        println!(
            "few:      under {FEW} images: the command below shows D changed images, so that it does not"
        );
        println!("          learn them by heart");
    }
    let suggested = suggest(report, dataset, config, flags);
    print_transforms(report, dataset, &suggested)?;
    print_memory(report, dataset, &suggested)?;
    let flags = train_flags(report, &suggested, flags)?;
    println!("\nTrain on it:\n  {}", train_command(flags, dataset, &suggested));
    Ok(())
}

fn canonical(report: &Report) -> String {
    match report.canonical {
        Some((name, Split::Train)) => format!(": the training images of {name}, exactly as published"),
        Some((name, Split::Test)) => format!(": the test images of {name}, exactly as published"),
        None => String::new(),
    }
}

fn sizes(report: &Report) -> String {
    let size = |(width, height): (usize, usize)| format!("{width}x{height}");
    let all = || report.sizes.keys().copied();
    let (Some(median), Some(least), Some(most)) = (
        report.median_size(),
        all().min_by_key(|(width, height)| width * height),
        all().max_by_key(|(width, height)| width * height),
    ) else {
        return "none".into();
    };
    if report.sizes.len() == 1 {
        return format!("all {} (width x height)", size(median));
    }
    format!(
        "{} different, from {} to {}, median {} (width x height)",
        report.sizes.len(),
        size(least),
        size(most),
        size(median)
    )
}

fn channels(report: &Report, dataset: &dyn Dataset) -> String {
    match (dataset.channels(), report.gray) {
        (1, _) => "1 (gray)".into(),
        (channels, 0) => format!("{channels} (colour)"),
        (channels, gray) if gray == report.images => {
            format!("{channels}, but all images are gray: --channels 1 trains faster")
        }
        (channels, gray) => format!("{channels} (colour), {} gray", images_are(gray)),
    }
}

fn print_classes(report: &Report, dataset: &dyn Dataset) {
    if report.classes.is_empty() {
        println!("classes:  none");
        return;
    }
    let names = dataset.class_names();
    let name = |label: usize| names.get(label).cloned().unwrap_or_else(|| label.to_string());
    let counts: Vec<_> = report.classes.iter().enumerate().take(LINES).collect();
    let mut text: Vec<_> = counts.iter().map(|(label, count)| format!("{} {count}", name(*label))).collect();
    if report.classes.len() > LINES {
        text.push(format!("and {} more", report.classes.len() - LINES));
    }
    println!("classes:  {}: {}", report.classes.len(), text.join(", "));
    if report.unlabelled > 0 {
        println!(
            "          {} without one, and left out where classes are learnt",
            images_are(report.unlabelled)
        );
    }
}

fn print_bad(report: &Report) {
    list("broken:  ", report.bad.iter().map(|(_, reason)| reason.clone()));
}

fn print_odd(report: &Report, dataset: &dyn Dataset) {
    let repeated = report.repeated.iter().map(|&(first, again)| {
        format!("{} is the same as {}", dataset.describe(again), dataset.describe(first))
    });
    if report.repeated.len() * 100 < report.images || report.repeated.len() <= LINES {
        list("repeated:", repeated);
    } else {
        println!("repeated: {} the same as others", images_are(report.repeated.len()));
    }
    let alike = report.alike.iter().map(|&(first, again)| {
        format!("{} shows nearly the same as {}", dataset.describe(again), dataset.describe(first))
    });
    list("alike:   ", alike);
    if report.pairs * 10 >= report.images * 9 {
        println!("pairs:    {} two pictures side by side, as pix2pix has them:", images_are(report.pairs));
        println!("          a GAN of single images would learn to make both at once; cut them apart first");
    }
    let long = |(width, height): (usize, usize)| width.max(height) > LONG * width.min(height);
    let longer: usize = report.sizes.iter().filter(|(size, _)| long(**size)).map(|(_, count)| count).sum();
    if longer > 0 {
        println!(
            "odd:      {} more than {LONG} times longer than wide, or wider than long:",
            images_are(longer)
        );
        println!("          the crop keeps only a small part of such an image");
    }
}

/// The first few lines, and how many there are.
fn list(title: &str, lines: impl ExactSizeIterator<Item = String>) {
    let count = lines.len();
    if count == 0 {
        return;
    }
    println!("{title} {count}");
    for line in lines.take(LINES) {
        println!("          {line}");
    }
    if count > LINES {
        println!("          and {} more", count - LINES);
    }
}

/// The settings as they are; where none was asked for, at a size that suits the images, and gray if they all are.
fn suggest(report: &Report, dataset: &dyn Dataset, config: &TrainConfig, flags: &DataFlags) -> TrainConfig {
    let shorter = report.median_size().map_or(0, |(width, height)| width.min(height));
    let side = if shorter >= USUAL_SIDE { USUAL_SIDE } else { config.image_size().height };
    let asked = flags.images.given().contains("image_size");
    let size = if asked { config.image_size() } else { ImageSize { height: side, width: side } };
    let gray = (dataset.channels() > 1 && report.gray == report.images).then_some(1);
    let mut suggested = config.clone();
    suggested.data.image_size = Some(size);
    suggested.data.channels = config.data.channels.or(gray);
    suggested
}

fn print_transforms(report: &Report, dataset: &dyn Dataset, config: &TrainConfig) -> Result<(), Failure> {
    let transforms = data::transforms(config);
    let words: Vec<_> = transforms.steps().iter().map(ToString::to_string).collect();
    let ImageSize { height, width } = config.image_size();
    let order = if height == width { "" } else { " (width x height)" };
    println!("prepared: {}{order}", words.join(", "));
    let smaller = report.sizes.iter().filter(|&(&(w, h), _)| w < width || h < height);
    let smaller: usize = smaller.map(|(_, count)| count).sum();
    if smaller > 0 {
        println!("          {} smaller than that, and will be enlarged", images_are(smaller));
    }
    let impossible = report.sizes.iter().filter_map(|(&(width, height), &count)| {
        let error = transforms.output_size(height, width, dataset.channels()).err()?;
        Some(format!("{count} of {width}x{height}: {error}"))
    });
    let impossible: Vec<_> = impossible.collect();
    list("          cannot be prepared:", impossible.into_iter());
    Ok(())
}

fn print_memory(report: &Report, dataset: &dyn Dataset, config: &TrainConfig) -> Result<(), Failure> {
    let ImageSize { height, width } = config.image_size();
    let values = height * width * config.data.channels.unwrap_or(dataset.channels());
    let kept = mebibytes(report.images * values);
    let batch = mebibytes(config.batch_size().min(dataset.len()) * values * size_of::<f32>());
    println!("memory:   {kept} MiB to keep all images decoded (see --cache), {batch} MiB for each batch");
    Ok(())
}

/// "1 image is", "2 images are".
fn images_are(count: usize) -> String {
    format!("{} {}", images(count), if count == 1 { "is" } else { "are" })
}

fn mebibytes(bytes: usize) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 10.0 { format!("{mebibytes:.1}") } else { format!("{mebibytes:.0}") }
}

/// The flags of `gan train` that suit what was found.
fn train_flags(report: &Report, suggested: &TrainConfig, flags: &DataFlags) -> Result<String, Failure> {
    let mut images = flags.images.given().clone();
    images.set("image_size", suggested.image_size())?;
    if let Some(channels) = suggested.data.channels {
        images.set("channels", channels as i64)?;
    }
    if !report.bad.is_empty() {
        images.set("on_bad_image", "skip")?;
    }
    // By its own name a published set gets the settings that were tried on it, if its files are as published.
    let as_published = matches!(
        data::source(suggested),
        Ok(Source::Idx(_)
            | Source::Mnist(Some(_))
            | Source::FashionMnist(Some(_))
            | Source::Cifar10(Some(_)))
    );
    Ok(match report.canonical {
        Some((name, _)) if as_published && !images.contains("data_dir") => {
            images.set("data_dir", flags.source.as_str())?;
            configure::as_flags(name, &images)
        }
        _ => configure::as_flags(&flags.source, &images),
    })
}
