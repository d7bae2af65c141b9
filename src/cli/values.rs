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

/// A word as every shell takes it: bare where none of them sees more in it than its letters, which zsh does in `[` and `]`, and in a `=` at the front. A text from elsewhere
/// has to be whole: one that was cut to a table's cell is another word.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/+@%:,=".contains(letter);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A path likewise, which no program takes for an option.
pub(super) fn quoted_path(text: &str) -> String {
    if text.starts_with('-') { quoted(&format!("./{text}")) } else { quoted(text) }
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
        assert_eq!(quoted_path("-x"), "./-x");
    }

    #[test]
    fn a_word_is_quoted_when_a_shell_would_see_more_in_it() {
        for plain in
            ["target/release/guide-board", "http://localhost:8080", "unix:board.sock", "a+b@c%d,e", "name=runs"]
        {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted("http://[::1]:8080"), "'http://[::1]:8080'");
        assert_eq!((quoted("=ls"), quoted("~"), quoted("")), ("'=ls'".to_owned(), "'~'".to_owned(), "''".to_owned()));
        assert_eq!(quoted("/my tools/g'b"), r"'/my tools/g'\''b'");
    }

    #[test]
    fn a_count_is_a_whole_number() {
        assert_eq!((count("0"), count("9223372036854775807")), (Ok(0), Ok(i64::MAX.unsigned_abs())));
        for refused in ["-1", "", "1.5", "many", "9223372036854775808"] {
            assert!(count(refused).is_err(), "{refused}");
        }
    }
}
