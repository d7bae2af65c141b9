//! The settings table of `docs/operations.md` is that of the command tree (`GUIDE_BOARD_BLESS=1` writes it anew), and other facts of the tree.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{Cli, settings};

const BEGIN: &str = "<!-- begin: settings of the command tree -->\n";
const END: &str = "<!-- end: settings of the command tree -->";

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn row(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !matches!(*long, "help" | "version"))?;
    let value = match arg.get_action() {
        ArgAction::SetTrue => String::new(),
        _ => arg.get_value_names().into_iter().flatten().map(|name| format!(" {name}")).collect(),
    };
    let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if matches!(arg.get_action(), ArgAction::SetTrue) { String::new() } else { defaults.join(", ") };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    Some(format!("| `--{long}{value}` | {} | {} | {help} |\n", code(&variable), code(&default)))
}

fn section(text: &mut String, command: &Command, name: &str) {
    let rows: String = command.get_arguments().filter_map(row).collect();
    if !rows.is_empty() {
        let _ = write!(text, "### `{name}`\n\n| option | variable | default | |\n|---|---|---|---|\n{rows}\n");
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        section(text, below, &format!("{name} {}", below.get_name()));
    }
}

#[test]
fn the_settings_of_the_document_are_those_of_the_tree() {
    let mut text = String::new();
    section(&mut text, &settings::with_environment(Cli::command()), "guide-board");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let whole = std::fs::read_to_string(path).expect("docs/operations.md");
    let (head, rest) = whole.split_once(BEGIN).expect("the beginning of the table");
    let (stands, tail) = rest.split_once(END).expect("the end of the table");
    let wanted = format!("\n{}\n\n", text.trim());
    if stands != wanted && std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{wanted}{END}{tail}")).expect("written");
        return;
    }
    let first = stands.lines().zip(wanted.lines()).find(|(stands, wanted)| stands != wanted);
    assert_eq!(
        stands, wanted,
        "docs/operations.md is not what the tree says, first at {first:?}; GUIDE_BOARD_BLESS=1 cargo test --lib cli::tests writes it anew"
    );
}

#[test]
fn a_label_given_twice_is_refused_and_not_dropped() {
    let labels = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), "v".to_owned())).collect::<Vec<_>>();
    assert_eq!(super::distinct_labels(&labels(&["a", "b"])).map(|labels| labels.len()).ok(), Some(2));
    assert!(super::distinct_labels(&labels(&["a", "b", "a"])).is_err());
}
