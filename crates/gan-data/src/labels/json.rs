//! Tables in JSON: a line of it for each image, or the one file of StyleGAN's dataset tool.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Value;

/// What a value of JSON says of a class; an error in words if it is none.
pub(super) type Label = Result<Option<Value<'static>>, &'static str>;

/// A label that is a list or an object.
const NO_LABEL: &str = "a list or an object is no class: those are words or whole numbers";

/// Shows `visit` each name of a file with its label, of `{"labels": [["00000/img00000000.png", 6], ...]}`; gives whether
/// there are labels at all: `{"labels": null}` says that there are none.
///
/// # Errors
/// If it is not such a file.
pub(super) fn read_dataset_json(
    reader: impl Read,
    visit: &mut dyn FnMut(String, Label),
) -> Result<bool, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    let found = Document(visit).deserialize(&mut json)?;
    json.end()?;
    found.ok_or_else(|| serde::de::Error::custom("it has no labels"))
}

/// The label that a parsed value is.
pub(super) fn label(value: &serde_json::Value) -> Result<Option<Value<'_>>, &'static str> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => None,
        Json::Bool(answer) => Some(Value::Text(answer.to_string().into())),
        Json::String(text) => Some(Value::Text(Cow::Borrowed(text))),
        Json::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Text(number.to_string().into()),
        }),
        Json::Array(_) | Json::Object(_) => return Err(NO_LABEL),
    })
}

/// Values are handed on as they come: a file of a few megabytes may have millions.
struct Document<'a>(&'a mut dyn FnMut(String, Label));

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Option<bool>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Option<bool>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "labels" {
                found = Some(map.next_value_seed(Labels(&mut *self.0))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Labels<'a>(&'a mut dyn FnMut(String, Label));

impl<'de> DeserializeSeed<'de> for Labels<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pairs of a file and its label, or null")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<bool, A::Error> {
        while pairs.next_element_seed(Pair(&mut *self.0))?.is_some() {}
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let label = map.next_value_seed(OneLabel)?;
            (self.0)(name, label);
        }
        Ok(true)
    }
}

struct Pair<'a>(&'a mut dyn FnMut(String, Label));

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair of a file and its label")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        let too_short = || serde::de::Error::custom("a file without its label");
        let name: String = pair.next_element()?.ok_or_else(too_short)?;
        let label = pair.next_element_seed(OneLabel)?.ok_or_else(too_short)?;
        while pair.next_element::<IgnoredAny>()?.is_some() {}
        (self.0)(name, label);
        Ok(())
    }
}

struct OneLabel;

impl<'de> DeserializeSeed<'de> for OneLabel {
    type Value = Label;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Label, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneLabel {
    type Value = Label;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_unit<E>(self) -> Result<Label, E> {
        Ok(Ok(None))
    }

    fn visit_bool<E>(self, answer: bool) -> Result<Label, E> {
        Ok(Ok(Some(Value::Text(answer.to_string().into()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Label, E> {
        Ok(Ok(Some(Value::Int(number))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Label, E> {
        let value = i64::try_from(number).map_or_else(|_| Value::Text(number.to_string().into()), Value::Int);
        Ok(Ok(Some(value)))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Label, E> {
        Ok(Ok(Some(Value::Float(float))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Label, E> {
        Ok(Ok(Some(Value::Text(text.to_owned().into()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Label, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(NO_LABEL))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Label, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Err(NO_LABEL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(bool, Vec<(String, Label)>), String> {
        let mut pairs = Vec::new();
        let found = read_dataset_json(text.as_bytes(), &mut |name, label| pairs.push((name, label)));
        found.map(|found| (found, pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn labels_of_stylegan_are_pairs_or_none() {
        let pair = |name: &str, label: i64| (name.to_owned(), Ok(Some(Value::Int(label))));
        let expected = vec![pair("00000/a.png", 6), pair("b.png", 0)];
        let found = (true, expected.clone());
        assert_eq!(read(r#"{"x": [{}], "labels": [["00000/a.png", 6], ["b.png", 0, 1]]}"#).unwrap(), found);
        assert_eq!(read(r#"{"labels": {"00000/a.png": 6, "b.png": 0}}"#).unwrap(), found);
        assert_eq!(read(r#"{"labels": null}"#).unwrap(), (false, Vec::new()));
        let (_, vectors) = read(r#"{"labels": [["a.png", [0.5, 1.0]]]}"#).unwrap();
        assert_eq!(vectors, [("a.png".to_owned(), Err(NO_LABEL))]);
    }

    #[test]
    fn another_file_is_no_table_of_labels() {
        for text in ["", "{}", "[]", "7", r#"{"labels": 7}"#, r#"{"labels": [7]}"#, r#"{"labels": [["a"]]}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("{{\"labels\": {}", "[".repeat(1 << 20))).is_err(), "no stack is used up");
        assert!(read(r#"{"labels": [["a.png", 1]"#).unwrap_err().contains("EOF"));
    }
}
