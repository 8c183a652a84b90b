//! docs/settings.md says of each setting what is declared of it. `just settings` writes it anew.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_train::config::{Range, sections, settings};
use std::fmt::Write;

const START: &str = "<!-- made from the declarations: `just settings` -->\n";

fn tables() -> String {
    let mut text = START.to_owned();
    for section in sections() {
        write!(text, "\n## `[{section}]`\n\n| key | flag | default | values | at a resume | what it is |\n")
            .unwrap();
        text += "| --- | --- | --- | --- | --- | --- |\n";
        for setting in settings().filter(|setting| setting.section == section) {
            let names = setting.names().iter().chain(setting.presets.iter().map(|(name, _)| name));
            let names: Vec<&str> = names.copied().collect();
            let values = match setting.range {
                Range::Any if !names.is_empty() => names.join(", "),
                Range::Any if setting.is_switch => "true, false".into(),
                Range::Any => setting.value_name.to_owned(),
                range => range.to_string(),
            };
            let also: Vec<String> = setting.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            let also = if also.is_empty() { String::new() } else { format!(" (also {})", also.join(", ")) };
            writeln!(
                text,
                "| `{}`{also} | `--{}` | {} | {} | {} | {} |",
                setting.key,
                setting.flag(),
                setting.default_text(),
                values.replace('|', " or "),
                if setting.may_change { "may change" } else { "stays" },
                setting.help()
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn the_docs_have_a_line_for_each_setting() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let (before, written) = docs.split_at(docs.find(START).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{before}{}", tables())).unwrap();
        return;
    }
    assert!(written == tables(), "docs/settings.md is not what the settings say: run `just settings`");
    assert_eq!(written.lines().filter(|line| line.starts_with("| `")).count(), settings().count());
}
