//! Exact decimals: an integer and a scale. Comparison never goes through floating point.

use std::cmp::Ordering;
use std::fmt;

/// `units` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    pub(crate) units: i128,
    pub(crate) scale: u8,
}

impl Decimal {
    pub(crate) fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }

    /// `[-+]digits[.digits]`, at most 38 digits in all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, body) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        if whole.is_empty() || (body.contains('.') && fraction.is_empty()) {
            return None;
        }
        let mut units: i128 = 0;
        for b in whole.bytes().chain(fraction.bytes()) {
            let digit = b.is_ascii_digit().then(|| i128::from(b - b'0'))?;
            units = units.checked_mul(10)?.checked_add(digit)?;
        }
        let scale = u8::try_from(fraction.len()).ok().filter(|s| *s <= 38)?;
        Some(Self { units: if negative { -units } else { units }, scale })
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        if self.scale > other.scale {
            return other.compare(self).reverse();
        }
        let factor = 10i128.pow(u32::from(other.scale - self.scale));
        match self.units.checked_mul(factor) {
            Some(units) => units.cmp(&other.units),
            // Scaled up, it does not fit: its magnitude is beyond anything `other` can hold.
            None => self.units.cmp(&0),
        }
    }

    pub(crate) fn to_f64(self) -> f64 {
        // Through the decimal text: correctly rounded, which a division of two floats is not.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.units);
        }
        let one = 10u128.pow(u32::from(self.scale));
        let magnitude = self.units.unsigned_abs();
        let sign = if self.units < 0 { "-" } else { "" };
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", magnitude / one, magnitude % one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_exactly() {
        let cases = [
            ("0.1", "0.10", Ordering::Equal),
            ("0.30000000000000004", "0.3", Ordering::Greater),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("-0.01", "0.00", Ordering::Less),
            ("99999999999999999999999999999999999999", "0.00000000000000000001", Ordering::Greater),
            ("-99999999999999999999999999999999999999", "0.00000000000000000001", Ordering::Less),
        ];
        for (a, b, want) in cases {
            let (a, b) = (Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
            assert_eq!(a.compare(b), want, "{a} and {b}");
            assert_eq!(b.compare(a), want.reverse(), "{b} and {a}");
        }
    }

    #[test]
    fn prints_its_scale() {
        assert_eq!(Decimal::new(-5, 2).to_string(), "-0.05");
        assert_eq!(Decimal::new(120_000, 2).to_string(), "1200.00");
        assert!(Decimal::parse("1.").is_none() && Decimal::parse(".5").is_none());
    }
}
