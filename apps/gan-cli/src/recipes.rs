//! Recipes: named settings, kept as config files in assets/recipes and embedded in the program.

use crate::failure::Failure;
use gan_train::PartialConfig;
use gan_train::config::nearest;

macro_rules! recipes {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../assets/recipes/", $name, ".toml")))),*]
    };
}

/// Name and text of each. Its comments at the start say what it is for, where its settings come from and what to expect.
pub const RECIPES: [(&str, &str); 13] = recipes![
    "digits",
    "digits-cgan",
    "ring",
    "grid",
    "mnist-dcgan",
    "mnist-wgan",
    "mnist-wgan-gp",
    "mnist-projection",
    "fashion-dcgan",
    "cifar10-dcgan",
    "cifar10-sngan",
    "cifar10-projection",
    "notebook",
];

/// Data sets whose recipe is taken where none is named.
const DEFAULTS: [(&str, &str); 5] = [
    ("digits", "digits"),
    ("ring", "ring"),
    ("grid", "grid"),
    ("mnist", "mnist-dcgan"),
    ("fashion-mnist", "fashion-dcgan"),
];

/// Name and text of a recipe.
pub fn find(name: &str) -> Result<(&'static str, &'static str), Failure> {
    RECIPES.into_iter().find(|(recipe, _)| *recipe == name).ok_or_else(|| {
        let names = RECIPES.map(|(name, _)| name);
        let meant = nearest(name, names).map_or(String::new(), |meant| format!("did you mean {meant}? "));
        Failure::usage(
            format!("there is no recipe {name:?}"),
            format!("{meant}The recipes are {}", names.join(", ")),
        )
    })
}

/// The recipe to start from where none is named: that of the data set, if it has one and its networks are wanted.
pub fn default_for(dataset: Option<&str>, model: Option<&str>) -> Option<(&'static str, &'static str)> {
    let dataset = dataset.unwrap_or("digits");
    let (_, name) = DEFAULTS.into_iter().find(|(of, _)| *of == dataset)?;
    let recipe = RECIPES.into_iter().find(|(recipe, _)| *recipe == name);
    let is_for = |text: &str, model: &str| text.contains(&format!("model = \"{model}\""));
    recipe.filter(|(_, text)| model.is_none_or(|model| is_for(text, model)))
}

/// What a recipe says of itself.
#[derive(Debug, Default)]
struct About {
    purpose: String,
    source: String,
    expect: String,
}

/// From the comments at the start of a recipe.
fn about(text: &str) -> About {
    let mut about = About::default();
    let mut part = &mut about.purpose;
    for line in text.lines().map_while(|line| line.strip_prefix('#')) {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix("Source:") {
            (part, line) = (&mut about.source, rest.trim());
        } else if let Some(rest) = line.strip_prefix("Expect:") {
            (part, line) = (&mut about.expect, rest.trim());
        }
        if !part.is_empty() {
            part.push(' ');
        }
        part.push_str(line);
    }
    about
}

/// `gan recipes`, with or without a name.
pub fn run(name: Option<&str>) -> Result<(), Failure> {
    name.map_or_else(list, show)
}

/// A recipe as a config file: what is said of it, and all that it means.
fn show(name: &str) -> Result<(), Failure> {
    let (_, text) = find(name)?;
    let config = PartialConfig::from_toml(text)?.into_config()?.resolve()?;
    let written = toml::to_string(&config).map_err(|error| Failure::other(error, "please report it"))?;
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        println!("{line}");
    }
    println!("#\n# All settings of {name} are written out, so that the file begins from no other recipe.");
    println!("{}", written.trim_end());
    Ok(())
}

fn list() -> Result<(), Failure> {
    for (name, text) in RECIPES {
        let About { purpose, source, expect } = about(text);
        println!("{name}\n  {purpose}\n  expect: {expect}\n  source: {source}\n");
    }
    println!(
        "Times are of two cores. Train one with: gan train --recipe NAME   (flags override its settings)\n\
         See all that one sets with: gan recipes NAME"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_train::TrainConfig;

    #[test]
    fn every_recipe_is_a_valid_config_and_says_what_it_is_for() {
        for (name, text) in RECIPES {
            TrainConfig::from_toml(text).unwrap().resolve().unwrap();
            let About { purpose, source, expect } = about(text);
            for said in [&purpose, &source, &expect] {
                assert!(said.len() > 20 && !said.contains("TODO"), "{name}: {said:?}");
            }
        }
    }

    #[test]
    fn every_file_is_a_recipe() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/recipes");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), RECIPES.len());
    }

    #[test]
    fn without_a_name_the_recipe_is_that_of_the_data_set() {
        let name = |dataset, model| default_for(dataset, model).map(|(name, _)| name);
        assert_eq!(name(None, None), Some("digits"));
        assert_eq!(name(Some("mnist"), Some("dcgan")), Some("mnist-dcgan"));
        assert_eq!(name(Some("mnist"), Some("mlp")), None, "its learning rate was chosen for other networks");
        assert_eq!(name(Some("cifar10"), None), None);
        assert_eq!(name(Some("ring"), Some("mlp")), Some("ring"));
    }
}
