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

/// By its name or number.
pub(super) mod background {
    use gan_data::Background;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<Background>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|background| background.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Background>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
