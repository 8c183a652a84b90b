//! Recipes: named settings, kept as config files in assets/recipes and embedded in the program.

use crate::failure::Failure;

/// Name and text of each. A recipe's first line is a comment that says what it is for.
pub const RECIPES: [(&str, &str); 5] = [
    ("digits", include_str!("../../../assets/recipes/digits.toml")),
    ("mnist", include_str!("../../../assets/recipes/mnist.toml")),
    ("fashion-mnist", include_str!("../../../assets/recipes/fashion-mnist.toml")),
    ("ring", include_str!("../../../assets/recipes/ring.toml")),
    ("notebook", include_str!("../../../assets/recipes/notebook.toml")),
];

/// The text of a recipe.
pub fn find(name: &str) -> Result<&'static str, Failure> {
    let text = RECIPES.iter().find(|(recipe, _)| *recipe == name).map(|(_, text)| *text);
    text.ok_or_else(|| {
        let names: Vec<&str> = RECIPES.iter().map(|(name, _)| *name).collect();
        Failure::usage(
            format!("there is no recipe {name:?}"),
            format!("the recipes are {}", names.join(", ")),
        )
    })
}

/// The recipe to start from where none is named: that of the data set, if it has one and its networks are wanted.
pub fn default_for(dataset: Option<&str>, model: Option<&str>) -> Option<(&'static str, &'static str)> {
    let name = dataset.unwrap_or("digits");
    let recipe = RECIPES.into_iter().find(|(recipe, _)| *recipe == name);
    let is_for = |text: &str, model: &str| text.contains(&format!("model = \"{model}\""));
    recipe.filter(|(_, text)| model.is_none_or(|model| is_for(text, model)))
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
    fn without_a_name_the_recipe_is_that_of_the_data_set() {
        let name = |dataset, model| default_for(dataset, model).map(|(name, _)| name);
        assert_eq!(name(None, None), Some("digits"));
        assert_eq!(name(Some("mnist"), Some("dcgan")), Some("mnist"));
        assert_eq!(name(Some("mnist"), Some("mlp")), None, "its learning rate was chosen for other networks");
        assert_eq!(name(Some("cifar10"), None), None);
        assert_eq!(name(Some("ring"), Some("mlp")), Some("ring"));
    }
}
