//! The generator file: a safetensors file that PyTorch can load, with the model's config in its metadata.
//!
//! The metadata has one key, `gan`, holding JSON with its keys in order; no time and no path, so that equal models are
//! equal bytes. The tensors have their `state_dict` names. A checksum covers every byte of the file: SHA-256 of it with
//! zeros in place of the checksum's own digits.

use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::files::{Links, open_regular, write_whole};
use crate::header::FileHeader;
use crate::networks::{Discriminator, Generator};
use candle_core::{Device, Tensor};
use gan_nn::{Listing, Params, printable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

const METADATA_KEY: &str = "gan";
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    kind: String,
    /// What builds the network, if it is one of this crate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<ModelConfig>,
    /// What it is called, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<String>,
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
    /// "generator" or "discriminator", and the networks it belongs to, or what somebody else's network is called; nothing if
    /// this program did not write it.
    pub model: Option<(String, std::result::Result<ModelConfig, String>)>,
    /// Its tensors.
    pub tensors: Listing,
    /// Whether it is what was written.
    pub checksum: Checksum,
}

/// The bytes of a generator file.
pub fn generator_to_bytes(generator: &dyn Generator) -> Result<Vec<u8>> {
    to_bytes("generator", generator.model(), generator.name(), generator.params())
}

/// The bytes of a discriminator file.
pub fn discriminator_to_bytes(discriminator: &dyn Discriminator) -> Result<Vec<u8>> {
    to_bytes("discriminator", discriminator.model(), discriminator.name(), discriminator.params())
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
/// written, and every number finite.
///
/// Who samples from it many times over calls [`Params::freeze`] first.
pub fn load_generator(path: &Path, device: &Device) -> Result<Box<dyn Generator>> {
    let (mut file, length) = open(path)?;
    let refuse = |why| not_a_generator(path, why);
    let found = FileHeader::read(&mut file, length).map_err(refuse)?;
    let (_, model) = generator_header(&found).map_err(refuse)?;
    // No more is read than the networks that it names can have.
    let most = model.most_bytes().map_err(|error| in_its_config(error, path))?;
    if length > most {
        return Err(refuse(format!("it has {length} bytes, and such a network at most {most}")));
    }
    let mut bytes = found.bytes;
    file.take(most).read_to_end(&mut bytes).map_err(cannot_read(path))?;
    read_generator(&bytes, path, device)
}

/// The same with the bytes of such a file, from wherever they come.
pub fn generator_from_bytes(bytes: &[u8], device: &Device) -> Result<Box<dyn Generator>> {
    read_generator(bytes, Path::new("the buffer"), device)
}

/// The same with the bytes of the file at `path`, as messages call it.
pub fn read_generator(bytes: &[u8], path: &Path, device: &Device) -> Result<Box<dyn Generator>> {
    let refuse = |why| not_a_generator(path, why);
    let found = FileHeader::read(bytes, bytes.len() as u64).map_err(refuse)?;
    let (header, model) = generator_header(&found).map_err(refuse)?;
    let tensors_at = found.bytes.len();
    let whole = checksum(&found.bytes, &bytes[tensors_at..], Some(&header)).map_err(cannot_read(path))?;
    let tensors = tensors(bytes, device).map_err(refuse)?;
    let generator = model.generator_of(tensors, device);
    let generator = generator.map_err(|error| in_its_config(error, path))?; // says more than a checksum
    if whole == Checksum::Broken {
        return Err(refuse("its checksum does not hold: it was damaged or changed".into()));
    }
    if let Some(name) = generator.params().not_finite()? {
        return Err(refuse(format!("{name} holds NaN or infinity: the run it is from had diverged")));
    }
    Ok(generator)
}

/// What a safetensors file is, whoever wrote it. No more than its header is held in memory.
pub fn inspect_file(path: &Path) -> Result<FileInfo> {
    let refuse = |why: String| Error::NotSafetensors { path: path.to_path_buf(), why };
    let (mut file, length) = open(path)?;
    let found = FileHeader::read(&mut file, length).map_err(refuse)?;
    let header = header(&found).map_err(refuse)?;
    let checksum = checksum(&found.bytes, file, header.as_ref()).map_err(cannot_read(path))?;
    let model = header.map(|Header { kind, model, network, .. }| {
        (kind, model.ok_or_else(|| network.unwrap_or_else(|| "a network without a name".into())))
    });
    Ok(FileInfo { model, tensors: found.tensors, checksum })
}

/// The tensors of a safetensors file, by what the bytes of its header say.
///
/// # Errors
/// What is wrong with it.
pub fn listing_of_bytes(bytes: &[u8]) -> std::result::Result<Listing, String> {
    Ok(FileHeader::read(bytes, bytes.len() as u64)?.tensors)
}

/// The same of an open file of so many bytes.
///
/// # Errors
/// What is wrong with it.
pub fn listing_of_file(file: impl Read, length: u64) -> std::result::Result<Listing, String> {
    Ok(FileHeader::read(file, length)?.tensors)
}

/// What is in the metadata of a generator file. The error says what is wrong with it.
fn generator_header(found: &FileHeader) -> std::result::Result<(Header, ModelConfig), String> {
    let header = header(found)?.ok_or("its metadata has no key `gan`")?;
    if header.kind != "generator" {
        return Err(format!("it holds a {}", printable(&header.kind)));
    }
    if header.format != FORMAT {
        return Err(format!("it has format {}, this program reads {FORMAT}", header.format));
    }
    match header.model.clone() {
        Some(model) => Ok((header, model)),
        None => Err(format!(
            "it holds the weights of {}, which only the program that made it can build",
            printable(header.network.as_deref().unwrap_or("a network without a name"))
        )),
    }
}

/// What is wrong with the config in a file is wrong with the file.
fn in_its_config(error: Error, path: &Path) -> Error {
    match error {
        Error::Config { what, .. } => not_a_generator(path, what),
        other => other,
    }
}

/// What is in the metadata of a safetensors file, if it is ours. The error says what is wrong with it.
fn header(found: &FileHeader) -> std::result::Result<Option<Header>, String> {
    let parse = |text: &String| serde_json::from_str(text);
    let header: Option<Header> = found
        .metadata
        .get(METADATA_KEY)
        .map(parse)
        .transpose()
        .map_err(|error| format!("its metadata does not read: {error}"))?;
    if let Some(model) = header.as_ref().and_then(|header| header.model.as_ref()) {
        model.check_amount_of_classes().map_err(|error| error.to_string())?;
    }
    Ok(header)
}

fn tensors(bytes: &[u8], device: &Device) -> std::result::Result<BTreeMap<String, Tensor>, String> {
    let tensors = candle_core::safetensors::load_buffer(bytes, device).map_err(|error| first_line(&error))?;
    Ok(tensors.into_iter().collect())
}

/// Whether the checksum of a file holds, of which `tensors` is what comes after the header.
fn checksum(header: &[u8], tensors: impl Read, told: Option<&Header>) -> io::Result<Checksum> {
    let Some(written) = told.and_then(|header| header.sha256.as_deref()) else { return Ok(Checksum::Absent) };
    let holds = written.len() == NO_CHECKSUM.len() && digest(header, tensors, written.as_bytes())? == written;
    Ok(if holds { Checksum::Holds } else { Checksum::Broken })
}

/// SHA-256, in hex, of a file in whose header this checksum is replaced by zeros where it first occurs.
fn digest(header: &[u8], mut tensors: impl Read, checksum: &[u8]) -> io::Result<String> {
    let at = header.windows(checksum.len()).position(|window| window == checksum).unwrap_or(header.len());
    let after = (at + checksum.len()).min(header.len());
    let mut sha = Sha256::new().chain_update(&header[..at]).chain_update(NO_CHECKSUM);
    sha.update(&header[after..]);
    let mut block = vec![0; 1 << 16];
    loop {
        match tensors.read(&mut block)? {
            0 => return Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => sha.update(&block[..read]),
        }
    }
}

fn to_bytes(kind: &str, model: Option<&ModelConfig>, name: &str, params: &Params) -> Result<Vec<u8>> {
    let fail = |error: &dyn std::fmt::Display| candle_core::Error::Msg(error.to_string());
    let sha256 = Some(String::from_utf8_lossy(&NO_CHECKSUM).into_owned());
    let network = model.is_none().then(|| name.to_owned());
    let header = Header { format: FORMAT, kind: kind.into(), model: model.cloned(), network, sha256 };
    let header = serde_json::to_string(&header).map_err(|error| fail(&error))?;
    let metadata = HashMap::from([(METADATA_KEY.to_string(), header)]);
    let mut bytes =
        safetensors::serialize(params.state_dict(), Some(metadata)).map_err(|error| fail(&error))?;
    // The metadata stands before the tensors: the first such zeros are those.
    let checksum = digest(&bytes, io::empty(), &NO_CHECKSUM).map_err(|error| fail(&error))?;
    if let Some(at) = bytes.windows(NO_CHECKSUM.len()).position(|window| window == NO_CHECKSUM) {
        bytes[at..at + NO_CHECKSUM.len()].copy_from_slice(checksum.as_bytes());
    }
    Ok(bytes)
}

/// Opens a file, and gives its length.
fn open(path: &Path) -> Result<(File, u64)> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(not_a_generator(path, "it is not a regular file".into()));
    }
    let file = open_regular(path, OpenOptions::new().read(true), Links::Follow);
    let file = file.map_err(cannot_read(path))?;
    let length = file.metadata().map_err(cannot_read(path))?.len();
    Ok((file, length))
}

fn not_a_generator(path: &Path, why: String) -> Error {
    Error::NotAGenerator { path: path.to_path_buf(), why }
}

fn cannot_read(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File { action: "read", path: path.to_path_buf(), source }
}

/// Candle appends a backtrace to its messages where one is asked for.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
