//! Which runs roots a caller may see.

use std::collections::BTreeSet;

use super::RootName;

/// The runs roots that exist for a caller. One that is not among them is to that caller exactly as if it were not configured.
///
/// ```
/// use guide_board::model::VisibleRoots;
/// let roots = VisibleRoots::Only(["ci".parse().expect("a name")].into());
/// assert!(roots.sees("ci") && !roots.sees("lab"));
/// assert!(VisibleRoots::All.sees("lab"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisibleRoots {
    /// All that there are.
    All,
    /// Those with these names, as far as they are configured.
    Only(BTreeSet<RootName>),
}

impl VisibleRoots {
    /// Whether the root of this name exists for the caller.
    #[must_use]
    pub fn sees(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}
