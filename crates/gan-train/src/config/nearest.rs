//! What a misspelt word was to be.

/// Words that are less alike than this have nothing to do with each other (the measure is Jaro and
/// Winkler's).
const ALIKE: f64 = 0.8;

/// Of the words that are known the most like this one, if any is.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let alike = known.into_iter().map(|known| (strsim::jaro_winkler(&word, known), known));
    alike
        .filter(|(how, _)| *how >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// "did you mean ...? ", to begin a hint with; nothing where no word is alike.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or(String::new(), |known| format!("did you mean \"{known}\"? Else "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_known_and_another_is_not() {
        let known = ["wasserstein", "hinge", "minimax"];
        assert_eq!(nearest("wasserstien", known), Some("wasserstein"));
        assert_eq!(nearest("Hing", known), Some("hinge"));
        assert_eq!(nearest("cross-entropy", known), None);
    }
}
