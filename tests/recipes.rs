//! Every recipe that the program has: it is listed, and it trains.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{gan_in, succeed_in, write_cifar, write_mnist};
use std::path::Path;

/// The names of the recipes, as they are listed.
fn recipes() -> Vec<String> {
    let said = succeed_in(Path::new("."), &["recipes"]);
    let names = said.lines().filter(|line| !line.starts_with(' ') && !line.is_empty() && !line.contains(' '));
    names.map(str::to_owned).collect()
}

#[test]
fn recipes_are_listed_with_what_they_are_for() {
    let said = succeed_in(Path::new("."), &["recipes"]);
    let names = recipes();
    assert!(names.len() > 10, "{said}");
    for name in &names {
        let after = said.split(&format!("{name}\n  ")).nth(1).unwrap();
        let lines: Vec<&str> = after.lines().take(3).collect();
        let [purpose, expect, source] = lines[..] else { panic!("{name} in\n{said}") };
        assert!(purpose.len() > 20 && expect.len() > 30 && source.len() > 30, "{name} in\n{said}");
        assert!(expect.starts_with("  expect: ") && source.starts_with("  source: "), "{name} in\n{said}");
    }
}

#[test]
fn a_recipe_is_shown_as_a_config_file_that_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in recipes() {
        let whole = succeed_in(folder.path(), &["recipes", &name]);
        assert!(whole.starts_with("# ") && whole.contains("\n# Source: "), "{whole}");
        assert!(whole.contains("\nrecipe = \"none\"\n") && whole.contains("\n[machine]\n"), "{whole}");
        std::fs::write(folder.path().join("whole.toml"), &whole).unwrap();
        std::fs::write(folder.path().join("named.toml"), format!("recipe = \"{name}\"\n")).unwrap();
        // What it comes to stands in the end of what a dry run says; most need data that is not here.
        if ["digits", "ring", "grid"].iter().any(|of| name.starts_with(of)) {
            let comes_to = |flags: &[&str]| {
                let said = succeed_in(folder.path(), &[&["train", "--dry-run"], flags].concat());
                said.split_once("\nrecipe = ").unwrap().1.to_owned()
            };
            let by_flags = comes_to(&["--recipe", &name]);
            assert_eq!(comes_to(&["--config", "whole.toml"]), by_flags, "{name}");
            assert_eq!(comes_to(&["--config", "named.toml"]), by_flags, "{name}");
        }
    }
    assert_eq!(gan_in(folder.path(), &["recipes", "no-such-recipe"]).status, 2);
}

#[test]
fn every_recipe_trains_for_20_steps() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"), 700);
    write_cifar(&folder.path().join("cifar10"), 700);
    for name in recipes() {
        let data = ["mnist", "fashion", "cifar10"].into_iter().find(|data| name.starts_with(data));
        let data = if name == "notebook" { Some("cifar10") } else { data };
        let data = data.map(|data| if data == "fashion" { "mnist" } else { data });
        let mut flags = vec!["train", "--recipe", &name, "--steps", "20", "--out", &name];
        if let Some(data) = data {
            flags.extend(["--data-dir", data]);
        }
        // Days of work on two cores; here a sixteenth of each step will do.
        if ["cifar10-sngan", "cifar10-projection"].contains(&name.as_str()) {
            flags.extend(["--batch-size", "4"]);
        }
        let said = gan_in(folder.path(), &flags);
        assert_eq!(said.status, 0, "{name}:\n{}", said.stderr);
        let log = std::fs::read_to_string(folder.path().join(&name).join("metrics.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!(last["step"], 20, "{name}");
        assert!(folder.path().join(&name).join("samples/step-000020.png").is_file(), "{name}");
    }
}
