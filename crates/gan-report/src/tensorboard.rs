//! A run as TensorBoard reads it: the numbers of each step as scalars, the sample grids as images.

mod messages;

use crate::error::{Error, Result};
use crate::files;
use crate::pictures;
use crate::record::RunRecord;
use messages::{Event, Image, Summary, Value, What};
use prost::Message;
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// TensorBoard reads the files that have `tfevents` in their names. The name is always the same, so that a
/// run that is written again is not seen twice.
const FILE: &str = "events.out.tfevents.gan";

/// Reads a run folder and writes `tensorboard/events.out.tfevents.gan` there.
///
/// # Errors
/// If the folder holds no run, or the file cannot be written. Pictures that cannot be read are left out, with
/// a warning.
pub fn write(folder: impl AsRef<Path>) -> Result<PathBuf> {
    let run = RunRecord::read(&folder)?;
    let into = folder.as_ref().join("tensorboard");
    if !files::is_folder(&into) {
        std::fs::create_dir(&into).map_err(Error::file("make", &into))?;
    }
    let path = into.join(FILE);
    let mut file = files::beside(&path)?;
    let mut out = BufWriter::new(file.as_file_mut());
    write_events(&run, &mut out).and_then(|()| out.flush()).map_err(Error::file("write", &path))?;
    drop(out);
    files::keep(file, &path)
}

/// Writes a run's events.
fn write_events(run: &RunRecord, out: &mut impl Write) -> std::io::Result<()> {
    let began = began(run);
    let mut record = |event: Event| write_record(out, &event.encode_to_vec());
    record(Event { wall_time: began, step: 0, what: Some(What::FileVersion("brain.Event:2".to_owned())) })?;
    let metrics = &run.metrics;
    let seconds = metrics.get("seconds").map(|series| metrics.points(series)).unwrap_or_default();
    let time = |step: u64| {
        let later = seconds.partition_point(|point| point.0 < step as f64);
        began + seconds.get(later).or(seconds.last()).map_or(0.0, |point| point.1)
    };
    // By step, as TensorBoard expects events: each series is read alongside the steps.
    let mut next = vec![0; metrics.series.len()];
    for (row, &step) in metrics.steps.iter().enumerate() {
        let epoch = metrics.epochs[row].map(|epoch| Value::scalar("epoch", epoch));
        let mut values: Vec<Value> = epoch.into_iter().collect();
        for (series, next) in metrics.series.iter().zip(&mut next) {
            if let Some(&(at, value)) = series.values.get(*next).filter(|value| value.0 == row) {
                debug_assert_eq!(at, row);
                values.push(Value::scalar(&series.name, value));
                *next += 1;
            }
        }
        record(Event {
            wall_time: time(step),
            step: step_of(step),
            what: Some(What::Summary(Summary { values })),
        })?;
    }
    for sample in &run.samples {
        match image(&sample.path) {
            Ok(image) => {
                let tag =
                    if sample.name.is_empty() { "samples" } else { &format!("samples/{}", sample.name) };
                let values = vec![Value::image(tag, image)];
                let what = Some(What::Summary(Summary { values }));
                record(Event { wall_time: time(sample.step), step: step_of(sample.step), what })?;
            }
            Err(error) => tracing::warn!("left out: {error}"),
        }
    }
    Ok(())
}

/// When the run began, in seconds since 1970: the log's age less what it says of the time that it took.
fn began(run: &RunRecord) -> f64 {
    let modified =
        std::fs::metadata(run.folder.join("metrics.jsonl")).and_then(|about| about.modified()).ok();
    let written =
        modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0.0, |age| age.as_secs_f64());
    let took = run.metrics.get("seconds").and_then(|series| series.values.last()).map_or(0.0, |last| last.1);
    (written - took).max(0.0)
}

/// TensorBoard's steps have a sign.
fn step_of(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

fn image(path: &Path) -> Result<Image> {
    let image = pictures::decode(path)?;
    let mut png = Vec::new();
    image
        .write_to(Cursor::new(&mut png), image::ImageFormat::Png)
        .map_err(|error| Error::picture(path, error))?;
    Ok(Image {
        height: image.height() as i32,
        width: image.width() as i32,
        colorspace: i32::from(image.color().channel_count()),
        encoded_image_string: png,
    })
}

/// Writes a record: its length, the length's checksum, the record, its checksum.
fn write_record(out: &mut impl Write, record: &[u8]) -> std::io::Result<()> {
    let length = (record.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked(&length).to_le_bytes())?;
    out.write_all(record)?;
    out.write_all(&masked(record).to_le_bytes())
}

/// The checksum of a record, so that one of a file of records is not a checksum of checksums.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}
