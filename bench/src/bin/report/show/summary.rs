//! From rows to what is said of them: medians, and ratios within rounds. Pure.

use edgewake_bench::stats::{self, Estimate};

use crate::rows::Rows;

/// A scenario's values of one figure and one contender, by round.
pub(super) fn samples(rows: &Rows, scenario: &str, metric: &str, who: &str) -> Vec<(usize, f64)> {
    let here = rows
        .rows
        .iter()
        .filter(|row| row.scenario == scenario && row.metric == metric && row.contender == who);
    here.filter_map(|row| Some((row.round, row.value?))).collect()
}

/// The median and its interval; `None` without values.
pub(super) fn estimate(rows: &Rows, scenario: &str, metric: &str, who: &str) -> Option<Estimate> {
    let samples = samples(rows, scenario, metric, who);
    let values: Vec<f64> = samples.into_iter().map(|(_, value)| value).collect();
    (!values.is_empty()).then(|| stats::estimate(&values))
}

/// The ratio of `who` to `other`, round by round: of rounds that both have.
pub(super) fn ratio(
    rows: &Rows,
    scenario: &str,
    metric: &str,
    who: &str,
    other: &str,
) -> Option<Estimate> {
    let others = samples(rows, scenario, metric, other);
    let ratios: Vec<f64> = samples(rows, scenario, metric, who)
        .into_iter()
        .filter_map(|(round, value)| {
            let (_, other) = others.iter().find(|it| it.0 == round)?;
            // Both zero, as nothing lost beside nothing lost: the same.
            Some(if value == *other { 1.0 } else { value / other })
        })
        .collect();
    (!ratios.is_empty()).then(|| stats::estimate(&ratios))
}

/// The scenario's contenders, in the order in which they first came in any round; those that have
/// only a reason come last.
pub(super) fn contenders(rows: &Rows, scenario: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for with_value in [true, false] {
        for row in rows.rows.iter().filter(|row| row.scenario == scenario) {
            if row.value.is_some() == with_value && !found.contains(&row.contender) {
                found.push(row.contender.clone());
            }
        }
    }
    found
}

/// The figures that the scenario's rows name, in the order in which they come.
pub(super) fn metrics(rows: &Rows, scenario: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for row in rows.rows.iter().filter(|row| row.scenario == scenario && row.value.is_some()) {
        if !found.contains(&row.metric) {
            found.push(row.metric.clone());
        }
    }
    found
}

/// Why a contender has no values, if that is so.
pub(super) fn absence<'a>(rows: &'a Rows, scenario: &str, who: &str) -> Option<&'a str> {
    let absent = |row: &&_| matches!(row, crate::rows::Row { value: None, .. });
    let mut here = rows.rows.iter().filter(|row| row.scenario == scenario && row.contender == who);
    here.find(absent).map(|row| row.note.as_str())
}

/// How many rounds the scenario had.
pub(super) fn rounds(rows: &Rows, scenario: &str) -> usize {
    let here = rows.rows.iter().filter(|row| row.scenario == scenario && row.value.is_some());
    here.map(|row| row.round + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        for (round, (by_hand, ours)) in
            [(100.0, 90.0), (200.0, 210.0), (50.0, 50.0)].iter().enumerate()
        {
            rows.rows.push(Row::value("tcp-1", "rate", "by hand", round, *by_hand));
            rows.rows.push(Row::value("tcp-1", "rate", "edgewake", round, *ours));
        }
        rows.rows.push(Row::value("tcp-1", "rate", "mio", 1, 20.0));
        rows.rows.push(Row::absent("tcp-1", "smol", "is not there"));
        rows
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let rows = rows();
        let ratio = |who| ratio(&rows, "tcp-1", "rate", who, "by hand");
        assert_eq!(ratio("edgewake").unwrap(), Estimate { low: 0.9, median: 1.0, high: 1.05 });
        assert_eq!(ratio("mio").unwrap().median, 0.1);
        assert!(ratio("smol").is_none());
        assert_eq!(estimate(&rows, "tcp-1", "rate", "by hand").unwrap().median, 100.0);
    }

    #[test]
    fn contenders_figures_and_absences_are_found() {
        let rows = rows();
        assert_eq!(contenders(&rows, "tcp-1"), ["by hand", "edgewake", "mio", "smol"]);
        assert_eq!(metrics(&rows, "tcp-1"), ["rate"]);
        assert_eq!(absence(&rows, "tcp-1", "smol"), Some("is not there"));
        assert_eq!(absence(&rows, "tcp-1", "mio"), None);
        assert_eq!(rounds(&rows, "tcp-1"), 3);
    }

    #[test]
    fn nothing_beside_nothing_is_the_same() {
        let mut rows = Rows::default();
        for (round, (ours, theirs)) in [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0)].iter().enumerate() {
            rows.rows.push(Row::value("s", "lost", "a", round, *ours));
            rows.rows.push(Row::value("s", "lost", "b", round, *theirs));
        }
        let ratio = ratio(&rows, "s", "lost", "a", "b").unwrap();
        assert_eq!((ratio.low, ratio.high), (0.0, f64::INFINITY));
    }
}
