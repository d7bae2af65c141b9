//! Options from the environment and from a TOML file: flag over environment over file over default, for every option of the tree.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use toml::{Table, Value};

use super::Cli;
use super::reach::TOKEN_VARIABLE;
use crate::repository::ambient;

/// The largest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Options that say the same thing in two ways. The one from the stronger source wins: `--port` over `listen` in the file.
const ALTERNATIVES: [(&str, &str); 3] = [("run-id", "directory"), ("listen", "host"), ("listen", "port")];

/// Options that belong together, and stand apart from a weaker source: `--runs-dir` is a local directory whatever server the environment names,
/// and `--server` is asked whatever directory that names.
const TOGETHER: [(&str, &str); 1] = [("server", "runs-dir")];

/// Why there are no matches.
#[derive(Debug)]
pub(super) enum Stop {
    /// What clap says, error or help, and where a wrong value came from when that was not the command line.
    Clap(clap::Error, Option<String>),
    /// The configuration file is wrong.
    Config(String),
}

/// Where a value comes from, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Nowhere,
    File,
    Environment,
    Flag,
}

/// What stands behind the command line.
struct Behind<'a> {
    arguments: &'a [OsString],
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Parses the command line against the tree, with the environment and the configuration file behind it.
pub(super) fn matches(arguments: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Stop> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let behind = Behind { arguments: &arguments, variable: &|name| std::env::var_os(name) };
    let file = behind.config_path();
    let table = match &file {
        None => Table::new(),
        Some(path) => {
            let text = ambient::read_text(path, MAX_CONFIG_BYTES).map_err(|error| {
                let next = "--config or GUIDE_BOARD_CONFIG names it, and `guide-board init` writes one";
                Stop::Config(format!("{error}; {next}"))
            })?;
            text.parse().map_err(|error| Stop::Config(format!("{}: {error}", path.display())))?
        }
    };
    let tree = behind.extend(Cli::command(), &table, &[]).map_err(|message| {
        let path = file.as_deref().unwrap_or(Path::new(""));
        Stop::Config(format!("{}: {message}", path.display()))
    })?;
    tree.try_get_matches_from(&arguments).map_err(|error| {
        let origin = behind.origin(&error, file.as_deref());
        Stop::Clap(error, origin)
    })
}

/// Whether the command line itself gives `--long`, and not what stands behind it.
pub(super) fn is_on_the_command_line(long: &str) -> bool {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Behind { arguments: &arguments, variable: &|_| None }.gives(long)
}

impl Behind<'_> {
    /// The file that `--config` or GUIDE_BOARD_CONFIG names. Looked for before the whole is parsed, since it changes what the defaults are.
    fn config_path(&self) -> Option<PathBuf> {
        let mut given = self.flags();
        while let Some(argument) = given.next() {
            if argument == "--config" {
                return given.next().map(Into::into);
            }
            if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
                return Some(path.into());
            }
        }
        self.value("GUIDE_BOARD_CONFIG").map(Into::into)
    }

    fn flags(&self) -> impl Iterator<Item = &OsString> {
        self.arguments.iter().take_while(|argument| *argument != "--")
    }

    /// Whether the command line gives `--long`.
    fn gives(&self, long: &str) -> bool {
        self.flags()
            .filter_map(|argument| argument.to_str()?.strip_prefix("--"))
            .any(|flag| flag.strip_prefix(long).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
    }

    /// A variable's value. An empty one counts as unset.
    fn value(&self, variable: &str) -> Option<OsString> {
        (self.variable)(variable).filter(|value| !value.is_empty())
    }

    /// Gives every option of a command and of those below it its variable, and what the file says as its default. A key of the file that is
    /// no option is refused.
    fn extend(&self, mut tree: Command, table: &Table, path: &[&str]) -> Result<Command, String> {
        let longs: Vec<String> = tree.get_arguments().filter(|arg| is_option(arg)).filter_map(long_of).collect();
        let below: Vec<String> = tree.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let mut from_file: BTreeMap<&str, &Value> = BTreeMap::new();
        for (key, value) in table {
            if !(below.contains(key) && value.is_table()) {
                if !longs.contains(key) || key == "config" {
                    return Err(no_option(path, key));
                }
                from_file.insert(key, value);
            }
        }
        let mut sources: BTreeMap<&str, Source> = BTreeMap::new();
        for long in &longs {
            let source = match long.as_str() {
                flag if self.gives(flag) => Source::Flag,
                flag if self.value(&variable_of(path, flag)).is_some() => Source::Environment,
                // The variable that holds a token itself is of the environment, which is stronger than the file.
                "token-file" if self.value(TOKEN_VARIABLE).is_some() => Source::Nowhere,
                key if from_file.contains_key(key) => Source::File,
                _ => Source::Nowhere,
            };
            sources.insert(long, source);
        }
        for (left, right) in ALTERNATIVES.into_iter().chain(TOGETHER) {
            let (Some(one), Some(other)) = (sources.get(left).copied(), sources.get(right).copied()) else { continue };
            if one == Source::File && other == Source::File && !TOGETHER.contains(&(left, right)) {
                return Err(format!("`{}` and `{}` exclude each other", place(path, left), place(path, right)));
            }
            if one > other {
                sources.insert(right, Source::Nowhere);
            } else if other > one {
                sources.insert(left, Source::Nowhere);
            }
        }
        // So is `--root`: the runs are those of that directory, and neither a server's nor what a server's directory is called.
        let names_weaker = |source: &Source| (Source::File..=Source::Environment).contains(source);
        if path == ["runs"] && self.gives("root") && sources.get("server").is_some_and(names_weaker) {
            sources.insert("server", Source::Nowhere);
            if sources.get("runs-dir").is_some_and(names_weaker) {
                sources.insert("runs-dir", Source::Nowhere);
            }
        }
        for long in &longs {
            let source = sources.get(long.as_str()).copied().unwrap_or(Source::Nowhere);
            let default = from_file.get(long.as_str()).filter(|_| source != Source::Nowhere);
            tree = self.extend_option(tree, long, source, default.copied(), path)?;
        }
        for name in below {
            let empty = Table::new();
            let inner = table.get(&name).and_then(Value::as_table).unwrap_or(&empty);
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            let mut outcome = Ok(());
            tree = tree.mut_subcommand(&name, |command| {
                self.extend(command.clone(), inner, &path).unwrap_or_else(|error| {
                    outcome = Err(error);
                    command
                })
            });
            outcome?;
        }
        Ok(tree)
    }

    fn extend_option(
        &self,
        tree: Command,
        long: &str,
        source: Source,
        default: Option<&Value>,
        path: &[&str],
    ) -> Result<Command, String> {
        let Some(id) = tree.get_arguments().find(|arg| arg.get_long() == Some(long)).map(|arg| arg.get_id().clone())
        else {
            return Ok(tree);
        };
        let variable = variable_of(path, long);
        // A variable that is set and empty is no value, though clap would take it for one.
        let is_silent = (self.variable)(&variable).is_some_and(|value| value.is_empty() || source == Source::Nowhere);
        let is_list = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append);
        let values = match default {
            None => None,
            Some(value) => {
                let is_list = tree.get_arguments().any(|arg| *arg.get_id() == id && is_list(arg));
                Some(texts(value, is_list).map_err(|message| format!("`{}` {message}", place(path, long)))?)
            }
        };
        let group =
            values.as_ref().and_then(|_| tree.get_groups().find(|group| group.get_args().any(|arg| *arg == id)));
        let group = group.map(|group| group.get_id().clone());
        let tree = tree.mut_arg(id, |arg| {
            let mut arg = match arg.get_action() {
                ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                _ => arg.allow_negative_numbers(true),
            };
            if !is_silent {
                arg = arg.env(variable).hide_env_values(true);
            }
            match values {
                Some(values) if is_list(&arg) => arg.required(false).default_values(values),
                Some(values) => arg.required(false).default_values(values.into_iter().take(1)),
                None => arg,
            }
        });
        // A default does not satisfy a group that asks for one of several options.
        Ok(match group {
            Some(group) => tree.mut_group(group, |group| group.required(false)),
            None => tree,
        })
    }

    /// Where a wrong value came from, unless it was the command line.
    fn origin(&self, error: &clap::Error, file: Option<&Path>) -> Option<String> {
        if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
            return None;
        }
        let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
        let long = shown.strip_prefix("--")?.split([' ', '=']).next()?;
        if self.gives(long) {
            return None;
        }
        let command = Cli::command();
        let mut path: Vec<&str> = Vec::new();
        let mut here = &command;
        for word in self.flags().filter_map(|argument| argument.to_str()) {
            if let Some(next) = here.get_subcommands().find(|command| command.get_name() == word) {
                here = next;
                path.push(word);
            }
        }
        // An option of a command above is global, and has the variable of its place.
        let variables = (0..=path.len()).rev().map(|depth| variable_of(path.get(..depth).unwrap_or_default(), long));
        let set = variables.into_iter().find(|variable| self.value(variable).is_some());
        Some(match (set, file) {
            (Some(variable), _) => format!("the value is that of {variable} in the environment"),
            (None, Some(file)) => format!("the value stands in {}", file.display()),
            (None, None) => return None,
        })
    }
}

/// What to say of a key that is no option of its command.
fn no_option(path: &[&str], key: &str) -> String {
    let here = place(path, key);
    let mut command = &Cli::command();
    for (depth, name) in path.iter().enumerate() {
        if command.get_arguments().any(|arg| arg.get_long() == Some(key) && arg.is_global_set()) {
            let above = place(path.get(..depth).unwrap_or_default(), key);
            return format!("`{here}` stands as `{above}`, for all commands below");
        }
        let Some(next) = command.find_subcommand(name) else { break };
        command = next;
    }
    format!("`{here}` is no option; the options of a command stand in a table of its name")
}

/// The variable of an option: `serve --port-file` is GUIDE_BOARD_PORT_FILE. Below `runs` and `jobs`, where other commands have options of the same
/// name and another meaning, it carries the command: `runs list --target` is GUIDE_BOARD_RUNS_LIST_TARGET; and so do those of `health` that are its own.
/// What a client says of TLS carries CLIENT, for all commands that ask a server: `serve --tls-cert` in the same environment is another certificate.
fn variable_of(path: &[&str], long: &str) -> String {
    let command = match path {
        [above @ ("runs" | "jobs"), command] => format!("{above}_{command}_"),
        ["runs" | "jobs" | "health"] if long.starts_with("tls-") => "client_".to_owned(),
        ["runs"] if long == "retry-for" => "runs_".to_owned(),
        ["health"] if matches!(long, "service" | "wait" | "timeout") => "health_".to_owned(),
        // `run --output-dir` is a run's.
        ["man"] => "man_".to_owned(),
        _ => String::new(),
    };
    format!("GUIDE_BOARD_{command}{long}").replace('-', "_").to_ascii_uppercase()
}

fn is_option(arg: &Arg) -> bool {
    !matches!(arg.get_long(), Some("help" | "version") | None)
}

fn long_of(arg: &Arg) -> Option<String> {
    arg.get_long().map(str::to_owned)
}

fn place(path: &[&str], key: &str) -> String {
    path.iter().copied().chain([key]).collect::<Vec<_>>().join(".")
}

/// A value of the file as the texts that a command line would have.
fn texts(value: &Value, is_list: bool) -> Result<Vec<String>, String> {
    let single = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    };
    let texts = match value {
        Value::Array(items) if is_list => items.iter().map(single).collect(),
        value => single(value).map(|text| vec![text]),
    };
    texts.ok_or_else(|| {
        let list = if is_list { ", or a list of those" } else { "" };
        format!("must be a text, a number, true or false{list}")
    })
}

/// The tree with its variables, as help shows it.
pub(super) fn tree() -> Command {
    let behind = Behind { arguments: &[], variable: &|_| None };
    // Only a file can be wrong.
    behind.extend(Cli::command(), &Table::new(), &[]).unwrap_or_else(|_| Cli::command())
}

#[cfg(test)]
pub(super) use tests::check_file;

#[cfg(test)]
mod tests;
