//! The chart: horizontal bars of the rates' ratios to the hand-written loop, scenario by scenario,
//! as SVG text. Pure.
//!
//! It brings its own background and colours for light and for dark, chosen by the viewer's
//! preference; where a viewer knows none, the light ones are readable on any page.

use std::fmt::Write;

use edgewake_bench::stats::Estimate;

use super::{figures, summary, tables};
use crate::contenders::{BY_HAND, EDGEWAKE};
use crate::rows::Rows;

const STYLE: &str = "\
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  text { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  .title { font-weight: 600; font-size: 13px }
  .muted { fill: #57606a }
  .page { fill: #ffffff; stroke: #d0d7de }
  .peer { fill: #8c9bab }
  .other { fill: #f2b48a }
  .ours { fill: #d9480f }
  .bound { stroke: #57606a; stroke-dasharray: 4 3 }
  .spread { stroke: #24292f; stroke-width: 1.2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; stroke: #161b22 }
    .muted { fill: #9da7b3 }
    .page { fill: #161b22; stroke: #30363d }
    .peer { fill: #6b7886 }
    .other { fill: #9a5a34 }
    .ours { fill: #ff7b39 }
    .bound { stroke: #9da7b3 }
    .spread { stroke: #e6edf3 }
  }
";

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 20.0;
/// Where the bars begin.
const LEFT: f64 = 160.0;
/// Room for the figure behind the longest bar.
const RIGHT: f64 = 60.0;
const BAR: f64 = 13.0;
const LINE: f64 = 17.0;
const BLOCK_GAP: f64 = 34.0;
/// Bars end here, and say what they stand for.
const MOST: f64 = 2.0;

/// Pixels from the left edge to a ratio's place.
fn x(ratio: f64, most: f64) -> f64 {
    LEFT + ratio.clamp(0.0, most) / most * (WIDTH - LEFT - RIGHT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Draws all that has rates.
pub(super) fn draw(rows: &Rows) -> String {
    let most = longest(rows);
    let mut body = String::new();
    let mut y = 56.0;
    for scenario in tables::with_rates(rows) {
        y += BLOCK_GAP;
        let title = escape(scenario.title);
        // Here and below: writing to a String cannot fail.
        let _ = writeln!(
            body,
            r#"<text class="title" x="{MARGIN}" y="{:.1}">{title}</text>"#,
            y - 10.0
        );
        let top = y;
        let mut labels = String::new();
        for who in summary::contenders(rows, scenario.name) {
            let ratio = summary::ratio(rows, scenario.name, "rate", &who, BY_HAND);
            if let (Some(ratio), true) = (ratio, who != BY_HAND) {
                bar(&mut body, &who, ratio, y, most);
                label(&mut labels, &who, ratio, y, most);
                y += LINE;
            }
        }
        let bound = x(1.0, most);
        let _ = writeln!(
            body,
            r#"<line class="bound" x1="{bound:.1}" y1="{:.1}" x2="{bound:.1}" y2="{:.1}"/>"#,
            top - 4.0,
            y
        );
        body += &labels;
    }
    let height = y + MARGIN;
    let head = "Rates against the hand-written epoll loop of the same round (dashed: 1)";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{head}\">\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"6\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"28\">{head}</text>\n\
         <text class=\"muted\" x=\"{MARGIN}\" y=\"48\">longer is better; medians, and the interval \
         that holds the true one with 95 %</text>\n{body}</svg>\n",
        WIDTH - 1.0,
        height - 1.0
    )
}

/// The longest bar, rounded up to a fifth, and no more than [`MOST`].
fn longest(rows: &Rows) -> f64 {
    let scenarios = tables::with_rates(rows).into_iter();
    let ends = scenarios.flat_map(|scenario| {
        let who = summary::contenders(rows, scenario.name);
        who.into_iter().filter_map(|who| {
            summary::ratio(rows, scenario.name, "rate", &who, BY_HAND).map(|it| it.median)
        })
    });
    let longest = ends.fold(1.2, f64::max);
    ((longest * 5.0).ceil() / 5.0).min(MOST)
}

fn weight(who: &str) -> &'static str {
    if who == EDGEWAKE { " font-weight=\"600\"" } else { "" }
}

/// One bar, and its interval where there is one.
fn bar(body: &mut String, who: &str, ratio: Estimate, y: f64, most: f64) {
    let class = match who {
        EDGEWAKE => "ours",
        _ if who.starts_with(EDGEWAKE) => "other",
        _ => "peer",
    };
    let _ = writeln!(
        body,
        r#"<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{:.1}" height="{BAR}" rx="2"/>"#,
        x(ratio.median, most) - LEFT,
    );
    let (low, high) = (x(ratio.low, most), x(ratio.high, most));
    if high > low {
        let middle = y + BAR / 2.0;
        let _ = writeln!(
            body,
            "<line class=\"spread\" x1=\"{low:.1}\" y1=\"{middle:.1}\" x2=\"{high:.1}\" \
             y2=\"{middle:.1}\"/>"
        );
    }
}

/// A bar's name before it, and its figure behind.
fn label(body: &mut String, who: &str, ratio: Estimate, y: f64, most: f64) {
    let (weight, text) = (weight(who), y + BAR - 2.5);
    let end = x(ratio.median, most).max(x(ratio.high, most));
    let _ = writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\"{weight}>{}</text>\n\
         <text x=\"{:.1}\" y=\"{text:.1}\"{weight}>{}</text>",
        LEFT - 8.0,
        escape(who),
        end + 6.0,
        figures::two(ratio.median)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        for round in 0..6 {
            for (who, rate) in [("by hand", 100.0), ("edgewake", 98.0), ("<peer> & co", 350.0)] {
                let rate = rate + f64::from(round) * if who == EDGEWAKE { 2.0 } else { 1.0 };
                rows.rows.push(Row::value("tcp-1", "rate", who, round as usize, rate));
            }
        }
        rows.rows.push(Row::absent("tcp-1", "smol", "is not there"));
        rows
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let again = Rows::parse(&rows().text()).unwrap();
        assert_eq!(draw(&rows()), draw(&again));
    }

    #[test]
    fn edgewake_stands_out_and_long_bars_end() {
        let svg = draw(&rows());
        assert_eq!(svg.matches("class=\"ours\"").count(), 1);
        assert_eq!(svg.matches("class=\"peer\"").count(), 1);
        assert!(svg.contains("&lt;peer&gt; &amp; co") && svg.contains(">3.44<"), "{svg}");
        assert!(!svg.contains("smol") && longest(&rows()) == MOST);
        let full = format!("width=\"{:.1}\" height=\"13\"", WIDTH - LEFT - RIGHT);
        assert!(svg.contains(&full), "{svg}");
    }

    #[test]
    fn nothing_measured_is_an_empty_chart() {
        let svg = draw(&Rows::default());
        assert!(
            svg.starts_with("<svg ")
                && svg.ends_with("</svg>\n")
                && !svg.contains("rect class=\"peer")
        );
    }
}
