//! Long logs with fewer points: of each stretch its least and its greatest value, so that no peak is lost;
//! and what they are on average.

/// At most about `most` of the points. The first and the last stay.
pub(crate) fn thin(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most.max(4) {
        return points.to_vec();
    }
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let stretch = points.len().div_ceil(most.max(4) / 2);
    let mut kept = vec![*first];
    for part in points.chunks(stretch) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (Some(least), Some(greatest)) = (part.iter().min_by(by_value), part.iter().max_by(by_value))
        else {
            continue;
        };
        let mut pair = [*least, *greatest];
        pair.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.extend(pair);
    }
    kept.push(*last);
    kept.dedup();
    kept
}

/// Each value as the average of so many points around it.
pub(crate) fn average(points: &[(f64, f64)], around: usize) -> Vec<(f64, f64)> {
    let reach = around / 2;
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(points.iter().map(|point| {
        sum += point.1;
        sum
    }));
    let averaged = points.iter().enumerate().map(|(place, point)| {
        let (from, to) = (place.saturating_sub(reach), (place + reach + 1).min(points.len()));
        (point.0, (sums[to] - sums[from]) / (to - from) as f64)
    });
    averaged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_of_one_step_stays() {
        let mut points: Vec<_> = (0..100_000).map(|step| (f64::from(step), 1.0)).collect();
        points[54_321].1 = 1e9;
        points[777].1 = -5.0;
        let thinned = thin(&points, 1000);
        assert!(thinned.len() <= 1002);
        for peak in [points[54_321], points[777], points[0], points[99_999]] {
            assert!(thinned.contains(&peak));
        }
        assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn the_average_is_of_the_points_around() {
        let points: Vec<_> = (0..100).map(|step| (f64::from(step), 3.0 * f64::from(step))).collect();
        let averaged = average(&points, 11);
        assert_eq!(averaged.len(), 100);
        assert!((averaged[50].1 - 150.0).abs() < 1e-9);
        // Nothing is before the first: the average is of it and the five after it.
        assert!((averaged[0].1 - 7.5).abs() < 1e-9);
        assert!(average(&[], 5).is_empty());
    }

    #[test]
    fn a_short_log_stays_as_it_is() {
        let points = vec![(0.0, 1.0), (1.0, 2.0)];
        assert_eq!(thin(&points, 1000), points);
    }
}
