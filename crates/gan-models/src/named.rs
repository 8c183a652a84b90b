//! Choices that have names, as in configs and on the command line.

/// The name of a value in a table such as [`Architecture::ALL`](crate::Architecture::ALL); empty if it is not there.
pub fn name_of<T: Copy + PartialEq>(all: &[(&'static str, T)], value: T) -> &'static str {
    all.iter().find(|(_, one)| *one == value).map_or("", |(name, _)| name)
}
