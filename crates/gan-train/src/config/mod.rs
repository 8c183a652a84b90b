//! Everything that can be chosen about a training run.
//!
//! What is declared of a setting stands in `sections/`, once ([`Setting`]): the keys of a config file,
//! the flags of `gan train`, what is refused, what may change at a resume and docs/settings.md all follow
//! from it.

mod checks;
mod choices;
mod image_size;
mod limits;
mod nearest;
mod partial;
mod paths;
mod resolve;
mod sections;
pub(crate) mod setting;
pub(crate) mod value;
mod words;

use crate::error::{Error, Result};
pub use choices::{Crop, Fit, OnDivergence};
pub use image_size::ImageSize;
pub use nearest::nearest;
pub use partial::PartialConfig;
pub use sections::{
    DataSettings, DiscriminatorInputSettings, EvaluationSettings, MachineSettings, ModelSettings,
    ObjectiveSettings, OptimizersSettings, RunSettings,
};
use serde::{Deserialize, Deserializer, Serialize};
use setting::Section;
pub use setting::{Preset, Range, Setting};
pub use words::in_flags;

/// What `recipe` says where a config begins from none: all that it does not name is the default.
pub const NO_RECIPE: &str = "none";

/// Everything that can be chosen about a training run: the keys of a config file, and the flags of `gan
/// train`.
///
/// The defaults are those of the DCGAN paper, on the embedded digits. Settings whose best value depends on
/// others are `None` until [`resolve`](TrainConfig::resolve) fills them in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainConfig {
    /// The recipe that the rest is to be put on, or `none`. Recipes are the program's: a config that it has
    /// read, and so that of every run, is whole and says `none`.
    pub recipe: String,
    /// Which images, and what is done to each.
    pub data: DataSettings,
    /// The networks.
    pub model: ModelSettings,
    /// What the two players minimise.
    pub objective: ObjectiveSettings,
    /// How their weights follow their gradients.
    pub optimizers: OptimizersSettings,
    /// What is done to images before the discriminator gets them.
    pub discriminator_input: DiscriminatorInputSettings,
    /// How good the samples are, measured while training.
    pub evaluation: EvaluationSettings,
    /// How long the run lasts, and what it leaves behind.
    pub run: RunSettings,
    /// Where and how fast it computes.
    pub machine: MachineSettings,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            recipe: NO_RECIPE.into(),
            data: DataSettings::default(),
            model: ModelSettings::default(),
            objective: ObjectiveSettings::default(),
            optimizers: OptimizersSettings::default(),
            discriminator_input: DiscriminatorInputSettings::default(),
            evaluation: EvaluationSettings::default(),
            run: RunSettings::default(),
            machine: MachineSettings::default(),
        }
    }
}

/// All settings, section by section.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    let all = [
        DataSettings::SETTINGS,
        ModelSettings::SETTINGS,
        ObjectiveSettings::SETTINGS,
        OptimizersSettings::SETTINGS,
        DiscriminatorInputSettings::SETTINGS,
        EvaluationSettings::SETTINGS,
        RunSettings::SETTINGS,
        MachineSettings::SETTINGS,
    ];
    all.into_iter().flatten()
}

/// The names of the sections.
pub fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    settings()
        .map(|setting| setting.section)
        .filter(move |section| std::mem::replace(&mut last, section) != *section)
}

/// Whether a run that is resumed may have another value of this setting than before: how long it goes on and
/// what it leaves behind, where and how fast it computes. Where the data lies may change as well: its digest
/// is compared.
pub(crate) fn may_change(key: &str) -> bool {
    settings().any(|setting| setting.key == key && setting.may_change)
}

impl TrainConfig {
    /// Reads a config file's text, in sections or in the flat form of before.
    ///
    /// # Errors
    /// For an unknown key, a value that cannot be or one out of range; with the line.
    pub fn from_toml(text: &str) -> Result<Self> {
        PartialConfig::from_toml(text)?.into_config()
    }

    fn parts(&self) -> [&dyn Section; 8] {
        let Self {
            data, model, objective, optimizers, discriminator_input, evaluation, run, machine, ..
        } = self;
        [data, model, objective, optimizers, discriminator_input, evaluation, run, machine]
    }

    /// All settings that have a value.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static Setting, toml::Value)> {
        self.parts().into_iter().flat_map(|part| {
            let of = |key: &str| part.settings().iter().find(|setting| setting.key == key);
            part.values()
                .into_iter()
                .filter_map(move |(key, value)| Some((of(key)?, value)))
                .collect::<Vec<_>>()
        })
    }

    pub(crate) fn set(&mut self, setting: &Setting, value: &toml::Value) -> Result<()> {
        let Self {
            data, model, objective, optimizers, discriminator_input, evaluation, run, machine, ..
        } = self;
        let parts: [&mut dyn Section; 8] =
            [data, model, objective, optimizers, discriminator_input, evaluation, run, machine];
        for part in parts {
            if part.settings().iter().any(|one| one.key == setting.key) {
                let refused =
                    |hint| Error::config(format!("`{}` is {}", setting.key, value::shown(value)), hint);
                return part.set(setting.key, value).map_err(refused);
            }
        }
        Ok(())
    }
}

/// From either form, as files and the records of checkpoints have them.
impl<'de> Deserialize<'de> for TrainConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        PartialConfig::deserialize(deserializer)?.into_config().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
