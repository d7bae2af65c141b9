//! Options from the environment and from a TOML file: flag over environment over file over default, for every option of the tree.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgAction, ArgMatches, Command, CommandFactory};
use toml::{Table, Value};

use super::Cli;
use crate::repository::ambient;

/// The largest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Why there are no matches.
#[derive(Debug)]
pub(super) enum Stop {
    /// What clap says: an error, or help.
    Clap(clap::Error),
    /// The configuration file is wrong.
    Config(String),
}

/// Parses the command line against the tree, with the environment and the configuration file behind it.
pub(super) fn matches(arguments: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Stop> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut tree = with_environment(Cli::command());
    if let Some(path) = config_path(&arguments) {
        let text =
            ambient::read_text(Path::new(&path), MAX_CONFIG_BYTES).map_err(|error| Stop::Config(error.to_string()))?;
        let table: Table = text.parse().map_err(|error| Stop::Config(format!("{}: {error}", path.display())))?;
        tree = with_file(tree, &table, "").map_err(|error| Stop::Config(format!("{}: {error}", path.display())))?;
    }
    tree.try_get_matches_from(arguments).map_err(Stop::Clap)
}

/// Gives every option of the tree its variable: `--runs-dir` is GUIDE_BOARD_RUNS_DIR.
pub(super) fn with_environment(tree: Command) -> Command {
    let tree = tree.mut_args(|arg| match arg.get_long() {
        Some("help" | "version") | None => arg,
        Some(long) => {
            let variable = format!("GUIDE_BOARD_{}", long.replace('-', "_").to_ascii_uppercase());
            arg.env(variable).hide_env_values(true)
        }
    });
    let names: Vec<String> = tree.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(tree, |tree, name| tree.mut_subcommand(name, with_environment))
}

/// The file that `--config` or GUIDE_BOARD_CONFIG names. Looked for before the whole is parsed, since it changes what the defaults are.
fn config_path(arguments: &[OsString]) -> Option<std::path::PathBuf> {
    let mut given = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = given.next() {
        if argument == "--config" {
            return given.next().map(Into::into);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    std::env::var_os("GUIDE_BOARD_CONFIG").map(Into::into)
}

/// Makes what a table of the file says the defaults of a command and of those below it. A key that is no option is refused.
fn with_file(mut tree: Command, table: &Table, place: &str) -> Result<Command, String> {
    for (key, value) in table {
        let here = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let subcommand = tree
            .get_subcommands()
            .find(|command| command.get_name() == key)
            .map(|command| command.get_name().to_owned());
        if let (Some(name), Value::Table(inner)) = (&subcommand, value) {
            let mut outcome = Ok(());
            tree = tree.mut_subcommand(name, |command| {
                with_file(command.clone(), inner, &here).unwrap_or_else(|error| {
                    outcome = Err(error);
                    command
                })
            });
            outcome?;
            continue;
        }
        let id = tree
            .get_arguments()
            .find(|arg| arg.get_long() == Some(key) && !matches!(key.as_str(), "help" | "version" | "config"))
            .map(|arg| arg.get_id().clone())
            .ok_or_else(|| format!("`{here}` is no option; the options of a command stand in a table of its name"))?;
        let values = texts(value)
            .ok_or_else(|| format!("`{here}` must be a text, a number, true or false, or a list of those"))?;
        tree = tree.mut_arg(id, |arg| match arg.get_action() {
            ArgAction::Append => arg.required(false).default_values(values),
            _ => arg.required(false).default_value(values.into_iter().next().unwrap_or_default()),
        });
    }
    Ok(tree)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let single = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    };
    match value {
        Value::Array(items) => items.iter().map(single).collect(),
        value => Some(vec![single(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(config: &str, arguments: &[&str]) -> Result<ArgMatches, String> {
        let table: Table = config.parse().expect("TOML");
        let tree = with_file(Cli::command(), &table, "")?;
        tree.try_get_matches_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_tree_is_consistent() {
        with_environment(Cli::command()).debug_assert();
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let config = "root = \"/file\"\n[runs.list]\nlimit = 7\ntarget = \"t\"";
        let matches = with(config, &["guide-board", "runs", "list", "--limit", "9"]).expect("matches");
        let list =
            matches.subcommand_matches("runs").and_then(|runs| runs.subcommand_matches("list")).expect("runs list");
        assert_eq!(list.get_one::<u64>("limit"), Some(&9));
        assert_eq!(list.get_one::<String>("target").map(String::as_str), Some("t"));
        assert_eq!(list.get_one::<std::path::PathBuf>("root").and_then(|root| root.to_str()), Some("/file"));
    }

    #[test]
    fn lists_fill_repeated_options_and_switches_take_true() {
        let config = "[serve]\nruns-dir = [\"a=/a\", \"b=/b\"]\nread-only = true";
        let matches = with(config, &["guide-board", "serve"]).expect("matches");
        let serve = matches.subcommand_matches("serve").expect("serve");
        assert_eq!(serve.get_many::<crate::repository::RootSpec>("runs_dirs").map(Iterator::count), Some(2));
        assert!(serve.get_flag("read_only"));
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_place() {
        let error = with("[serve]\nlissen = 1", &["guide-board", "serve"]).expect_err("refused");
        assert!(error.contains("`serve.lissen`"), "{error}");
        assert!(with("config = \"x\"", &["guide-board", "serve"]).is_err());
    }
}
