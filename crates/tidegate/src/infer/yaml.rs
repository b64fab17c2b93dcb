//! Text of a manifest, line by line.

use super::json::Path;

/// Columns that a comment fills.
const WIDTH: usize = 110;

/// Lines of YAML.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn line(&mut self, indent: usize, text: &str) {
        if !text.is_empty() {
            self.0.extend(std::iter::repeat_n(' ', indent));
            self.0.push_str(text);
        }
        self.0.push('\n');
    }

    /// A line with a comment behind it.
    pub(super) fn remarked(&mut self, indent: usize, text: &str, remark: Option<&str>) {
        match remark {
            Some(remark) => self.line(indent, &format!("{text}  # {}", one_line(remark))),
            None => self.line(indent, text),
        }
    }

    /// A comment on lines of its own.
    pub(super) fn comment(&mut self, indent: usize, text: &str) {
        let mut line = String::from("#");
        for word in one_line(text).split(' ') {
            if line.len() > 1 && indent + line.chars().count() + word.chars().count() >= WIDTH {
                self.line(indent, &line);
                line.truncate(1);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(indent, &line);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// What came from an API may hold line breaks, which would end the comment.
fn one_line(text: &str) -> String {
    let is_break = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}');
    text.chars().map(|letter| if is_break(letter) { ' ' } else { letter }).collect()
}

/// A text as a scalar of a flow or block collection: plain where no reader of YAML takes it for anything else.
pub(super) fn scalar(text: &str) -> String {
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-()".contains(&byte));
    if is_plain && !is_word { text.to_owned() } else { quoted(text) }
}

/// A text between double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' => quoted.push(letter),
            _ if letter.is_alphanumeric() => quoted.push(letter),
            _ if u32::from(letter) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// Members that lead to a value, as the manifest writes them.
pub(super) fn members(path: &[String]) -> String {
    let steps: Path = path.iter().map(|step| step.replace('\\', "\\\\").replace('.', "\\.")).collect();
    scalar(&steps.join("."))
}

/// A text in which braces stand for themselves.
pub(super) fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_they_could_be_misread() {
        for (text, expected) in [
            ("open", "open"),
            ("repos/a.b/c-d", "repos/a.b/c-d"),
            ("timestamp(epoch_s)", "timestamp(epoch_s)"),
            ("decimal(20,0)", "\"decimal(20,0)\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("5", "\"5\""),
            ("No", "\"No\""),
            ("null", "\"null\""),
            ("", "\"\""),
            ("a: b #c", "\"a: b #c\""),
            ("say \"hi\"\\", "\"say \\\"hi\\\"\\\\\""),
            ("größe", "\"größe\""),
            ("a\nb\u{85}\u{2028}\u{1f600}", "\"a\\u000ab\\u0085\\u2028\\U0001f600\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }

    #[test]
    fn members_with_dots_are_escaped() {
        let path = |steps: &[&str]| members(&steps.iter().map(|step| (*step).to_owned()).collect::<Path>());
        assert_eq!(path(&["a", "b"]), "a.b");
        assert_eq!(path(&["@odata.nextLink"]), "\"@odata\\\\.nextLink\"");
    }

    #[test]
    fn comments_stay_on_lines_of_their_own() {
        let mut lines = Lines::default();
        lines.comment(2, &format!("one\ntwo {}", "word ".repeat(30).trim_end()));
        lines.remarked(0, "a: b", Some("c\u{2028}d"));
        let text = lines.finish();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH && line.contains('#')), "{text}");
    }
}
