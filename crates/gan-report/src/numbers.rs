//! What kind of number each number of the log is, and which of them are drawn together.

use crate::record::{Better, Kind, RunRecord, Series};
use crate::text::clip;

/// What is drawn in one panel.
pub(crate) struct Panel {
    pub title: String,
    pub kind: Kind,
    /// The names of its numbers.
    pub names: Vec<String>,
}

/// The order of the panels, and the titles of those that hold all numbers of a kind.
const SHARED: [(Kind, &str); 7] = [
    (Kind::Loss, "Losses"),
    (Kind::Probability, "D(x) and D(G(z))"),
    (Kind::Logit, "Logits of D"),
    (Kind::Norm, "Norms"),
    (Kind::Share, "Shares"),
    (Kind::Count, "Counts"),
    (Kind::Rate, "Learning rates"),
];

/// The most curves of a panel that can be told apart.
const MOST_CURVES: usize = 8;
/// The most panels of a page.
pub(crate) const MOST_PANELS: usize = 40;

/// Which numbers of a run are drawn together: scores first, each by itself, then those of a kind, then the
/// rest.
pub(crate) fn panels(run: &RunRecord) -> Vec<Panel> {
    // Time is an axis, and no curve.
    let names = || run.metrics.series.iter().map(|series| &series.name).filter(|name| *name != "seconds");
    let of_kind =
        |kind: Kind| -> Vec<String> { names().filter(|name| kind_of(run, name) == kind).cloned().collect() };
    let alone = |kind: Kind| {
        let panel = move |name: String| Panel { title: label(run, &name), kind, names: vec![name] };
        of_kind(kind).into_iter().map(panel)
    };
    let mut panels: Vec<Panel> = alone(Kind::Score).collect();
    for (kind, title) in SHARED {
        let names = of_kind(kind);
        let parts = names.chunks(MOST_CURVES);
        panels.extend(parts.map(|part| Panel { title: title.to_owned(), kind, names: part.to_vec() }));
    }
    panels.extend(alone(Kind::Other));
    panels.truncate(MOST_PANELS);
    panels
}

/// The kind of a number: what `numbers.json` says, or what its name is known for.
pub(crate) fn kind_of(run: &RunRecord, name: &str) -> Kind {
    match run.numbers.get(name) {
        Some(number) => number.kind,
        None => match name {
            "errD" | "errG" => Kind::Loss,
            "d_x" | "d_g_z1" | "d_g_z2" => Kind::Probability,
            _ if name == "lr" || name.starts_with("lr_") => Kind::Rate,
            _ if name.starts_with("grad_norm") => Kind::Norm,
            _ if better_by_name(name).is_some() => Kind::Score,
            _ => Kind::Other,
        },
    }
}

/// Which values of a number are better, if that is known.
pub(crate) fn better(run: &RunRecord, name: &str) -> Option<Better> {
    run.numbers.get(name).and_then(|number| number.better).or_else(|| better_by_name(name))
}

/// The measures of the field.
fn better_by_name(name: &str) -> Option<Better> {
    let is = |words: &[&str]| {
        words.iter().any(|word| {
            name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '@', '-']))
        })
    };
    if is(&["fd", "fid", "kid", "mmd", "swd"]) {
        Some(Better::Lower)
    } else if is(&["precision", "recall", "density", "coverage", "accuracy", "inception_score"]) {
        Some(Better::Higher)
    } else {
        None
    }
}

/// What to call a number. A score is called by its features too: by others it is another score.
pub(crate) fn label(run: &RunRecord, name: &str) -> String {
    let features = run.best.as_ref().and_then(|best| best.protocol.features.as_deref());
    match features.filter(|_| kind_of(run, name) == Kind::Score) {
        Some(features) => format!("{} ({})", label_alone(run, name), clip(features)),
        None => label_alone(run, name),
    }
}

fn label_alone(run: &RunRecord, name: &str) -> String {
    let given = run.numbers.get(name).and_then(|number| number.label.clone());
    given.map(|given| clip(&given)).unwrap_or_else(|| match name {
        "d_x" => "D(x)".to_owned(),
        "d_g_z1" => "D(G(z)) as D learns".to_owned(),
        "d_g_z2" => "D(G(z)) as G learns".to_owned(),
        "grad_norm_d" => "gradient of D".to_owned(),
        "grad_norm_g" => "gradient of G".to_owned(),
        "d_right_real" => "real images that D is right about".to_owned(),
        "d_right_fake" => "generated ones".to_owned(),
        "logit_gap" => "gap between real and generated".to_owned(),
        "weight_norm_d" => "weights of D".to_owned(),
        "weight_norm_g" => "weights of G".to_owned(),
        "diversity" => "diversity of generated to real images".to_owned(),
        "mean_shift" => "mean of generated over that of real images".to_owned(),
        "classes_made" => "classes made".to_owned(),
        "alike" => "generated images that look like real ones".to_owned(),
        "memorised" => "training images again".to_owned(),
        "fd" => "FD".to_owned(),
        "kid" => "KID".to_owned(),
        "is" => "IS".to_owned(),
        "class_divergence" => "class divergence".to_owned(),
        "images_per_second" => "images per second".to_owned(),
        other => other.to_owned(),
    })
}

/// The best value of a number, with its place in the log.
pub(crate) fn best_of(series: &Series, better: Better) -> Option<(usize, f64)> {
    let values = series.values.iter().copied();
    match better {
        Better::Lower => values.min_by(|a, b| a.1.total_cmp(&b.1)),
        Better::Higher => values.max_by(|a, b| a.1.total_cmp(&b.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measures_of_the_field_are_known_by_name() {
        assert_eq!(better_by_name("fd_digits"), Some(Better::Lower));
        assert_eq!(better_by_name("recall"), Some(Better::Higher));
        assert_eq!(better_by_name("fdx"), None);
    }
}
