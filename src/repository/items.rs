//! A run's normalized items, page by page from the file itself. The first page makes one pass over the whole document, which also counts; a
//! later one reads on from where the page before ended. One item is held at a time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::artifact::generation;
use super::decode::{Item, ItemWords, ItemsError, RawItem, read_items, resume_items};
use super::error::Error;
use super::layout;
use super::retained::LocatedRun;
use super::root::OutputFile;
use crate::model::RelativePath;

/// How many malformed items are named.
const NAMED_MALFORMED: usize = 20;
/// What the words that are counted may hold, in bytes, their bookkeeping included.
const COUNTED_BYTES: usize = 64 << 10;
/// What a count weighs beside its word, in bytes.
const COUNT_BYTES: usize = 24;

/// Which items are wanted: those that have one of the words of every list. An empty list wants any; the empty word is that of items without
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Results of evidence items, classifications of findings.
    pub results: Vec<String>,
    /// Severities.
    pub severities: Vec<String>,
    /// Dispositions.
    pub dispositions: Vec<String>,
    /// Checks.
    pub check_ids: Vec<String>,
}

/// Where a page ended. It holds what the first page found of the whole document, so that no later one needs to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemsPlace {
    /// The generation of the document.
    pub generation: String,
    /// Where the last item looked at ends, in bytes from the beginning of the document.
    pub end: u64,
    /// How many matching items were listed up to there.
    pub listed: u64,
    /// How many match in all.
    pub total: u64,
    /// How many are malformed in all.
    pub malformed: u64,
}

/// What a page found beside its items.
#[derive(Debug)]
pub struct ItemsPage {
    /// Where it ended; `None` when it is the last.
    pub next: Option<ItemsPlace>,
    /// The generation of the document.
    pub generation: String,
    /// How many items match in all.
    pub total: u64,
    /// How many items of the document are malformed.
    pub malformed: u64,
    /// What the pass over the whole document found; empty but on the first page.
    pub survey: ItemsSurvey,
}

/// What the pass over the whole document finds.
#[derive(Debug, Default)]
pub struct ItemsSurvey {
    /// The first malformed items: their places from 0 and what is wrong with them.
    pub malformed: Vec<(u64, &'static str)>,
    /// Matching items by result or classification.
    pub results: WordCounts,
    /// Matching items by severity.
    pub severities: WordCounts,
    /// Matching items by disposition.
    pub dispositions: WordCounts,
}

/// Counts by word. Words come from files and may be of any length and number: those that no longer fit into 64 KiB are not counted.
#[derive(Debug, Default)]
pub struct WordCounts {
    counts: BTreeMap<Arc<str>, u64>,
    bytes: usize,
}

impl WordCounts {
    fn add(&mut self, word: &str) {
        if let Some(count) = self.counts.get_mut(word) {
            *count = count.saturating_add(1);
            return;
        }
        let bytes = self.bytes.saturating_add(word.len()).saturating_add(COUNT_BYTES);
        if bytes <= COUNTED_BYTES {
            self.bytes = bytes;
            self.counts.insert(word.into(), 1);
        }
    }

    /// The counts.
    #[must_use]
    pub const fn by_word(&self) -> &BTreeMap<Arc<str>, u64> {
        &self.counts
    }
}

/// An item with its artifact refs resolved.
#[derive(Debug)]
pub struct ListedItem<T> {
    /// The item, its stored refs taken out.
    pub item: T,
    /// The artifacts concerned, relative to the run.
    pub artifact_refs: Vec<RelativePath>,
    /// How many refs were refused.
    pub unsafe_artifact_refs: u64,
}

impl ItemFilter {
    fn wants(&self, words: &ItemWords<'_>) -> bool {
        let is_among = |list: &[String], word: &str| list.is_empty() || list.iter().any(|wanted| wanted == word);
        is_among(&self.results, &words.result)
            && is_among(&self.severities, &words.severity)
            && is_among(&self.dispositions, &words.disposition)
            && is_among(&self.check_ids, &words.check_id)
    }
}

impl LocatedRun {
    /// Hands the next `limit` items that match to `take`, in file order, until it says `false`: the item it refused begins the next page.
    /// It must take the first.
    ///
    /// # Errors
    /// Those of [`LocatedRun::read`] for the document; [`Error::DocumentTooLarge`], [`Error::ItemTooLarge`] and [`Error::DocumentMalformed`]
    /// when it cannot be read; [`Error::Changed`] when it changed while it was read or since the page that ended at `after`;
    /// [`Error::NoSuchPlace`] when no page of it ended there.
    pub fn items<T: Item>(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemsPlace>,
        limit: usize,
        take: &mut dyn FnMut(ListedItem<T>) -> bool,
    ) -> Result<ItemsPage, Error> {
        self.check_run_id()?;
        let document = T::KIND.document();
        let file = self.open_output(&layout::path(document)).map_err(|error| Error::of_path(document, error))?;
        let generation = generation(file.identity());
        if after.is_some_and(|after| after.generation != generation) {
            return Err(Error::Changed { path: document.to_owned() });
        }
        if after.is_some_and(|after| after.end > file.identity().size()) {
            return Err(Error::NoSuchPlace { path: document.to_owned() });
        }
        if file.identity().size() > layout::MAX_PACKAGE_BYTES {
            return Err(Error::DocumentTooLarge {
                document: document.to_owned(),
                cap_bytes: layout::MAX_PACKAGE_BYTES,
            });
        }
        let mut pass = Pass {
            located: self,
            filter,
            take,
            left: limit,
            looked_at: 0,
            is_full: false,
            place: after.cloned().unwrap_or_else(|| ItemsPlace {
                generation: generation.clone(),
                end: 0,
                listed: 0,
                total: 0,
                malformed: 0,
            }),
            survey: after.is_none().then(ItemsSurvey::default),
        };
        pass.read(&file)?;
        let Pass { is_full, place, survey, .. } = pass;
        Ok(ItemsPage {
            generation,
            total: place.total,
            malformed: place.malformed,
            survey: survey.unwrap_or_default(),
            next: (is_full && place.listed < place.total).then_some(place),
        })
    }
}

/// One reading of a document for one page.
struct Pass<'a, T> {
    located: &'a LocatedRun,
    filter: &'a ItemFilter,
    take: &'a mut dyn FnMut(ListedItem<T>) -> bool,
    /// How many more items the page may have.
    left: usize,
    looked_at: u64,
    /// Whether the page has ended. Then only the survey goes on.
    is_full: bool,
    place: ItemsPlace,
    /// On the first page: what is found of the whole document.
    survey: Option<ItemsSurvey>,
}

impl<T: Item> Pass<'_, T> {
    fn read(&mut self, file: &OutputFile) -> Result<(), Error> {
        let document = T::KIND.document();
        let (is_first, end) = (self.survey.is_some(), self.place.end);
        let outcome = if is_first {
            read_items(file.reader(), T::KIND.array(), &mut |item| self.look_at(item))
        } else {
            resume_items(file.reader_from(end), end, &mut |item| self.look_at(item))
        };
        if !file.is_unchanged().map_err(|error| Error::of_read(document, error))? {
            return Err(Error::Changed { path: document.to_owned() });
        }
        outcome.map_err(|error| match error {
            ItemsError::Read(source) => Error::of_read(document, source),
            // The first page read this very document to its end.
            ItemsError::Malformed(_) | ItemsError::ItemTooLarge if !is_first => {
                Error::NoSuchPlace { path: document.to_owned() }
            }
            ItemsError::Malformed(detail) => Error::DocumentMalformed { document: document.to_owned(), detail },
            ItemsError::ItemTooLarge => {
                let detail = format!("its item {}, counted from 0, exceeds 16 MiB", self.looked_at);
                Error::ItemTooLarge { document: document.to_owned(), detail }
            }
        })
    }

    fn look_at(&mut self, raw: RawItem<'_>) -> ControlFlow<()> {
        let words = ItemWords::read(T::KIND, raw.text);
        if let Some(survey) = &mut self.survey {
            match &words {
                Some(words) if self.filter.wants(words) => {
                    self.place.total = self.place.total.saturating_add(1);
                    survey.results.add(&words.result);
                    survey.severities.add(&words.severity);
                    survey.dispositions.add(&words.disposition);
                }
                Some(_) => {}
                None => {
                    self.place.malformed = self.place.malformed.saturating_add(1);
                    if survey.malformed.len() < NAMED_MALFORMED {
                        survey.malformed.push((self.looked_at, what_is_wrong(raw.text)));
                    }
                }
            }
        }
        self.looked_at = self.looked_at.saturating_add(1);
        if !self.is_full {
            let is_wanted = words.is_some_and(|words| self.filter.wants(&words));
            if is_wanted && !self.list(raw.text) {
                self.is_full = true;
            } else {
                self.place.end = raw.end;
                self.is_full = self.left == 0;
            }
        }
        if self.is_full && self.survey.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Lists an item; `false` when it no longer fits into the page.
    fn list(&mut self, text: &str) -> bool {
        // What has words is an item.
        let Some(mut item) = T::decode(text) else { return true };
        let stored = item.take_artifact_refs();
        let artifact_refs: Vec<RelativePath> =
            stored.iter().filter_map(|path| self.located.resolve(path).ok()).collect();
        let refused = stored.len().saturating_sub(artifact_refs.len());
        let unsafe_artifact_refs = u64::try_from(refused).unwrap_or(u64::MAX);
        let is_taken = (self.take)(ListedItem { item, artifact_refs, unsafe_artifact_refs });
        if is_taken {
            self.left = self.left.saturating_sub(1);
            self.place.listed = self.place.listed.saturating_add(1);
        }
        is_taken
    }
}

fn what_is_wrong(text: &str) -> &'static str {
    if text.starts_with('{') { "one of its keys is no Unicode text" } else { "it is no JSON object" }
}
