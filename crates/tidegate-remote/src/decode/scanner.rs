//! Walks JSON text without building anything: the values it hands out are slices of the body.
//!
//! It checks the whole grammar of RFC 8259, so that a slice which it returned needs no second check. It knows
//! nothing of envelopes, rows and columns. serde_json's reader would do the same through `&RawValue`; this one
//! reports byte offsets, tells a body that ends too early from one that is wrong, and looks at strings eight
//! bytes at a time (see `examples/decode_bench.rs`, which measures both).

/// Deepest nesting of arrays and objects within one value; beyond it a body is taken for hostile.
pub(super) const MAX_DEPTH: usize = 128;

/// Why text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// It ended before the value did.
    Ended,
    /// Something else stands at this byte.
    Unexpected {
        /// Offset in bytes.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Nesting deeper than [`MAX_DEPTH`].
    TooDeep {
        /// Offset in bytes.
        at: usize,
    },
}

pub(super) type Scan<T> = Result<T, Syntax>;

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a> {
    /// Its text, escapes included.
    pub(super) raw: &'a str,
    /// Whether it has escapes.
    pub(super) escaped: bool,
}

/// A position in JSON text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is not white space; it stays where it is.
    #[inline]
    pub(super) fn peek(&mut self) -> Scan<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Syntax::Ended)
    }

    /// Passes over one value and returns its text.
    pub(super) fn value(&mut self) -> Scan<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip(0)?;
        Ok(&self.text[start..self.at])
    }

    /// Passes over one value.
    pub(super) fn skip_value(&mut self) -> Scan<()> {
        self.skip(0)
    }

    /// Enters the array or object that [`Self::peek`] has just seen.
    pub(super) fn enter(&mut self) {
        self.at += 1;
    }

    /// The next member's name, with the scanner at its value; `None` behind the object. `first` is true before
    /// the first call.
    #[inline]
    pub(super) fn member(&mut self, first: &mut bool) -> Scan<Option<Quoted<'a>>> {
        let mut byte = self.peek()?;
        if byte == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !std::mem::take(first) {
            self.expect(byte == b',', "`,` or `}`")?;
            self.at += 1;
            byte = self.peek()?;
        }
        self.expect(byte == b'"', "the name of a member")?;
        let name = self.string()?;
        let colon = self.peek()?;
        self.expect(colon == b':', "`:`")?;
        self.at += 1;
        Ok(Some(name))
    }

    /// Whether the array has another element, with the scanner at it; behind the array otherwise.
    #[inline]
    pub(super) fn element(&mut self, first: &mut bool) -> Scan<bool> {
        let byte = self.peek()?;
        if byte == b']' {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(byte == b',', "`,` or `]`")?;
            self.at += 1;
            let next = self.peek()?;
            self.expect(next != b']', "a value")?;
        }
        Ok(true)
    }

    /// Nothing but white space may follow.
    pub(super) fn finish(&mut self) -> Scan<()> {
        match self.peek() {
            Err(Syntax::Ended) => Ok(()),
            _ => Err(self.unexpected("the end of the body")),
        }
    }

    fn unexpected(&self, expected: &'static str) -> Syntax {
        Syntax::Unexpected { at: self.at, expected }
    }

    #[inline]
    fn expect(&self, fits: bool, expected: &'static str) -> Scan<()> {
        if fits { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn skip(&mut self, depth: usize) -> Scan<()> {
        let byte = self.peek()?;
        if matches!(byte, b'{' | b'[') && depth == MAX_DEPTH {
            return Err(Syntax::TooDeep { at: self.at });
        }
        let mut first = true;
        match byte {
            b'"' => self.pass_string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => {
                self.enter();
                while self.member(&mut first)?.is_some() {
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            b'[' => {
                self.enter();
                while self.element(&mut first)? {
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn literal(&mut self, word: &'static str) -> Scan<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        // It fails: find out where.
        for &letter in word.as_bytes() {
            let byte = self.byte()?;
            self.expect(byte == letter, word)?;
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn byte(&self) -> Scan<u8> {
        self.text.as_bytes().get(self.at).copied().ok_or(Syntax::Ended)
    }

    #[inline]
    fn number(&mut self) -> Scan<()> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Scan<()> {
        let byte = self.byte()?;
        self.expect(byte.is_ascii_digit(), "a digit")?;
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Scan<Quoted<'a>> {
        let start = self.at + 1;
        let escaped = self.pass_string()?;
        Ok(Quoted { raw: &self.text[start..self.at - 1], escaped })
    }

    /// Passes over the string whose opening quote the scanner stands at, and tells whether it has escapes.
    #[inline]
    fn pass_string(&mut self) -> Scan<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_end(self.text.as_bytes(), self.at);
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.unexpected("an escape in place of a control character")),
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        self.at += 1;
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    let byte = self.byte()?;
                    self.expect(byte.is_ascii_hexdigit(), "a hexadecimal digit")?;
                    self.at += 1;
                }
            }
            _ => return Err(self.unexpected("an escape sequence")),
        }
        Ok(())
    }
}

/// Where the first quote, backslash or control character stands at or behind `at`.
///
/// Eight bytes at a time: subtracting one from each byte of a word borrows into the high bit of exactly the
/// bytes that were zero, counted from the lowest; only bytes above the first hit can be wrong.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zeros(word ^ (ONES * b'"' as u64));
        let backslash = zeros(word ^ (ONES * b'\\' as u64));
        let hits = (control | quote | backslash) & HIGH;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(rest.len())
}
