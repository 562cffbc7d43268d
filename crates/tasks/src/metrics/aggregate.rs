//! From rows to a value with its interval.

use rayon::prelude::*;

use super::{Metric, Statistic, Sums};

/// Resamples of the bootstrap.
pub const RESAMPLES: usize = 1000;

/// A metric over many rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregate {
    /// `None` when no row counted, or the value is not defined (F1 without positives).
    pub value: Option<f64>,
    /// Ends of the 95 % interval: the 2.5 % and 97.5 % quantiles of resampled values (percentile bootstrap over rows, Efron
    /// and Tibshirani 1993, chapter 13). The seed is fixed: the same rows give the same interval. Resamples in which the value is not
    /// defined (one class only) are left out.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Rows that counted.
    pub n: usize,
}

/// Adds up rows and resamples them. The result depends on the order of rows only through the interval's random draws, and on
/// the number of threads not at all.
pub fn aggregate(metric: &Metric, rows: &[Option<Sums>]) -> Aggregate {
    let mut counted: Vec<&Sums> = rows.iter().flatten().collect();
    if let Statistic::Ranks(_) = metric.statistic {
        counted.sort_by(|left, right| left[0].total_cmp(&right[0]));
    }
    let n = counted.len();
    let value = metric.statistic.value(&counted, 0..n);
    if value.is_none() || n == 0 {
        return Aggregate { value: None, low: None, high: None, n };
    }
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .filter_map(|resample| {
            let mut draws = Draws(resample as u64);
            metric.statistic.value(&counted, (0..n).map(|_| draws.below(n)))
        })
        .collect();
    resampled.sort_unstable_by(f64::total_cmp);
    Aggregate { value, low: quantile(&resampled, 0.025), high: quantile(&resampled, 0.975), n }
}

impl Statistic {
    /// The value of the rows at these places; a place may come several times.
    pub(super) fn value(self, rows: &[&Sums], places: impl Iterator<Item = usize>) -> Option<f64> {
        let value = match self {
            Statistic::Sums(of) => of(&sum(places.map(|place| rows[place]))),
            Statistic::Ranks(of) => {
                let mut ranked: Vec<(&Sums, f64)> = rows.iter().map(|row| (*row, 0.0)).collect();
                places.for_each(|place| ranked[place].1 += 1.0);
                of(&ranked)
            }
        };
        value.filter(|value| value.is_finite())
    }
}

fn sum<'a>(rows: impl Iterator<Item = &'a Sums>) -> Sums {
    rows.fold(Sums::default(), |mut total, row| {
        total.iter_mut().zip(row).for_each(|(total, value)| *total += value);
        total
    })
}

/// Linear interpolation between the nearest ranks, as `numpy.quantile` does by default.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64))
}

/// SplitMix64 (Steele, Lea and Flood 2014), a stream for each resample.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`, by the upper half of a 128-bit product.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::{mean_row, metric};
    use super::*;

    #[test]
    fn an_interval_holds_the_mean_and_narrows_with_rows() {
        let validity = metric("validity").unwrap();
        let rows =
            |n: usize| -> Vec<Option<Sums>> { (0..n).map(|row| Some(mean_row(f64::from(row % 4 == 0)))).collect() };
        let (few, many) = (aggregate(validity, &rows(100)), aggregate(validity, &rows(10_000)));
        for (found, n) in [(few, 100), (many, 10_000)] {
            assert_eq!((found.value, found.n), (Some(0.25), n));
            // The normal approximation of a share's interval.
            let half = 1.96 * (0.25 * 0.75 / n as f64).sqrt();
            assert!((found.low.unwrap() - (0.25 - half)).abs() < 0.25 * half, "{found:?}");
            assert!((found.high.unwrap() - (0.25 + half)).abs() < 0.25 * half, "{found:?}");
        }
        assert_eq!(aggregate(validity, &rows(100)), few, "the same rows, the same interval");
    }

    #[test]
    fn rows_that_say_nothing_do_not_count() {
        let validity = metric("validity").unwrap();
        let found = aggregate(validity, &[None, Some(mean_row(1.0)), None]);
        assert_eq!(found, Aggregate { value: Some(1.0), low: Some(1.0), high: Some(1.0), n: 1 });
        assert_eq!(aggregate(validity, &[None]), Aggregate { value: None, low: None, high: None, n: 0 });
    }
}
