//! Recipes: named settings, kept as config files in assets/recipes and embedded in the program.

use crate::failure::Failure;

/// Name and text of each. A recipe's first line is a comment that says what it is for.
pub const RECIPES: [(&str, &str); 4] = [
    ("digits", include_str!("../../../assets/recipes/digits.toml")),
    ("mnist", include_str!("../../../assets/recipes/mnist.toml")),
    ("fashion-mnist", include_str!("../../../assets/recipes/fashion-mnist.toml")),
    ("notebook", include_str!("../../../assets/recipes/notebook.toml")),
];

/// The text of a recipe.
pub fn find(name: &str) -> Result<&'static str, Failure> {
    let names: Vec<&str> = RECIPES.iter().map(|(name, _)| *name).collect();
    RECIPES.iter().find(|(recipe, _)| *recipe == name).map(|(_, text)| *text).ok_or_else(|| {
        Failure::usage(
            format!("there is no recipe {name:?}"),
            format!("the recipes are {}", names.join(", ")),
        )
    })
}

/// `gan recipes`.
pub fn list() -> Result<(), Failure> {
    for (name, text) in RECIPES {
        let purpose = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        println!("{name:14} {purpose}");
    }
    println!("\nTrain one with: gan train --recipe NAME   (flags override its settings)");
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
            assert!(text.starts_with("# ") && !text.starts_with("# \n"), "{name}");
        }
    }

    #[test]
    fn the_digits_recipe_spells_out_the_defaults() {
        let recipe = TrainConfig::from_toml(find("digits").unwrap()).unwrap().resolve().unwrap();
        assert_eq!(recipe, TrainConfig::default().resolve().unwrap());
    }
}
