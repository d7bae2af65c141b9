//! Bounds on a document that is streamed and may be hostile: nesting, the length of one string, the bytes of one item.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

/// The deepest nesting that is read.
const MAX_DEPTH: u32 = 128;
/// The longest string, in bytes as written.
const MAX_STRING_BYTES: u64 = 16 << 20;

/// Which bound was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Depth,
    StringLength,
    ItemSize,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Depth => "it is nested deeper than 128 levels",
            Self::StringLength => "it has a string of more than 16 MiB",
            Self::ItemSize => "one of its items is too large",
        })
    }
}

/// What a [`Guard`] shares with the one who parses its bytes.
#[derive(Debug)]
pub(super) struct GuardState {
    /// The largest item, in bytes as written, give or take one read buffer.
    max_item_bytes: u64,
    /// Bytes left for the present item; `None` outside of items.
    item_budget: Cell<Option<u64>>,
    /// The bound that was broken, if any.
    broken: Cell<Option<Bound>>,
    /// Whether reading itself failed.
    failed: Cell<Option<std::io::ErrorKind>>,
}

impl GuardState {
    pub(super) const fn new(max_item_bytes: u64) -> Self {
        Self { max_item_bytes, item_budget: Cell::new(None), broken: Cell::new(None), failed: Cell::new(None) }
    }

    pub(super) fn begin_item(&self) {
        self.item_budget.set(Some(self.max_item_bytes));
    }

    /// Whether an item is being read.
    pub(super) fn is_in_item(&self) -> bool {
        self.item_budget.get().is_some()
    }

    pub(super) fn end_items(&self) {
        self.item_budget.set(None);
    }

    pub(super) fn broken(&self) -> Option<Bound> {
        self.broken.get()
    }

    pub(super) fn failed(&self) -> Option<std::io::ErrorKind> {
        self.failed.get()
    }
}

/// Passes bytes through and fails when a bound is broken. It follows the JSON only as far as strings and brackets.
pub(super) struct Guard<'a, R> {
    inner: R,
    state: &'a GuardState,
    depth: u32,
    in_string: bool,
    escaped: bool,
    string_bytes: u64,
}

impl<'a, R: Read> Guard<'a, R> {
    pub(super) const fn new(inner: R, state: &'a GuardState) -> Self {
        Self { inner, state, depth: 0, in_string: false, escaped: false, string_bytes: 0 }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), Bound> {
        if let Some(budget) = self.state.item_budget.get() {
            let taken = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let left = budget.checked_sub(taken).ok_or(Bound::ItemSize)?;
            self.state.item_budget.set(Some(left));
        }
        for byte in bytes {
            if self.in_string {
                self.string_bytes += 1;
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                if self.string_bytes > MAX_STRING_BYTES {
                    return Err(Bound::StringLength);
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.string_bytes = 0;
                }
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(Bound::Depth);
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer).inspect_err(|error| self.state.failed.set(Some(error.kind())))?;
        if let Err(bound) = self.check(buffer.get(..count).unwrap_or_default()) {
            self.state.broken.set(Some(bound));
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        Ok(count)
    }
}
