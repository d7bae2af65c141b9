//! What can go wrong above the gate. `Display` is fit for a client and never shows an absolute path; the cause is in `source()`.

use super::root::{GateError, UnsafeKind};
use crate::model::PathSyntaxError;

/// That there is no such root; whoever sees none at all is not shown an empty list.
fn no_root(asked: &str, known: &str) -> String {
    match (asked, known) {
        (_, "") => "these credentials see no runs root of this server; ask its operator for others".to_owned(),
        _ => format!("there is no runs root `{asked}`; the roots are: {known}"),
    }
}

/// Why a question about a runs root or a run has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No root of that name or configured path. Ask for one of the configured names.
    #[error("{}", no_root(asked, known))]
    RootNotFound {
        /// What was asked for, made printable.
        asked: String,
        /// The configured names.
        known: String,
    },
    /// The root has not been scanned yet. Try again soon.
    #[error("the runs root `{root}` is being scanned for the first time; try again in a moment")]
    RootNotScanned {
        /// The root's name.
        root: String,
    },
    /// The root is missing, replaced or unmounted. Try again when it is back.
    #[error("the runs root `{root}` is away: {reason}; it is served as soon as it is there")]
    RootAway {
        /// The root's name.
        root: String,
        /// Why, one clause.
        reason: String,
    },
    /// No such retained run.
    #[error("{message}")]
    RunNotFound {
        /// The whole sentence, with a hint where there is one.
        message: String,
    },
    /// Two directories bear the run id. Ask by directory.
    #[error("the run id `{run_id}` stands in several directories: {}; ask by directory instead", .directories.join(", "))]
    RunIdAmbiguous {
        /// The run id.
        run_id: String,
        /// The directories, made printable, at most twenty.
        directories: Vec<String>,
    },
    /// A requested path's syntax.
    #[error("the path is not valid: {0}")]
    PathInvalid(#[from] PathSyntaxError),
    /// No such file among the run's outputs.
    #[error("the run has no output `{path}`; list its artifacts with the unlisted ones to see what it has")]
    ArtifactNotFound {
        /// The path, made printable.
        path: String,
    },
    /// The run has no report of that kind.
    #[error("the run has no report of kind `{kind}`; what it has stands in its summary")]
    ReportNotFound {
        /// The kind, made printable.
        kind: String,
    },
    /// A directory where a file is wanted.
    #[error("`{path}` is a directory; name a file in it")]
    NotAFile {
        /// The path, made printable.
        path: String,
    },
    /// A link, a special file, or a mount. Never served.
    #[error("`{path}` is not served: {}", .kind.describe())]
    UnsafePath {
        /// The path, made printable.
        path: String,
        /// What makes it unsafe.
        kind: UnsafeKind,
    },
    /// Stored paths that leave the run, or where something unsafe stands.
    #[error("{message}")]
    UnsafeRefs {
        /// The whole sentence, naming keys or entries.
        message: String,
    },
    /// A document above its cap.
    #[error("{document} exceeds {cap_bytes} bytes, more than is read")]
    DocumentTooLarge {
        /// The document, relative to the run.
        document: String,
        /// The cap in bytes.
        cap_bytes: u64,
    },
    /// An item within a document is above its cap.
    #[error("{document} cannot be read: {detail}")]
    ItemTooLarge {
        /// The document, relative to the run.
        document: String,
        /// Which bound, one clause.
        detail: String,
    },
    /// A document that is not what the contract says.
    #[error("{document} cannot be read: {detail}")]
    DocumentMalformed {
        /// The document, relative to the run.
        document: String,
        /// Why, one clause.
        detail: String,
    },
    /// The file is of another generation than expected. Start again without the pin, or with the present generation.
    #[error("`{path}` is no longer of the expected generation; read it again from the beginning")]
    GenerationMismatch {
        /// The path, made printable.
        path: String,
    },
    /// The file is known to have another digest than expected. No byte of it was sent.
    #[error("`{path}` is known to have another SHA-256 than expected")]
    DigestMismatch {
        /// The path, made printable.
        path: String,
    },
    /// The bytes sent turned out to have another digest than expected. Throw them away.
    #[error("`{path}` turned out to have another SHA-256 than expected; do not use the bytes received")]
    DigestDiffers {
        /// The path, made printable.
        path: String,
    },
    /// An offset beyond the end.
    #[error("offset {offset} is beyond the end: the file has {size} bytes")]
    OffsetBeyondEnd {
        /// The offset asked for.
        offset: u64,
        /// The file's size.
        size: u64,
    },
    /// The file changed while it was read. Start again.
    #[error("`{path}` changed while it was read; start again")]
    Changed {
        /// The path, made printable.
        path: String,
    },
    /// A later page was asked for with a place at which none of this document ended. Start from the first page.
    #[error("no page of `{path}` ended there; start from the first page")]
    NoSuchPlace {
        /// The path, made printable.
        path: String,
    },
    /// The server may not read the file. An operator can mend that.
    #[error("permission to read `{path}` is denied; its owner can mend that")]
    Unreadable {
        /// The path, made printable.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Passing trouble of the system. Try again.
    #[error("the system could not read `{path}` just now; try again")]
    Trouble {
        /// The path, made printable.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    /// A gate's refusal of the path `path`.
    #[must_use]
    pub fn of_path(path: &str, error: GateError) -> Self {
        let path = crate::model::printable(path, 300);
        match error {
            GateError::NotFound => Self::ArtifactNotFound { path },
            GateError::IsDirectory => Self::NotAFile { path },
            GateError::Unsafe(kind) => Self::UnsafePath { path, kind },
            GateError::Denied(source) => Self::Unreadable { path, source },
            GateError::Trouble(source) => Self::Trouble { path, source },
        }
    }

    /// Trouble while reading the opened file `path`.
    #[must_use]
    pub fn of_read(path: &str, source: std::io::Error) -> Self {
        Self::Trouble { path: crate::model::printable(path, 300), source }
    }
}
