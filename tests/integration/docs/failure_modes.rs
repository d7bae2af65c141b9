//! The table of failure modes in `docs/operations.md` quotes what the program says: its words, its reasons, its metrics.

use std::path::Path;

/// All sources of the program, one after the other.
fn sources(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// The cells of the table's rows: what happens, what is seen, what to do.
fn rows(document: &str) -> Vec<[&str; 3]> {
    let (_, table) =
        document.split_once("| what happens | what is seen | what to do |\n|---|---|---|\n").expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| cells.try_into().unwrap_or_else(|cells| panic!("three cells: {cells:?}"))).collect()
}

#[test]
fn what_the_failure_modes_quote_is_what_the_program_says() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(repository.join("docs/operations.md")).expect("the document");
    let mut program = String::new();
    sources(&repository.join("src"), &mut program);
    let rows = rows(&document);
    assert!(rows.len() > 20, "{} rows", rows.len());
    let mut unsaid = Vec::new();
    for [happens, seen, _] in rows {
        for span in seen.split('`').skip(1).step_by(2) {
            let is_metric = ["guide_board_", "grpc_server_", "process_"].iter().any(|start| span.starts_with(start));
            let name = span.split('{').next().unwrap_or(span);
            let is_said = if is_metric { document.contains(&format!("| `{name}` |")) } else { program.contains(span) };
            if !is_said {
                unsaid.push(format!("`{span}` ({happens})"));
            }
        }
        let words = seen.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
        let reasons = words.filter(|word| word.trim_matches('_').contains('_'));
        let unknown = reasons.filter(|reason| !program.contains(&format!("\"{reason}\"")));
        unsaid.extend(unknown.map(|reason| format!("{reason} ({happens})")));
    }
    assert!(unsaid.is_empty(), "nothing in src says: {}", unsaid.join(", "));
}
