//! What a checkpoint says of its run, and whether a run that goes on is still the same.

use crate::config::{TrainConfig, may_change};
use crate::data::class_names;
use crate::error::Result;
use gan_data::Dataset;
use gan_models::ModelConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FORMAT: u32 = 1;
/// The most that is counted: sums with it stay far from the end of the numbers.
pub(crate) const MOST_COUNTED: u64 = 1 << 53;
/// The counter that is no count: ADA's p, as the bits of an f64.
const ADA_P: &str = "ada.p";
/// Copies of both networks that training goes on from: themselves, an average, and two means of each optimizer.
const MOST_COPIES: u64 = 8;

/// What a checkpoint says of its run: `checkpoint.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub(crate) format: u32,
    /// All counters of the trainer, `step` among them.
    pub counters: BTreeMap<String, u64>,
    /// The networks.
    pub model: ModelConfig,
    /// The data set.
    pub data: DataMetadata,
    /// The settings.
    pub config: TrainConfig,
    /// The program that wrote it and the vector instructions it used: another may give other last bits.
    pub program: Program,
}

/// Which data set a run learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataMetadata {
    /// What it calls itself. Not compared: it may say where the files lie.
    pub name: String,
    /// How many images it has.
    pub images: usize,
    /// Of its images, in hex ([`Dataset::digest`]).
    pub sha256: String,
}

/// What computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Version of `gan`.
    pub version: String,
    /// The device: `cpu`, `cuda` or `metal`.
    pub device: String,
    /// The CPU's instructions that matter to the last bits.
    pub instructions: String,
}

impl Metadata {
    /// Of a run before its first step.
    pub fn new(config: &TrainConfig, data: &dyn Dataset, device: &candle_core::Device) -> Self {
        let device = match device.location() {
            candle_core::DeviceLocation::Cpu => "cpu",
            candle_core::DeviceLocation::Cuda { .. } => "cuda",
            candle_core::DeviceLocation::Metal { .. } => "metal",
        };
        Self {
            format: FORMAT,
            counters: BTreeMap::new(),
            model: config.model_config(data.channels(), &class_names(data)),
            data: DataMetadata {
                name: data.name().to_owned(),
                images: data.len(),
                sha256: data.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
            },
            config: config.clone(),
            program: Program {
                version: env!("CARGO_PKG_VERSION").into(),
                device: device.into(),
                instructions: gan_ops::instructions().into(),
            },
        }
    }

    /// Calls the classes as the run did before. What classes are called is no part of what is learned, and their names may
    /// have become known since the run began; but a run of fewer classes than the data set has is another.
    pub fn keep_class_names(&mut self, before: &Metadata) {
        let known = &before.model.classes;
        if self.model.conditional.is_some() && known.len() >= self.model.classes.len() {
            self.model.classes.clone_from(known);
        }
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.counters.get("step").copied().unwrap_or(0)
    }

    /// Steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        let (images, batch) = (self.data.images, self.config.batch_size());
        let batches = if self.config.drop_last() { images / batch } else { images.div_ceil(batch) };
        self.config.total_steps(batches as u64)
    }

    /// Reads `checkpoint.json`. The error says what is wrong with it.
    pub(crate) fn parse(text: &[u8]) -> std::result::Result<Self, String> {
        let mut record: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if record.format != FORMAT {
            return Err(format!("it has format {}, this program reads {FORMAT}", record.format));
        }
        record.config = record.config.of_run();
        record.config.validate().map_err(|error| error.to_string())?;
        record.check_numbers()?;
        Ok(record)
    }

    /// Numbers that no run comes to are not computed with.
    fn check_numbers(&self) -> std::result::Result<(), String> {
        for (name, &value) in &self.counters {
            let is_sane = match name.as_str() {
                ADA_P => (0.0..=1.0).contains(&f64::from_bits(value)),
                _ => value <= MOST_COUNTED,
            };
            if !is_sane {
                return Err(format!("the counter {name} is {value}"));
            }
        }
        if self.data.images as u64 > MOST_COUNTED {
            return Err(format!("a data set of {} images", self.data.images));
        }
        Ok(())
    }

    /// The counters as people read them, by name.
    pub fn readable_counters(&self) -> Vec<(&str, String)> {
        let readable = |(name, value): (&'_ String, &u64)| match name.as_str() {
            ADA_P => f64::from_bits(*value).to_string(),
            _ => value.to_string(),
        };
        self.counters.iter().map(|counter| (counter.0.as_str(), readable(counter))).collect()
    }

    /// The most bytes that a file of its checkpoint can have.
    pub(crate) fn most_bytes(&self) -> Result<u64> {
        Ok(self.model.most_bytes()?.saturating_mul(MOST_COPIES))
    }

    /// In what the run that `now` would go on differs from the one recorded here, so that it would not be the same run:
    /// one entry a difference, `seed is 0 there and 7 here`.
    pub fn changes(&self, now: &Metadata) -> Vec<String> {
        let changed = |what: &str, there: &str, here: &str| {
            (there != here).then(|| format!("{what} is {there} there and {here} here"))
        };
        let data = |record: &Metadata| {
            format!("{} images with SHA-256 {:.12}", record.data.images, record.data.sha256)
        };
        let (there, here) = (settings(&self.config), settings(&now.config));
        let names: std::collections::BTreeSet<&String> = there.keys().chain(here.keys()).collect();
        let value =
            |of: &toml::Table, name: &str| of.get(name).map_or("unset".into(), toml::Value::to_string);
        let settings = names.into_iter().filter(|name| !may_change(name));
        let settings = settings.filter_map(|name| changed(name, &value(&there, name), &value(&here, name)));
        settings.chain(changed("the data set", &data(self), &data(now))).collect()
    }

    /// Why the run may go on to other bits than it would have had, though nothing about it has changed.
    pub fn other_program(&self, now: &Metadata) -> Option<String> {
        let say = |program: &Program| {
            let Program { version, device, instructions } = program;
            format!("gan {version} on {device} with {instructions}")
        };
        (self.program != now.program).then(|| {
            let (there, here) = (say(&self.program), say(&now.program));
            format!("the checkpoint is by {there}, this is {here}: the last bits may differ from here on")
        })
    }
}

fn settings(config: &TrainConfig) -> toml::Table {
    config.values().map(|(setting, value)| (setting.key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let config = TrainConfig::default().resolve().unwrap();
        let data = DataMetadata { name: "images".into(), images: 10, sha256: "00".into() };
        let program = Program { version: "0".into(), device: "cpu".into(), instructions: "none".into() };
        let counters = BTreeMap::from([("step".to_owned(), 4), (ADA_P.to_owned(), 0.25f64.to_bits())]);
        let model = config.model_config(1, &[]);
        Metadata { format: FORMAT, counters, model, data, config, program }
    }

    #[test]
    fn numbers_that_no_run_comes_to_are_refused_and_p_is_shown_as_a_number() {
        let parse = |record: &Metadata| Metadata::parse(&serde_json::to_vec(record).unwrap());
        let sound = metadata();
        assert_eq!(parse(&sound).unwrap(), sound);
        assert_eq!(sound.readable_counters(), [("ada.p", "0.25".to_owned()), ("step", "4".to_owned())]);
        for (name, value) in [
            ("step", u64::MAX),
            ("images_seen", MOST_COUNTED + 1),
            ("rollbacks", u64::MAX - 1),
            (ADA_P, f64::NAN.to_bits()),
            (ADA_P, 1.5f64.to_bits()),
            (ADA_P, (-0.5f64).to_bits()),
        ] {
            let mut record = metadata();
            record.counters.insert(name.into(), value);
            assert_eq!(parse(&record).unwrap_err(), format!("the counter {name} is {value}"));
        }
        let mut large = metadata();
        large.data.images = usize::MAX;
        assert!(parse(&large).unwrap_err().contains("a data set of"));
        let mut classes = metadata();
        classes.model.classes = vec![String::new(); 1 << 20];
        assert!(classes.most_bytes().is_err());
        // Text that nests without end costs no stack.
        assert!(Metadata::parse("[".repeat(1 << 20).as_bytes()).is_err());
    }
}
