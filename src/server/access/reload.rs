//! Reading the tokens file, and reading it again when it has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::Access;
use super::callers::Callers;
use super::tokens::{self, MAX_FILE_BYTES, TokensError};
use crate::repository::ambient::{self, AmbientError};

/// How often the file is looked at, unless set otherwise. It is read each time: a comparison of times would miss a change within the clock's
/// grain, and a link may lead to another file that looks the same.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Why a tokens file cannot be used. `Display` names it, and none of its values.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] AmbientError),
    /// Anybody on the machine could add themselves.
    #[error("{} can be written by everybody on this machine; take that away (chmod o-w)", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
    },
    /// It is not what a tokens file is.
    #[error("{}: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: TokensError,
    },
}

/// A tokens file that was read.
#[derive(Debug)]
pub struct TokensFile {
    path: PathBuf,
    callers: Arc<Callers>,
    seen: Seen,
}

/// What the file held and who may write it, condensed.
type Seen = [u8; 32];

impl TokensFile {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read, anybody may write it, or it is malformed.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let (text, mode) = ambient::read_text_and_mode(path, MAX_FILE_BYTES)?;
        let callers = read(path, &text, mode)?;
        Ok(Self { path: path.to_owned(), callers: Arc::new(callers), seen: seen(&text, mode) })
    }

    /// The callers, and what to look at from now on. The file holds no callers any more: what it once granted would never be withdrawn.
    pub(super) fn into_parts(self) -> (Arc<Callers>, Watched) {
        (self.callers, Watched { path: self.path, seen: self.seen })
    }
}

/// A tokens file that is looked at again and again.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    /// What it held at the start.
    seen: Seen,
}

fn seen(text: &str, mode: u32) -> Seen {
    Sha256::new().chain_update(mode.to_be_bytes()).chain_update(text).finalize().into()
}

fn read(path: &Path, text: &str, mode: u32) -> Result<Callers, LoadError> {
    if mode & 0o002 != 0 {
        return Err(LoadError::Writable { path: path.to_owned() });
    }
    let callers = tokens::parse(text).map_err(|error| LoadError::Malformed { path: path.to_owned(), error })?;
    if callers.has_plain_tokens() && mode & 0o004 != 0 {
        tracing::warn!(file = %path.display(), "everybody on this machine can read the tokens in the tokens file; write them as sha256, or chmod o-r");
    }
    Ok(callers)
}

impl Access {
    /// Looks at the tokens file, if there is one, until asked to stop.
    pub(in crate::server) async fn keep_fresh(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let Some(file) = &self.file else { return };
        let mut last = Ok(file.seen);
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.reload_interval) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.look(last)).await;
            // A look that panicked is as good as none that saw anything.
            last = looked.unwrap_or_else(|error| Err(error.to_string()));
        }
    }

    /// Looks at the file: what it holds is taken when it is not what was seen last. A file that cannot be used leaves the callers as they are
    /// and is complained of once. Returns what was seen.
    fn look(&self, last: Result<Seen, String>) -> Result<Seen, String> {
        let Some(Watched { path, .. }) = &self.file else { return last };
        let found = ambient::read_text_and_mode(path, MAX_FILE_BYTES);
        let now = found.as_ref().map(|(text, mode)| seen(text, *mode)).map_err(ToString::to_string);
        if now != last {
            match found.map_err(LoadError::from).and_then(|(text, mode)| read(path, &text, mode)) {
                Ok(callers) => self.replace(callers),
                Err(error) => tracing::error!(%error, "the tokens file cannot be used; the callers of before stay"),
            }
        }
        now
    }

    fn replace(&self, mut callers: Callers) {
        if let Some(held) = &self.callers {
            callers.keep(&held.load());
            tracing::info!(callers = callers.len(), "the tokens file was read again");
            held.store(Arc::new(callers));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::server::access::{AccessConfig, Connection};

    const ONE: &str = "[[token]]\nname = \"one\"\ntoken = \"0123456789abcdef-one\"\nscopes = [\"read\"]\n";
    const TWO: &str = "[[token]]\nname = \"two\"\ntoken = \"0123456789abcdef-two\"\nscopes = [\"read\"]\n";

    fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
        let _ = std::fs::remove_file(path);
        std::fs::write(path, text).expect("written");
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("set");
    }

    fn knows(access: &Access, name: &str) -> bool {
        let request = http::Request::builder().header("authorization", format!("Bearer 0123456789abcdef-{name}"));
        let mut request = request.body(()).expect("a request");
        request.extensions_mut().insert(Connection::Tcp { peer: None, local: None });
        access.caller_of(&request).is_ok_and(|caller| caller.name() == name)
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_callers_and_the_next_good_one_is_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("tokens.toml");
        write(&path, ONE, 0o600);
        let file = TokensFile::load(&path).expect("a tokens file");
        let mut last = Ok(file.seen);
        let access = Access::new(AccessConfig { tokens: Some(file), ..AccessConfig::default() });
        assert!(knows(&access, "one") && !knows(&access, "two"));
        let spoil: [&dyn Fn(); 6] = [
            &|| write(&path, "[[token]]\nname =", 0o600),
            &|| write(&path, [0xff, 0xfe], 0o600),
            &|| write(&path, TWO, 0o606),
            &|| write(&path, TWO.repeat(2), 0o600),
            &|| write(&path, vec![b'#'; (1 << 20) + 1], 0o600),
            &|| std::fs::remove_file(&path).expect("removed"),
        ];
        for spoil in spoil {
            spoil();
            last = access.look(last);
            assert!(knows(&access, "one") && !knows(&access, "two"));
            write(&path, TWO, 0o600);
            last = access.look(last);
            assert!(!knows(&access, "one") && knows(&access, "two"));
            write(&path, ONE, 0o600);
            last = access.look(last);
            assert!(knows(&access, "one") && !knows(&access, "two"));
        }
        write(&path, "", 0o600);
        assert_eq!(access.look(last).ok(), Some(seen("", 0o600)));
        assert!(!knows(&access, "one"), "an empty file names nobody");
    }

    #[test]
    fn a_file_that_everybody_may_write_is_refused_at_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("tokens.toml");
        for (mode, is_refused) in
            [(0o600, false), (0o644, false), (0o440, false), (0o660, false), (0o602, true), (0o666, true)]
        {
            write(&path, ONE, mode);
            let refused = matches!(TokensFile::load(&path), Err(LoadError::Writable { .. }));
            assert_eq!(refused, is_refused, "{mode:o}");
        }
    }
}
