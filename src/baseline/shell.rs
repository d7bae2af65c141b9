//! POSIX shell scripts taken apart into commands: enough to know what is run, and what is only text.
//!
//! Comments, here-documents and quoted text give no commands; substitutions and the scripts of `sh -c` do. Nothing is
//! expanded: a word that holds a variable says so.

use std::iter::Peekable;
use std::str::Chars;

/// Substitutions, groups and scripts within scripts are read this deep.
const MAX_DEPTH: usize = 24;

/// Programs that run the program named after them, each with its options that take a value.
const WRAPPERS: [(&str, &[&str]); 8] = [
    ("sudo", &["-u", "-g", "-C", "-p", "-h", "-D"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C"]),
    ("nice", &["-n"]),
    ("exec", &[]),
    ("command", &[]),
    ("time", &[]),
    ("nohup", &[]),
];

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Its text without quotes; variables stand as they are written.
    pub text: String,
    /// Whether the shell (or the workflow) puts something else in its place.
    pub expands: bool,
    /// The commands substituted into it, by their position in the list.
    pub substituted: Vec<usize>,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The line it starts on, counted from 0.
    pub line: u64,
    /// Its words, without assignments, keywords and redirections.
    pub words: Vec<Word>,
    /// The command whose output it reads through a pipe.
    pub input: Option<usize>,
    /// The file its output goes to.
    pub output: Option<String>,
    /// Whether its output goes into a pipe, a file or a substitution.
    pub is_captured: bool,
}

/// The commands of a script; those in a substitution come before the command around it.
pub fn commands(script: &str) -> Vec<Command> {
    let mut reader = Reader { rest: script.chars().peekable(), line: 0, heredocs: Vec::new(), found: Vec::new() };
    reader.list(None, false, 0);
    reader.found
}

impl Command {
    /// The program and its arguments, without `sudo`, `env` and the like before them.
    pub fn argv(&self) -> &[Word] {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let Some((_, valued)) = WRAPPERS.iter().find(|(name, _)| *name == program(&first.text)) else {
                break;
            };
            words = rest;
            while let Some((word, rest)) = words.split_first() {
                if !word.text.starts_with('-') && !is_assignment(word) {
                    break;
                }
                let skipped = usize::from(valued.contains(&word.text.as_str()));
                words = rest.get(skipped..).unwrap_or_default();
            }
        }
        words
    }

    /// The name of the program, without its directory.
    pub fn program(&self) -> &str {
        self.argv().first().map(|word| program(&word.text)).unwrap_or_default()
    }

    /// The arguments.
    pub fn arguments(&self) -> &[Word] {
        self.argv().get(1..).unwrap_or_default()
    }
}

fn program(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_assignment(word: &Word) -> bool {
    word.text.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// What the next word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Output,
    Ignored,
    Heredoc { tabs: bool },
}

/// The command being read.
struct Current {
    command: Command,
    word: Option<Word>,
    quoted: bool,
    next: Next,
    input: Option<usize>,
}

impl Current {
    fn new() -> Self {
        Self { command: Command::default(), word: None, quoted: false, next: Next::Word, input: None }
    }

    fn push(&mut self, letter: char, line: u64) {
        if self.word.is_none() && self.command.words.is_empty() {
            self.command.line = line;
        }
        self.word.get_or_insert_default().text.push(letter);
    }

    fn word(&mut self, line: u64) -> &mut Word {
        if self.word.is_none() && self.command.words.is_empty() {
            self.command.line = line;
        }
        self.word.get_or_insert_default()
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: u64,
    heredocs: Vec<(String, bool)>,
    found: Vec<Command>,
}

impl Reader<'_> {
    fn bump(&mut self) -> Option<char> {
        let letter = self.rest.next();
        if letter == Some('\n') {
            self.line = self.line.saturating_add(1);
        }
        letter
    }

    fn eat(&mut self, letter: char) -> bool {
        let is = self.rest.peek() == Some(&letter);
        if is {
            self.bump();
        }
        is
    }

    /// Reads commands up to the end or a closing letter; gives the positions of those directly in it.
    fn list(&mut self, end: Option<char>, captured: bool, depth: usize) -> Vec<usize> {
        let mut here = Vec::new();
        let mut current = Current::new();
        if depth > MAX_DEPTH {
            self.rest.by_ref().for_each(drop);
            return here;
        }
        while let Some(letter) = self.bump() {
            if Some(letter) == end {
                break;
            }
            match letter {
                ' ' | '\t' | '\r' => self.end_word(&mut current),
                '\n' => {
                    self.end_command(&mut current, captured, &mut here);
                    current.input = None;
                    self.skip_heredocs();
                }
                '#' if current.word.is_none() => {
                    while self.rest.peek().is_some_and(|next| *next != '\n') {
                        self.bump();
                    }
                }
                '&' if self.rest.peek() == Some(&'>') => {
                    self.end_word(&mut current);
                    current.command.is_captured = true;
                    self.bump();
                    self.eat('>');
                    current.next = Next::Output;
                }
                ';' | '&' | '|' => self.separator(letter, &mut current, captured, &mut here),
                '(' => self.group(&mut current, captured, depth, &mut here),
                ')' => {
                    // The pattern of a case.
                    self.end_word(&mut current);
                    current.command.words.clear();
                }
                '<' | '>' => self.redirection(letter, &mut current, depth),
                _ => self.letter(letter, &mut current, depth),
            }
        }
        self.end_command(&mut current, captured, &mut here);
        here
    }

    fn separator(&mut self, letter: char, current: &mut Current, captured: bool, here: &mut Vec<usize>) {
        let pipe = letter == '|' && !self.eat('|');
        if pipe {
            self.eat('&');
        } else {
            self.eat(letter);
        }
        let before = self.found.len();
        current.command.is_captured |= pipe;
        self.end_command(current, captured, here);
        current.input = (pipe && self.found.len() > before).then_some(before);
    }

    fn group(&mut self, current: &mut Current, captured: bool, depth: usize, here: &mut Vec<usize>) {
        match &current.word {
            // An array: its words are no command.
            Some(word) if word.text.ends_with('=') => {
                let before = self.found.len();
                self.list(Some(')'), true, depth.saturating_add(1));
                self.found.truncate(before);
                current.word(self.line).expands = true;
            }
            // A function's name, or the pattern of a case.
            Some(_) => {
                current.word = None;
                self.eat(')');
                current.command.words.clear();
            }
            None => {
                self.end_command(current, captured, here);
                here.extend(self.list(Some(')'), captured, depth.saturating_add(1)));
            }
        }
    }

    fn redirection(&mut self, letter: char, current: &mut Current, depth: usize) {
        if self.rest.peek() == Some(&'(') {
            self.bump();
            let inner = self.list(Some(')'), true, depth.saturating_add(1));
            let word = current.word(self.line);
            word.text.push_str(if letter == '<' { "<()" } else { ">()" });
            word.expands = true;
            word.substituted.extend(inner);
            return;
        }
        let descriptor = current.word.as_ref().and_then(|word| word.text.parse::<u8>().ok()).filter(|_| !current.quoted);
        if descriptor.is_some() {
            current.word = None;
        }
        self.end_word(current);
        if letter == '<' {
            current.next = match (self.eat('<'), self.rest.peek()) {
                (true, Some('<')) => {
                    self.bump();
                    Next::Ignored
                }
                (true, next) => {
                    let tabs = next == Some(&'-');
                    if tabs {
                        self.bump();
                    }
                    Next::Heredoc { tabs }
                }
                (false, _) => Next::Ignored,
            };
            self.eat('&');
            return;
        }
        let _ = self.eat('>') || self.eat('|');
        let duplicated = self.eat('&');
        let output = descriptor.is_none_or(|descriptor| descriptor == 1);
        current.command.is_captured |= output && !duplicated;
        current.next = if output && !duplicated { Next::Output } else { Next::Ignored };
    }

    fn letter(&mut self, letter: char, current: &mut Current, depth: usize) {
        let line = self.line;
        match letter {
            '\\' => match self.bump() {
                Some('\n') | None => {}
                Some('\r') if self.rest.peek() == Some(&'\n') => {
                    self.bump();
                }
                Some(next) => current.push(next, line),
            },
            '\'' => {
                current.word(line);
                current.quoted = true;
                while let Some(next) = self.bump().filter(|next| *next != '\'') {
                    current.push(next, line);
                }
            }
            '"' => {
                current.word(line);
                current.quoted = true;
                self.double_quoted(current, depth);
            }
            '$' => self.dollar(current, depth),
            '`' => {
                let inner = self.list(Some('`'), true, depth.saturating_add(1));
                let word = current.word(line);
                word.expands = true;
                word.substituted.extend(inner);
            }
            _ => current.push(letter, line),
        }
    }

    fn double_quoted(&mut self, current: &mut Current, depth: usize) {
        while let Some(letter) = self.bump() {
            match letter {
                '"' => return,
                '\\' => match self.bump() {
                    Some('\n') | None => {}
                    Some(next) => {
                        if !"\"\\$`".contains(next) {
                            current.push('\\', self.line);
                        }
                        current.push(next, self.line);
                    }
                },
                '$' | '`' => self.letter(letter, current, depth),
                _ => current.push(letter, self.line),
            }
        }
    }

    fn dollar(&mut self, current: &mut Current, depth: usize) {
        let line = self.line;
        match self.rest.peek().copied() {
            Some('(') => {
                self.bump();
                if self.eat('(') {
                    self.skip_arithmetic();
                    let word = current.word(line);
                    word.text.push_str("$(())");
                    word.expands = true;
                    return;
                }
                let inner = self.list(Some(')'), true, depth.saturating_add(1));
                let word = current.word(line);
                word.text.push_str("$()");
                word.expands = true;
                word.substituted.extend(inner);
            }
            Some('{') => {
                current.push('$', line);
                current.word(line).expands = true;
                let mut open = 0_usize;
                while let Some(letter) = self.bump() {
                    current.push(letter, line);
                    match letter {
                        '{' => open = open.saturating_add(1),
                        '}' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    if open == 0 {
                        break;
                    }
                }
            }
            Some('\'') => {
                self.bump();
                current.quoted = true;
                current.word(line);
                while let Some(letter) = self.bump().filter(|letter| *letter != '\'') {
                    let letter = if letter == '\\' { self.bump().unwrap_or_default() } else { letter };
                    current.push(letter, line);
                }
            }
            next => {
                current.push('$', line);
                current.word(line).expands |= next.is_some_and(|next| next.is_ascii_alphanumeric() || "_@*#?-!$".contains(next));
            }
        }
    }

    fn skip_arithmetic(&mut self) {
        let mut open = 2_usize;
        while let Some(letter) = self.bump() {
            match letter {
                '(' => open = open.saturating_add(1),
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    /// Passes over the here-documents that the line asked for.
    fn skip_heredocs(&mut self) {
        for (delimiter, tabs) in std::mem::take(&mut self.heredocs) {
            loop {
                let mut text = String::new();
                let mut more = false;
                while let Some(letter) = self.bump() {
                    if letter == '\n' {
                        more = true;
                        break;
                    }
                    text.push(letter);
                }
                let text = if tabs { text.trim_start_matches('\t') } else { text.as_str() };
                if !more || text.trim_end_matches('\r') == delimiter {
                    break;
                }
            }
        }
    }

    fn end_word(&mut self, current: &mut Current) {
        let Some(word) = current.word.take() else {
            return;
        };
        let quoted = std::mem::take(&mut current.quoted);
        match std::mem::replace(&mut current.next, Next::Word) {
            Next::Heredoc { tabs } => self.heredocs.push((word.text, tabs)),
            Next::Output => current.command.output = Some(word.text),
            Next::Ignored => {
                if !word.substituted.is_empty() {
                    // `sh < <(…)` reads what the commands give.
                    current.command.input = current.command.input.or(word.substituted.last().copied());
                }
            }
            Next::Word => {
                const KEYWORDS: [&str; 11] =
                    ["if", "then", "else", "elif", "while", "until", "do", "!", "{", "}", "time"];
                let first = current.command.words.is_empty();
                let keyword = !quoted && KEYWORDS.contains(&word.text.as_str());
                if first && (keyword || (is_assignment(&word) && word.substituted.is_empty())) {
                    return;
                }
                current.command.words.push(word);
            }
        }
    }

    fn end_command(&mut self, current: &mut Current, captured: bool, here: &mut Vec<usize>) {
        self.end_word(current);
        current.next = Next::Word;
        let mut command = std::mem::take(&mut current.command);
        let input = current.input.take();
        if command.words.is_empty() {
            return;
        }
        command.input = command.input.or(input);
        command.is_captured |= captured;
        here.push(self.found.len());
        self.found.push(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(script: &str) -> Vec<(u64, String)> {
        commands(script)
            .iter()
            .map(|command| {
                let words: Vec<&str> = command.argv().iter().map(|word| word.text.as_str()).collect();
                (command.line, words.join(" "))
            })
            .collect()
    }

    fn texts(script: &str) -> Vec<String> {
        lines(script).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn commands_end_where_the_shell_ends_them() {
        assert_eq!(texts("a b; c && d || e | f & g\nh"), ["a b", "c", "d", "e", "f", "g", "h"]);
        assert_eq!(lines("a \\\n  b\nc"), [(0, "a b".to_owned()), (2, "c".to_owned())]);
        assert_eq!(texts("if a; then b; else { c; }; fi"), ["a", "b", "c", "fi"]);
        assert_eq!(texts("f() { a; }\ncase $x in p) b;; esac"), ["a", "b", "esac"]);
    }

    #[test]
    fn comments_quotes_and_here_documents_are_no_commands() {
        assert_eq!(texts("a # b; c\n# d\ne#f"), ["a", "e#f"]);
        assert_eq!(texts("echo 'a; b' \"c | d\""), ["echo a; b c | d"]);
        assert_eq!(texts("cat <<EOF > f\na; b\nEOF\nc"), ["cat", "c"]);
        assert_eq!(texts("cat <<-'E F'\n\ta\n\tE F\nb"), ["cat", "b"]);
        assert_eq!(texts("a=(b c) d"), ["d"]);
    }

    #[test]
    fn substitutions_are_commands_of_their_own() {
        let found = commands("x \"$(a | b)\" `c` <(d)");
        let names: Vec<&str> = found.iter().map(Command::program).collect();
        assert_eq!(names, ["a", "b", "c", "d", "x"]);
        assert_eq!(found[1].input, Some(0));
        let substituted: Vec<&Vec<usize>> = found[4].words.iter().skip(1).map(|word| &word.substituted).collect();
        assert_eq!(substituted, [&vec![0, 1], &vec![2], &vec![3]]);
        assert!(found[1].is_captured && !found[4].is_captured);
        assert_eq!(texts("echo $((1 + (2))) ${x:-$(y)} ${{ a.b }}"), ["echo $(()) ${x:-$(y)} ${{ a.b }}"]);
    }

    #[test]
    fn redirections_are_no_words() {
        let found = commands("a 2>&1 >out b < in <<< word 3> x");
        assert_eq!(texts("a 2>&1 >out b < in <<< word 3> x"), ["a b"]);
        assert_eq!(found[0].output.as_deref(), Some("out"));
        assert!(commands("a &> f")[0].is_captured);
        assert!(!commands("a 2> f")[0].is_captured);
    }

    #[test]
    fn wrappers_and_assignments_are_left_out() {
        assert_eq!(texts("A=1 sudo -E -u me env B=2 /usr/bin/pip install x"), ["/usr/bin/pip install x"]);
        assert_eq!(commands("nice -n 5 sudo -n /usr/bin/pip")[0].program(), "pip");
    }

    proptest! {
        #[test]
        fn any_text_gives_commands(text in "[a-c \n;|&()<>$`'\"{}#=\\\\-]{0,200}|\\PC{0,100}") {
            let found = commands(&text);
            for command in &found {
                prop_assert!(command.input.is_none_or(|at| at < found.len()));
                prop_assert!(!command.words.is_empty());
                let _ = (command.argv(), command.program());
            }
        }
    }
}
