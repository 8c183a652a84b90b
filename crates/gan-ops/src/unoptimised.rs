//! A word for those who build these kernels without optimisation. Profiles do not travel with a crate: a program outside
//! this workspace gets Cargo's default for `cargo run`, with which they are some hundred times slower.

use std::sync::Once;

/// Says it once in a process, if it is so.
pub(crate) fn say_once() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if let Some(advice) = advice(env!("GAN_OPS_OPT_LEVEL")) {
            tracing::warn!("{advice}");
        }
    });
}

fn advice(level: &str) -> Option<&'static str> {
    (level == "0").then_some(
        "gan-ops was built without optimisation and is some hundred times slower: put [profile.dev.package.\"*\"] with \
         opt-level = 3 into your Cargo.toml, or build with --release",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_build_without_optimisation_is_told() {
        assert!(advice("0").is_some_and(|advice| advice.contains("opt-level = 3")));
        for level in ["1", "2", "3", "s"] {
            assert_eq!(advice(level), None, "{level}");
        }
        assert_eq!(advice(env!("GAN_OPS_OPT_LEVEL")), None, "this workspace's own profile");
    }
}
