//! How a config names the choices of crates that know nothing of configs.

use gan_data::{CacheMode, Filter, OnBadImage};
use gan_ops::Precision;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Precision", rename_all = "lowercase")]
pub(super) enum PrecisionName {
    F32,
    Bf16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Filter", rename_all = "lowercase")]
pub(super) enum FilterName {
    Bilinear,
    Bicubic,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CacheMode", rename_all = "lowercase")]
pub(super) enum CacheName {
    Auto,
    Ram,
    Disk,
    Off,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OnBadImage", rename_all = "lowercase")]
pub(super) enum OnBadImageName {
    Stop,
    Skip,
}
