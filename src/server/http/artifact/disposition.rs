//! Under which type and name an output is handed to a client that may be a browser.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::is_media_type;

/// What a browser shows without running anything in it. All else is saved rather than shown.
const PASSIVE: [&str; 13] = [
    "application/json",
    "application/x-ndjson",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
    "text/x-log",
    "text/x-toml",
];
/// The longest name that is proposed, in bytes: half of what file systems take, so that a client can add to it.
const MAX_NAME: usize = 128;
/// Names that mean devices to Windows, whatever extension follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A media type fit to be sent; what is none is bytes. So is a body of several parts: each part brings headers of its own, and a client that takes
/// them apart would show what they say.
fn media_type(recorded: &str) -> &str {
    let is_of_parts = recorded.split('/').next().is_some_and(|kind| kind.eq_ignore_ascii_case("multipart"));
    if is_media_type(recorded) && !is_of_parts { recorded } else { "application/octet-stream" }
}

/// `Content-Type` of a file. Text is said to be UTF-8, which all is that this program writes; without that a browser takes another encoding.
pub(super) fn content_type(recorded: &str) -> Cow<'_, str> {
    let kind = media_type(recorded);
    let is_text = kind.split('/').next().is_some_and(|kind| kind.eq_ignore_ascii_case("text"));
    if is_text { Cow::Owned(format!("{kind}; charset=utf-8")) } else { Cow::Borrowed(kind) }
}

/// `Content-Disposition` of a file: shown or saved, under the last component of its path made harmless.
pub(super) fn of(path: &str, recorded: &str) -> String {
    let kind = media_type(recorded).to_ascii_lowercase();
    let how = if PASSIVE.contains(&kind.as_str()) { "inline" } else { "attachment" };
    let name = harmless(path.rsplit('/').next().unwrap_or_default());
    let plain: String =
        name.chars().map(|letter| if letter.is_ascii() && letter != '%' { letter } else { '_' }).collect();
    let mut text = format!("{how}; filename=\"{plain}\"");
    if plain != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// A name that is one component everywhere, shows as what it is, and opens no device.
fn harmless(name: &str) -> String {
    let kept = |letter: char| if is_harmful(letter) { '_' } else { letter };
    let clean: String = name.chars().map(kept).collect();
    // Windows drops blanks and dots at the end; a dot in front hides a file.
    let clean = clean.trim_end_matches([' ', '.']).trim_start_matches([' ', '.']);
    let clean = bounded(clean);
    let stem = clean.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_port = ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|number| {
            number.chars().count() == 1 && number.chars().all(|digit| "0123456789¹²³".contains(digit))
        })
    });
    match clean.as_str() {
        "" => "artifact".to_owned(),
        _ if is_port || DEVICES.contains(&stem.as_str()) => format!("_{clean}"),
        _ => clean,
    }
}

/// Separators, what quoting or a file system gives a meaning, control characters, and what makes text show otherwise than it is.
fn is_harmful(letter: char) -> bool {
    let is_invisible = matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    letter.is_control() || is_invisible || "/\\\":*?<>|".contains(letter)
}

/// At most [`MAX_NAME`] bytes, and the extension stays.
fn bounded(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let extension = if extension.len() > 16 || extension.is_empty() { String::new() } else { format!(".{extension}") };
    let mut stem = String::new();
    for letter in name.chars() {
        if stem.len() + letter.len_utf8() + extension.len() > MAX_NAME {
            break;
        }
        stem.push(letter);
    }
    stem + &extension
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_act_is_saved_and_what_can_not_is_shown() {
        for kind in [
            "text/html",
            "application/xhtml+xml",
            "image/svg+xml",
            "text/xml",
            "application/xml",
            "text/javascript",
            "application/pdf",
            "TEXT/HTML",
            "application/octet-stream",
            "",
            "x",
        ] {
            assert!(of("a", kind).starts_with("attachment;"), "{kind}");
        }
        for kind in ["text/plain", "application/json", "image/png", "text/markdown"] {
            assert!(of("a", kind).starts_with("inline;"), "{kind}");
        }
    }

    #[test]
    fn a_type_that_is_none_is_bytes() {
        for kind in ["", "text", "/", "text/", "text/plain\r\nx: y", "text/html; charset=utf-16", "a b/c", "tëxt/plain"]
        {
            assert_eq!(media_type(kind), "application/octet-stream", "{kind:?}");
        }
        assert_eq!(media_type("image/svg+xml"), "image/svg+xml");
    }

    #[test]
    fn text_is_said_to_be_utf_8_and_nothing_else_is() {
        for (recorded, sent) in [
            ("text/plain", "text/plain; charset=utf-8"),
            ("Text/HTML", "Text/HTML; charset=utf-8"),
            ("application/json", "application/json"),
            ("image/png", "image/png"),
            ("text", "application/octet-stream"),
        ] {
            assert_eq!(content_type(recorded), sent, "{recorded}");
        }
    }

    #[test]
    fn a_body_of_several_parts_is_bytes_to_a_client() {
        for kind in ["multipart/x-mixed-replace", "Multipart/Related", "multipart/form-data"] {
            assert_eq!(media_type(kind), "application/octet-stream", "{kind}");
            assert!(of("a", kind).starts_with("attachment;"), "{kind}");
        }
    }

    #[test]
    fn a_name_cannot_hurt_a_client() {
        for (path, name) in [
            ("reports/report.md", "report.md"),
            ("a/.bashrc", "bashrc"),
            ("a/...", "artifact"),
            ("a/", "artifact"),
            ("a/x\".md", "x_.md"),
            ("a/x\r\nset-cookie: a", "x__set-cookie_ a"),
            ("a/..\\..\\x", "_.._x"),
            ("a/C:evil", "C_evil"),
            ("a/nul", "_nul"),
            ("a/CON.txt", "_CON.txt"),
            ("a/com1.tar.gz", "_com1.tar.gz"),
            ("a/lpt9 .x", "_lpt9 .x"),
            ("a/come.txt", "come.txt"),
            ("a/x. . .", "x"),
            ("a/txt.\u{202e}exe", "txt._exe"),
        ] {
            assert_eq!(harmless(path.rsplit('/').next().expect("a name")), name, "{path:?}");
        }
        assert_eq!(of("a/x.md", "text/markdown"), "inline; filename=\"x.md\"");
        assert_eq!(of("a/é%.md", "text/markdown"), "inline; filename=\"__.md\"; filename*=UTF-8''%C3%A9%25.md");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = harmless(&format!("{}.json", "é".repeat(200)));
        assert!(name.len() <= MAX_NAME && name.ends_with("é.json"), "{name}");
        assert!(harmless(&"x".repeat(300)).len() <= MAX_NAME);
    }

    proptest! {
        #[test]
        fn of_any_name_a_plain_header_is_made(path in any::<String>(), kind in any::<String>()) {
            let text = of(&path, &kind);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", text);
            prop_assert_eq!(text.matches('"').count(), 2);
            prop_assert!(text.len() < 3 * 3 * MAX_NAME);
        }
    }
}
