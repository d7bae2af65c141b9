//! Which mechanism confines opens, decided once at start.

use std::fmt;

/// The mechanism that confines opens. Both give the same answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Containment {
    /// One `openat2` call with `RESOLVE_BENEATH`, `NO_SYMLINKS`, `NO_MAGICLINKS` and `NO_XDEV`: the kernel confines. Linux 5.6 and later.
    Openat2,
    /// One `openat` with `O_NOFOLLOW` a component, and the mount of each compared: works everywhere.
    Walk,
}

/// What the operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ContainmentChoice {
    /// `openat2` where the system has it and allows it, else the walk
    #[default]
    Auto,
    /// The kernel confines an open as a whole; without it, do not start
    Openat2,
    /// Component by component, which every system can
    Walk,
}

/// `openat2` was asked for and the system refuses it.
#[derive(Debug, thiserror::Error)]
#[error(
    "openat2 was asked for, and this system refuses it (it needs Linux 5.6, and a seccomp profile may forbid it); use --containment walk"
)]
pub struct ContainmentUnavailable {
    #[source]
    cause: std::io::Error,
}

impl ContainmentChoice {
    /// Probes the system and decides.
    ///
    /// # Errors
    /// When `openat2` is asked for and refused: it is never silently replaced.
    pub fn decide(self) -> Result<Containment, ContainmentUnavailable> {
        match (self, probe()) {
            (Self::Walk, _) | (Self::Auto, Err(_)) => Ok(Containment::Walk),
            (Self::Auto | Self::Openat2, Ok(())) => Ok(Containment::Openat2),
            (Self::Openat2, Err(cause)) => Err(ContainmentUnavailable { cause }),
        }
    }
}

#[cfg(target_os = "linux")]
fn probe() -> std::io::Result<()> {
    super::openat2::probe().map_err(Into::into)
}

#[cfg(not(target_os = "linux"))]
fn probe() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Openat2 => "openat2",
            Self::Walk => "walk",
        })
    }
}
