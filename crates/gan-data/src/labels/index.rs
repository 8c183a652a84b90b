//! Which image a table means by a name.

use std::cell::OnceCell;
use std::collections::HashMap;

/// Images by their names within a folder, as `class/0.jpg`.
pub(super) struct Index<'a> {
    /// Name and number.
    images: Vec<(&'a str, usize)>,
    exact: HashMap<&'a str, usize>,
    /// By a part of the name; `None` where several images have it. Made when it is needed.
    by_part: [OnceCell<HashMap<&'a str, Option<usize>>>; PARTS.len()],
}

/// What of an image's name a table may write: all but the ending, the name without folders, that without its ending.
const PARTS: [fn(&str) -> &str; 3] = [without_ending, file_name, stem];

impl<'a> Index<'a> {
    /// The images that lie in the folder of the table. `folder` is empty, or ends with a slash.
    pub(super) fn new(names: &'a [String], folder: &str) -> Self {
        let within = |(number, name): (usize, &'a String)| Some((name.strip_prefix(folder)?, number));
        let images: Vec<(&str, usize)> = names.iter().enumerate().filter_map(within).collect();
        let exact = images.iter().copied().collect();
        Self { images, exact, by_part: Default::default() }
    }

    /// The names and numbers of all images.
    pub(super) fn images(&self) -> &[(&'a str, usize)] {
        &self.images
    }

    /// The number of the image that a table calls so: by its path within the folder of the table; or, if only one image
    /// can be meant, without its ending, or without the folders that it lies in.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim();
        let slashes = name.contains('\\').then(|| name.replace('\\', "/"));
        let name = slashes.as_deref().unwrap_or(name);
        let name = name.strip_prefix("./").unwrap_or(name);
        if name.is_empty() {
            return None;
        }
        let by_part = |part: usize, name: &str| self.part(part).get(name).copied().flatten();
        self.exact
            .get(name)
            .copied()
            .or_else(|| by_part(0, name))
            .or_else(|| by_part(1, file_name(name)))
            .or_else(|| by_part(2, file_name(name)))
            .or_else(|| by_part(2, stem(name)))
    }

    fn part(&self, part: usize) -> &HashMap<&'a str, Option<usize>> {
        self.by_part[part].get_or_init(|| {
            let mut found = HashMap::with_capacity(self.images.len());
            for &(name, number) in &self.images {
                found.entry(PARTS[part](name)).and_modify(|known| *known = None).or_insert(Some(number));
            }
            found
        })
    }
}

fn without_ending(name: &str) -> &str {
    let folders = name.len() - file_name(name).len();
    match name[folders..].rfind('.') {
        Some(dot) if dot > 0 => &name[..folders + dot],
        _ => name,
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn stem(name: &str) -> &str {
    without_ending(file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_meant_by_its_path_or_by_a_part_that_only_one_has() {
        let names = ["a/0.jpg", "b/0.jpg", "b/1.v2.png", "b/c/.2"].map(str::to_owned);
        let index = Index::new(&names, "");
        for (name, expected) in [
            ("a/0.jpg", Some(0)),
            ("./b/0.jpg", Some(1)),
            ("b\\1.v2.png", Some(2)),
            ("0.jpg", None),
            ("0", None),
            ("a/0", Some(0)),
            ("1.v2.png", Some(2)),
            (" x/y/1.v2.jpg ", Some(2)),
            ("1.v2", Some(2)),
            (".2", Some(3)),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(index.find(name), expected, "{name}");
        }
        let index = Index::new(&names, "b/");
        assert_eq!(
            (index.find("0.jpg"), index.find("c/.2"), index.find("a/1.jpg")),
            (Some(1), Some(3), None)
        );
    }
}
