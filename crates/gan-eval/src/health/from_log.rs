//! Verdicts from logged numbers, one check a function. Each looks at the last third of a run, so that
//! neither its beginning nor a moment decides.

use super::from_samples::{are_again, few_classes};
use super::history::{History, Series, median};
use super::{Finding, Verdict};

/// A check, and the step from which it is asked.
type Check = (fn(&History) -> Option<Finding>, u64);

/// Before it, a generator has not had the time to come out of its noise.
const HAD_ITS_TIME: u64 = 200;

pub(super) const CHECKS: [Check; 6] = [
    (exploding_weights, 0),
    (discriminator_won, HAD_ITS_TIME),
    (generator_won, HAD_ITS_TIME),
    (oscillation, HAD_ITS_TIME),
    (mode_collapse, HAD_ITS_TIME),
    (memorising, HAD_ITS_TIME),
];

/// Weights that are so many times as long as at first, and grow e-fold in fewer than 1,000 steps.
const GROWN: f64 = 3.0;
/// What is left of a norm that moves: less is standing still.
const MOVED: f64 = 1e-5;
/// A part of the images that is as good as all of them.
const NEARLY_ALL: f64 = 0.98;
/// Logits so far apart leave the generator a ten-thousandth of a chance.
const HOPELESS_GAP: f64 = 8.0;
/// Generated images that differ so little from each other, compared with real ones, are copies of one.
const ALL_THE_SAME: f64 = 0.1;
/// Turns from taking nearly all images for real to taking nearly all for generated ones, and back.
const MANY_TURNS: usize = 4;

/// Standard deviations of the real values between their mean and that of generated ones.
const FAR_OFF: f64 = 0.4;

fn exploding_weights(history: &History) -> Option<Finding> {
    let went_back = history.get("went_back").and_then(|series| series.values.last());
    if let Some((step, times)) = went_back {
        let evidence = format!(
            "numbers were no longer finite, {times:.0} times; the last time training went back to step {step}"
        );
        return Some(Finding::new(Verdict::ExplodingWeights, evidence));
    }
    let grown = |(player, series): (&str, &Series)| {
        let (first, now) = (*series.values.first()?, series.now()?);
        let steps = history.last_step().saturating_sub(first.0).max(1) as f64;
        let growth = now / first.1;
        let fast = growth.ln() / (steps / 1000.0) > 1.0;
        (growth >= GROWN && fast)
            .then(|| format!("those of {} are {growth:.1} times as long as at first", player.to_uppercase()))
    };
    let grown: Vec<String> = history.starting_with("weight_norm_").filter_map(grown).collect();
    // Norms take the length of weights out of what networks make: long ones alone are no harm.
    let harmless = now(history, "diversity").is_some_and(|diversity| (0.8..1.1).contains(&diversity));
    (!grown.is_empty() && !harmless).then(|| Finding::new(Verdict::ExplodingWeights, grown.join(", ")))
}

/// A network whose weights do not move.
pub(super) fn stands_still(history: &History) -> Option<Finding> {
    let still = |(player, series): (&str, &Series)| {
        series.recent()?;
        let values = || series.values.iter().map(|(_, value)| *value);
        let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        (most - least <= MOVED * most).then(|| {
            format!(
                "the weights of {} have not moved in {} steps",
                player.to_uppercase(),
                history.last_step()
            )
        })
    };
    let still: Vec<String> = history.starting_with("weight_norm_").filter_map(still).collect();
    (!still.is_empty()).then(|| Finding::new(Verdict::DeadStart, still.join(", ")))
}

fn discriminator_won(history: &History) -> Option<Finding> {
    let (real, fake) = (now(history, "d_right_real")?, now(history, "d_right_fake")?);
    let (gap, diversity) = (now(history, "logit_gap")?, now(history, "diversity").unwrap_or(1.0));
    // Losses without probabilities keep logits near their targets: what the generator makes must tell.
    let hopeless = match history.get("d_x") {
        Some(_) => gap >= HOPELESS_GAP,
        None => diversity <= ALL_THE_SAME,
    };
    if real < NEARLY_ALL || fake < NEARLY_ALL || !hopeless || is_getting_better(history) {
        return None;
    }
    let evidence = format!(
        "it is right about {:.0} % of the real and {:.0} % of the generated samples, and its logits lie {gap:.1} apart",
        real * 100.0,
        fake * 100.0
    );
    Some(Finding::new(Verdict::DiscriminatorWon, evidence))
}

fn generator_won(history: &History) -> Option<Finding> {
    let (gap, fake) = (now(history, "logit_gap")?, now(history, "d_right_fake")?);
    (gap < 0.0 && fake < 0.2).then(|| {
        let evidence = format!(
            "D takes {:.0} % of the generated samples for real, and on the whole for more real than real ones (logits {:.1} higher)",
            (1.0 - fake) * 100.0,
            -gap
        );
        Finding::new(Verdict::GeneratorWon, evidence)
    })
}

fn mode_collapse(history: &History) -> Option<Finding> {
    let same = now(history, "diversity").filter(|&diversity| diversity < ALL_THE_SAME).map(|diversity| {
        format!("generated samples differ by {:.1} % of what real ones do from each other", diversity * 100.0)
    });
    let modes = history.get("modes").and_then(|series| {
        let (&(_, found), before) = series.values.split_last()?;
        let of = series.of? as f64;
        // At first there are none yet, and then more and more.
        let no_more = before.iter().any(|(_, before)| *before >= found);
        (no_more && found < of / 2.0).then(|| format!("{found:.0} of {of:.0} modes are found"))
    });
    let classes = history.get("classes_made").and_then(|series| {
        let (_, made) = series.values.last()?;
        let (_, alike) = history.get("alike")?.values.last()?;
        few_classes(*made as usize, series.of? as usize, *alike)
    });
    let evidence: Vec<String> = [same, modes, classes].into_iter().flatten().collect();
    (!evidence.is_empty()).then(|| Finding::new(Verdict::ModeCollapse, evidence.join("; ")))
}

fn memorising(history: &History) -> Option<Finding> {
    let (_, share) = history.get("memorised")?.values.last()?;
    are_again(*share).map(|evidence| Finding::new(Verdict::Memorising, evidence))
}

fn oscillation(history: &History) -> Option<Finding> {
    let turning = turns_of_discriminator(history).or_else(|| turns_of_generator(history))?;
    Some(Finding::new(Verdict::Oscillation, turning))
}

fn turns_of_discriminator(history: &History) -> Option<String> {
    let (real, fake) = (history.get("d_right_real")?.recent()?, history.get("d_right_fake")?.recent()?);
    // 1 where D takes all images for real, -1 where it takes none.
    let leaning = real.iter().zip(fake).map(|((_, real), (_, fake))| real - fake);
    let turns = turns(leaning, 0.5).filter(|&turns| turns >= MANY_TURNS)?;
    let steps = real.len();
    Some(format!(
        "in {steps} logged steps D turned {turns} times from taking nearly all images for real to taking hardly any, or back"
    ))
}

/// What the generator makes wanders about the real ones, and is never there.
fn turns_of_generator(history: &History) -> Option<String> {
    let shift = &history.get("mean_shift")?.values;
    let half = &shift[shift.len() / 2..];
    let turns = turns(half.iter().map(|(_, shift)| *shift), FAR_OFF)
        .filter(|&turns| turns >= 2 && half.len() >= 20)?;
    Some(format!(
        "in {} logged steps what is generated went {turns} times from far on one side of the real mean to far on the other",
        half.len()
    ))
}

/// How often values change sides, of those that lie farther from 0 than `far`; none if few do.
fn turns(values: impl ExactSizeIterator<Item = f64>, far: f64) -> Option<usize> {
    let all = values.len();
    let sides: Vec<bool> = values.filter(|value| value.abs() > far).map(|value| value > 0.0).collect();
    (sides.len() * 3 > all).then(|| sides.windows(2).filter(|pair| pair[0] != pair[1]).count())
}

/// The median of the last third.
fn now(history: &History, name: &str) -> Option<f64> {
    history.get(name).and_then(Series::now)
}

/// Whether the score that decides is still falling: the last third has a better one than all before.
fn is_getting_better(history: &History) -> bool {
    ["fd", "kid"].iter().filter_map(|name| history.get(name)).any(|series| {
        let middle = series.values.len() * 2 / 3;
        let (before, recent) = series.values.split_at(middle);
        before.len() >= 2 && !recent.is_empty() && median(recent) < median(before) * 0.9
    })
}
