//! Parquet files that are cut off or changed: an error, or other images, but never a panic nor a long wait.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use gan_data::{Dataset, Error, Parquet, ProgressCallback, Split};
use proptest::prelude::*;

use crate::assert_readable;
use crate::sets::{Column, image_column, png, table};

/// 40 images with labels, captions and named classes.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let image = |i| Some(png(image::RgbImage::from_pixel(9, 9, image::Rgb([i, 2, 3])).into()));
    let columns = vec![
        Column::Image((0..40).map(image).collect()),
        Column::Path(40),
        Column::Int32((0..40).map(|i| Some(i % 3)).collect()),
        Column::Text((0..40).map(|i| Some(format!("picture {i}"))).collect()),
    ];
    let schema = format!("{} optional int32 label; optional binary text (UTF8);", image_column("image"));
    let names = r#"{"info": {"features": {"label": {"names": ["one", "two", "three"]}}}}"#;
    table(&schema, columns, Some(names))
});

/// Reads a file of these bytes and all its images; says whether that went well.
fn survives(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.parquet");
    fs::write(&path, bytes).unwrap();
    let began = Instant::now();
    let outcome = Parquet::open(&path, Split::Train, &ProgressCallback::default()).and_then(|set| {
        (0..set.len()).try_for_each(|index| set.get(index).and(set.caption(index)).map(|_| ()))
    });
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    if let Err(error) = &outcome {
        assert!(
            matches!(error, Error::Malformed { .. } | Error::Codec { .. } | Error::Empty { .. }),
            "{error:?}"
        );
        assert_readable(error);
    }
    outcome.is_ok()
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    assert!(survives(&WHOLE));
    for length in (0..WHOLE.len()).step_by(7).chain(WHOLE.len() - 12..WHOLE.len()) {
        assert!(!survives(&WHOLE[..length]), "{length} of {}", WHOLE.len());
    }
}

#[test]
fn every_byte_of_the_end_can_be_wrong() {
    let refused = (WHOLE.len() - 1200..WHOLE.len()).filter(|&at| {
        let mut damaged = WHOLE.clone();
        damaged[at] = !damaged[at];
        !survives(&damaged)
    });
    assert!(refused.count() > 300);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_can_be_wrong(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut damaged = WHOLE.clone();
        for (at, value) in changes {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        survives(&damaged);
    }

    #[test]
    fn a_stretch_can_be_missing_or_twice_there(
        from in any::<prop::sample::Index>(),
        length in 1..200usize,
        twice in any::<bool>(),
    ) {
        let from = from.index(WHOLE.len());
        let to = WHOLE.len().min(from + length);
        let rest = if twice { from } else { to };
        survives(&[&WHOLE[..to.min(if twice { to } else { from })], &WHOLE[rest..]].concat());
    }

    #[test]
    fn anything_can_stand_between_the_marks(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let length = (bytes.len() as u32).to_le_bytes();
        survives(&[b"PAR1", &bytes[..], &length, b"PAR1"].concat());
    }
}
