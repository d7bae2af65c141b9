//! A normalized document, streamed item by item: memory grows with the largest item, not with their number.
//!
//! A document may be read on from where an item ended, so that a later page need not read what earlier ones have.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::guard::{Bound, Guard, GuardState};

/// How much is read from the disk at a time.
const BUFFER_BYTES: usize = 64 << 10;
/// The largest item, in bytes as written.
const MAX_ITEM_BYTES: usize = 16 << 20;
/// What the guard lets through for an item: it counts whole buffers, so the exact length is looked at once an item is read.
const ITEM_BUDGET: u64 = (16 << 20) + 2 * (64 << 10);
/// What the rest of an array is given to begin with, so that it is an array again: what follows is the comma before the next item, or the end.
const AN_ITEM_BEFORE: &[u8] = b"[null";

/// One item as it stands in its document.
#[derive(Debug, Clone, Copy)]
pub struct RawItem<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// Where it ends, in bytes from the beginning of the document.
    pub end: u64,
}

/// Why a document could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ItemsError {
    /// The document is not what the contract says. The text says why and is fit for a client.
    #[error("{0}")]
    Malformed(String),
    /// One of its items is larger than is read.
    #[error("an item exceeds 16 MiB")]
    ItemTooLarge,
    /// Reading failed.
    #[error("it could not be read")]
    Read(#[source] std::io::Error),
}

/// Hands every item of a document to `visit`, in file order, until it breaks off. The document is an array, or an object with the array
/// under `name` or `items`.
///
/// # Errors
/// When the document is malformed, exceeds a bound, or cannot be read. Items handed over before stay handed over.
pub fn read_items(
    document: impl Read,
    name: &'static str,
    visit: &mut dyn FnMut(RawItem<'_>) -> ControlFlow<()>,
) -> Result<(), ItemsError> {
    walk(document, Start { offset: 0, name: Some(name) }, visit)
}

/// As [`read_items`], onward from where an item ended: `rest` is the document from the byte `end`. What follows the array is not read.
///
/// # Errors
/// As [`read_items`]; also when no item ends there.
pub fn resume_items(
    rest: impl Read,
    end: u64,
    visit: &mut dyn FnMut(RawItem<'_>) -> ControlFlow<()>,
) -> Result<(), ItemsError> {
    walk(AN_ITEM_BEFORE.chain(rest), Start { offset: end, name: None }, visit)
}

/// Where reading starts.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// In bytes from the beginning of the document.
    offset: u64,
    /// The name of the array; `None` after an item of it.
    name: Option<&'static str>,
}

fn walk(
    bytes: impl Read,
    start: Start,
    visit: &mut dyn FnMut(RawItem<'_>) -> ControlFlow<()>,
) -> Result<(), ItemsError> {
    let (state, taken) = (GuardState::new(ITEM_BUDGET), Cell::new(0));
    let mut deserializer = serde_json::Deserializer::from_reader(Counted::new(Guard::new(bytes, &state), &taken));
    let mut walk = Walk {
        state: &state,
        taken: &taken,
        start,
        visit,
        arrays: 0,
        stopped: false,
        is_too_large: false,
        defect: None,
    };
    let outcome = match start.name {
        Some(_) => (&mut deserializer).deserialize_any(DocumentVisitor(&mut walk)).and_then(|()| deserializer.end()),
        None => (&mut deserializer).deserialize_seq(RestVisitor(&mut walk)),
    };
    match outcome {
        _ if walk.stopped => Ok(()),
        Ok(()) if walk.arrays > 0 => Ok(()),
        Ok(()) => Err(ItemsError::Malformed(no_array(start))),
        Err(error) => Err(explain(&walk, &error)),
    }
}

fn no_array(start: Start) -> String {
    let name = start.name.unwrap_or_default();
    format!("it has no array of items: it is none, and none stands under `{name}` or `items`")
}

fn explain(walk: &Walk<'_>, error: &serde_json::Error) -> ItemsError {
    if let Some(kind) = walk.state.failed() {
        return ItemsError::Read(kind.into());
    }
    match (walk.state.broken(), walk.defect) {
        (Some(Bound::ItemSize), _) => ItemsError::ItemTooLarge,
        _ if walk.is_too_large => ItemsError::ItemTooLarge,
        // An item is as large as its largest string.
        (Some(Bound::StringLength), _) if walk.state.is_in_item() => ItemsError::ItemTooLarge,
        (Some(bound), _) => ItemsError::Malformed(bound.to_string()),
        (None, Some(defect)) => ItemsError::Malformed(defect.to_owned()),
        (None, None) if error.is_data() => ItemsError::Malformed(no_array(walk.start)),
        (None, None) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            ItemsError::Malformed(format!("it is not JSON near {place}"))
        }
    }
}

/// A buffer that counts the bytes taken out of it. The parser takes one after the other, so the count is exact.
struct Counted<'a, R> {
    inner: R,
    buffer: Box<[u8]>,
    next: usize,
    filled: usize,
    taken: &'a Cell<u64>,
}

impl<'a, R: Read> Counted<'a, R> {
    fn new(inner: R, taken: &'a Cell<u64>) -> Self {
        Self { inner, buffer: vec![0; BUFFER_BYTES].into(), next: 0, filled: 0, taken }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    /// One byte at a time, whatever there is room for.
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let Some(slot) = room.first_mut() else { return Ok(0) };
        if self.next == self.filled {
            (self.next, self.filled) = (0, 0);
            self.filled = self.inner.read(&mut self.buffer)?;
        }
        match self.buffer.get(self.next) {
            Some(byte) if self.next < self.filled => {
                *slot = *byte;
                self.next = self.next.saturating_add(1);
                self.taken.set(self.taken.get().saturating_add(1));
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

struct Walk<'a> {
    state: &'a GuardState,
    taken: &'a Cell<u64>,
    start: Start,
    visit: &'a mut dyn FnMut(RawItem<'_>) -> ControlFlow<()>,
    arrays: u32,
    stopped: bool,
    is_too_large: bool,
    defect: Option<&'static str>,
}

impl Walk<'_> {
    fn items<'de, A: SeqAccess<'de>>(&mut self, mut sequence: A) -> Result<(), A::Error> {
        self.arrays = self.arrays.saturating_add(1);
        if self.arrays > 1 {
            self.defect = Some("it has two arrays of items");
            return Err(A::Error::custom("two arrays"));
        }
        if self.start.name.is_none() {
            sequence.next_element::<IgnoredAny>()?;
        }
        self.state.begin_item();
        while let Some(raw) = sequence.next_element::<Box<RawValue>>()? {
            if raw.get().len() > MAX_ITEM_BYTES {
                self.is_too_large = true;
                return Err(A::Error::custom("too large"));
            }
            let item = RawItem { text: raw.get(), end: self.end_of(raw.get()) };
            if (self.visit)(item).is_break() {
                self.stopped = true;
                return Err(A::Error::custom("stopped"));
            }
            self.state.begin_item();
        }
        self.state.end_items();
        Ok(())
    }

    /// Where the item just parsed ends.
    fn end_of(&self, text: &str) -> u64 {
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        // A number ends where another character is met, which is taken by then.
        let taken = self.taken.get().saturating_sub(u64::from(is_number));
        let made_up = if self.start.name.is_none() { AN_ITEM_BEFORE.len() } else { 0 };
        self.start.offset.saturating_add(taken.saturating_sub(u64::try_from(made_up).unwrap_or(0)))
    }
}

struct DocumentVisitor<'w, 'a>(&'w mut Walk<'a>);

impl<'de> Visitor<'de> for DocumentVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items, or an object that has it")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        self.0.items(sequence)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" || self.0.start.name == Some(key.as_str()) {
                map.next_value_seed(ArraySeed(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The array in an object; null is as good as none.
struct ArraySeed<'w, 'a>(&'w mut Walk<'a>);

impl<'de> DeserializeSeed<'de> for ArraySeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ArraySeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        self.0.items(sequence)
    }
}

/// What is left of an array.
struct RestVisitor<'w, 'a>(&'w mut Walk<'a>);

impl<'de> Visitor<'de> for RestVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of an array of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        self.0.items(sequence)
    }
}

#[cfg(test)]
mod tests;
