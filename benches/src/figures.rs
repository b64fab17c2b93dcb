//! Figures of several runs: the middle one, and how far they lie apart.

/// One figure of each run, in the order of the runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one, or the mean of the two in the middle. Not a number if there was no run.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = sorted.len() / 2;
        match (sorted.len() % 2, sorted.get(at)) {
            (_, None) => f64::NAN,
            (1, Some(middle)) => *middle,
            (_, Some(upper)) => (sorted[at - 1] + upper) / 2.0,
        }
    }

    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// How often the other's figure of the same run goes into each: what troubles the machine troubles both.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }

    /// These in another unit.
    pub(crate) fn times(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|figure| figure * factor).collect())
    }

    /// The median, and in brackets the least and the greatest where they look different; a dash if there was no run.
    pub(crate) fn shown(&self, digits: usize) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        let [median, least, most] =
            [self.median(), self.least(), self.most()].map(|figure| format!("{figure:.digits$}"));
        if least == most { median } else { format!("{median} ({least}–{most})") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_shown_with_its_extremes() {
        let cases: [(&[f64], &str); 5] = [
            (&[2.0], "2.0"),
            (&[3.0, 1.0, 2.0], "2.0 (1.0–3.0)"),
            (&[1.0, 2.0], "1.5 (1.0–2.0)"),
            (&[1.01, 1.02], "1.0"),
            (&[], "–"),
        ];
        for (figures, shown) in cases {
            assert_eq!(Samples(figures.to_vec()).shown(1), shown);
        }
    }

    #[test]
    fn ratios_are_of_the_same_run() {
        let ratios = Samples(vec![2.0, 30.0, 4.0]).over(&Samples(vec![1.0, 10.0, 2.0]));
        assert_eq!(ratios.shown(1), "2.0 (2.0–3.0)");
    }
}
