//! Messages that speak of settings: in keys, as libraries and files have them, or in flags.

use super::settings;

/// A message in which settings stand as `key` or `key = value`, with flags in their place: for whoever has
/// typed a command.
pub fn in_flags(message: &str) -> String {
    let mut said = String::new();
    for (i, part) in message.split('`').enumerate() {
        let flag = if i % 2 == 1 { as_flag(part) } else { None };
        match flag {
            Some(flag) => said += &flag,
            None if i % 2 == 1 => said += &format!("`{part}`"),
            None => said += part,
        }
    }
    said
}

fn as_flag(text: &str) -> Option<String> {
    let (key, value) = text.split_once(" = ").map_or((text, None), |(key, value)| (key, Some(value)));
    let setting = settings().find(|setting| setting.key == key)?;
    let flag = format!("--{}", setting.flag());
    Some(value.map_or(flag.clone(), |value| format!("{flag} {}", value.trim_matches('"'))))
}

#[cfg(test)]
mod tests {
    use super::in_flags;

    #[test]
    fn settings_become_flags_and_all_else_stays() {
        assert_eq!(in_flags("`lr_d` is 0"), "--lr-d is 0");
        assert_eq!(in_flags("use `norm_d = \"layer\"` or `fit`"), "use --norm-d layer or --fit");
        assert_eq!(in_flags("see `gan train --help`"), "see `gan train --help`");
    }
}
