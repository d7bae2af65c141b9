//! How values of options are read that more than one command has.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variable that names directories of extensions beside those of `--extension-dir`, whatever that comes from.
pub(super) const EXTENSION_PATHS: &str = "GUIDE_BOARD_EXTENSION_PATHS";

/// The directories that such a variable names, as PATH does; empty elements name none.
pub(super) fn extension_paths(variable: Option<OsString>) -> Vec<PathBuf> {
    let paths = variable.unwrap_or_default();
    std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// A whole number of the command line, from 0 up to what every part of the program can count.
pub(super) fn count(text: &str) -> Result<u64, String> {
    text.parse::<i64>()
        .ok()
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| "a whole number from 0 up".to_owned())
}

/// A path as a shell takes it, and no program takes it for an option.
pub(super) fn quoted_path(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/+@%:,".contains(letter);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let dashed = if text.starts_with('-') { "./" } else { "" };
    format!("'{dashed}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_paths_are_separated_as_in_path_and_empty_ones_are_none() {
        let paths = |text: &str| extension_paths(Some(text.into()));
        assert_eq!(paths("/a::b c:"), [PathBuf::from("/a"), PathBuf::from("b c")]);
        assert!(paths("").is_empty() && paths(":").is_empty() && extension_paths(None).is_empty());
    }

    #[test]
    fn a_shell_takes_every_path_as_it_is_meant() {
        assert_eq!(quoted_path("extensions/a-b.c"), "extensions/a-b.c");
        assert_eq!(quoted_path("a b"), "'a b'");
        assert_eq!(quoted_path("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted_path("-x"), "'./-x'");
    }

    #[test]
    fn a_count_is_a_whole_number() {
        assert_eq!((count("0"), count("9223372036854775807")), (Ok(0), Ok(i64::MAX.unsigned_abs())));
        for refused in ["-1", "", "1.5", "many", "9223372036854775808"] {
            assert!(count(refused).is_err(), "{refused}");
        }
    }
}
