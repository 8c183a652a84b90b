//! Names from files that are shown on a terminal, which must not take them for commands.

use std::borrow::Cow;

/// A text from a file, in one line: control characters stand as `\u{1b}`, so do those that turn the direction of text.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_command)
}

/// The same of text that may have lines and tabs of its own.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_command(c) && c != '\n' && c != '\t')
}

fn escaped(text: &str, is_command: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_command) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_command(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

fn is_command(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_to_a_terminal_is_left() {
        assert_eq!(printable("caf\u{e9} \u{1f408} a\\b"), "caf\u{e9} \u{1f408} a\\b");
        assert_eq!(printable("a\u{1b}]0;b\u{7}\r\n\tc"), "a\\u{1b}]0;b\\u{7}\\r\\n\\tc");
        assert_eq!(printable("\u{9b}2J\u{7f}\u{202e}"), "\\u{9b}2J\\u{7f}\\u{202e}");
        assert_eq!(printable_lines("a\tb\nc\u{1b}[2J\r"), "a\tb\nc\\u{1b}[2J\\r");
    }
}
