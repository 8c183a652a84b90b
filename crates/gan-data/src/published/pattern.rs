//! Names of files with a `*` in them.

/// Whether a name is the wanted one, in which a `*` stands for anything.
pub(super) fn fits(name: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        None => name == wanted,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}
