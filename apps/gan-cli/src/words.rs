//! Words that several commands need.

/// So many images, in words.
pub fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

/// How the person called this program, to name the next command.
pub fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run -p gan-cli --" } else { "gan" }
}
