//! Reading pip requirements files: which lines leave the version open.

/// A requirement whose version is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpinned {
    /// The line it starts on, counted from 1.
    pub line: u64,
    /// The requirement, shortened.
    pub requirement: String,
}

/// What a requirements file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    /// How many requirements it lists.
    pub count: usize,
    /// Those that are not pinned.
    pub unpinned: Vec<Unpinned>,
    /// Whether it applies a constraints file, which may hold the pins.
    pub constrained: bool,
}

/// Reads a requirements file; options, includes and local paths are no open versions.
pub fn parse(text: &str) -> Requirements {
    let mut found = Requirements::default();
    for (line, logical) in logical_lines(text) {
        let entry = logical.split(" #").next().unwrap_or_default().trim();
        if entry.is_empty() || entry.starts_with('#') {
            continue;
        }
        if entry.starts_with('-') {
            found.constrained |= entry.starts_with("-c") || entry.starts_with("--constraint");
            continue;
        }
        found.count = found.count.saturating_add(1);
        if !is_pinned(entry) {
            found.unpinned.push(Unpinned { line, requirement: entry.chars().take(80).collect() });
        }
    }
    found
}

/// Lines joined at trailing backslashes, each with the number of its first one.
fn logical_lines(text: &str) -> Vec<(u64, String)> {
    let mut joined: Vec<(u64, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1_u64..).zip(text.lines()) {
        let (part, goes_on) = line.trim_end().strip_suffix('\\').map_or((line, false), |part| (part, true));
        match joined.last_mut() {
            Some((_, last)) if open => last.push_str(part),
            _ => joined.push((number, part.to_owned())),
        }
        open = goes_on;
    }
    joined
}

fn is_pinned(entry: &str) -> bool {
    if entry.starts_with(['.', '/', '{', '$', '%', '<']) || entry.starts_with("file:") {
        return true;
    }
    if entry.contains("--hash=") {
        return true;
    }
    if entry.contains("://") {
        return entry.contains("sha256=") || entry.contains("sha512=") || has_commit(entry);
    }
    let specifier = entry.split(';').next().unwrap_or_default();
    specifier.split_once("==").is_some_and(|(_, version)| {
        let version = version.trim_start_matches('=').trim();
        version.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && !version.contains('*')
    })
}

/// Whether a URL names a commit: at least forty hexadecimal digits after an `@`.
fn has_commit(entry: &str) -> bool {
    entry.rsplit('@').next().is_some_and(|revision| {
        let revision = revision.split(['#', ' ', ';']).next().unwrap_or_default();
        revision.len() >= 40 && revision.chars().all(|letter| letter.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_and_bare_names_are_open() {
        let found = parse("a\nb>=1\n# c\nd~=1.0\ne==1.*\nf==\n");
        let lines: Vec<u64> = found.unpinned.iter().map(|unpinned| unpinned.line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6]);
    }

    #[test]
    fn pins_hashes_commits_and_options_are_not_open() {
        let text = "a==1.2 ; python_version<'3.9'\nb[x] == 2 # why\n-r other.txt\n--index-url https://x\n-e .\n./local\n\
                    c>=1 \\\n  --hash=sha256:00\nd @ git+https://h/r@0123456789012345678901234567890123456789#egg=d\n";
        let found = parse(text);
        assert_eq!(found.unpinned, []);
        assert_eq!(found.count, 5);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[-a=<>@#;\\\\ \n.*]{0,120}|\\PC{0,120}") {
            let found = parse(&text);
            prop_assert!(found.unpinned.len() <= found.count);
        }
    }
}
