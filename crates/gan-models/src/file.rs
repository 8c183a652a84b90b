//! The generator file: a safetensors file that PyTorch can load, with the model's config in its metadata.
//!
//! The metadata has one key, `gan`, holding JSON with its keys in order; no time and no path, so that equal models are
//! equal bytes. The tensors have their `state_dict` names.

use crate::builder::Source;
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::networks::{Discriminator, Generator};
use crate::params::Params;
use candle_core::Device;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const METADATA_KEY: &str = "gan";
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    kind: String,
    model: ModelConfig,
}

/// Writes a generator, whole or not at all.
pub fn save_generator(generator: &dyn Generator, path: &Path) -> Result<()> {
    save("generator", generator.config(), generator.params(), path)
}

/// Writes a discriminator, whole or not at all.
pub fn save_discriminator(discriminator: &dyn Discriminator, path: &Path) -> Result<()> {
    save("discriminator", discriminator.config(), discriminator.params(), path)
}

/// Reads a generator file. Every name, shape and type must be the one that its config says.
pub fn load_generator(path: &Path, device: &Device) -> Result<Box<dyn Generator>> {
    let refuse = |why: String| Error::NotAGenerator { path: path.to_path_buf(), why };
    let bytes = read(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| refuse(error.to_string()))?;
    let header = metadata.metadata().as_ref().and_then(|all| all.get(METADATA_KEY));
    let header = header.ok_or_else(|| refuse("its metadata has no key `gan`".into()))?;
    let header: Header = serde_json::from_str(header)
        .map_err(|error| refuse(format!("its metadata does not read: {error}")))?;
    if header.kind != "generator" {
        return Err(refuse(format!("it holds a {}", header.kind)));
    }
    if header.format != FORMAT {
        return Err(refuse(format!("it has format {}, this program reads {FORMAT}", header.format)));
    }
    let tensors = candle_core::safetensors::load_buffer(&bytes, device)
        .map_err(|error| refuse(first_line(&error)))?
        .into_iter()
        .collect();
    header.model.build_generator(Source::Tensors(tensors), device).map_err(|error| match error {
        Error::Config { what, .. } => refuse(what),
        other => other,
    })
}

fn save(kind: &str, config: &ModelConfig, params: &Params, path: &Path) -> Result<()> {
    let header = Header { format: FORMAT, kind: kind.into(), model: config.clone() };
    let header =
        serde_json::to_string(&header).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    let metadata = HashMap::from([(METADATA_KEY.to_string(), header)]);
    let bytes = safetensors::serialize(params.state_dict(), Some(metadata))
        .map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    write_whole(path, &bytes).map_err(|source| Error::File {
        action: "write",
        path: path.to_path_buf(),
        source,
    })
}

/// Writes under a temporary name, then renames: a reader sees the whole file or none.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::File { action: "read", path: path.to_path_buf(), source };
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        let why = "it is not a regular file".to_string();
        return Err(Error::NotAGenerator { path: path.to_path_buf(), why });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(fail)?;
    Ok(bytes)
}

/// Candle appends a backtrace to its messages where one is asked for.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
