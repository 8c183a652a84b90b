//! The files of a tar archive, raw or compressed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::listing::Listing;
use super::{Listed, MAX_FILE, Members, most, within};
use crate::compression::Codec;
use crate::progress_callback::{Progress, ProgressCallback, Unit};
use crate::spool::SpoolWriter;
use crate::tarball::{self, Kind, Member};
use crate::{Error, Result};

pub(super) fn list(
    path: &Path,
    file: File,
    length: u64,
    mut wanted: impl FnMut(&Path) -> bool,
) -> Result<Listed> {
    let (mut places, mut listing) = (Vec::new(), Listing::new(path));
    tarball::visit_headers(path, &file, length, |member| {
        if member.kind == Kind::File {
            places.push((member.start, member.size));
        }
        add(&mut listing, &member, places.len().saturating_sub(1), &mut wanted).map(|_| ())
    })?;
    Ok((Members::Tar(file, places), listing.finish(wanted)?))
}

/// Of an archive that cannot be read from the middle, the files that are wanted are written to a temporary file.
pub(super) fn list_compressed(
    path: &Path,
    codec: Codec,
    file: File,
    length: u64,
    mut wanted: impl FnMut(&Path) -> bool,
    watch: &ProgressCallback,
) -> Result<Listed> {
    let what = format!("reading {}", path.display());
    let (mut listing, mut writer) = (Listing::new(path), SpoolWriter::new()?);
    let counted = |file| Counted { inner: file, done: 0, total: length, what: &what, watch };
    // Where in the temporary file each is, by its number in the archive.
    let mut places = HashMap::new();
    let mut number = 0;
    tarball::visit_compressed(path, codec, counted(&file), most(length), |member| {
        if add(&mut listing, &member, number, &mut wanted)? {
            places.insert(number, places.len());
            push(&mut writer, path, member.content)?;
        }
        number += usize::from(member.kind == Kind::File);
        Ok(())
    })?;
    let mut files = listing.finish(wanted)?;

    // A link may lead to a file whose own name is not wanted: those are read now.
    let mut missing: Vec<_> =
        files.iter().map(|(_, number)| *number).filter(|number| !places.contains_key(number)).collect();
    if !missing.is_empty() {
        missing.sort_unstable();
        (&file).rewind().map_err(Error::reading(path))?;
        let mut number = 0;
        tarball::visit_compressed(path, codec, counted(&file), most(length), |member| {
            if member.kind == Kind::File {
                if missing.binary_search(&number).is_ok() {
                    places.insert(number, places.len());
                    push(&mut writer, path, member.content)?;
                }
                number += 1;
            }
            Ok(())
        })?;
    }
    for (_, number) in &mut files {
        *number = *places.get(number).ok_or_else(|| Error::malformed(path, "changes while it is read"))?;
    }
    Ok((Members::Unpacked(writer.finish()?), files))
}

/// Adds a member to the list; `number` is that of a file. Tells whether it is a file that is wanted.
fn add(
    listing: &mut Listing<'_>,
    member: &Member<'_>,
    number: usize,
    mut wanted: impl FnMut(&Path) -> bool,
) -> Result<bool> {
    let name = within(&member.inside);
    match &member.kind {
        Kind::File => {
            let is_wanted = wanted(&name);
            return listing.add_file(name, number, is_wanted).map(|()| is_wanted);
        }
        Kind::HardLink(target) => listing.add_hard_link(name, &within(target), wanted)?,
        Kind::Symlink(way) => listing.add_symlink(name, way.clone())?,
        Kind::Unread => listing.add_unread(&name),
    }
    Ok(false)
}

fn push(writer: &mut SpoolWriter, path: &Path, content: &mut dyn Read) -> Result<()> {
    let mut bytes = Vec::new();
    // What is too long for an image is cut here, and is an error when it is read.
    content.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| tarball::fault(path, error))?;
    writer.push(&bytes)
}

/// Tells how much of a file has been read.
struct Counted<'a> {
    inner: &'a File,
    done: u64,
    total: u64,
    what: &'a str,
    watch: &'a ProgressCallback,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        let Self { what, done, total, .. } = *self;
        self.watch.tell(Progress { what, done, total: Some(total), unit: Unit::Bytes });
        Ok(count)
    }
}
