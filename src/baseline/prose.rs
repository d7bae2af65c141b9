//! Telling prose from decoration: what is left of a document once titles, badges, markup and comments are gone.

/// What was measured of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prose {
    /// Words of running text, titles not counted.
    pub words: usize,
    /// Whether the running text holds a link.
    pub links: bool,
}

/// One titled part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The title in lower case.
    pub title: String,
    /// The line of the title, counted from 1.
    pub line: u64,
    /// The text up to the next title.
    pub body: String,
}

/// Measures the running text of a document.
pub fn measure(text: &str) -> Prose {
    let mut body = String::new();
    for section in sections(text) {
        for line in section.body.lines().filter(|line| !is_reference(line)) {
            body.push_str(line);
            body.push('\n');
        }
    }
    let body = without_images(&without_spans(&body, "<!--", "-->"));
    let marks = ["](", "http://", "https://", "href=", "`_", "<<", "link:", "@"];
    let links = marks.iter().any(|mark| body.contains(mark));
    let words = without_spans(&body, "<", ">").lines().map(words_in).sum();
    Prose { words, links }
}

/// Splits a document at its titles (Markdown, AsciiDoc, Org, and underlined ones); the text before the first title is
/// a section without one. Fenced code is never a title.
pub fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section { title: String::new(), line: 1, body: String::new() }];
    let mut lines = (1_u64..).zip(text.lines()).peekable();
    let mut fenced = false;
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        let title = if fenced { None } else { marked_title(trimmed) };
        let underlined = !fenced
            && title.is_none()
            && !trimmed.is_empty()
            && lines.peek().is_some_and(|(_, next)| is_underline(next, trimmed));
        if let Some(title) = title.or(underlined.then_some(trimmed)) {
            if underlined {
                lines.next();
            }
            found.push(Section { title: title.trim().to_lowercase(), line: number, body: String::new() });
        } else if !is_rule(trimmed)
            && let Some(section) = found.last_mut()
        {
            section.body.push_str(line);
            section.body.push('\n');
        }
    }
    found
}

fn marked_title(line: &str) -> Option<&str> {
    for mark in ['#', '=', '*'] {
        let rest = line.trim_start_matches(mark);
        let level = line.len().saturating_sub(rest.len());
        // A single star is a list item far more often than an Org title.
        let least = if mark == '*' { 2 } else { 1 };
        if level >= least && level <= 6 && rest.starts_with(' ') && !rest.trim().is_empty() {
            return Some(rest.trim_end_matches(mark));
        }
    }
    let lower = line.to_ascii_lowercase();
    let inner = ["<h1", "<h2", "<h3"].iter().any(|tag| lower.starts_with(tag));
    let title = line.split_once('>').and_then(|(_, rest)| rest.split_once('<')).map(|(title, _)| title);
    title.filter(|title| inner && !title.trim().is_empty())
}

fn is_underline(line: &str, title: &str) -> bool {
    let line = line.trim();
    let mut chars = line.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    "=-~^\"'*+".contains(first)
        && chars.all(|other| other == first)
        && line.len() >= 3
        && line.len().saturating_add(2) >= title.chars().count()
        && !is_rule(title)
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|letter| "=-~^*_+#.".contains(letter))
}

fn is_reference(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with('[') && line.contains("]:")) || line.starts_with(".. ") || line.starts_with(":target:")
}

/// The text without Markdown images, with or without a link around them.
fn without_images(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("![") {
        let linked = before.strip_suffix('[');
        kept.push_str(linked.unwrap_or(before));
        rest = after_target(after);
        if linked.is_some() {
            rest = rest.strip_prefix(']').map_or(rest, after_link);
        }
    }
    kept.push_str(rest);
    kept
}

fn after_target(text: &str) -> &str {
    text.split_once(']').map_or("", |(_, rest)| after_link(rest))
}

fn after_link(text: &str) -> &str {
    let close = match text.chars().next() {
        Some('(') => ')',
        Some('[') => ']',
        _ => return text,
    };
    text.split_once(close).map_or("", |(_, rest)| rest)
}

fn without_spans(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        match after.split_once(close) {
            Some((_, tail)) => rest = tail,
            None => return kept + if open == "<" { after } else { "" },
        }
    }
    kept + rest
}

/// Words in a line; two letters of a script written without spaces count as one word.
pub fn words_in(line: &str) -> usize {
    let spaced = line.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    let unspaced = line.chars().filter(|letter| ('\u{2e80}'..'\u{ffef}').contains(letter)).count();
    spaced.max(unspaced.checked_div(2).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_and_badges_are_no_prose() {
        let text =
            "# Tool\n\n[![build](https://ci/badge.svg)](https://ci) ![x][y]\n\n[y]: https://x\n<!-- hidden words -->\n";
        assert_eq!(measure(text), Prose { words: 0, links: false });
        assert_eq!(measure("Tool\n====\n\n----\n").words, 0);
    }

    #[test]
    fn sentences_are_prose_in_any_script() {
        assert_eq!(measure("# T\n\nDoes three things.\n").words, 3);
        assert!(measure("# T\n\nこれは素晴らしいツールです。\n").words >= 6);
        assert!(measure("# T\nSee [the guide](docs/guide.md).").links);
    }

    #[test]
    fn a_comment_in_fenced_code_is_no_title() {
        let found = sections("# A\n```\n# not a title\n```\n## Contributing\nSend a patch.\n");
        let titles: Vec<&str> = found.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(titles, ["", "a", "contributing"]);
        assert_eq!(found[2].line, 5);
    }

    proptest! {
        #[test]
        fn any_text_can_be_measured(text in "\\PC*|[#=<!\\[\\]()\\-\n` a]{0,200}") {
            let prose = measure(&text);
            prop_assert!(prose.words <= text.chars().count());
        }
    }
}
