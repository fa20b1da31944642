//! How numbers are printed: three digits at least, none that a measurement does not have.

use edgewake_bench::stats::Estimate;

/// A value, with commas between thousands.
pub(super) fn value(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        grouped(value.round())
    } else if size >= 100.0 || value == value.round() {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio with its interval; where there is no spread, the ratio alone.
pub(super) fn ratio(ratio: Estimate) -> String {
    if ratio.low == ratio.high {
        return two(ratio.median);
    }
    format!("{} ({} to {})", two(ratio.median), two(ratio.low), two(ratio.high))
}

/// Two decimals, or as many digits as a small one needs.
pub(super) fn two(value: f64) -> String {
    if value >= 100.0 { self::value(value) } else { format!("{value:.2}") }
}

/// A value with its interval, where it has one.
pub(super) fn spread(estimate: Estimate) -> String {
    if estimate.low == estimate.high {
        return value(estimate.median);
    }
    format!("{} ({} to {})", value(estimate.median), value(estimate.low), value(estimate.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_or_all_before_the_point() {
        for (number, text) in [
            (0.0, "0"),
            (15.0, "15"),
            (0.012_34, "0.012"),
            (0.5, "0.50"),
            (9.876, "9.88"),
            (45.67, "45.7"),
            (999.4, "999"),
            (1000.4, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn intervals_are_shown_where_there_are_any() {
        let spread = |low, high| ratio(Estimate { low, median: 1.0, high });
        assert_eq!(spread(0.9, 1.054), "1.00 (0.90 to 1.05)");
        assert_eq!(spread(1.0, 1.0), "1.00");
    }
}
