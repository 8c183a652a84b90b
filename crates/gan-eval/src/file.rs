//! The file of a classifier that has learned: safetensors, with its config in the metadata.

use crate::classes::ClassMap;
use crate::classifier::{Classifier, ClassifierConfig};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// The key in the metadata.
const KEY: &str = "gan-classifier";

/// What the metadata says.
#[derive(Serialize, Deserialize)]
struct Header {
    channels: usize,
    side: usize,
    base_width: usize,
    classes: usize,
    /// Of the classes; none, if they are numbers.
    names: Vec<String>,
}

impl Classifier {
    /// The bytes of a safetensors file that [`of_bytes`](Self::of_bytes) reads. The same classifier gives the
    /// same bytes.
    ///
    /// # Errors
    /// If the tensors cannot be read from their device.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let config = self.config();
        let header = Header {
            channels: config.channels,
            side: config.side,
            base_width: config.base_width,
            classes: config.classes.count(),
            names: config.classes.names().to_vec(),
        };
        let refuse = |error: &dyn std::fmt::Display| Error::NotAClassifier { why: error.to_string() };
        let header = serde_json::to_string(&header).map_err(|error| refuse(&error))?;
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        safetensors::serialize(self.params().state_dict(), Some(metadata)).map_err(|error| refuse(&error))
    }

    /// A classifier that was written by [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// If these are not its bytes: another file, tensors that are missing, NaN or infinity.
    pub fn of_bytes(bytes: &[u8], device: &Device) -> Result<Self> {
        let refuse = |error: &dyn std::fmt::Display| Error::NotAClassifier { why: error.to_string() };
        let (_, metadata) = safetensors::SafeTensors::read_metadata(bytes).map_err(|error| refuse(&error))?;
        let header = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let header = header.ok_or_else(|| refuse(&"its metadata does not say that it is"))?;
        let header: Header = serde_json::from_str(header).map_err(|error| refuse(&error))?;
        let classes = ClassMap::named(header.classes, header.names)
            .ok_or_else(|| refuse(&"it has names for more or fewer classes than there are"))?;
        let config = ClassifierConfig {
            channels: header.channels,
            side: header.side,
            classes,
            base_width: header.base_width,
        };
        let tensors = candle_core::safetensors::load_buffer(bytes, device)?;
        let classifier = Self::of_tensors(config, tensors.into_iter().collect(), device)?;
        match classifier.params().not_finite()? {
            Some(name) => Err(refuse(&format!("{name} holds NaN or infinity"))),
            None => Ok(classifier),
        }
    }
}

/// A SHA-256 digest of named tensors, in hexadecimal: by it two scores are known to be of the same features.
pub(crate) fn digest(tensors: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut sha = Sha256::new();
    for (name, tensor) in tensors.iter().filter(|(_, tensor)| tensor.dtype().is_float()) {
        sha.update(name.as_bytes());
        let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        sha.update(&bytes);
    }
    Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
