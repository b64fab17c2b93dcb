//! Walks JSON text without building anything: the values it hands out are slices of the body.
//!
//! It checks the whole grammar of RFC 8259, so that a slice which it returned needs no second check. It knows
//! nothing of envelopes, rows and columns. It reports byte offsets, and tells a body that ends too early from one that
//! is wrong. `benches/readers` measures it beside other readers.

use super::words::{plain_end, same};

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

/// A value as it stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    /// Its JSON text.
    pub(super) text: &'a str,
    /// Whether it is a string with escapes.
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

    /// Passes over one value and returns it.
    #[inline]
    pub(super) fn value(&mut self) -> Scan<Raw<'a>> {
        let byte = self.peek()?;
        let start = self.at;
        let escaped = self.pass(byte)?;
        Ok(Raw { text: &self.text[start..self.at], escaped })
    }

    /// Passes over one value.
    #[inline]
    pub(super) fn skip_value(&mut self) -> Scan<()> {
        let byte = self.peek()?;
        self.pass(byte).map(drop)
    }

    /// Enters the array or object that [`Self::peek`] has just seen.
    pub(super) fn enter(&mut self) {
        self.at += 1;
    }

    /// The next member's name, with the scanner behind its colon; `None` behind the object. `first` is true before
    /// the first call.
    #[inline]
    pub(super) fn member(&mut self, first: &mut bool) -> Scan<Option<Quoted<'a>>> {
        if self.is_member(first)? { self.name().map(Some) } else { Ok(None) }
    }

    /// Whether the object goes on, with the scanner at what has to be a name; behind the object otherwise. `first` is
    /// true before the first call.
    #[inline]
    pub(super) fn is_member(&mut self, first: &mut bool) -> Scan<bool> {
        let byte = self.peek()?;
        if byte == b'}' {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(byte == b',', "`,` or `}`")?;
            self.at += 1;
            self.peek()?;
        }
        Ok(true)
    }

    /// The name of a member, with the scanner behind its colon.
    #[inline]
    pub(super) fn name(&mut self) -> Scan<Quoted<'a>> {
        let byte = self.byte()?;
        self.expect(byte == b'"', "the name of a member")?;
        let start = self.at + 1;
        let escaped = self.pass_string()?;
        let raw = &self.text[start..self.at - 1];
        let colon = self.peek()?;
        self.expect(colon == b':', "`:`")?;
        self.at += 1;
        Ok(Quoted { raw, escaped })
    }

    /// The name of a member, with the scanner at its value, and the text from one to the other.
    pub(super) fn lead(&mut self) -> Scan<(Quoted<'a>, &'a str)> {
        let start = self.at;
        let name = self.name()?;
        self.peek()?;
        Ok((name, &self.text[start..self.at]))
    }

    /// Passes over the name of a member if it is this one, as [`Self::lead`] returned it.
    #[inline]
    pub(super) fn passes(&mut self, lead: &str) -> bool {
        let end = self.at + lead.len();
        let is_it = self.text.as_bytes().get(self.at..end).is_some_and(|text| same(text, lead.as_bytes()));
        if is_it {
            self.at = end;
        }
        is_it
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

    /// Passes over the value that begins with this byte, and tells whether it is a string with escapes.
    #[inline]
    fn pass(&mut self, byte: u8) -> Scan<bool> {
        match byte {
            b'"' => return self.pass_string(),
            b'{' | b'[' => self.pass_nested(byte)?,
            _ => self.pass_word(byte)?,
        }
        Ok(false)
    }

    /// Passes over a number, a boolean or null.
    #[inline]
    fn pass_word(&mut self, byte: u8) -> Scan<()> {
        match byte {
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Passes over an array or object, without recursion.
    fn pass_nested(&mut self, mut byte: u8) -> Scan<()> {
        // One bit for each array or object that is open, the innermost lowest: whether it is an object.
        let mut objects: u128 = 0;
        const { assert!(MAX_DEPTH <= u128::BITS as usize) };
        let mut depth = 0;
        loop {
            let mut first = matches!(byte, b'{' | b'[');
            if first {
                if depth == MAX_DEPTH {
                    return Err(Syntax::TooDeep { at: self.at });
                }
                objects = objects << 1 | u128::from(byte == b'{');
                depth += 1;
                self.enter();
            } else {
                self.pass(byte)?;
            }
            while !(if objects & 1 == 1 { self.member(&mut first)?.is_some() } else { self.element(&mut first)? }) {
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
                first = false;
            }
            byte = self.peek()?;
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

    /// Passes over the string whose opening quote the scanner stands at, and tells whether it has escapes.
    #[inline]
    fn pass_string(&mut self) -> Scan<bool> {
        let bytes = self.text.as_bytes();
        self.at = plain_end(bytes, self.at + 1);
        if bytes.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.pass_escaped()
    }

    /// Passes over the rest of a string, from its first byte that is neither plain nor the closing quote.
    fn pass_escaped(&mut self) -> Scan<bool> {
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(true);
                }
                b'\\' => self.escape()?,
                _ => return Err(self.unexpected("an escape in place of a control character")),
            }
            self.at = plain_end(self.text.as_bytes(), self.at);
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
