//! What an archive lists: files by their names, and links to them.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::{Error, Result, names};

/// The most members of an archive: as many names have to be kept.
pub(super) const MAX_MEMBERS: usize = if cfg!(test) { 6_000 } else { 1 << 24 };
/// All names in an archive together, bytes.
pub(super) const MAX_NAMES: usize = if cfg!(test) { 1 << 19 } else { 512 << 20 };
/// The longest way that a link may name, bytes.
pub(super) const MAX_LINK: usize = 4096;
/// Links that one link leads through.
const MAX_HOPS: usize = 40;
/// All names that are looked up on the ways of links, bytes: a link can name many folders that are links.
const MAX_LOOKED_UP: usize = if cfg!(test) { 1 << 18 } else { 4 << 30 };

/// The members of an archive by their names. Of members of one name the last counts, as where the archive is unpacked.
pub(super) struct Listing<'a> {
    /// For messages.
    path: &'a Path,
    members: HashMap<PathBuf, Item>,
    names: usize,
    looked_up: usize,
    repeated: LeftOut,
    unresolved: LeftOut,
    unread: LeftOut,
}

#[derive(Clone)]
enum Item {
    /// What the archive knows it by, and whether it is wanted under this name.
    File { number: usize, wanted: bool },
    /// The way from the folder that the link is in.
    Symlink(PathBuf),
}

/// How many there are, and the first of them.
#[derive(Default)]
struct LeftOut {
    count: usize,
    first: PathBuf,
}

impl LeftOut {
    fn add(&mut self, name: &Path) {
        if self.count == 0 {
            self.first = name.to_owned();
        }
        self.count += 1;
    }

    /// Says so, once.
    fn tell(&self, path: &Path, what: &str) {
        if self.count > 0 {
            let first = names::shown(self.first.as_os_str());
            tracing::warn!("{}: {what}: {} (the first: {first})", path.display(), self.count);
        }
    }
}

impl<'a> Listing<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        let (members, looked_up) = (HashMap::new(), MAX_LOOKED_UP);
        let none = LeftOut::default;
        Self { path, members, names: 0, looked_up, repeated: none(), unresolved: none(), unread: none() }
    }

    /// A file of the archive's own, which knows it by its number.
    pub(super) fn add_file(&mut self, name: PathBuf, number: usize, wanted: bool) -> Result<()> {
        self.add(name, Item::File { number, wanted })
    }

    /// Another name of the member before it that is called `target`.
    pub(super) fn add_hard_link(
        &mut self,
        name: PathBuf,
        target: &Path,
        wanted: impl FnOnce(&Path) -> bool,
    ) -> Result<()> {
        match self.members.get(target) {
            Some(&Item::File { number, .. }) => {
                let wanted = wanted(&name);
                self.add(name, Item::File { number, wanted })
            }
            Some(link) => self.add(name, link.clone()),
            None => {
                self.unresolved.add(&name);
                Ok(())
            }
        }
    }

    /// A link that names the way from its folder to a member.
    pub(super) fn add_symlink(&mut self, name: PathBuf, target: PathBuf) -> Result<()> {
        if target.as_os_str().len() > MAX_LINK {
            self.unresolved.add(&name);
            return Ok(());
        }
        self.names += target.as_os_str().len();
        self.add(name, Item::Symlink(target))
    }

    /// A file that cannot be read in the form that it is in.
    pub(super) fn add_unread(&mut self, name: &Path) {
        self.unread.add(name);
    }

    fn add(&mut self, name: PathBuf, item: Item) -> Result<()> {
        if name.as_os_str().is_empty() {
            return Ok(());
        }
        self.names += name.as_os_str().len();
        if self.members.contains_key(&name) {
            self.repeated.add(&name);
        }
        self.members.insert(name, item);
        self.check_size(self.members.len())
    }

    fn check_size(&self, members: usize) -> Result<()> {
        let too_many = |what: String| Err(Error::malformed(self.path, format!("has {what}")));
        if members > MAX_MEMBERS {
            return too_many(format!("more than {MAX_MEMBERS} members"));
        }
        if self.names > MAX_NAMES {
            return too_many(format!("names of more than {MAX_NAMES} bytes in all"));
        }
        Ok(())
    }

    /// The files that are wanted, in the order of their names, each with its number; links are names of what they lead to.
    /// What is left out, and what was there twice, is said.
    pub(super) fn finish(mut self, mut wanted: impl FnMut(&Path) -> bool) -> Result<Vec<(PathBuf, usize)>> {
        let mut files = Vec::new();
        let mut folders = Vec::new();
        for (name, item) in &self.members {
            let Item::Symlink(target) = item else { continue };
            let mut hops = MAX_HOPS;
            let from = name.parent().unwrap_or(Path::new(""));
            let leads_to = resolve(&self.members, from, target, &mut hops, &mut self.looked_up);
            if self.looked_up == 0 {
                return Err(Error::malformed(self.path, "has links that lead through too many others"));
            }
            match leads_to.as_ref().and_then(|to| self.members.get(to)) {
                Some(&Item::File { number, .. }) => {
                    if wanted(name) {
                        files.push((name.clone(), number));
                    }
                }
                // A folder, if it is one: they have no entries of their own in every archive.
                _ => folders.push((name.clone(), leads_to)),
            }
        }
        for (name, item) in &self.members {
            if let Item::File { number, wanted: true } = *item {
                files.push((name.clone(), number));
            }
        }
        files.sort_unstable();
        self.add_linked_folders(&mut files, folders, wanted)?;
        self.repeated.tell(self.path, "names that stand in it more than once, of which the last counts");
        self.unresolved.tell(self.path, "links left out, as what they lead to is not in the archive");
        self.unread
            .tell(self.path, "files left out, as they are stored with holes or under a name without end");
        Ok(files)
    }

    /// Adds what is in folders under the names of the links that lead to these.
    fn add_linked_folders(
        &mut self,
        files: &mut Vec<(PathBuf, usize)>,
        mut folders: Vec<(PathBuf, Option<PathBuf>)>,
        mut wanted: impl FnMut(&Path) -> bool,
    ) -> Result<()> {
        folders.sort_unstable();
        let own = files.len();
        for (name, leads_to) in folders {
            // One that leads to a folder around it would go on for ever.
            let Some(folder) = leads_to.filter(|to| !name.starts_with(to)) else {
                self.unresolved.add(&name);
                continue;
            };
            // All that is in a folder stands together, after it.
            let start = files[..own].partition_point(|(path, _)| *path < folder);
            let mut end = start;
            while files[..own].get(end).is_some_and(|(path, _)| path.starts_with(&folder)) {
                end += 1;
            }
            if start == end {
                self.unresolved.add(&name);
            }
            self.check_size(files.len() + end - start)?;
            for at in start..end {
                let (path, number) = &files[at];
                let Ok(below) = path.strip_prefix(&folder) else { continue };
                let alias = (name.join(below), *number);
                self.names += alias.0.as_os_str().len();
                if wanted(&alias.0) {
                    files.push(alias);
                }
            }
            self.check_size(files.len())?;
        }
        if files.len() > own {
            files.sort(); // stable
            files.dedup_by(|next, one| next.0 == one.0);
        }
        Ok(())
    }
}

/// The name that a way from a folder leads to within the archive, through links; `None` if it leads out of it, or through
/// too many links.
fn resolve(
    members: &HashMap<PathBuf, Item>,
    from: &Path,
    way: &Path,
    hops: &mut usize,
    looked_up: &mut usize,
) -> Option<PathBuf> {
    let mut at = from.to_owned();
    for part in way.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if at.pop() => {}
            Component::Normal(name) => {
                at.push(name);
                let length = at.as_os_str().len();
                if length > MAX_LINK {
                    return None;
                }
                *looked_up = looked_up.saturating_sub(length + 1);
                if *looked_up == 0 {
                    return None;
                }
                if let Some(Item::Symlink(way)) = members.get(&at) {
                    *hops = hops.checked_sub(1)?;
                    at.pop();
                    at = resolve(members, &at, way, hops, looked_up)?;
                }
            }
            _ => return None,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_or_leads_nowhere_is_counted_and_the_first_is_named() {
        let mut listing = Listing::new(Path::new("set.tar"));
        for (number, name) in ["a.png", "b.png", "a.png", "b.png", "c.png"].iter().enumerate() {
            listing.add_file(name.into(), number, true).unwrap();
        }
        listing.add_hard_link("d.png".into(), Path::new("none.png"), |_| true).unwrap();
        listing.add_symlink("e.png".into(), "x".repeat(MAX_LINK + 1).into()).unwrap();
        assert_eq!((listing.repeated.count, &listing.repeated.first), (2, &PathBuf::from("a.png")));
        assert_eq!((listing.unresolved.count, &listing.unresolved.first), (2, &PathBuf::from("d.png")));
        let files = listing.finish(|_| true).unwrap();
        let expected = [("a.png", 2), ("b.png", 3), ("c.png", 4)];
        assert_eq!(files, expected.map(|(name, number)| (PathBuf::from(name), number)));
    }
}
