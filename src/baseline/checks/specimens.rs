//! Which paths are of examples and tests, and which of files that machines write.

use super::lock_files::is_ignored;

/// Whether a file is an example, an input of a test, documentation or other people's: what stands there is seldom in use.
#[must_use]
pub fn is_specimen(path: &str) -> bool {
    const WORDS: [&str; 14] = [
        "test", "tests", "spec", "specs", "example", "examples", "sample", "samples", "fixture", "fixtures", "mock",
        "mocks", "dummy", "template",
    ];
    const DIRECTORIES: [&str; 7] = ["integration", "e2e", "playground", "playgrounds", "corpus", "spec", "specs"];
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let spaced: String = split_humps(name);
    let is_of_tests =
        directory.to_lowercase().split('/').any(|part| DIRECTORIES.contains(&part) || part.starts_with("dummy"));
    is_ignored(directory)
        || is_of_tests
        || spaced.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// Whether a file is written by machines, so that names in it say nothing: lock files, bundles, pictures.
#[must_use]
pub fn is_machine_written(path: &str) -> bool {
    const ENDINGS: [&str; 15] = [
        ".cargo-checksum.json",
        ".lock",
        "-lock.json",
        ".lock.json",
        "-lock.yaml",
        ".sum",
        ".min.js",
        ".min.css",
        ".map",
        ".svg",
        ".ipynb",
        ".po",
        ".pot",
        ".csv",
        ".snap",
    ];
    let lower = path.to_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// The lower-case extension of a path, without its dot; empty when there is none.
#[must_use]
pub fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

/// `FooTest.java` as `foo test.java`.
fn split_humps(name: &str) -> String {
    let mut spaced = String::with_capacity(name.len().saturating_mul(2));
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            spaced.push(' ');
        }
        spaced.push(letter.to_ascii_lowercase());
        before = letter;
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_names_count_and_parts_of_words_do_not() {
        for path in [
            "tests/a.rs",
            "a/FooTest.java",
            "foo_test.go",
            ".env.example",
            "a.spec.ts",
            "docs/a.md",
            "config-sample.yml",
            "integration/tls/a.key",
            "dummyserver/certs/a.key",
        ] {
            assert!(is_specimen(path), "{path}");
        }
        for path in [
            "src/latest.rs",
            "contest.py",
            "inspect.rs",
            "a/main.rs",
            ".env",
            "attestation.json",
            "integrations/slack.py",
        ] {
            assert!(!is_specimen(path), "{path}");
        }
    }
}
