//! The generator file: a safetensors file that PyTorch can load, with the model's config in its metadata.
//!
//! The metadata has one key, `gan`, holding JSON with its keys in order; no time and no path, so that equal models are
//! equal bytes. The tensors have their `state_dict` names. A checksum covers every byte of the file: SHA-256 of it with
//! zeros in place of the checksum's own digits.

use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::listing::{Listing, listing, printable};
use crate::networks::{Discriminator, Generator};
use crate::params::Params;
use crate::tensors::Source;
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const METADATA_KEY: &str = "gan";
const FORMAT: u32 = 1;
/// The largest file that is read, bytes: four for each parameter that a network may have, and then some.
const MAX_FILE: u64 = 17 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    kind: String,
    model: ModelConfig,
    /// Of the file, in hex. Files that other programs make may do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// What stands where the checksum will be.
const NO_CHECKSUM: [u8; 64] = [b'0'; 64];

/// Whether a file is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Every byte is as it was written.
    Holds,
    /// Some are not.
    Broken,
    /// The file has none.
    Absent,
}

/// What a safetensors file says of itself.
#[derive(Debug)]
pub struct FileInfo {
    /// "generator" or "discriminator", and the networks it belongs to; nothing if this program did not write it.
    pub model: Option<(String, ModelConfig)>,
    /// Its tensors.
    pub tensors: Listing,
    /// Whether it is what was written.
    pub checksum: Checksum,
}

/// The bytes of a generator file.
pub fn generator_to_bytes(generator: &dyn Generator) -> Result<Vec<u8>> {
    to_bytes("generator", generator.config(), generator.params())
}

/// The bytes of a discriminator file.
pub fn discriminator_to_bytes(discriminator: &dyn Discriminator) -> Result<Vec<u8>> {
    to_bytes("discriminator", discriminator.config(), discriminator.params())
}

/// Writes a generator, whole or not at all.
pub fn save_generator(generator: &dyn Generator, path: &Path) -> Result<()> {
    let bytes = generator_to_bytes(generator)?;
    write_whole(path, &bytes).map_err(|source| Error::File {
        action: "write",
        path: path.to_path_buf(),
        source,
    })
}

/// Reads a generator file. Every name, shape and type must be the one that its config says, every byte the one that was
/// written, and every number finite. Its parameters are untracked: images that it makes keep no graph
/// ([`Params::set_requires_grad`] changes that).
pub fn load_generator(path: &Path, device: &Device) -> Result<Box<dyn Generator>> {
    from_bytes(&read(path)?, path, device)
}

/// The same with the bytes of such a file, from wherever they come.
pub fn generator_from_bytes(bytes: &[u8], device: &Device) -> Result<Box<dyn Generator>> {
    from_bytes(bytes, Path::new("the buffer"), device)
}

/// `path` is what messages call it.
fn from_bytes(bytes: &[u8], path: &Path, device: &Device) -> Result<Box<dyn Generator>> {
    let refuse = |why: String| Error::NotAGenerator { path: path.to_path_buf(), why };
    let header =
        header(bytes).map_err(refuse)?.ok_or_else(|| refuse("its metadata has no key `gan`".into()))?;
    if header.kind != "generator" {
        return Err(refuse(format!("it holds a {}", printable(&header.kind))));
    }
    if header.format != FORMAT {
        return Err(refuse(format!("it has format {}, this program reads {FORMAT}", header.format)));
    }
    let whole = checksum(bytes, Some(&header)) != Checksum::Broken;
    let tensors = tensors(bytes, device).map_err(refuse)?;
    let generator = header.model.build_generator(Source::Tensors(tensors), device);
    let generator = generator.map_err(|error| match error {
        Error::Config { what, .. } => refuse(what), // says more than a checksum
        other => other,
    })?;
    if !whole {
        return Err(refuse("its checksum does not hold: it was damaged or changed".into()));
    }
    if let Some(name) = generator.params().not_finite()? {
        return Err(refuse(format!("{name} holds NaN or infinity: the run it is from had diverged")));
    }
    generator.params().set_requires_grad(false);
    Ok(generator)
}

/// What a safetensors file is, whoever wrote it.
pub fn inspect_file(path: &Path) -> Result<FileInfo> {
    let refuse = |why: String| Error::NotSafetensors { path: path.to_path_buf(), why };
    let bytes = read(path)?;
    let header = header(&bytes).map_err(refuse)?;
    let checksum = checksum(&bytes, header.as_ref());
    let tensors = listing(&tensors(&bytes, &Device::Cpu).map_err(refuse)?);
    Ok(FileInfo { model: header.map(|header| (header.kind, header.model)), tensors, checksum })
}

/// What is in the metadata of a safetensors file, if it is ours. The error says what is wrong with it.
fn header(bytes: &[u8]) -> std::result::Result<Option<Header>, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let header = metadata.metadata().as_ref().and_then(|all| all.get(METADATA_KEY));
    let parse = |text: &String| serde_json::from_str(text);
    header.map(parse).transpose().map_err(|error| format!("its metadata does not read: {error}"))
}

fn tensors(bytes: &[u8], device: &Device) -> std::result::Result<BTreeMap<String, Tensor>, String> {
    let tensors = candle_core::safetensors::load_buffer(bytes, device).map_err(|error| first_line(&error))?;
    Ok(tensors.into_iter().collect())
}

fn checksum(bytes: &[u8], header: Option<&Header>) -> Checksum {
    let Some(written) = header.and_then(|header| header.sha256.as_deref()) else { return Checksum::Absent };
    if written.len() == NO_CHECKSUM.len() && digest(bytes, written.as_bytes()) == written {
        Checksum::Holds
    } else {
        Checksum::Broken
    }
}

/// SHA-256, in hex, of a file in which this checksum is replaced by zeros where it first occurs.
fn digest(bytes: &[u8], checksum: &[u8]) -> String {
    let at = bytes.windows(checksum.len()).position(|window| window == checksum).unwrap_or(bytes.len());
    let after = (at + checksum.len()).min(bytes.len());
    let sha = Sha256::new().chain_update(&bytes[..at]).chain_update(NO_CHECKSUM);
    sha.chain_update(&bytes[after..]).finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn to_bytes(kind: &str, config: &ModelConfig, params: &Params) -> Result<Vec<u8>> {
    let fail = |error: &dyn std::fmt::Display| candle_core::Error::Msg(error.to_string());
    let sha256 = Some(String::from_utf8_lossy(&NO_CHECKSUM).into_owned());
    let header = Header { format: FORMAT, kind: kind.into(), model: config.clone(), sha256 };
    let header = serde_json::to_string(&header).map_err(|error| fail(&error))?;
    let metadata = HashMap::from([(METADATA_KEY.to_string(), header)]);
    let mut bytes =
        safetensors::serialize(params.state_dict(), Some(metadata)).map_err(|error| fail(&error))?;
    // The metadata stands before the tensors: the first such zeros are those.
    let checksum = digest(&bytes, &NO_CHECKSUM);
    if let Some(at) = bytes.windows(NO_CHECKSUM.len()).position(|window| window == NO_CHECKSUM) {
        bytes[at..at + NO_CHECKSUM.len()].copy_from_slice(checksum.as_bytes());
    }
    Ok(bytes)
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
    if metadata.len() > MAX_FILE {
        let why = format!("{} bytes are more than the {MAX_FILE} that are read", metadata.len());
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
