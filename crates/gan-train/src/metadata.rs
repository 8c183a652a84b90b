//! What a checkpoint says of its run, and whether a resumed run is still the same.

use crate::config::{TrainConfig, may_change};
use crate::error::{Error, Result};
use gan_data::Dataset;
use gan_models::ModelConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FORMAT: u32 = 2;
/// The most that is counted: sums with it stay far from the end of the numbers.
pub(crate) const MOST_COUNTED: u64 = 1 << 53;
/// Counters that are no counts, but the bits of an f64: ADA's p, and the best score.
const ADA_P: &str = "ada.p";
const BEST_SCORE: &str = "best.score";
/// Copies of all networks that training resumes from: themselves, an average, and two means of each
/// optimizer.
const MOST_COPIES: u64 = 8;
/// Bytes of a network that are no parameters: statistics, and what a header may have.
const MOST_BESIDE: u64 = 32 << 20;
/// More parameters than this are taken for damage.
const MOST_PARAMETERS: u64 = 1 << 34;

/// What a checkpoint says of its run: `checkpoint.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub(crate) format: u32,
    /// The kind of system: `gan`.
    pub system: String,
    /// All counters of the run, `step` among them.
    pub counters: BTreeMap<String, u64>,
    /// Steps that the run is to have.
    pub steps: u64,
    /// Numbers in its networks.
    pub parameters: u64,
    /// What the system says of itself, such as its networks.
    pub about: toml::Table,
    /// The data sets.
    pub data: Vec<DataMetadata>,
    /// The settings.
    pub settings: toml::Table,
    /// The program that wrote it and the vector instructions it used: another may give other last bits.
    pub program: Program,
}

/// The same as it was before there were several systems.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format1 {
    #[allow(dead_code)] // it is known by then
    format: u32,
    counters: BTreeMap<String, u64>,
    model: ModelConfig,
    data: DataMetadata,
    config: TrainConfig,
    program: Program,
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

impl Program {
    /// This one, on a device.
    pub fn here(device: &candle_core::Device) -> Self {
        let device = match device.location() {
            candle_core::DeviceLocation::Cpu => "cpu",
            candle_core::DeviceLocation::Cuda { .. } => "cuda",
            candle_core::DeviceLocation::Metal { .. } => "metal",
        };
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            device: device.into(),
            instructions: gan_ops::instructions().into(),
        }
    }
}

impl DataMetadata {
    /// Of a data set.
    pub fn of(data: &dyn Dataset) -> Self {
        let sha256 = data.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: data.name().to_owned(), images: data.len(), sha256 }
    }
}

impl Metadata {
    /// Of a run of any system before its first step: what kind it is, how many parameters its networks have, what it says of
    /// itself, and the settings that make it what it is.
    ///
    /// # Errors
    /// If what it says or the settings cannot be written as TOML.
    pub fn new(
        system: &str,
        parameters: usize,
        about: &impl Serialize,
        settings: &impl Serialize,
        data: &[&dyn Dataset],
        device: &candle_core::Device,
    ) -> Result<Self> {
        Ok(Self {
            format: FORMAT,
            system: system.to_owned(),
            counters: BTreeMap::new(),
            steps: 0,
            parameters: parameters as u64,
            about: toml::Table::try_from(about).map_err(Error::serializing)?,
            data: data.iter().map(|data| DataMetadata::of(*data)).collect(),
            settings: toml::Table::try_from(settings).map_err(Error::serializing)?,
            program: Program::here(device),
        })
    }

    /// Of a run of so many steps.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// The networks, if they are of the program's own.
    pub fn model(&self) -> Option<ModelConfig> {
        self.about.get("model")?.clone().try_into().ok()
    }

    /// The settings, if they are those of the program.
    pub fn config(&self) -> Option<TrainConfig> {
        self.settings.clone().try_into().ok()
    }

    /// All settings by their keys, without the sections that they are in.
    pub fn flat_settings(&self) -> BTreeMap<String, toml::Value> {
        flat(&self.settings)
    }

    /// Calls the classes as the run did before. What classes are called is no part of what is learned, and their names may
    /// have become known since the run began; but a run of fewer classes than the data set has is another.
    ///
    /// # Errors
    /// If the networks cannot be written as TOML.
    pub fn keep_class_names(&mut self, before: &Metadata) -> Result<()> {
        if let (Some(mut now), Some(before)) = (self.model(), before.model())
            && now.conditional.is_some()
            && before.classes.len() >= now.classes.len()
        {
            now.classes = before.classes;
            self.about = about_model(&now)?;
        }
        Ok(())
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.counters.get("step").copied().unwrap_or(0)
    }

    /// Reads `checkpoint.json`. The error says what is wrong with it.
    pub(crate) fn parse(text: &[u8]) -> std::result::Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let metadata = match format {
            1 => Self::of_format_1(serde_json::from_slice(text).map_err(|error| error.to_string())?)?,
            FORMAT => serde_json::from_slice(text).map_err(|error| error.to_string())?,
            _ => return Err(format!("it has format {format}, this program reads 1 and {FORMAT}")),
        };
        if let Some(config) = metadata.config() {
            config.validate().map_err(|error| error.to_string())?;
        }
        metadata.check_numbers()?;
        Ok(metadata)
    }

    fn of_format_1(old: Format1) -> std::result::Result<Self, String> {
        let Format1 { mut counters, model, data, config, program, .. } = old;
        let config = config.of_run();
        for counter in ["best.score", "best.step", "best.stale"] {
            counters.insert(counter.to_owned(), 0);
        }
        config.validate().map_err(|error| error.to_string())?;
        let batch = config.batch_size();
        let batches = if config.drop_last() { data.images / batch } else { data.images.div_ceil(batch) };
        Ok(Self {
            format: FORMAT,
            system: "gan".to_owned(),
            counters,
            steps: config.total_steps(batches as u64),
            parameters: model.parameters().map_err(|error| error.to_string())?,
            about: about_model(&model).map_err(|error| error.to_string())?,
            data: vec![data],
            settings: toml::Table::try_from(&config).map_err(|error| error.to_string())?,
            program,
        })
    }

    /// Numbers that no run comes to are not computed with.
    fn check_numbers(&self) -> std::result::Result<(), String> {
        for (name, &value) in &self.counters {
            let is_sane = match name.as_str() {
                ADA_P => (0.0..=1.0).contains(&f64::from_bits(value)),
                BEST_SCORE => !f64::from_bits(value).is_nan(),
                _ => value <= MOST_COUNTED,
            };
            if !is_sane {
                return Err(format!("the counter {name} is {value}"));
            }
        }
        if let Some(data) = self.data.iter().find(|data| data.images as u64 > MOST_COUNTED) {
            return Err(format!("a data set of {} images", data.images));
        }
        if self.parameters > MOST_PARAMETERS {
            return Err(format!("networks of {} parameters", self.parameters));
        }
        Ok(())
    }

    /// The counters as people read them, by name.
    pub fn readable_counters(&self) -> Vec<(&str, String)> {
        let readable = |(name, value): (&'_ String, &u64)| match name.as_str() {
            ADA_P | BEST_SCORE => f64::from_bits(*value).to_string(),
            _ => value.to_string(),
        };
        self.counters.iter().map(|counter| (counter.0.as_str(), readable(counter))).collect()
    }

    /// The most bytes that a file of its checkpoint can have: of each parameter 16, for statistics too.
    pub(crate) fn most_bytes(&self) -> u64 {
        (16 * self.parameters + MOST_BESIDE).saturating_mul(MOST_COPIES)
    }

    /// In what the run that `now` would go on differs from the one recorded here, so that it would not be the same run:
    /// one entry a difference, `seed is 0 there and 7 here`.
    pub fn changes(&self, now: &Metadata) -> Vec<String> {
        let changed = |what: &str, there: &str, here: &str| {
            (there != here).then(|| format!("{what} is {there} there and {here} here"))
        };
        let data = |metadata: &Metadata| -> String {
            let one =
                |data: &DataMetadata| format!("{} images with SHA-256 {:.12}", data.images, data.sha256);
            metadata.data.iter().map(one).collect::<Vec<_>>().join(" and ")
        };
        let (there, here) = (self.flat_settings(), now.flat_settings());
        let names: std::collections::BTreeSet<&String> = there.keys().chain(here.keys()).collect();
        let value = |of: &BTreeMap<String, toml::Value>, name: &str| {
            of.get(name).map_or("unset".into(), toml::Value::to_string)
        };
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

/// What a [`Gan`](crate::Gan) of these networks says of itself.
pub(crate) fn about_model(model: &ModelConfig) -> Result<toml::Table> {
    #[derive(Serialize)]
    struct About<'a> {
        model: &'a ModelConfig,
    }
    toml::Table::try_from(About { model }).map_err(Error::serializing)
}

/// All settings by their keys, without the sections that they are in.
fn flat(settings: &toml::Table) -> BTreeMap<String, toml::Value> {
    let mut all = BTreeMap::new();
    for (name, value) in settings {
        match value {
            toml::Value::Table(section) => all.extend(flat(section)),
            value => _ = all.insert(name.clone(), value.clone()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let config = TrainConfig::default().resolve().unwrap();
        let data = DataMetadata { name: "images".into(), images: 10, sha256: "00".into() };
        let program = Program { version: "0".into(), device: "cpu".into(), instructions: "none".into() };
        let counters = BTreeMap::from([("step".to_owned(), 4), (ADA_P.to_owned(), 0.25f64.to_bits())]);
        let about = about_model(&config.model_config(1, &[])).unwrap();
        let settings = toml::Table::try_from(&config).unwrap();
        let system = "gan".to_owned();
        let (steps, parameters, data) = (2000, 1000, vec![data]);
        Metadata { format: FORMAT, system, counters, steps, parameters, about, data, settings, program }
    }

    #[test]
    fn numbers_that_no_run_comes_to_are_refused_and_p_is_shown_as_a_number() {
        let parse = |metadata: &Metadata| Metadata::parse(&serde_json::to_vec(metadata).unwrap());
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
            let mut odd = metadata();
            odd.counters.insert(name.into(), value);
            assert_eq!(parse(&odd).unwrap_err(), format!("the counter {name} is {value}"));
        }
        let mut large = metadata();
        large.data[0].images = usize::MAX;
        assert!(parse(&large).unwrap_err().contains("a data set of"));
        let networks = Metadata { parameters: 1 << 35, ..metadata() };
        assert!(parse(&networks).unwrap_err().contains("networks of 34359738368 parameters"));
        // Text that nests without end costs no stack.
        assert!(Metadata::parse("[".repeat(1 << 20).as_bytes()).is_err());
    }
}
