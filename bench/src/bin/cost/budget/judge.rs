//! What is too much, and what is so little that the budget should follow. Pure data.

/// How far a figure may be from its budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slack {
    /// At least this much over it is let pass.
    pub(super) absolute: f64,
    /// And this much of a hundred.
    pub(super) percent: f64,
    /// Under it by more than this, and by more than so much of a hundred, it is to be lowered.
    pub(super) lower_absolute: f64,
    pub(super) lower_percent: f64,
}

/// A figure, and what is allowed for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figure {
    pub(super) measured: f64,
    pub(super) budget: f64,
    /// What the project has promised; the budget may be over it only on the way there.
    pub(super) bar: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Within,
    Over,
    /// So far under it that the next growth would hide in what is left.
    Under,
}

impl Figure {
    /// The most that passes: the budget and the slack, but not past the bar unless the budget is.
    pub(super) fn limit(&self, slack: Slack) -> f64 {
        let limit = self.budget + slack.absolute.max(self.budget.abs() * slack.percent / 100.0);
        match self.bar {
            Some(bar) if self.keeps_bar_now() => limit.min(bar),
            _ => limit,
        }
    }

    pub(super) fn verdict(&self, slack: Slack) -> Verdict {
        let percent = self.budget.abs() * slack.lower_percent / 100.0;
        let floor = self.budget - percent.max(slack.lower_absolute);
        if self.measured > self.limit(slack) {
            Verdict::Over
        } else if self.measured < floor {
            Verdict::Under
        } else {
            Verdict::Within
        }
    }

    /// Whether it is more than was promised.
    pub(super) fn misses_bar(&self) -> bool {
        self.bar.is_some_and(|bar| self.measured > bar)
    }

    /// Whether the budget is no more than was promised.
    pub(super) fn keeps_bar_now(&self) -> bool {
        self.bar.is_some_and(|bar| self.budget <= bar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: Slack =
        Slack { absolute: 12.0, percent: 4.0, lower_absolute: 3.0, lower_percent: 5.0 };

    fn verdict(measured: f64, budget: f64, bar: Option<f64>) -> Verdict {
        Figure { measured, budget, bar }.verdict(SLACK)
    }

    #[test]
    fn more_than_the_slack_is_over() {
        assert_eq!(verdict(312.0, 300.0, None), Verdict::Within);
        assert_eq!(verdict(312.2, 300.0, None), Verdict::Over);
        assert_eq!(verdict(360.0, 300.0, None), Verdict::Over);
        // Four of a hundred where that is more.
        assert_eq!(verdict(519.0, 500.0, None), Verdict::Within);
        assert_eq!(verdict(521.0, 500.0, None), Verdict::Over);
    }

    #[test]
    fn a_bar_is_not_crossed_by_slack() {
        assert_eq!(verdict(306.0, 300.0, Some(305.0)), Verdict::Over);
        // One that is missed anyway does not make every run fail.
        assert_eq!(verdict(306.0, 300.0, Some(280.0)), Verdict::Within);
        let missed = Figure { measured: 306.0, budget: 300.0, bar: Some(280.0) };
        assert!(missed.misses_bar() && !missed.keeps_bar_now());
        let kept = Figure { measured: 306.0, budget: 300.0, bar: Some(305.0) };
        assert!(kept.misses_bar() && kept.keeps_bar_now());
    }

    #[test]
    fn less_than_a_twentieth_is_noticed() {
        assert_eq!(verdict(286.0, 300.0, None), Verdict::Within);
        assert_eq!(verdict(284.0, 300.0, None), Verdict::Under);
        // Below 60, where a twentieth is less than three.
        assert_eq!(verdict(37.5, 40.0, None), Verdict::Within);
        assert_eq!(verdict(36.5, 40.0, None), Verdict::Under);
    }

    #[test]
    fn differences_may_be_negative_or_nothing() {
        let slack = |absolute| Slack {
            absolute,
            percent: 0.0,
            lower_absolute: absolute,
            lower_percent: 0.0,
        };
        let calls = slack(0.05);
        let verdict = |measured, budget| Figure { measured, budget, bar: None }.verdict(calls);
        assert_eq!(verdict(-0.96, -1.0), Verdict::Within);
        assert_eq!(verdict(-0.94, -1.0), Verdict::Over);
        assert_eq!(verdict(-1.06, -1.0), Verdict::Under);
        assert_eq!(verdict(0.0, 0.0), Verdict::Within);
        let turns = |measured| Figure { measured, budget: 0.0, bar: None }.verdict(slack(0.0));
        assert_eq!((turns(0.0), turns(1.0)), (Verdict::Within, Verdict::Over));
    }
}
