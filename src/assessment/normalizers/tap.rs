//! TAP 14, and 13 and 12 as they are still written: read line by line.
//!
//! A subtest's points are items, named behind their parent's; the parent's own point is one only where it says something that they do not.

use std::io::Read;

use super::bounds::{NAME, append};
use super::collect::Sink;
use super::tap_line::{Directive, Line, Lines, PointLine};
use super::tap_point::Point;
use crate::model::printable;

/// The most points that wait for their parent's name, in all subtests that are open.
const WAITING: usize = 5_000;
/// The deepest subtest.
const DEPTH: usize = 30;

/// Reads an input. The error is one sentence.
pub(super) fn read(sink: &mut Sink, input: impl Read) -> Result<(), String> {
    let mut lines = Lines::new(input);
    let mut walk = Walk::new(sink);
    let outcome = loop {
        match lines.next() {
            Ok(Some(line)) => walk.line(&line),
            Ok(None) => break Ok(()),
            Err(error) => break Err(format!("line {}: the report cannot be read: {error}", lines.number() + 1)),
        }
        if walk.is_over {
            break Ok(());
        }
    };
    walk.over(outcome)
}

/// A level of tests: the whole stream, or a subtest.
#[derive(Debug, Default)]
struct Level {
    /// What the comment before it calls it.
    name: Option<String>,
    /// What a comment within it calls what comes next.
    announced: Option<String>,
    plan: Option<u64>,
    plans: u64,
    seen: u64,
    has_failed: bool,
    /// Whether a line of it was read.
    is_begun: bool,
    /// The last point: what comes behind may say more of it.
    last: Option<Point>,
    /// Points that wait for the parent's name.
    waiting: Vec<Point>,
    /// The parent's point, where that came before.
    parent: Option<Point>,
}

/// A YAML block that is being read.
#[derive(Debug)]
struct Block {
    level: usize,
    indent: usize,
}

struct Walk<'a> {
    sink: &'a mut Sink,
    levels: Vec<Level>,
    waiting: usize,
    block: Option<Block>,
    /// The level of the point that the line before was, if it was one: a YAML block may follow.
    after_point: Option<usize>,
    version: Option<String>,
    unknown: u64,
    points: u64,
    has_tap: bool,
    is_over: bool,
    skipped: bool,
}

impl<'a> Walk<'a> {
    fn new(sink: &'a mut Sink) -> Self {
        Self {
            sink,
            levels: vec![Level::default()],
            waiting: 0,
            block: None,
            after_point: None,
            version: None,
            unknown: 0,
            points: 0,
            has_tap: false,
            is_over: false,
            skipped: false,
        }
    }

    fn line(&mut self, text: &str) {
        let content = text.trim_start_matches([' ', '\t']);
        let indent = text.len() - content.len() + 3 * text.chars().take_while(|letter| *letter == '\t').count();
        if self.in_block(text, content, indent) || content.trim_end().is_empty() {
            return;
        }
        let level = indent / 4;
        // It stands two to the right of its point, but not all writers count well.
        let after_point = self.after_point.take();
        if let Some(above) = after_point.filter(|above| content.trim_end() == "---" && indent > 4 * above) {
            if let Some(point) = self.levels.get_mut(above).and_then(|here| here.last.as_mut()) {
                point.diagnostic.clear();
                point.has_yaml = true;
            }
            self.block = Some(Block { level: above, indent });
            return;
        }
        let line = if indent.is_multiple_of(4) && level <= DEPTH { Line::read(content) } else { Line::Unknown };
        match line {
            Line::Unknown => self.unknown(content, indent),
            Line::Pragma => {}
            Line::Version(version) => {
                self.has_tap = true;
                if level == 0 && self.version.is_none() {
                    self.version = Some(printable(version, 20));
                }
            }
            Line::BailOut(reason) => {
                self.has_tap = true;
                self.is_over = true;
                let reason = if reason.is_empty() { "no reason is given" } else { reason };
                self.sink.broke(&format!("the tests were given up: {reason}"));
            }
            Line::Comment(comment) => self.comment(comment, level),
            Line::Closing => {
                if self.levels.get(level + 1).is_some_and(|inner| inner.parent.is_some()) {
                    self.close_to(level + 1);
                    self.close(None);
                }
            }
            Line::Plan { count, reason } => {
                self.has_tap = true;
                self.enter(level);
                if level == 0 && count == 0 {
                    self.skipped = true;
                    if reason.is_empty() {
                        // What a tool says that found no tests where it looked: nothing was skipped, nothing was there.
                        self.sink.broke("the report has no tests: its plan is 1..0, and no reason is given");
                    } else {
                        self.sink.left_out(&format!("all tests were skipped: {reason}"));
                    }
                }
                if let Some(here) = self.levels.last_mut() {
                    here.plan = Some(count);
                    here.plans += 1;
                }
                self.settle();
            }
            Line::Point(point) => {
                self.point(point, level);
                self.after_point = Some(level);
            }
        }
    }

    /// Whether the line belongs to a YAML block.
    fn in_block(&mut self, text: &str, content: &str, indent: usize) -> bool {
        let Some(block) = &self.block else { return false };
        let is_blank = content.trim_end().is_empty();
        if !is_blank && indent < block.indent {
            // Whoever forgot to end it loses no points.
            self.block = None;
            return false;
        }
        if indent == block.indent && content.trim_end() == "..." {
            self.block = None;
            return true;
        }
        let line = text.get(block.indent..).unwrap_or_default().trim_end();
        if let Some(Level { last: Some(point), .. }) = self.levels.get_mut(block.level) {
            point.say(line);
        }
        true
    }

    /// Some writers put a diagnostic behind its point without any mark but an indentation.
    fn unknown(&mut self, content: &str, indent: usize) {
        match self.levels.last_mut().and_then(|here| here.last.as_mut()) {
            Some(point) if indent > 0 && !point.line.is_ok && !point.has_yaml => point.say(content),
            _ => self.unknown += 1,
        }
    }

    fn comment(&mut self, comment: &str, level: usize) {
        if let Some(name) = comment.strip_prefix("Subtest:") {
            let name = Some(super::bounds::name(name)).filter(|name| !name.is_empty());
            let is_inner = level == self.levels.len();
            if is_inner {
                // Older writers put it within the subtest.
                self.enter(level);
            } else {
                self.close_to(level);
            }
            let Some(here) = self.levels.last_mut() else { return };
            if is_inner && here.name.is_none() {
                here.name = name;
            } else {
                here.announced = name;
            }
            return self.settle();
        }
        let Some(Level { last: Some(point), .. }) = self.levels.last_mut() else { return };
        // With a plan before the points, what follows the last is no diagnostic of it any more, but nothing tells.
        if !point.line.is_ok && !point.has_yaml {
            point.say(comment);
        }
    }

    /// Opens the levels down to this one, and closes those beneath.
    fn enter(&mut self, level: usize) {
        self.close_to(level);
        while self.levels.len() <= level {
            self.settle();
            let name = self.levels.last_mut().and_then(|outer| outer.announced.take());
            self.levels.push(Level { name, ..Level::default() });
        }
        if let Some(here) = self.levels.last_mut() {
            here.is_begun = true;
        }
    }

    fn close_to(&mut self, level: usize) {
        while self.levels.len() > level + 1 {
            self.close(None);
        }
    }

    fn point(&mut self, line: PointLine, level: usize) {
        self.has_tap = true;
        self.points += 1;
        // The subtest that this point sums up stands one level deeper.
        self.close_to(level + 1);
        if self.levels.len() == level + 2 {
            if self.levels.last().is_some_and(|inner| inner.parent.is_none()) {
                let counted = self.levels.get(level).map_or(0, |here| here.seen + 1);
                self.settle();
                self.count(level, &line);
                return self.close(Some(Point::new(line, counted)));
            }
            self.close(None);
        }
        self.enter(level);
        self.settle();
        self.count(level, &line);
        let Some(here) = self.levels.last_mut() else { return };
        here.announced = None;
        let opens = line.opens;
        let point = Point::new(line, here.seen);
        if opens && level < DEPTH {
            let name = Some(point.name.clone());
            self.levels.push(Level { name, parent: Some(point), ..Level::default() });
        } else {
            here.last = Some(point);
        }
    }

    fn count(&mut self, level: usize, line: &PointLine) {
        if let Some(here) = self.levels.get_mut(level) {
            here.seen += 1;
            here.has_failed |= !line.is_ok && line.directive.is_none();
        }
    }

    /// The last point of the innermost level is complete.
    fn settle(&mut self) {
        let depth = self.levels.len();
        let Some(point) = self.levels.last_mut().and_then(|here| here.last.take()) else { return };
        self.give(point, depth - 1, None);
    }

    /// A point of a level goes out, or waits for the name of what it is a part of.
    fn give(&mut self, point: Point, level: usize, around: Option<Directive>) {
        if level == 0 {
            return self.sink.push(point.into_item(around));
        }
        if self.waiting >= WAITING {
            self.give_up_waiting();
        }
        if let Some(here) = self.levels.get_mut(level) {
            self.waiting += 1;
            here.waiting.push(point);
        }
    }

    /// Too many wait: they go out by what is known.
    fn give_up_waiting(&mut self) {
        let names: Vec<String> = self.levels.iter().map(|level| level.name.clone().unwrap_or_default()).collect();
        for (depth, level) in self.levels.iter_mut().enumerate() {
            let path: Vec<&str> =
                names.iter().take(depth + 1).map(String::as_str).filter(|name| !name.is_empty()).collect();
            let path = path.join(" > ");
            for mut point in level.waiting.drain(..) {
                point.name = within(&path, &point.name);
                self.sink.push(point.into_item(None));
            }
        }
        self.waiting = 0;
    }

    /// Ends the innermost level. `parent` is the point that sums it up, unless that came before.
    fn close(&mut self, parent: Option<Point>) {
        self.settle();
        if self.levels.len() < 2 {
            return;
        }
        let Some(inner) = self.levels.pop() else { return };
        let outer = self.levels.len() - 1;
        let parent = parent.or(inner.parent);
        let name =
            parent.as_ref().filter(|parent| !parent.line.description.is_empty()).map(|parent| parent.name.clone());
        let name =
            name.or(inner.name).or_else(|| parent.as_ref().map(|parent| parent.name.clone())).unwrap_or_default();
        if let Some(plan) = inner.plan.filter(|plan| *plan != inner.seen) {
            self.sink.note(&format!("the subtest {name:?} planned {plan} tests, and {} came", inner.seen));
        }
        let around = parent.as_ref().and_then(|parent| parent.line.directive);
        self.waiting = self.waiting.saturating_sub(inner.waiting.len());
        for mut point in inner.waiting {
            point.name = within(&name, &point.name);
            if point.is_failure() && around.is_some() {
                point.line.directive = around;
                if let Some(parent) = &parent {
                    point.line.reason.clone_from(&parent.line.reason);
                }
            }
            self.give(point, outer, None);
        }
        let Some(mut parent) = parent else { return };
        let is_news = inner.seen == 0 || (parent.is_failure() && !inner.has_failed);
        if is_news {
            parent.name = name;
            if let Some(here) = self.levels.last_mut() {
                here.last = Some(parent);
            }
        }
    }

    fn over(mut self, outcome: Result<(), String>) -> Result<(), String> {
        self.close_to(0);
        self.settle();
        self.sink.about("test_points", self.points);
        if let Some(version) = &self.version {
            self.sink.about("tap_version", version.as_str());
            if !matches!(version.as_str(), "12" | "13" | "14") {
                self.sink.note(&format!("TAP version {version} is read as version 14"));
            }
        }
        if self.unknown > 0 {
            self.sink.about("lines_passed_over", self.unknown);
        }
        outcome?;
        if !self.has_tap {
            return Err("no TAP: there is neither a version nor a plan nor a test point in it".to_owned());
        }
        let Some(top) = self.levels.first().filter(|_| !self.is_over) else { return Ok(()) };
        match top.plan {
            None => self.sink.broke("the report has no plan, so tests may be missing at its end"),
            Some(_) if top.plans > 1 => {
                self.sink.broke(&format!("the report has {} plans, so it is more than one report", top.plans));
            }
            Some(plan) if plan != top.seen => {
                self.sink.broke(&format!("{plan} tests were planned, and {} came", top.seen));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// The name of a part within the name of the whole.
fn within(outer: &str, inner: &str) -> String {
    if outer.is_empty() {
        return inner.to_owned();
    }
    let mut name = String::new();
    append(&mut name, outer, NAME);
    append(&mut name, " > ", 2 * NAME);
    append(&mut name, inner, 4 * NAME);
    name
}
