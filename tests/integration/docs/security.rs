//! `docs/security.md`: each promise names the tests that hold it, and those are there.

use std::collections::HashSet;
use std::path::Path;

/// The names of all functions of this repository that are tests.
fn tests(directory: &Path, found: &mut HashSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name =
                    line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                if line == "#[test]" || line.starts_with("#[tokio::test") {
                    is_test = true;
                } else if let Some(name) = name
                    && std::mem::take(&mut is_test)
                {
                    found.insert(name.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there = HashSet::new();
    for directory in ["src", "tests"] {
        tests(&repository.join(directory), &mut there);
    }
    assert!(there.len() > 1000, "{} tests found", there.len());
    let document = std::fs::read_to_string(repository.join("docs/security.md")).expect("a document");
    let (_, table) = document.split_once("| promise | how it is held | tests |\n|---|---|---|\n").expect("the table");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 20, "{} promises", rows.len());
    let mut faults = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [promise, how, named] = cells[..] else { panic!("three cells: {row}") };
        assert!(!promise.is_empty() && !how.is_empty(), "{row}");
        let names: Vec<&str> = named.split_whitespace().map(|name| name.trim_matches('`')).collect();
        if names.is_empty() {
            faults.push(format!("no test: {promise}"));
        }
        let missing = names.iter().filter(|name| !there.contains(**name));
        faults.extend(missing.map(|name| format!("no test of this name: {name} ({promise})")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
