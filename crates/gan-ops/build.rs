//! Tells the crate how far it is optimised, which nothing else does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=GAN_OPS_OPT_LEVEL={level}");
}
