//! Text as Markdown that renders as that text.

use crate::model::printable;

/// One line of text as Markdown that renders as that text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(&text.replace('\t', "    "), 2000).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '@' => escaped.push_str("&#64;"),
            other => escaped.push(other),
        }
    }
    // Bare addresses would become links.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Several lines of text; each becomes a line of its own.
pub(super) fn paragraph(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let escaped = escape(line.trim());
            // List and quote marks count only at the start of a line.
            match escaped.chars().next() {
                Some('-' | '+' | '=') => format!("\\{escaped}"),
                Some(digit) if digit.is_ascii_digit() => escaped.replacen('.', "\\.", 1),
                _ => escaped,
            }
        })
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("  \n")
}

/// Text inside a code span, which knows no escapes: what would end it or the table cell is replaced.
pub(super) fn code(text: &str) -> String {
    printable(text, 500).replace('`', "'").replace('|', "\u{2223}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_from_outside_stays_text() {
        assert_eq!(escape("<b>[x](y)|"), "&lt;b&gt;\\[x\\]\\(y\\)\\|");
        assert_eq!(paragraph("# a\n- b\n1. c\n> d"), "\\# a  \n\\- b  \n1\\. c  \n&gt; d");
        assert_eq!(code("a`b|c"), "a'b\u{2223}c");
    }

    proptest! {
        #[test]
        fn escaped_text_has_no_line_break_and_no_bare_angle(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['\n', '\r', '<', '>']));
        }
    }
}
