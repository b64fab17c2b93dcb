//! A small generator of what looks like data: the same in every run.

/// Pseudo-random numbers (SplitMix64).
pub(crate) struct Random(u64);

const WORDS: &[&str] = &[
    "the",
    "build",
    "fails",
    "when",
    "a",
    "release",
    "of",
    "this",
    "package",
    "is",
    "installed",
    "with",
    "an",
    "older",
    "compiler",
    "and",
    "no",
    "cache",
    "was",
    "found",
    "expected",
    "result",
    "café",
    "naïve",
    "see",
    "also",
    "logs",
    "below",
    "steps",
    "to",
    "reproduce",
    "on",
    "Linux",
    "macOS",
    "it",
    "works",
    "again",
    "after",
    "upgrade",
];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.below(from.len() as u64);
        from[at as usize]
    }

    /// So many words, without a character that JSON escapes.
    pub(crate) fn words(&mut self, count: u64) -> String {
        let words: Vec<_> = (0..count).map(|_| self.pick(WORDS)).collect();
        words.join(" ")
    }

    /// So many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A point in time in RFC 3339, in the years of 2015 to 2024.
    pub(crate) fn instant(&mut self) -> String {
        let (year, month, day) = (2015 + self.below(10), 1 + self.below(12), 1 + self.below(28));
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}
