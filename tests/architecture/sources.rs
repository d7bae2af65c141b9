//! Reading the sources as text: comments and literals are blanked out, test modules cut away, and what is left is searched. That is no
//! parser, and need not be one: what it cannot see (a macro that spells `std` and `fs` apart) nobody writes by accident.

use std::path::{Path, PathBuf};

use super::ROOMS;

/// A source file without comments, literals and test modules. Lines stay where they were.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
}

impl Source {
    /// The room a file belongs to; `None` for `main.rs` and `lib.rs`.
    pub(crate) fn room(&self) -> Option<&'static str> {
        let rest = self.path.strip_prefix("src/")?;
        let name = rest.split('/').next()?.trim_end_matches(".rs");
        ROOMS.iter().map(|(room, _)| *room).find(|room| *room == name)
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Every place where these tokens follow each other, as line numbers.
    pub(crate) fn lines_with(&self, tokens: &[&str]) -> Vec<usize> {
        let stream = tokens_of(&self.code);
        let windows = stream.windows(tokens.len());
        windows
            .filter(|window| window.iter().zip(tokens).all(|((token, _), wanted)| token == wanted))
            .filter_map(|window| window.first().map(|(_, line)| *line))
            .collect()
    }

    /// The first segments of every path that begins with these tokens, groups taken apart: `crate::{a, b::c}` gives `a` and `b`.
    pub(crate) fn first_segments(&self, prefix: &[&str]) -> Vec<(String, usize)> {
        let stream = tokens_of(&self.code);
        let mut found = Vec::new();
        for begin in 0..stream.len() {
            let starts = prefix
                .iter()
                .enumerate()
                .all(|(place, wanted)| stream.get(begin + place).is_some_and(|(token, _)| token == wanted));
            let is_longer_path = begin >= 1 && stream.get(begin - 1).is_some_and(|(token, _)| *token == "::");
            if !starts || is_longer_path {
                continue;
            }
            let mut at = begin + prefix.len();
            if stream.get(at).is_none_or(|(token, _)| *token != "{") {
                found.extend(stream.get(at).map(|(token, line)| ((*token).to_owned(), *line)));
                continue;
            }
            let (mut depth, mut expects_name) = (0_usize, true);
            while let Some((token, line)) = stream.get(at) {
                match *token {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    "," if depth == 1 => expects_name = true,
                    name if depth == 1 && expects_name => {
                        found.push((name.to_owned(), *line));
                        expects_name = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                at += 1;
            }
        }
        found
    }
}

/// Identifiers, `::` and single other characters, each with its line.
fn tokens_of(code: &str) -> Vec<(&str, usize)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let length = if is_word(first) {
                rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            if !token.trim().is_empty() {
                tokens.push((token, number + 1));
            }
            rest = after;
        }
    }
    tokens
}

/// Blanks comments, strings and characters out; line breaks stay.
fn blanked(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut place = 0;
    let skip_to = |from: usize, to: usize, code: &mut String| {
        code.extend((from..to).map(|place| if at(place) == '\n' { '\n' } else { ' ' }));
        to
    };
    while place < letters.len() {
        let is_in_word = place > 0 && (at(place - 1).is_alphanumeric() || at(place - 1) == '_');
        let raw_hashes = || {
            let after = if at(place) == 'b' { place + 1 } else { place };
            let hashes = (after + 1..).take_while(|next| at(*next) == '#').count();
            (at(after) == 'r' && at(after + 1 + hashes) == '"').then_some((after + 2 + hashes, hashes))
        };
        let end = match (at(place), at(place + 1)) {
            ('/', '/') => (place..letters.len()).find(|next| at(*next) == '\n').unwrap_or(letters.len()),
            ('/', '*') => {
                let (mut depth, mut next) = (0_usize, place);
                loop {
                    match (at(next), at(next + 1)) {
                        ('/', '*') => (depth, next) = (depth + 1, next + 2),
                        ('*', '/') => (depth, next) = (depth - 1, next + 2),
                        _ => next += 1,
                    }
                    if depth == 0 || next >= letters.len() {
                        break next;
                    }
                }
            }
            ('r' | 'b', _) if !is_in_word && raw_hashes().is_some() => {
                let (mut next, hashes) = raw_hashes().unwrap_or_default();
                while next < letters.len() && !(at(next) == '"' && (1..=hashes).all(|more| at(next + more) == '#')) {
                    next += 1;
                }
                next + 1 + hashes
            }
            ('"', _) => {
                let mut next = place + 1;
                while next < letters.len() && at(next) != '"' {
                    next += if at(next) == '\\' { 2 } else { 1 };
                }
                next + 1
            }
            // A character, and not a lifetime.
            ('\'', '\\') => (place + 3..).find(|next| at(*next) == '\'' || at(*next) == '\0').unwrap_or(place) + 1,
            ('\'', _) if at(place + 2) == '\'' => place + 3,
            (letter, _) => {
                code.push(letter);
                place += 1;
                continue;
            }
        };
        place = skip_to(place, end.min(letters.len()), &mut code);
    }
    code
}

/// Cuts `#[cfg(test)] mod … { … }` away; line breaks stay.
fn without_test_modules(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(begin) = rest.find("#[cfg(test)]") {
        let (before, from) = rest.split_at(begin);
        kept.push_str(before);
        let body = from.find(['{', ';']).unwrap_or(from.len());
        let mut end = body + 1;
        if from.get(body..).is_some_and(|body| body.starts_with('{')) {
            let mut depth = 0_usize;
            for (place, letter) in from.char_indices().skip_while(|(place, _)| *place < body) {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                end = place + letter.len_utf8();
                if depth == 0 {
                    break;
                }
            }
        }
        let (cut, after) = from.split_at(end.min(from.len()));
        kept.extend(cut.chars().filter(|letter| *letter == '\n'));
        rest = after;
    }
    kept.push_str(rest);
    kept
}

pub(crate) fn manifest_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn rust_files(directory: &str) -> Vec<PathBuf> {
    let mut waiting = vec![manifest_dir().join(directory)];
    let mut found = Vec::new();
    while let Some(next) = waiting.pop() {
        let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn source(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let shown = path.strip_prefix(manifest_dir()).expect("in the crate").to_string_lossy().into_owned();
    let code = without_test_modules(&blanked(&text));
    Source { path: shown, text, code }
}

#[test]
fn the_reader_of_sources_sees_code_only() {
    let text = "use crate::{a::b, c};\n// crate::d\nlet s = \"crate::e\"; let r = r#\"crate::f\"#; let q = '\"'; crate::g();\n\
                #[cfg(test)]\nmod tests { use crate::h; }\nfn x<'a>(y: &'a str) { crate::i::j() }\n";
    let source =
        Source { path: "src/x.rs".to_owned(), text: text.to_owned(), code: without_test_modules(&blanked(text)) };
    let found = source.first_segments(&["crate", "::"]);
    let names: Vec<(&str, usize)> = found.iter().map(|(name, line)| (name.as_str(), *line)).collect();
    assert_eq!(names, [("a", 1), ("c", 1), ("g", 3), ("i", 6)]);
}
