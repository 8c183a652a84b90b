//! The walls of the house: who may know whom (ARCHITECTURE.md), and where `unsafe` may stand.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `cargo` knows of the workspace, for this platform: what others need may not be on this machine.
fn metadata() -> Metadata {
    let rustc = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let options = ["--offline", "--filter-platform", host].map(String::from);
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(options);
    command.exec().unwrap()
}

#[test]
fn crates_know_only_whom_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("gan-ops", &[][..]),
        ("gan-rng", &[]),
        ("gan-report", &[]),
        ("gan-data", &["gan-rng"]),
        ("gan-nn", &["gan-ops", "gan-rng"]),
        ("gan-models", &["gan-nn", "gan-ops", "gan-rng"]),
        ("gan-eval", &["gan-data", "gan-nn", "gan-ops", "gan-rng"]),
        ("gan-train", &["gan-data", "gan-eval", "gan-models", "gan-nn", "gan-ops", "gan-rng"]),
        (
            "gan-cli",
            &[
                "gan-data",
                "gan-eval",
                "gan-models",
                "gan-nn",
                "gan-ops",
                "gan-report",
                "gan-rng",
                "gan-train",
            ],
        ),
    ]);
    let metadata = metadata();
    let ours: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "a new crate needs its place in the house");
    for package in metadata.workspace_packages() {
        let known =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in known.filter(|dependency| ours.contains(dependency.name.as_str())) {
            let may = allowed[package.name.as_str()].contains(&dependency.name.as_str());
            assert!(may, "{} must not know {}", package.name, dependency.name);
        }
    }
}

/// Everything that a package needs to be built, by name.
fn needs(metadata: &Metadata, package: &str) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let start = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == package).unwrap();
    let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
    let mut next = vec![&start.id];
    while let Some(id) = next.pop() {
        if seen.insert(id) {
            let node = nodes.iter().find(|node| node.id == *id).unwrap();
            let normal = |dep: &&cargo_metadata::NodeDep| {
                dep.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            };
            next.extend(node.deps.iter().filter(normal).map(|dep| &dep.pkg));
        }
    }
    seen.into_iter().map(|id| metadata[id].name.to_string()).collect()
}

#[test]
fn a_program_that_only_samples_needs_no_hub_no_parquet_and_no_loader() {
    let needed = needs(&metadata(), "gan-models");
    assert!(needed.contains("candle-core") && needed.contains("gan-ops"));
    for unwanted in
        ["gan-data", "gan-train", "hf-hub", "parquet", "candle-datasets", "tokio", "image", "clap"]
    {
        assert!(!needed.contains(unwanted), "gan-models needs {unwanted}");
    }
}

#[test]
fn unsafe_code_stands_in_gan_ops_alone() {
    let mut folders =
        vec![root().join("crates"), root().join("apps"), root().join("tests"), root().join("examples")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("gan-ops") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files += 1;
                // Spelled in two parts, so as not to find itself.
                let lifted = concat!("allow(", "unsafe_code)");
                assert!(!std::fs::read_to_string(&path).unwrap().contains(lifted), "{}", path.display());
            }
        }
    }
    assert!(files > 20);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}", package.name);
    }
}

#[test]
fn the_tests_that_docs_reliability_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let docs = read("docs/reliability.md");
    let table = docs.split("| promise | test |").nth(1).unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let mut file = String::new();
        for word in row.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                file = read(word);
                assert!(!file.is_empty(), "there is no {word}");
            } else if word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                assert!(file.contains(&format!("fn {word}()")), "there is no test {word}: {row}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}
