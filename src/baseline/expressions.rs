//! The `${{ … }}` expressions of workflows: whose words may end up in what they give.
//!
//! An expression is read far enough to tell a value that is passed on from one that is only asked: `github.head_ref` gives
//! what the author of a pull request wrote, `github.head_ref == 'main'` gives true or false.

/// What anyone may write into an event. `*` is an index or a filter over a list.
///
/// The list of GitHub's Security Lab (<https://securitylab.github.com/resources/github-actions-untrusted-input/>), as OpenSSF
/// Scorecard and actionlint check it.
const UNTRUSTED: &[&str] = &[
    "github.head_ref",
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.event.pull_request.head.repo.description",
    "github.event.pull_request.head.repo.homepage",
    "github.event.discussion.title",
    "github.event.discussion.body",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.pages.*.page_name",
    "github.event.commits.*.message",
    "github.event.commits.*.author.email",
    "github.event.commits.*.author.name",
    "github.event.commits.*.committer.email",
    "github.event.commits.*.committer.name",
    "github.event.head_commit.message",
    "github.event.head_commit.author.email",
    "github.event.head_commit.author.name",
    "github.event.head_commit.committer.email",
    "github.event.head_commit.committer.name",
    "github.event.blocked_user.name",
    "github.event.blocked_user.email",
    "github.event.workflow_run.head_branch",
    "github.event.workflow_run.display_title",
    "github.event.workflow_run.head_commit.message",
    "github.event.workflow_run.head_commit.author.email",
    "github.event.workflow_run.head_commit.author.name",
    "github.event.workflow_run.head_repository.description",
    "github.event.workflow_run.pull_requests.*.head.ref",
];
/// Operators, parentheses and calls nest at most so deep.
const MAX_DEPTH: usize = 40;

/// An expression in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression<'a> {
    /// What stands between the braces.
    pub source: &'a str,
    /// The line of the text it begins on, counted from 0.
    pub line: u64,
}

/// The expressions of a text; one that is never closed is none.
pub fn expressions(text: &str) -> Vec<Expression<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 0_u64);
    while let Some((before, after)) = rest.split_once("${{") {
        line = line.saturating_add(newlines(before));
        let Some((source, tail)) = after.split_once("}}") else {
            break;
        };
        found.push(Expression { source: source.trim(), line });
        line = line.saturating_add(newlines(source));
        rest = tail;
    }
    found
}

fn newlines(text: &str) -> u64 {
    u64::try_from(text.matches('\n').count()).unwrap_or(u64::MAX)
}

/// The paths whose values an expression may give, in lower case with `*` for every index. `toJSON` of an object gives the
/// path with `.**` at its end.
///
/// An expression that cannot be read gives every path in it.
pub fn values(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, at: 0 };
    match reader.or(0) {
        Some(paths) if reader.at >= tokens.len() => paths,
        _ => tokens
            .into_iter()
            .filter_map(|token| if let Token::Path(path) = token { Some(path) } else { None })
            .collect(),
    }
}

/// Whether a path holds what anyone may write; with `.**`, whether anything beneath it does.
pub fn is_untrusted(path: &str) -> bool {
    match path.strip_suffix(".**") {
        Some(whole) => UNTRUSTED.iter().any(|untrusted| {
            untrusted.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }),
        None => UNTRUSTED.contains(&path),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Path(String),
    Call(String),
    Literal,
    /// `||`, `&&`, a comparison (`=`), or one of `!(),`.
    Sign(char),
}

fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let tail = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '\'' => {
                found.push(Token::Literal);
                after_string(tail)
            }
            '|' | '&' => {
                found.push(Token::Sign(first));
                tail.strip_prefix(first).unwrap_or(tail)
            }
            '=' | '<' | '>' => {
                found.push(Token::Sign('='));
                tail.strip_prefix('=').unwrap_or(tail)
            }
            '!' if tail.starts_with('=') => {
                found.push(Token::Sign('='));
                tail.get(1..).unwrap_or_default()
            }
            '!' | '(' | ')' | ',' => {
                found.push(Token::Sign(first));
                tail
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let (path, after) = path(rest);
                if after.trim_start().starts_with('(') {
                    found.push(Token::Call(path));
                } else {
                    found.push(Token::Path(path));
                }
                after
            }
            '.' | '[' => {
                // What is taken of a call's result keeps the call's taint.
                after_index(rest)
            }
            _ => {
                found.push(Token::Literal);
                rest.trim_start_matches(|letter: char| {
                    !letter.is_whitespace() && !"'|&=<>!(),[".contains(letter) || letter == first
                })
            }
        }
        .trim_start();
    }
    found
}

/// What follows a string's opening quote; two quotes in it are one.
fn after_string(text: &str) -> &str {
    let mut rest = text;
    loop {
        let Some((_, after)) = rest.split_once('\'') else {
            return "";
        };
        match after.strip_prefix('\'') {
            Some(inner) => rest = inner,
            None => return after,
        }
    }
}

/// A path such as `github.event['issue'].title`, and what follows it.
fn path(text: &str) -> (String, &str) {
    let name = |text: &str| text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
    let (first, mut rest) = text.split_at_checked(name(text).unwrap_or(text.len())).unwrap_or((text, ""));
    let mut path = first.to_ascii_lowercase();
    loop {
        let trimmed = rest.trim_start();
        if let Some(after) = trimmed.strip_prefix('.') {
            let after = after.trim_start();
            if let Some(tail) = after.strip_prefix('*') {
                path.push_str(".*");
                rest = tail;
                continue;
            }
            let (part, tail) = after.split_at_checked(name(after).unwrap_or(after.len())).unwrap_or((after, ""));
            path.push('.');
            path.push_str(&part.to_ascii_lowercase());
            rest = tail;
        } else if let Some(after) = trimmed.strip_prefix('[') {
            let quoted = after.trim_start().strip_prefix('\'').and_then(|inner| inner.split_once('\''));
            match quoted {
                Some((key, _)) => path.push_str(&format!(".{}", key.to_ascii_lowercase())),
                None => path.push_str(".*"),
            }
            rest = after_index(trimmed);
        } else {
            return (path, rest);
        }
    }
}

/// What follows a `.name` or a `[…]`.
fn after_index(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('[') else {
        let inner = text.get(1..).unwrap_or_default();
        return inner.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "_-*".contains(letter));
    };
    let mut depth = 1_usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '[' => depth = depth.saturating_add(1),
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return inner.get(at.saturating_add(1)..).unwrap_or_default();
        }
    }
    ""
}

/// Reads tokens by the precedence of the operators; none where they make no expression.
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn sign(&mut self, sign: char) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        if is {
            self.at = self.at.saturating_add(1);
        }
        is
    }

    fn or(&mut self, depth: usize) -> Option<Vec<String>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut paths = self.and(depth)?;
        while self.sign('|') {
            paths.extend(self.and(depth)?);
        }
        Some(paths)
    }

    fn and(&mut self, depth: usize) -> Option<Vec<String>> {
        let mut paths = self.comparison(depth)?;
        while self.sign('&') {
            // `a && b` gives `a` only where it is empty.
            paths = self.comparison(depth)?;
        }
        Some(paths)
    }

    fn comparison(&mut self, depth: usize) -> Option<Vec<String>> {
        let mut paths = self.operand(depth)?;
        while self.sign('=') {
            self.operand(depth)?;
            paths.clear();
        }
        Some(paths)
    }

    fn operand(&mut self, depth: usize) -> Option<Vec<String>> {
        let mut negated = false;
        while self.sign('!') {
            negated = true;
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at = self.at.saturating_add(1);
        let paths = match token {
            Token::Path(path) => vec![path],
            Token::Literal => Vec::new(),
            Token::Sign('(') => {
                let paths = self.or(depth.saturating_add(1))?;
                self.sign(')').then_some(paths)?
            }
            Token::Call(name) => self.call(&name, depth.saturating_add(1))?,
            Token::Sign(_) => return None,
        };
        Some(if negated { Vec::new() } else { paths })
    }

    fn call(&mut self, name: &str, depth: usize) -> Option<Vec<String>> {
        let mut paths = Vec::new();
        self.sign('(').then_some(())?;
        while !self.sign(')') {
            paths.extend(self.or(depth)?);
            self.sign(',');
        }
        match name {
            "tojson" => paths.iter_mut().for_each(|path| path.push_str(".**")),
            "format" | "join" | "fromjson" | "case" => {}
            // The others give a truth value or a digest.
            _ => paths.clear(),
        }
        Some(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn untrusted(source: &str) -> bool {
        values(source).iter().any(|path| is_untrusted(path))
    }

    #[test]
    fn what_anyone_may_write_is_untrusted_however_it_is_spelled() {
        for source in [
            "github.event.issue.title",
            "GitHub.Event.Issue.Body",
            "github.event['pull_request']['title']",
            "github . head_ref",
            "github.event.commits[0].message",
            "github.event.commits.*.author.name",
            "github.head_ref || github.ref_name",
            "format('{0}', github.event.comment.body)",
            "join(github.event.commits.*.message, ', ')",
            "toJSON(github.event)",
            "toJson( github )",
            "toJSON(github.event.issue)",
            "fromJSON(toJSON(github.event.issue)).title",
            "(true && github.head_ref)",
            "github.event_name == 'push' && github.ref_name || github.head_ref",
        ] {
            assert!(untrusted(source), "{source}: {:?}", values(source));
        }
    }

    #[test]
    fn what_is_only_asked_is_not_passed_on() {
        for source in [
            "github.event.number",
            "github.event.pull_request.head.sha",
            "github.event.pull_request.base.ref",
            "github.event.issue.title == 'x'",
            "contains(github.event.comment.body, '/run')",
            "startsWith(github.head_ref, 'release/') && 'a' || 'b'",
            "!github.head_ref",
            "github.head_ref && 'pull' || 'push'",
            "toJSON(github.event.pull_request.number)",
            "'github.head_ref'",
            "'it''s github.head_ref'",
            "hashFiles('**/github.head_ref')",
            "env.github.head_ref",
            "toJSON(matrix)",
        ] {
            assert!(!untrusted(source), "{source}: {:?}", values(source));
        }
    }

    #[test]
    fn what_cannot_be_read_gives_every_path() {
        assert!(untrusted("== github.head_ref"));
        assert!(untrusted(&format!("{}github.head_ref", "(".repeat(10_000))));
    }

    #[test]
    fn expressions_have_their_lines() {
        let found = expressions("a ${{ x }}\nb\n${{\ny }} ${{ z }} ${{ open");
        let found: Vec<(&str, u64)> = found.iter().map(|found| (found.source, found.line)).collect();
        assert_eq!(found, [("x", 0), ("y", 2), ("z", 3)]);
    }

    proptest! {
        #[test]
        fn any_text_gives_paths(text in "[a-c.*\\[\\]()'|&=!, $1-]{0,120}|\\PC{0,100}") {
            let _ = values(&text);
            prop_assert!(expressions(&text).len() <= text.len());
        }
    }
}
