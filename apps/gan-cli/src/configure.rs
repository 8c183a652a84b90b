//! From flags, recipes and config files to the settings of a run.

use crate::args::Settings;
use crate::failure::Failure;
use crate::recipes;
use gan_models::files::{Links, read_regular};
use gan_train::config::NO_RECIPE;
use gan_train::{Loss, PartialConfig, TrainConfig};
use std::path::Path;

/// The longest config file.
const MOST_BYTES: u64 = 1 << 20;
/// What a recipe says of labels, which is not meant for a loss that has none.
const OF_LABELS: [&str; 3] = ["label_smoothing", "label_smoothing_fake", "label_noise"];

/// The recipe of this name (that of the data set, if none is named), overridden by the config file at `path`,
/// overridden by the flags, with all that was left open filled in; and what is to be said of where the
/// settings come from, in lines.
pub fn for_training(
    named: Option<&str>,
    path: Option<&Path>,
    by_flags: &PartialConfig,
) -> Result<(TrainConfig, Vec<String>), Failure> {
    by_flags.check()?;
    let file = path.map(file).transpose()?;
    let mut given = file.clone().unwrap_or_default();
    given.override_with(by_flags.clone());
    let implied = given.settle();

    let recipe = recipe(named, file.as_ref(), &given)?;
    let mut said = Vec::new();
    let mut settings = PartialConfig::default();
    if let Some((name, text)) = recipe {
        let of_recipe = PartialConfig::from_toml(text)?;
        settings = of_recipe.clone();
        if given.text("loss").and_then(|loss| loss.parse().ok()).is_some_and(|loss: Loss| !loss.has_targets())
        {
            OF_LABELS.iter().for_each(|key| settings.remove(key));
        }
        let name_of_file = path.map(|path| path.display().to_string());
        let overriding =
            [(name_of_file.unwrap_or_default(), file.as_ref()), ("flags".into(), Some(by_flags))];
        said.push(format!("recipe:  {}", about_recipe(name, &of_recipe, &settings, &overriding)));
    } else if named.is_none() && path.is_none() {
        let of_others = recipes::default_for(given.text("dataset"), None);
        said.extend(of_others.map(|(name, _)| {
            format!(
                "recipe:  none: {name} is not for these networks, so all that no flag names is the default"
            )
        }));
    }
    if !implied.is_empty() {
        let set: Vec<String> = implied.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let loss = given.text("loss").unwrap_or_default();
        said.push(format!("loss:    {loss}, and as wgan-gp has it {}", set.join(", ")));
    }
    settings.override_with(given);
    let config = settings.without_recipe().into_config().and_then(TrainConfig::resolve);
    let config = config.map_err(|error| match path {
        Some(path) => Failure::of_file(&path.display().to_string(), error),
        None => error.into(),
    })?;
    Ok((config.with_absolute_paths(), said))
}

/// Name and text of the recipe to begin from: the one that is named, or that of the data set.
fn recipe(
    named: Option<&str>,
    file: Option<&PartialConfig>,
    given: &PartialConfig,
) -> Result<Option<(&'static str, &'static str)>, Failure> {
    match named.or(given.recipe()) {
        Some(NO_RECIPE) => Ok(None),
        Some(name) => recipes::find(name).map(Some),
        None if file.is_some_and(PartialConfig::is_of_an_old_run) => Ok(None),
        None => Ok(recipes::default_for(given.text("dataset"), given.text("model"))),
    }
}

/// What a recipe sets that is not the default anyway, and what of it does not count: what others override, by
/// what they are called, and what is not in `kept`.
fn about_recipe(
    name: &str,
    recipe: &PartialConfig,
    kept: &PartialConfig,
    overriding: &[(String, Option<&PartialConfig>)],
) -> String {
    let defaults = PartialConfig::of(&TrainConfig::default());
    let list = |settings: Vec<String>, before: &str| match settings.is_empty() {
        true => String::new(),
        false => format!("{before}{}", settings.join(", ")),
    };
    let sets = recipe.iter().filter(|(key, value)| *key != "dataset" && defaults.get(key) != Some(value));
    let sets = sets.map(|(key, value)| format!("{key} = {value}")).collect();
    let mut said = format!("{name}{}", list(sets, ", which sets "));
    for (whose, given) in overriding {
        let Some(given) = given else { continue };
        let get = |key: &'static str| given.get(key).map(|value| (key, value));
        let instead = |key: &'static str| match key {
            // Either length replaces the other.
            "steps" | "epochs" => get("steps").or_else(|| get("epochs")),
            _ => get(key),
        };
        let overridden = recipe.iter().filter_map(|(key, value)| {
            let (by, new) = instead(key)?;
            (by != key || new != value).then(|| format!("{by} = {new} in place of {key} = {value}"))
        });
        said += &list(overridden.collect(), &format!("\n         but by {whose} "));
    }
    let left_out = recipe.iter().filter(|(key, _)| !kept.contains(key));
    let left_out = left_out.map(|(key, value)| format!("{key} = {value}")).collect();
    said + &list(left_out, "\n         without its labels, which this loss has no use for: ")
}

/// The config file of a run, overridden by the flags.
pub fn for_resuming(config: &Path, flags: &Settings) -> Result<TrainConfig, Failure> {
    flags.given().check()?;
    let mut settings = complete(read(config)?)?;
    settings.override_with(flags.given().clone());
    settings.settle();
    Ok(settings.without_recipe().into_config()?.resolve()?.with_absolute_paths())
}

/// Fills in what the config of an old run does not say.
fn complete(settings: PartialConfig) -> Result<PartialConfig, Failure> {
    Ok(PartialConfig::of(&settings.without_recipe().into_config()?.of_run()))
}

/// What looking at a data set takes of a config.
pub fn for_data(source: &str, images: &PartialConfig) -> Result<TrainConfig, Failure> {
    let mut settings = images.clone();
    settings.check()?;
    settings.set("dataset", source)?;
    Ok(settings.into_config()?.resolve()?)
}

/// The flags of `gan train` for these images.
pub fn as_flags(source: &str, images: &PartialConfig) -> String {
    let mut flags = format!("--dataset {}", quoted(source));
    for (key, value) in images.iter() {
        let value = value.as_str().map_or_else(|| value.to_string(), quoted);
        flags += &format!(" --{} {value}", key.replace('_', "-"));
    }
    flags
}

/// As a shell takes it for one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,@+=".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A config file that somebody has named. That of a run says all, also where it is from before all had a key.
fn file(path: &Path) -> Result<PartialConfig, Failure> {
    let settings = read(path)?;
    let is_of_a_run = path.with_file_name("checkpoints").is_dir();
    if is_of_a_run { complete(settings) } else { Ok(settings) }
}

fn read(path: &Path) -> Result<PartialConfig, Failure> {
    let name = path.display().to_string();
    let bytes = read_regular(path, MOST_BYTES, Links::Follow);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    let text = text.map_err(|error| {
        Failure::usage(
            format!("cannot read the config {name}: {error}"),
            "give a TOML file, such as the config.toml of a run folder",
        )
    })?;
    PartialConfig::from_toml(&text).map_err(|error| Failure::of_file(&name, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, Gan};
    use clap::Parser;

    /// What these flags of `gan train` come to, and what is said of the recipe that they begin from.
    fn configured(flags: &str) -> (TrainConfig, Option<String>) {
        let arguments = ["gan", "train"].into_iter().chain(flags.split_whitespace());
        match Gan::try_parse_from(arguments).unwrap().command {
            Command::Train(flags) => {
                let (config, said) =
                    for_training(flags.recipe.as_deref(), flags.config.as_deref(), flags.settings.given())
                        .unwrap();
                (config, (!said.is_empty()).then(|| said.join("\n").replacen("recipe:  ", "", 1)))
            }
            _ => panic!("another command"),
        }
    }

    fn said(flags: &str) -> Option<String> {
        configured(flags).1
    }

    #[test]
    fn the_recipe_and_what_it_changes_are_said() {
        let digits = "digits, which sets ema = 0.995, label_smoothing = 0.1, lr = 0.0004, steps = 2500";
        assert_eq!(said("").as_deref(), Some(digits));
        assert_eq!(said("--recipe digits --steps 2500"), said(""), "a flag that changes nothing");
        let shorter = format!("{digits}\n         but by flags steps = 5 in place of steps = 2500");
        assert_eq!(said("--steps 5"), Some(shorter));
        let by_epochs = format!(
            "{digits}\n         but by flags lr = 0.1 in place of lr = 0.0004, \
             epochs = 2 in place of steps = 2500"
        );
        assert_eq!(said("--epochs 2 --lr 0.1"), Some(by_epochs));
        let hinge = said("--loss hinge").unwrap();
        assert!(hinge.contains("loss = \"hinge\" in place of loss = \"non-saturating\""), "{hinge}");
        assert!(hinge.ends_with("has no use for: label_smoothing = 0.1"), "{hinge}");
    }

    #[test]
    fn that_no_recipe_is_for_these_networks_is_said() {
        let none = "none: digits is not for these networks, so all that no flag names is the default";
        assert_eq!(said("--model sngan").as_deref(), Some(none));
        assert_eq!(said("--dataset cifar10"), None, "it has none anyway");
    }

    /// What these flags come to with a config file beside them.
    fn with_file(text: &str, flags: &str) -> (TrainConfig, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.toml");
        std::fs::write(&path, text).unwrap();
        let (config, said) = configured(&format!("--config {} {flags}", path.display()));
        (config, said.map(|said| said.replace(path.to_str().unwrap(), "my.toml")))
    }

    #[test]
    fn a_file_and_flags_that_say_the_same_begin_alike() {
        for (text, flags) in [
            ("[data]\ndataset = 'mnist'", "--dataset mnist"),
            ("[data]\ndataset = 'MNIST'\n[optimizers]\nlr = 1e-3", "--dataset MNIST --lr 1e-3"),
            ("[optimizers]\nlr = 1e-3", "--lr 1e-3"),
            ("lr = 1e-3", "--lr 1e-3"),
            ("[model]\nmodel = 'sngan'", "--model sngan"),
            (
                "recipe = 'ring'\n[run]\nepochs = 3\n[optimizers]\ndecay_steps = 9",
                "--recipe ring --epochs 3 --decay-steps 9",
            ),
            ("recipe = 'none'\n[run]\nseed = 3", "--recipe none --seed 3"),
            ("[objective]\nloss = 'hinge'", "--loss hinge"),
            ("loss = 'wgan-gp'\nnorm_d = 'instance'", "--loss wgan-gp --norm-d instance"),
        ] {
            assert_eq!(with_file(text, "").0, configured(flags).0, "{text}");
        }
        let (config, said) = with_file("[optimizers]\nlr = 1e-3", "--steps 5");
        assert_eq!((config.optimizers.lr, config.run.steps, config.optimizers.ema), (1e-3, Some(5), 0.995));
        let said = said.unwrap();
        assert!(said.contains("but by my.toml lr = 0.001 in place of lr = 0.0004"), "{said}");
        assert!(said.contains("but by flags steps = 5 in place of steps = 2500"), "{said}");
    }

    #[test]
    fn the_config_of_a_run_is_whole_and_begins_from_no_recipe() {
        for flags in ["", "--dataset ring --epochs 2 --decay-steps 9", "--loss wgan-gp --optimizer rmsprop"] {
            let (config, _) = configured(flags);
            let written = toml::to_string(&config).unwrap();
            assert!(written.starts_with("recipe = \"none\"\n"), "{written}");
            assert_eq!(with_file(&written, ""), (config.clone(), None));
            // As it was written before there were sections and recipes.
            let flat: Vec<String> =
                PartialConfig::of(&config).iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
            if flags.is_empty() {
                assert_eq!(with_file(&flat.concat(), ""), (config, None));
            }
        }
    }

    #[test]
    fn wgan_gp_sets_what_belongs_to_it_unless_that_is_given_and_says_so() {
        let (config, said) = configured("--recipe none --loss wgan-gp");
        assert_eq!((config.objective.loss, config.objective.gradient_penalty), (Loss::Wasserstein, 10.0));
        assert_eq!(config.model.norm_d, Some(gan_models::Norm::Layer));
        let said = said.unwrap();
        assert!(said.ends_with("as wgan-gp has it gradient_penalty = 10.0, norm_d = \"layer\""), "{said}");
        let (config, said) = configured("--recipe none --loss wgan-gp --gradient-penalty 5 --norm-d none");
        assert_eq!((config.objective.gradient_penalty, said), (5.0, None));
        let changed = with_file("recipe = 'none'\nloss = 'wgan-gp'", "--loss hinge").0;
        assert_eq!((changed.objective.gradient_penalty, changed.model.norm_d), (0.0, None));
    }

    #[test]
    fn another_optimizer_has_its_own_decays() {
        let decays = |flags: &str| {
            let optimizers = configured(flags).0.optimizers;
            (optimizers.beta1, optimizers.beta2)
        };
        assert_eq!(decays(""), (Some(0.5), Some(0.999)));
        assert_eq!(decays("--optimizer rmsprop"), (None, Some(0.99)));
        assert_eq!(decays("--optimizer sgd"), (Some(0.0), None));
        assert_eq!(decays("--optimizer sgd --beta1 0.9"), (Some(0.9), None));
        assert_eq!(decays("--recipe mnist-wgan"), (None, Some(0.99)));
        assert_eq!(decays("--recipe cifar10-sngan"), (Some(0.0), Some(0.9)));
        assert_eq!(decays("--recipe cifar10-sngan --optimizer rmsprop"), (None, Some(0.99)));
    }
}
