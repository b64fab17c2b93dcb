//! Random documents, written as text: what a serializer would never write is what they are for.
//!
//! A document is a page of rows, most of the time; every third is damaged afterwards. The same seed makes the same one.

/// Pseudo-random numbers (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Below the first, or now and then, once in so many, below the other.
    fn mostly_below(&mut self, end: usize, times: usize, other: usize) -> usize {
        let end = if self.once_in(times) { other } else { end };
        self.below(end)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The members of rows: those of the columns, and some that nobody asked for.
const NAMES: &[&str] =
    &["t", "i", "m", "f", "b", "at", "ms", "j", "l", "s", "n", "other", "a longer name", "\\u0074", "\\ud800", "é"];

/// A document, and whether it was only cut: then it begins as one that is right.
pub(super) fn document(seed: u64) -> (Vec<u8>, bool) {
    let mut writer = Writer { random: Random(seed), out: String::new() };
    writer.page();
    let Writer { mut random, out } = writer;
    let mut body = out.into_bytes();
    match random.below(12) {
        0 => {
            let end = random.below(body.len());
            body.truncate(end);
            return (body, true);
        }
        1..4 => {
            for _ in 0..=random.below(3) {
                damage(&mut random, &mut body);
            }
        }
        _ => {}
    }
    (body, false)
}

fn damage(random: &mut Random, body: &mut Vec<u8>) {
    const TOKENS: &[u8] = b"[]{},:\"\\0-.eE+tfnu \x00\x1f\x7f\x80\xc3\xed\xf4\xff";
    if body.is_empty() {
        return;
    }
    let at = random.below(body.len());
    match random.below(6) {
        0 => body[at] = random.next() as u8,
        1 => body[at] = random.pick(TOKENS),
        2 => body.insert(at, random.pick(TOKENS)),
        3 => drop(body.remove(at)),
        4 => {
            let other = random.below(body.len());
            body.swap(at, other);
        }
        _ => {
            let piece = body[at..(at + random.below(12)).min(body.len())].to_vec();
            let to = random.below(body.len());
            body.splice(to..to, piece);
        }
    }
}

struct Writer {
    random: Random,
    out: String,
}

impl Writer {
    fn page(&mut self) {
        if self.random.once_in(64) {
            self.out.push('\u{feff}');
        }
        self.space();
        if self.random.once_in(32) {
            return self.value(0);
        }
        let names: &[&str] = match self.random.below(16) {
            0 => &["other"],
            1 => &["value", "value"],
            2..6 => &["other", "value", "total"],
            _ => &["value"],
        };
        self.out.push('{');
        for (at, name) in names.iter().enumerate() {
            self.comma(at);
            self.name(name);
            if *name == "value" && !self.random.once_in(48) { self.rows() } else { self.value(0) }
        }
        self.out.push('}');
        self.space();
    }

    fn rows(&mut self) {
        self.out.push('[');
        for at in 0..self.random.below(5) {
            self.comma(at);
            if self.random.once_in(64) {
                self.value(0)
            } else {
                self.row()
            }
            self.space();
        }
        self.out.push(']');
    }

    fn row(&mut self) {
        self.out.push('{');
        // Rows of one page often have the same members in the same order.
        let in_order = self.random.once_in(2);
        let members = self.random.below(10);
        for (at, next) in NAMES.iter().enumerate().take(members) {
            self.comma(at);
            let name = if in_order && !self.random.once_in(12) { next } else { self.random.pick(NAMES) };
            self.name(name);
            self.fitting(name);
            self.space();
        }
        self.out.push('}');
    }

    /// A value that mostly fits the column.
    fn fitting(&mut self, name: &str) {
        if self.random.once_in(5) {
            return self.value(0);
        }
        match name {
            "t" => self.string(),
            "i" | "m" | "f" | "ms" => {
                let number = self.number();
                self.quoted_or_not(&number);
            }
            "b" => self.out.push_str(["true", "false"][self.random.below(2)]),
            "at" => {
                let text = self.time();
                self.out.push_str(&format!("\"{text}\""));
            }
            "l" if self.random.once_in(6) => {
                self.out.push_str("{\"results\":");
                self.numbers();
                self.out.push('}');
            }
            "l" => self.numbers(),
            "s" | "n" => self.pair(),
            _ => self.value(0),
        }
    }

    fn numbers(&mut self) {
        self.out.push('[');
        for at in 0..self.random.below(4) {
            self.comma(at);
            if self.random.once_in(8) {
                self.value(3);
            } else {
                let number = self.random.next() as i64;
                self.quoted_or_not(&number.to_string());
            }
        }
        self.out.push(']');
    }

    /// An object with members `x` and `y`.
    fn pair(&mut self) {
        self.out.push('{');
        for at in 0..self.random.below(4) {
            self.comma(at);
            let name = self.random.pick(&["x", "y", "z"]);
            self.name(name);
            match name {
                "x" if !self.random.once_in(6) => self.out.push_str(&(self.random.next() as i32).to_string()),
                "y" if !self.random.once_in(6) => self.string(),
                _ => self.value(2),
            }
        }
        self.out.push('}');
    }

    fn value(&mut self, depth: usize) {
        if depth == 0 && self.random.once_in(64) {
            return self.nest();
        }
        match self.random.below(if depth > 4 { 7 } else { 10 }) {
            0 => self.out.push_str("null"),
            1 => self.out.push_str("true"),
            2 => self.out.push_str("false"),
            3 | 4 => self.string(),
            5 => {
                let number = self.number();
                self.quoted_or_not(&number);
            }
            6 => self.out.push_str(["[]", "{}", "\"\"", "0", "[ ]"][self.random.below(5)]),
            7 | 8 => {
                self.out.push('[');
                for at in 0..self.random.below(4) {
                    self.comma(at);
                    self.value(depth + 1);
                    self.space();
                }
                self.out.push(']');
            }
            _ => {
                self.out.push('{');
                for at in 0..self.random.below(4) {
                    self.comma(at);
                    let name = self.random.pick(&["x", "y", "results", "other"]);
                    self.name(name);
                    self.value(depth + 1);
                }
                self.out.push('}');
            }
        }
    }

    /// Nesting about as deep as is allowed.
    fn nest(&mut self) {
        let mut open = Vec::new();
        for _ in 0..self.random.below(140) {
            let is_object = self.random.once_in(2);
            self.out.push_str(if is_object { "{\"x\":" } else { "[" });
            open.push(if is_object { '}' } else { ']' });
        }
        self.out.push('1');
        self.out.extend(open.iter().rev());
    }

    fn comma(&mut self, at: usize) {
        self.space();
        if at > 0 {
            self.out.push(',');
            self.space();
        }
    }

    fn name(&mut self, name: &str) {
        self.out.push_str(&format!("\"{name}\""));
        self.space();
        self.out.push(':');
        self.space();
    }

    fn space(&mut self) {
        if self.random.once_in(10) {
            for _ in 0..self.random.below(4) {
                let space = self.random.pick(&[' ', '\n', '\r', '\t']);
                self.out.push(space);
            }
        }
    }

    fn quoted_or_not(&mut self, number: &str) {
        match self.random.below(4) {
            0 => self.out.push_str(&format!("\"{number}\"")),
            1 if self.random.once_in(8) => {
                let word =
                    self.random.pick(&["INF", "-Infinity", "NaN", "", ".5", "5.", "+1", "007", "-", "1e", "0x1"]);
                self.out.push_str(&format!("\"{word}\""));
            }
            _ => self.out.push_str(number),
        }
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| if self.random.once_in(3) { '0' } else { char::from(b'0' + self.random.below(10) as u8) })
            .collect()
    }

    fn number(&mut self) -> String {
        let sign = if self.random.once_in(3) { "-" } else { "" };
        let whole = match self.random.below(6) {
            0 => "0".to_owned(),
            1 => self.random.pick(&["9223372036854775807", "9223372036854775808", "9007199254740993"]).to_owned(),
            2 => {
                let count = self.random.below(44);
                format!("1{}", self.digits(count))
            }
            _ => self.random.below(1_000_000).to_string(),
        };
        let mut text = format!("{sign}{whole}");
        if self.random.once_in(2) {
            let count = 1 + self.random.mostly_below(5, 8, 30);
            text.push_str(&format!(".{}", self.digits(count)));
        }
        if self.random.once_in(6) {
            let sign = self.random.pick(&["", "+", "-"]);
            let exponent = match self.random.below(8) {
                0 => self.random.pick(&["400", "99999999999999999999", "0", "007"]).to_owned(),
                _ => self.random.below(24).to_string(),
            };
            text.push_str(&format!("{}{sign}{exponent}", self.random.pick(&["e", "E"])));
        }
        text
    }

    fn time(&mut self) -> String {
        let year = if self.random.once_in(8) { self.random.below(10_000) } else { 1_960 + self.random.below(90) };
        let month = self.random.mostly_below(12, 16, 14) + 1;
        let day = self.random.mostly_below(28, 4, 33) + 1;
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        if self.random.once_in(12) {
            return text;
        }
        let limit = if self.random.once_in(16) { 62 } else { 24 };
        let (hour, minute) = (self.random.below(limit), self.random.below(limit.max(60)));
        text.push_str(&format!("{}{hour:02}:{minute:02}", self.random.pick(&["T", "T", "T", " ", "t", "_"])));
        if !self.random.once_in(12) {
            text.push_str(&format!(":{:02}", self.random.below(61)));
            if self.random.once_in(2) {
                let count = self.random.below(10);
                text.push_str(&format!(".{}", self.digits(count)));
            }
        }
        text.push_str(self.random.pick(&["Z", "Z", "Z", "", "z", "+02:00", "-0530", "+14", "+25:00", "+1:00", "Z "]));
        text
    }

    fn string(&mut self) {
        const PIECES: &[&str] = &[
            "a",
            "plain text",
            "é",
            "日本",
            "😀",
            "\u{7f}",
            "\u{2028}",
            "'",
            "0123456789abcdef0123456789abcdef",
            "\\\"",
            "\\\\",
            "\\/",
            "\\b",
            "\\f",
            "\\n",
            "\\r",
            "\\t",
            "\\u0041",
            "\\u00e9",
            "\\u0000",
            "\\uFFFF",
            "\\ud83d\\ude00",
            "\\uD83D\\uDE00",
        ];
        /// Half of a pair, or two halves in the wrong order: right in the grammar of JSON, but no text.
        const BROKEN: &[&str] = &["\\ud800", "\\udc00", "\\ud83d\\u0041", "\\ude00\\ud83d", "\\ud83d\\n"];
        self.out.push('"');
        for _ in 0..self.random.below(5) {
            let piece = if self.random.once_in(40) { self.random.pick(BROKEN) } else { self.random.pick(PIECES) };
            self.out.push_str(piece);
        }
        self.out.push('"');
    }
}
