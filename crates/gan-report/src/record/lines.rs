//! Files of JSON lines.

use crate::files;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::path::Path;

/// A JSON object with its names in their order, which `serde_json` forgets.
pub(super) struct Object(pub Vec<(String, Value)>);

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Object;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a file of JSON lines. Damaged lines are left out and counted; a last one that is broken off is not
/// damage but the mark of a kill, and said as such.
pub(super) fn lines(
    folder: &Path,
    name: &str,
    most: u64,
    damage: &mut Vec<String>,
    mut take: impl FnMut(Object) -> Result<(), &'static str>,
) {
    let bytes = match files::read_if_there(&folder.join(name), most) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => return damage.push(format!("{name}: {error}")),
    };
    let mut damaged = 0;
    let mut first = String::new();
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let parsed = serde_json::from_slice(line).map_err(|error| error.to_string());
        let Err(what) = parsed.and_then(|object| take(object).map_err(str::to_owned)) else { continue };
        if !line.ends_with(b"\n") {
            damage.push(format!("{name}: the last line is broken off, and left out"));
            continue;
        }
        damaged += 1;
        if first.is_empty() {
            first = format!("line {}: {what}", number + 1);
        }
    }
    match damaged {
        0 => {}
        1 => damage.push(format!("{name}: {first}; it is left out")),
        _ => damage.push(format!("{name}: {damaged} damaged lines are left out, first {first}")),
    }
}
