//! Where edgewake loses: computed, every cell where a peer is better beyond the interval. Pure.

use edgewake_bench::stats::Estimate;

use super::summary;
use crate::catalog::{Better, SCENARIOS, Scenario};
use crate::contenders::{BY_HAND, EDGEWAKE};
use crate::rows::Rows;

/// Fewer rounds give no interval of 95 %, and decide nothing.
pub(super) const LEAST_ROUNDS: usize = 6;

/// Counts and sizes differ by less from one build to the next.
const COUNTED_ALIKE: f64 = 0.01;

/// A cell where a peer is better.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) scenario: &'static Scenario,
    pub(super) metric: String,
    pub(super) peer: String,
    pub(super) ours: f64,
    pub(super) theirs: f64,
    /// edgewake's value to the peer's, of the same rounds.
    pub(super) ratio: Estimate,
}

/// Every loss, in the order of the catalogue; the hand-written loop is the bound, not a peer, and
/// edgewake's other ways are its own.
pub(super) fn find(rows: &Rows) -> Vec<Loss> {
    let mut losses = Vec::new();
    for scenario in SCENARIOS {
        if scenario.in_rounds() && summary::rounds(rows, scenario.name) < LEAST_ROUNDS {
            continue;
        }
        for metric in summary::metrics(rows, scenario.name) {
            let Some(better) = scenario.metric(&metric) else { continue };
            for peer in summary::contenders(rows, scenario.name) {
                if !peer.starts_with(BY_HAND) && !peer.starts_with(EDGEWAKE) {
                    losses.extend(compare(rows, scenario, &metric, better, peer));
                }
            }
        }
    }
    losses
}

fn compare(
    rows: &Rows,
    scenario: &'static Scenario,
    metric: &str,
    better: Better,
    peer: String,
) -> Option<Loss> {
    let ratio = summary::ratio(rows, scenario.name, metric, EDGEWAKE, &peer)?;
    let slack = if scenario.in_rounds() { 0.0 } else { COUNTED_ALIKE };
    let lost = match better {
        Better::Higher => ratio.high < 1.0 - slack,
        Better::Lower => ratio.low > 1.0 + slack,
        Better::Neither => false,
    };
    let median = |who: &str| summary::estimate(rows, scenario.name, metric, who);
    let (ours, theirs) = (median(EDGEWAKE)?.median, median(&peer)?.median);
    lost.then(|| Loss { scenario, metric: metric.to_owned(), peer, ours, theirs, ratio })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn with(scenario: &str, metric: &str, values: &[(&str, &[f64])]) -> Vec<Loss> {
        let mut rows = Rows::default();
        for (who, values) in values {
            for (round, value) in values.iter().enumerate() {
                rows.rows.push(Row::value(scenario, metric, who, round, *value));
            }
        }
        find(&rows)
    }

    #[test]
    fn a_loss_is_beyond_the_interval() {
        let six = |by: f64| -> Vec<f64> { (0..6).map(|it| 100.0 + it as f64 * by).collect() };
        let (flat, rising) = (six(0.0), six(1.0));
        // One round is as good as the peer's: the interval reaches 1.
        assert!(with("tcp-1", "rate", &[("edgewake", &flat), ("mio", &rising)]).is_empty());
        let better: Vec<f64> = rising.iter().map(|it| it + 1.0).collect();
        let losses = with("tcp-1", "rate", &[("edgewake", &flat), ("mio", &better)]);
        assert_eq!((losses.len(), losses[0].peer.as_str()), (1, "mio"));
        assert_eq!((losses[0].ours, losses[0].theirs), (100.0, 103.5));
        // More microseconds are worse, and the same numbers then no loss of edgewake's.
        assert!(with("tcp-1", "p50_us", &[("edgewake", &flat), ("mio", &better)]).is_empty());
        assert_eq!(with("tcp-1", "p50_us", &[("edgewake", &better), ("mio", &flat)]).len(), 1);
    }

    #[test]
    fn counts_need_no_interval_and_figures_no_list() {
        assert_eq!(
            with("count-tcp-1", "instructions", &[("edgewake", &[300.0]), ("mio", &[120.0])]).len(),
            1
        );
        assert!(
            with("count-tcp-1", "syscalls", &[("edgewake", &[2.03]), ("mio", &[2.02])]).is_empty()
        );
        let wakes = |count| {
            let (ours, theirs) = (vec![60.0; count], vec![50.0; count]);
            with("micro", "wake, ns", &[("edgewake", &ours), ("tokio", &theirs)]).len()
        };
        // Five rounds have no interval.
        assert_eq!((wakes(6), wakes(5)), (1, 0));
    }

    #[test]
    fn the_bound_and_our_other_ways_are_no_peers() {
        let values: &[(&str, &[f64])] =
            &[("edgewake", &[300.0]), ("by hand", &[68.0]), ("edgewake, buffered", &[290.0])];
        assert!(with("count-tcp-1", "instructions", values).is_empty());
    }
}
