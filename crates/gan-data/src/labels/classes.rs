//! From what files say of images to classes, numbered from 0.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// What has more different values than this is no class.
pub(crate) const MAX_CLASSES: usize = 1 << 16;
/// The longest name of a class, bytes.
pub(crate) const MAX_NAME: usize = 1024;
/// Stands for no class in a list of them.
pub(crate) const NO_CLASS: u32 = u32::MAX;
/// So many values are named in messages.
const NAMED: usize = 4;

/// What a file says of the class of an image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

/// Why a value makes no class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The file says which classes there are, and the value is none of them.
    NotNamed(String),
    /// Values like these are no classes at all.
    NoClasses(String),
}

/// Gives each value a number, in the order in which they come; which class that is shows when all are known.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// The names that the file gives to the classes 0, 1, ...
    names: Option<Vec<String>>,
    /// The place of each value in the list of all values.
    numbers: HashMap<i64, u32>,
    words: HashMap<String, u32>,
}

/// The classes of all values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The class of each value, or [`NO_CLASS`].
    of_value: Vec<u32>,
    /// How many there are.
    pub(crate) count: usize,
    /// What they are called; empty where they are called by their numbers.
    pub(crate) names: Vec<String>,
    /// Whether they were numbers, and other ones.
    pub(crate) renumbered: bool,
}

impl Values {
    /// Values that are numbers of the classes with these names.
    #[cfg(any(feature = "hub", test))]
    pub(crate) fn named(names: Vec<String>) -> Self {
        let mut words = HashMap::with_capacity(names.len());
        for (class, name) in (0u32..).zip(&names) {
            words.entry(name.clone()).or_insert(class);
        }
        Self { names: Some(names), numbers: HashMap::new(), words }
    }

    /// What the file calls its classes.
    #[cfg(feature = "hub")]
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The number of a value; `None` if it says that there is no class: empty, no number, or -1 among named classes.
    ///
    /// # Errors
    /// If the value makes no class.
    pub(crate) fn number(&mut self, value: &Value<'_>) -> Result<Option<u32>, Unfit> {
        let value = match value {
            Value::Float(float) if float.is_nan() => return Ok(None),
            Value::Float(float) => Value::Int(whole(*float).ok_or_else(|| {
                Unfit::NoClasses(format!("{float} is no class: those are words or whole numbers"))
            })?),
            other => other.clone(),
        };
        if let Some(names) = &self.names {
            let none_of_them = |value: &dyn std::fmt::Display| {
                Err(Unfit::NotNamed(format!("its label {value} is none of the named classes")))
            };
            return match value {
                Value::Int(-1) => Ok(None),
                Value::Int(number) => match u32::try_from(number) {
                    Ok(class) if (class as usize) < names.len() => Ok(Some(class)),
                    _ => none_of_them(&number),
                },
                Value::Text(text) => match self.words.get(&one_line(&text)) {
                    Some(&class) => Ok(Some(class)),
                    None => none_of_them(&one_line(&text).chars().take(100).collect::<String>()),
                },
                Value::Float(float) => none_of_them(&float), // not reached: it has become a whole number
            };
        }
        let next = (self.numbers.len() + self.words.len()) as u32;
        let full = || {
            let reason = format!("there are more than {MAX_CLASSES} different values: those are no classes");
            Err(Unfit::NoClasses(reason))
        };
        match value {
            Value::Int(number) => match self.numbers.get(&number) {
                Some(&known) => Ok(Some(known)),
                None if next as usize == MAX_CLASSES => full(),
                None => Ok(Some(*self.numbers.entry(number).or_insert(next))),
            },
            Value::Text(text) => {
                if text.len() > MAX_NAME {
                    let reason =
                        format!("a value of {} bytes is too long for the name of a class", text.len());
                    return Err(Unfit::NoClasses(reason));
                }
                let text = one_line(&text);
                match self.words.get(&text) {
                    _ if text.is_empty() => Ok(None),
                    Some(&known) => Ok(Some(known)),
                    None if next as usize == MAX_CLASSES => full(),
                    None => Ok(Some(*self.words.entry(text).or_insert(next))),
                }
            }
            Value::Float(_) => Ok(None), // not reached: it has become a whole number
        }
    }

    /// The classes, once every value is known.
    ///
    /// Whole numbers are classes as they are, if at least every other number from 0 on occurs. Others are classes that
    /// are called by their numbers, in the order of the numbers; words are in the order of the alphabet. -1 stands for no
    /// class, but beside 1 alone it is the other answer.
    pub(crate) fn classes(self) -> Classes {
        if let Some(names) = self.names {
            let of_value = (0..names.len() as u32).collect();
            return Classes { of_value, count: names.len(), names, renumbered: false };
        }
        let count = self.numbers.len() + self.words.len();
        let mut numbers: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (number, &value) in &self.numbers {
            numbers.entry(*number).or_default().push(value);
        }
        for (word, &value) in &self.words {
            match written_number(word) {
                Some(number) => numbers.entry(number).or_default().push(value),
                None => return of_words(&self, count),
            }
        }
        if !numbers.keys().eq(&[-1, 1]) {
            numbers.remove(&-1);
        }
        let as_they_are = match (numbers.first_key_value(), numbers.last_key_value()) {
            (Some((&first, _)), Some((&last, _))) => first >= 0 && (last as u64) < 2 * numbers.len() as u64,
            _ => true,
        };
        let mut of_value = vec![NO_CLASS; count];
        let mut classes = 0;
        for (rank, (&number, values)) in numbers.iter().enumerate() {
            let class = if as_they_are { number as u32 } else { rank as u32 };
            values.iter().for_each(|&value| of_value[value as usize] = class);
            classes = class as usize + 1;
        }
        let names = numbers.keys().filter(|_| !as_they_are).map(i64::to_string).collect();
        Classes { of_value, count: classes, names, renumbered: !as_they_are }
    }
}

/// Classes of words, and of numbers among words.
fn of_words(values: &Values, count: usize) -> Classes {
    let mut names: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (number, &value) in &values.numbers {
        names.entry(number.to_string()).or_default().push(value);
    }
    for (word, &value) in &values.words {
        names.entry(word.clone()).or_default().push(value);
    }
    let mut of_value = vec![NO_CLASS; count];
    for (class, values) in names.values().enumerate() {
        values.iter().for_each(|&value| of_value[value as usize] = class as u32);
    }
    Classes { of_value, count: names.len(), names: names.into_keys().collect(), renumbered: false }
}

impl Classes {
    /// Turns numbers of values into classes.
    pub(crate) fn apply(&self, values: &mut [u32]) {
        for value in values {
            *value = self.of_value.get(*value as usize).copied().unwrap_or(NO_CLASS);
        }
    }

    /// Some of the names, and how many there are: `3 (a, b, c)`.
    pub(crate) fn describe(&self) -> String {
        if self.names.is_empty() {
            return self.count.to_string();
        }
        let rest = if self.names.len() > NAMED { ", ..." } else { "" };
        format!("{} ({}{rest})", self.count, self.names[..self.names.len().min(NAMED)].join(", "))
    }
}

/// The number, if it is whole and not rounded.
fn whole(float: f64) -> Option<i64> {
    (float.trunc() == float && float.abs() < (1i64 << 53) as f64).then_some(float as i64)
}

/// The number that a word is, as programs write whole numbers: `7`, or `7.0` where some others are missing.
fn written_number(word: &str) -> Option<i64> {
    let digits = word.strip_suffix(".0").unwrap_or(word);
    digits.parse().ok().filter(|number: &i64| number.to_string() == digits)
}

/// Words without line breaks and whatever else would move a terminal's cursor.
pub(crate) fn one_line(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(char::is_control, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Classes of these values, their number and their names.
    fn classes(values: &[Value<'_>]) -> (Vec<Option<u32>>, usize, Vec<String>) {
        let mut known = Values::default();
        let mut numbers: Vec<u32> =
            values.iter().map(|value| known.number(value).unwrap().unwrap_or(NO_CLASS)).collect();
        let classes = known.classes();
        classes.apply(&mut numbers);
        let labels = numbers.into_iter().map(|class| (class != NO_CLASS).then_some(class)).collect();
        (labels, classes.count, classes.names)
    }

    fn ints(values: &[i64]) -> (Vec<Option<u32>>, usize, Vec<String>) {
        classes(&values.iter().map(|&value| Value::Int(value)).collect::<Vec<_>>())
    }

    fn words(values: &[&'static str]) -> (Vec<Option<u32>>, usize, Vec<String>) {
        classes(&values.iter().map(|&value| Value::Text(value.into())).collect::<Vec<_>>())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn numbers_are_classes_as_they_are_while_most_of_them_occur() {
        assert_eq!(ints(&[2, 0, 2]), (vec![Some(2), Some(0), Some(2)], 3, Vec::new()));
        assert_eq!(ints(&[0, 4, 2]), (vec![Some(0), Some(4), Some(2)], 5, Vec::new()));
        assert_eq!(words(&["1", "0.0", "2"]), (vec![Some(1), Some(0), Some(2)], 3, Vec::new()));
        let floats = [Value::Float(1.0), Value::Float(f64::NAN), Value::Float(0.0)];
        assert_eq!(classes(&floats), (vec![Some(1), None, Some(0)], 2, Vec::new()));
    }

    #[test]
    fn other_numbers_are_the_names_of_the_classes_that_occur() {
        let far = [17, 3, 4_000_000_000, 3];
        let expected = (vec![Some(1), Some(0), Some(2), Some(0)], 3, names(&["3", "17", "4000000000"]));
        assert_eq!(ints(&far), expected);
        assert_eq!(ints(&[i64::MAX, i64::MIN]).2, names(&["-9223372036854775808", "9223372036854775807"]));
        assert_eq!(ints(&[-2, 0, 1]).2, names(&["-2", "0", "1"]));
    }

    #[test]
    fn minus_one_is_no_class_but_beside_one_alone() {
        assert_eq!(ints(&[0, -1, 1]), (vec![Some(0), None, Some(1)], 2, Vec::new()));
        assert_eq!(ints(&[-1, -1]), (vec![None, None], 0, Vec::new()));
        assert_eq!(words(&["-1", "1"]), (vec![Some(0), Some(1)], 2, names(&["-1", "1"])));
    }

    #[test]
    fn words_are_classes_in_the_order_of_the_alphabet() {
        let expected = (vec![Some(1), Some(0), None, Some(1)], 2, names(&["a cat", "dog"]));
        assert_eq!(words(&["dog", " a\ncat\u{1b}", "", "dog"]), expected);
        assert_eq!(
            words(&["007", "7"]).2,
            names(&["007", "7"]),
            "they are no numbers as programs write them"
        );
        let mixed = [Value::Int(7), Value::Text("x".into()), Value::Text("7".into())];
        assert_eq!(classes(&mixed), (vec![Some(0), Some(1), Some(0)], 2, names(&["7", "x"])));
    }

    #[test]
    fn what_is_no_class_is_told() {
        let mut values = Values::default();
        let mut reason = |value: Value<'_>| match values.number(&value) {
            Err(Unfit::NoClasses(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(Value::Float(0.5)), "0.5 is no class: those are words or whole numbers");
        assert!(reason(Value::Float(1e300)).contains("is no class"));
        assert!(reason(Value::Text("x".repeat(2000).into())).contains("2000 bytes is too long"));
        for number in 0..MAX_CLASSES as i64 {
            assert_eq!(values.number(&Value::Int(number)), Ok(Some(number as u32)));
        }
        let one_more = values.number(&Value::Text("x".into())).unwrap_err();
        assert!(matches!(one_more, Unfit::NoClasses(reason) if reason.contains("more than 65536")));
        assert_eq!(values.number(&Value::Int(7)), Ok(Some(7)), "those that are known stay known");
    }

    #[test]
    fn named_classes_are_told_by_their_number_or_name() {
        let mut values = Values::named(names(&["cat", "dog"]));
        assert_eq!(values.number(&Value::Int(1)), Ok(Some(1)));
        assert_eq!(values.number(&Value::Text("dog".into())), Ok(Some(1)));
        assert_eq!(values.number(&Value::Int(-1)), Ok(None));
        for odd in [2, -2, i64::MAX] {
            assert!(matches!(values.number(&Value::Int(odd)), Err(Unfit::NotNamed(_))), "{odd}");
        }
        assert_eq!(values.classes().count, 2, "also where not all of them occur");
    }
}
