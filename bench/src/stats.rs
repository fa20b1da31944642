//! Order statistics. Pure data.

/// A median with the interval that holds the true one with at least 95 % probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Lower end of the interval.
    pub low: f64,
    /// The sample's median.
    pub median: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The median of `samples`, 0 for none.
#[must_use]
pub fn median(samples: &[f64]) -> f64 {
    let sorted = sorted(samples);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The value below which `percent` of the samples lie (nearest rank), 0 for none.
#[must_use]
pub fn percentile(samples: &[f64], percent: f64) -> f64 {
    let sorted = sorted(samples);
    if sorted.is_empty() {
        return 0.0;
    }
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The median and its distribution-free 95 % interval.
///
/// The number of samples below the true median is binomial with p = 1/2, whatever the samples'
/// distribution, so the k-th smallest and the k-th largest enclose it with a probability that can
/// be summed exactly. k is the largest for which that is 95 % or more: 4 for 15 samples (96.5 %).
/// Under six samples no k reaches 95 % and the whole range is given.
#[must_use]
pub fn estimate(samples: &[f64]) -> Estimate {
    let sorted = sorted(samples);
    if sorted.is_empty() {
        return Estimate { low: 0.0, median: 0.0, high: 0.0 };
    }
    let k = interval_rank(sorted.len());
    Estimate { low: sorted[k - 1], median: median(samples), high: sorted[sorted.len() - k] }
}

/// The largest k whose two-sided tail is at most 5 %; at least 1.
fn interval_rank(n: usize) -> usize {
    let mut term = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut tail = 0.0;
    let mut k = 0;
    // After this step `tail` is P(fewer than k samples lie below the median).
    while k < n / 2 {
        tail += term;
        if 2.0 * tail > 0.05 {
            break;
        }
        term *= (n - k) as f64 / (k + 1) as f64;
        k += 1;
    }
    k.max(1)
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_none() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn percentile_is_the_nearest_rank() {
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&samples, 99.0), 198.0);
        assert_eq!(percentile(&samples, 0.0), 1.0);
        assert_eq!(percentile(&samples, 100.0), 200.0);
    }

    /// Coverage of these, from the binomial sums: 0, 93.8, 96.9, 96.1, 96.1, 96.5, 95.9, 95.7 %.
    /// (n = 1 and 5 cannot reach 95 %: the whole range.) One rank more is below 95 % for each.
    #[test]
    fn interval_ranks_match_the_table() {
        for (n, k) in [(1, 1), (5, 1), (6, 1), (9, 2), (12, 3), (15, 4), (20, 6), (25, 8)] {
            assert_eq!(interval_rank(n), k, "n = {n}");
        }
    }

    #[test]
    fn estimate_gives_the_enclosing_samples() {
        let samples: Vec<f64> = (1..=15).rev().map(f64::from).collect();
        assert_eq!(estimate(&samples), Estimate { low: 4.0, median: 8.0, high: 12.0 });
    }
}
