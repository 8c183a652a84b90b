//! What all pages share: one file without an outside reference, which a browser is told not to look for
//! either.

use crate::text::clip;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page/style.css");
/// The sliders.
const SLIDER: &str = include_str!("page/slider.js");
/// Brings a live page up to date.
const LIVE: &str = include_str!("page/live.js");

/// Whether a page stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode<'a> {
    /// A file.
    Still,
    /// It comes from the live server and follows the run: the address says when it has changed.
    Live {
        /// Where the events come from.
        events: &'a str,
    },
}

/// What a page may do: run the scripts that are meant, show what it holds, and nothing else. A live page also
/// listens to the server that it comes from.
pub(crate) fn policy(mode: Mode<'_>) -> String {
    let hash = |script: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script)));
    let (scripts, connect) = match mode {
        Mode::Still => (hash(SLIDER), String::new()),
        Mode::Live { .. } => (format!("{} {}", hash(SLIDER), hash(LIVE)), " connect-src 'self';".to_owned()),
    };
    format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {scripts};{connect} \
         base-uri 'none'; form-action 'none'"
    )
}

/// A whole page.
pub(crate) fn page(title: &str, mode: Mode<'_>, main: &Markup) -> String {
    let events = match mode {
        Mode::Still => None,
        Mode::Live { events } => Some(events),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(mode));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (clip(title)) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main data-events=[events] { (main) }
                script { (PreEscaped(SLIDER)) }
                @if events.is_some() { script { (PreEscaped(LIVE)) } }
            }
        }
    };
    page.into_string()
}
