//! Reading a shell script letter by letter.

use std::iter::Peekable;
use std::str::Chars;

use super::{Command, Word, is_assignment};

/// Substitutions and groups are read this deep.
const MAX_DEPTH: usize = 24;

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

/// Takes a script apart, letter by letter.
pub(super) struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: u64,
    heredocs: Vec<(String, bool)>,
    found: Vec<Command>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(script: &'a str) -> Self {
        Self { rest: script.chars().peekable(), line: 0, heredocs: Vec::new(), found: Vec::new() }
    }

    pub(super) fn read(mut self) -> Vec<Command> {
        self.list(None, false, 0);
        self.found
    }

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
        let descriptor =
            current.word.as_ref().and_then(|word| word.text.parse::<u8>().ok()).filter(|_| !current.quoted);
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
                current.word(line).expands |=
                    next.is_some_and(|next| next.is_ascii_alphanumeric() || "_@*#?-!$".contains(next));
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
