//! The header of a safetensors file, read with bounds: whoever made the file may have meant harm.

use candle_core::DType;
use gan_nn::{Listing, printable};
use safetensors::Dtype;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;

/// The longest header. Our longest names 2^16 classes in 1 MiB, escaped twice.
const MOST_BYTES: u64 = 16 << 20;
/// The most tensors. Our largest networks have some hundreds, with their optimizers some thousands.
const MOST_TENSORS: usize = 100_000;
const MOST_DIMENSIONS: usize = 8;
/// The length of the header stands before it.
const LENGTH: u64 = 8;

/// What a safetensors file says of its tensors and of itself.
pub(crate) struct FileHeader {
    /// The bytes before the tensors.
    pub bytes: Vec<u8>,
    pub tensors: Listing,
    pub metadata: HashMap<String, String>,
}

impl FileHeader {
    /// Reads the header of a file of `length` bytes. The tensors must fill the rest of it exactly. The error says what
    /// is wrong.
    pub fn read(mut file: impl Read, length: u64) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut take = |count: u64, bytes: &mut Vec<u8>| {
            let read = file.by_ref().take(count).read_to_end(bytes).map_err(|error| error.to_string())?;
            if read as u64 == count { Ok(()) } else { Err("it ends within its header".to_owned()) }
        };
        take(LENGTH, &mut bytes)?;
        let mut count = [0; LENGTH as usize];
        count.copy_from_slice(&bytes);
        let count = u64::from_le_bytes(count);
        if count > length.saturating_sub(LENGTH) {
            return Err("its header is longer than the file".into());
        }
        if count > MOST_BYTES {
            return Err(format!("its header is longer than {MOST_BYTES} bytes"));
        }
        take(count, &mut bytes)?;
        let text = &bytes[LENGTH as usize..];
        let fields: Fields = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let tensors = fields.listing(length - LENGTH - count)?;
        Ok(Self { metadata: fields.metadata, tensors, bytes })
    }
}

/// The parsed text.
#[derive(Default)]
struct Fields {
    metadata: HashMap<String, String>,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl Fields {
    /// Types and shapes, once it is clear that the tensors lie one after the other in so many bytes.
    fn listing(&self, length: u64) -> Result<Listing, String> {
        let mut in_order: Vec<(&String, &Entry)> = self.tensors.iter().collect();
        in_order.sort_by_key(|(_, entry)| entry.data_offsets);
        let mut end = 0;
        for (name, entry) in in_order {
            let name = printable(name);
            let size = entry.size().ok_or_else(|| format!("the tensor {name} cannot have such a shape"))?;
            let (from, to) = entry.data_offsets;
            if from != end || to.checked_sub(from) != Some(size) || to > length {
                return Err(format!("the tensor {name} does not lie where it should"));
            }
            end = to;
        }
        if end != length {
            return Err(format!("its tensors have {end} bytes, and there are {length}"));
        }
        let kind = |(name, entry): (&String, &Entry)| {
            let dtype = DType::try_from(entry.dtype)
                .map_err(|_| format!("the tensor {} is of the type {:?}", printable(name), entry.dtype))?;
            Ok((name.clone(), (dtype, entry.shape.clone())))
        };
        self.tensors.iter().map(kind).collect()
    }
}

impl Entry {
    /// In bytes.
    fn size(&self) -> Option<u64> {
        let bits = self.shape.iter().try_fold(self.dtype.bitsize(), |size, &n| size.checked_mul(n))?;
        (self.shape.len() <= MOST_DIMENSIONS && bits.is_multiple_of(8)).then_some(bits as u64 / 8)
    }
}

/// One entry after the other, so that what is no entry is refused where it begins.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the tensors of a safetensors file")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        fields.metadata = map.next_value()?;
                    } else if fields.tensors.len() == MOST_TENSORS {
                        return Err(A::Error::custom(format!("more than {MOST_TENSORS} tensors")));
                    } else if fields.tensors.insert(name, map.next_value()?).is_some() {
                        return Err(A::Error::custom("two tensors of one name"));
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, data: u64) -> Result<FileHeader, String> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        FileHeader::read(bytes.as_slice(), bytes.len() as u64 + data)
    }

    #[test]
    fn numbers_and_amounts_that_no_file_of_such_a_length_can_have_are_refused() {
        let one = |shape: &str, from: u64, to: u64| {
            format!("{{\"x\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}}}")
        };
        let found = read(&one("[2,3]", 0, 24), 24).unwrap();
        assert_eq!(found.tensors["x"], (DType::F32, vec![2, 3]));
        for (header, data, why) in [
            (one("[2,3]", 0, 24), 23, "does not lie where it should"),
            (one("[2,3]", 0, 24), 25, "have 24 bytes, and there are 25"),
            (one("[2,3]", 4, 28), 28, "does not lie where it should"),
            (one("[2,3]", 24, 0), 24, "does not lie where it should"),
            (one("[4611686018427387904,2]", 0, 8), 8, "cannot have such a shape"),
            (one("[576460752303423487]", 0, 2_305_843_009_213_693_948), 8, "does not lie where it should"),
            (one("[1,1,1,1,1,1,1,1,1]", 0, 4), 4, "cannot have such a shape"),
            ("[]".into(), 0, "invalid type"),
            ("{\"x\":[[[[[[1]]]]]]}".into(), 0, "expected value"),
            ("{\"x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},".repeat(2), 4, "x"),
        ] {
            let error = read(&header, data).err().unwrap();
            assert!(error.contains(why) || why == "x", "{header}: {error}");
        }
        let many: Vec<String> = (0..=MOST_TENSORS)
            .map(|i| format!("\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
            .collect();
        let error = read(&format!("{{{}}}", many.join(",")), 0).err().unwrap();
        assert!(error.contains("more than 100000 tensors"), "{error}");
        let lies = FileHeader::read([0xff; 64].as_slice(), 64).err().unwrap();
        assert_eq!(lies, "its header is longer than the file");
        let long = FileHeader::read((1u64 << 40).to_le_bytes().as_slice(), u64::MAX).err().unwrap();
        assert_eq!(long, "its header is longer than 16777216 bytes");
    }
}
