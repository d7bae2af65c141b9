//! YAML documents as trees with line numbers, read within bounds.
//!
//! The parser is granit-parser's event stream, which takes what libyaml takes; the tree built from it shares what an alias stands for instead of copying
//! it, so that a small file never grows into a large tree.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

/// A document with more nodes than this is not read.
pub const MAX_NODES: usize = 200_000;
/// A document nested deeper than this is not read.
pub const MAX_DEPTH: usize = 100;
/// A document with more keys in one mapping than this is not read: each is looked for among all of them.
pub const MAX_KEYS: usize = 1_000;

/// Why a text could not be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// What is wrong, without a place.
    pub reason: String,
    /// The line, counted from 1.
    pub line: u64,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar { text: String, style: ScalarStyle },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
}

#[derive(Debug, Clone)]
struct Stored {
    content: Content,
    line: u64,
}

/// All documents of one stream.
///
/// Invariant: a node's children were finished before it, so that there are no cycles.
#[derive(Debug, Clone, Default)]
pub struct Yaml {
    nodes: Vec<Stored>,
    roots: Vec<usize>,
}

/// A place in a tree.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    yaml: &'a Yaml,
    stored: &'a Stored,
    id: usize,
}

/// A collection that has begun.
struct Open {
    mapping: bool,
    children: Vec<usize>,
    anchor: usize,
    line: u64,
}

#[derive(Default)]
struct Builder {
    yaml: Yaml,
    anchors: HashMap<usize, usize>,
    open: Vec<Open>,
}

impl Yaml {
    /// Reads a text.
    ///
    /// # Errors
    /// What is no YAML, is nested deeper than [`MAX_DEPTH`], has more nodes than [`MAX_NODES`] or a mapping of more than [`MAX_KEYS`] keys.
    pub fn read(text: &str) -> Result<Self, YamlError> {
        let mut builder = Builder::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| YamlError {
                reason: error.info(),
                line: u64::try_from(error.marker().line()).unwrap_or(1).max(1),
            })?;
            builder.take(event, span)?;
        }
        Ok(builder.yaml)
    }

    /// The root of every document.
    pub fn documents(&self) -> impl Iterator<Item = Node<'_>> {
        self.roots.iter().filter_map(|id| self.node(*id))
    }

    /// The root of the first document.
    pub fn root(&self) -> Option<Node<'_>> {
        self.documents().next()
    }

    /// Every key of every mapping with its value. What is aliased comes once, where it is anchored.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Node<'_>)> {
        (0..self.nodes.len())
            .filter_map(|id| self.node(id))
            .flat_map(Node::entries)
            .map(|(key, value)| (key.text(), value))
    }

    fn node(&self, id: usize) -> Option<Node<'_>> {
        self.nodes.get(id).map(|stored| Node { yaml: self, stored, id })
    }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = u64::try_from(span.start.line()).unwrap_or(1).max(1);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let empty = match style {
                    // The parser places a literal at its first line that is not empty.
                    ScalarStyle::Literal => text.chars().take_while(|letter| *letter == '\n').count(),
                    _ => 0,
                };
                let line = line.saturating_sub(u64::try_from(empty).unwrap_or(0)).max(1);
                self.finish(Content::Scalar { text: text.into_owned(), style }, anchor, line)
            }
            Event::SequenceStart(_, anchor, _) => self.open(false, anchor, line),
            Event::MappingStart(_, anchor, _) => self.open(true, anchor, line),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            // An alias of a collection that is still open would be a cycle: nothing.
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(id) => {
                    self.place(*id);
                    Ok(())
                }
                None => self.finish(Content::Scalar { text: String::new(), style: ScalarStyle::Plain }, 0, line),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, mapping: bool, anchor: usize, line: u64) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError { reason: format!("nested deeper than {MAX_DEPTH} levels"), line });
        }
        self.open.push(Open { mapping, children: Vec::new(), anchor, line });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(Open { mapping, children, anchor, line }) = self.open.pop() else {
            return Ok(());
        };
        let content = if mapping {
            if children.len() > MAX_KEYS.saturating_mul(2) {
                return Err(YamlError { reason: format!("more than {MAX_KEYS} keys in one mapping"), line });
            }
            let mut ids = children.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (ids.next(), ids.next()) {
                pairs.push((key, value));
            }
            Content::Mapping(pairs)
        } else {
            Content::Sequence(children)
        };
        self.finish(content, anchor, line)
    }

    fn finish(&mut self, content: Content, anchor: usize, line: u64) -> Result<(), YamlError> {
        let id = self.yaml.nodes.len();
        if id >= MAX_NODES {
            return Err(YamlError { reason: format!("more than {MAX_NODES} nodes"), line });
        }
        self.yaml.nodes.push(Stored { content, line });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        self.place(id);
        Ok(())
    }

    fn place(&mut self, id: usize) {
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.yaml.roots.push(id),
        }
    }
}

impl<'a> Node<'a> {
    /// Its number in the tree: the same for what is anchored and every alias of it.
    pub fn id(self) -> usize {
        self.id
    }

    /// The line it starts on, counted from 1.
    pub fn line(self) -> u64 {
        self.stored.line
    }

    /// The text of a scalar.
    pub fn as_str(self) -> Option<&'a str> {
        match &self.stored.content {
            Content::Scalar { text, .. } => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The text of a scalar; empty for a collection.
    pub fn text(self) -> &'a str {
        self.as_str().unwrap_or_default()
    }

    /// The line of the document that a line of the scalar's text (counted from 0) stands on; for folded and quoted text,
    /// the line where it begins.
    pub fn line_within(self, line: u64) -> u64 {
        match &self.stored.content {
            Content::Scalar { style: ScalarStyle::Literal, .. } => self.line().saturating_add(line),
            _ => self.line(),
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        let ids: &[usize] = match &self.stored.content {
            Content::Sequence(ids) => ids,
            Content::Scalar { .. } | Content::Mapping(_) => &[],
        };
        ids.iter().filter_map(move |id| self.yaml.node(*id))
    }

    /// Whether it is a sequence.
    pub fn is_sequence(self) -> bool {
        matches!(self.stored.content, Content::Sequence(_))
    }

    /// Whether it is a mapping.
    pub fn is_mapping(self) -> bool {
        matches!(self.stored.content, Content::Mapping(_))
    }

    /// The keys and values of a mapping; none for anything else.
    pub fn entries(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let pairs: &[(usize, usize)] = match &self.stored.content {
            Content::Mapping(pairs) => pairs,
            Content::Scalar { .. } | Content::Sequence(_) => &[],
        };
        pairs.iter().filter_map(move |(key, value)| Some((self.yaml.node(*key)?, self.yaml.node(*value)?)))
    }

    /// The value of a key of a mapping.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.entries().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// A scalar as itself, a sequence as its items: how many a field may name.
    pub fn one_or_many(self) -> Vec<Node<'a>> {
        if self.is_sequence() { self.items().collect() } else { vec![self] }
    }

    /// Whether it holds anything: a collection with members, a text that is not null.
    pub fn is_filled(self) -> bool {
        match &self.stored.content {
            Content::Scalar { text, style: ScalarStyle::Plain } => !["", "~", "null"].contains(&text.as_str()),
            Content::Scalar { text, .. } => !text.is_empty(),
            Content::Sequence(ids) => !ids.is_empty(),
            Content::Mapping(pairs) => !pairs.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_items_and_text_have_their_lines() {
        let yaml = Yaml::read("# c\non: push\njobs:\n  a:\n    - run: |\n        one\n        two\n").unwrap();
        let job = yaml.root().unwrap().get("jobs").unwrap().get("a").unwrap();
        let run = job.items().next().unwrap().get("run").unwrap();
        assert_eq!((run.text(), run.line(), run.line_within(1)), ("one\ntwo\n", 6, 7));
    }

    #[test]
    fn empty_lines_before_a_literal_count() {
        let yaml = Yaml::read("run: |\n\n\n  one\n  two\n").unwrap();
        assert_eq!(yaml.root().unwrap().get("run").unwrap().line_within(3), 5);
    }

    #[test]
    fn an_alias_is_what_its_anchor_was() {
        let yaml = Yaml::read("a: &x {k: v}\nb: *x\n").unwrap();
        assert_eq!(yaml.root().unwrap().get("b").unwrap().get("k").unwrap().text(), "v");
    }

    #[test]
    fn aliases_of_aliases_cost_no_more_than_their_text() {
        let mut text = "a0: &a0 x\n".to_owned();
        for level in 1..60 {
            let below = level - 1;
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 40].join(",")));
        }
        assert!(Yaml::read(&text).unwrap().nodes.len() < 200);
    }

    #[test]
    fn an_alias_of_what_holds_it_is_nothing() {
        let yaml = Yaml::read("a: &a [1, *a]\n").unwrap();
        assert!(!yaml.root().unwrap().get("a").unwrap().items().nth(1).unwrap().is_filled());
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert!(Yaml::read(&"- ".repeat(MAX_DEPTH + 1)).unwrap_err().reason.contains("deeper"));
        assert!(Yaml::read(&"- a\n".repeat(MAX_NODES + 1)).unwrap_err().reason.contains("nodes"));
        let keys: String = (0..=MAX_KEYS).map(|number| format!("k{number}: v\n")).collect();
        assert!(Yaml::read(&keys).unwrap_err().reason.contains("keys"));
    }

    #[test]
    fn a_bracket_may_close_at_the_column_of_its_key() {
        assert!(Yaml::read("a:\n  b: [\n    \"x\",\n  ]\n\n  c: 1\n").is_ok());
    }

    #[test]
    fn broken_text_says_where() {
        assert_eq!(Yaml::read("a: b\nc: [1\nd: 2\n").unwrap_err().line, 3);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a: |>#\"'\\[\\]{}&*!?,%\n\t]{0,200}|\\PC{0,100}") {
            if let Ok(yaml) = Yaml::read(&text) {
                for (_, value) in yaml.pairs() {
                    prop_assert!(value.line() >= 1 && value.one_or_many().len() <= text.len() + 1);
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Yaml::read(&crate::baseline::documents::decode(&bytes));
        }
    }
}
