//! Figures that a quota declares: where they stand, and in which form.

use tidegate_quota::{Limit, Observation, Window};

use super::call::Counted;
use super::figure::{self, Absurd, Round, Values, leading, number, units, used_of_limit};
use super::read::{Answered, Complaint};
use super::time;
use crate::FigurePlace;

/// Reads what a response says of one declared quota.
pub(super) struct Reader<'a> {
    pub(super) answer: &'a Answered<'a>,
    pub(super) body: &'a Values<'a>,
    pub(super) complaints: &'a mut Vec<Complaint>,
}

impl Reader<'_> {
    /// What is said of a quota; `None` for nothing.
    pub(super) fn read(&mut self, counted: &Counted<'_>) -> Option<Observation> {
        let figures = &counted.metered.figures;
        let mut limit = self.units(figures.limit.as_ref(), Round::Down, Sign::Positive);
        let mut used = self.units(figures.used.as_ref(), Round::Up, Sign::Positive);
        let mut remaining = self.units(figures.remaining.as_ref(), Round::Down, Sign::Any);
        if let Some((spent, most)) = self.both(figures.used_of_limit.as_ref()) {
            used.get_or_insert(units(spent, Round::Up));
            limit.get_or_insert(units(most, Round::Down));
        }
        if let (None, Some(used), Some(limit)) = (remaining, used, limit) {
            remaining = Some(limit.saturating_sub(used));
        }
        let reset = figures.reset.as_ref().and_then(|(place, form)| {
            let text = self.text(place)?.to_owned();
            let read = time::read(*form, &text, self.answer.now);
            self.sensible(place, &text, read)
        });
        let per_second = self.number(figures.per_second.as_ref(), Sign::Positive).filter(|rate| *rate > 0.0);
        if limit.or(used).or(remaining).is_none() && per_second.is_none() && reset.is_none() {
            return None;
        }
        Some(Observation {
            scope: counted.scope,
            quota: counted.name.clone(),
            limit,
            remaining,
            used,
            resets_in: reset.and_then(|reset| reset.latest(length(&counted.metered.quota.limit))),
            window: None,
            per_second,
        })
    }

    /// Points that the call has cost.
    pub(super) fn cost(&mut self, counted: &Counted<'_>) -> Option<u64> {
        self.units(counted.metered.figures.cost.as_ref(), Round::Up, Sign::Positive)
    }

    fn units(&mut self, place: Option<&FigurePlace>, round: Round, sign: Sign) -> Option<u64> {
        self.number(place, sign).map(|number| units(number, round))
    }

    fn number(&mut self, place: Option<&FigurePlace>, sign: Sign) -> Option<f64> {
        let text = self.text(place?)?.to_owned();
        let is_fit = |number: &f64| sign == Sign::Any || *number >= 0.0;
        let read = leading(&text).or_else(|| number(&text)).filter(is_fit);
        self.sensible(place?, &text, read.ok_or(Absurd))
    }

    fn both(&mut self, place: Option<&FigurePlace>) -> Option<(f64, f64)> {
        let text = self.text(place?)?.to_owned();
        let read = used_of_limit(&text).filter(|(used, limit)| *used >= 0.0 && *limit >= 0.0);
        self.sensible(place?, &text, read.ok_or(Absurd))
    }

    fn text(&self, place: &FigurePlace) -> Option<&str> {
        figure::at(place, self.answer.headers, self.body)
    }

    /// What was read, or a complaint of it.
    fn sensible<T>(&mut self, place: &FigurePlace, text: &str, read: Result<T, Absurd>) -> Option<T> {
        if read.is_err() {
            self.complaints.push(Complaint::absurd(place, text));
        }
        read.ok()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Below zero makes no sense, though some write -1 for "no limit".
    Positive,
    /// Below zero means overspent.
    Any,
}

/// How long a window is at most, where that is always the same.
fn length(limit: &Limit) -> Option<std::time::Duration> {
    match limit {
        Limit::Window {
            window: Window::Sliding(length) | Window::FirstCall(length) | Window::Aligned(length), ..
        } => Some(*length),
        _ => None,
    }
}
