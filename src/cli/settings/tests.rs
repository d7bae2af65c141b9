//! Which source of a value wins, and what is refused.

use super::*;

fn with(config: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Result<ArgMatches, String> {
    let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let behind = Behind { arguments: &arguments, variable: &variable };
    let table: Table = config.parse().expect("TOML");
    let tree = behind.extend(Cli::command(), &table, &[])?;
    tree.try_get_matches_from(&arguments).map_err(|error| error.to_string())
}

/// Fails unless every command takes the file; what a command wants besides is another matter.
pub(in crate::cli) fn check_file(config: &str) -> Result<(), String> {
    fn check(config: &toml::Table, command: &Command, words: &mut Vec<OsString>) -> Result<(), String> {
        let behind = Behind { arguments: words, variable: &|_| None };
        let tree = behind.extend(Cli::command(), config, &[])?;
        match tree.try_get_matches_from(words.iter()) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand) => {
            }
            Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {}
            Err(error) => return Err(error.to_string()),
        }
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            words.push(below.get_name().into());
            check(config, below, words)?;
            words.pop();
        }
        Ok(())
    }
    let config: Table = config.parse().map_err(|error| format!("{error}"))?;
    check(&config, &Cli::command(), &mut vec!["guide-board".into()])
}

fn sub<'a>(matches: &'a ArgMatches, names: &[&str]) -> &'a ArgMatches {
    names.iter().fold(matches, |matches, name| matches.subcommand_matches(name).expect("the command"))
}

#[test]
fn the_tree_is_consistent() {
    tree().debug_assert();
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let config = "root = \"/file\"\n[runs.list]\nlimit = 7\ntarget = \"t\"";
    let matches = with(config, &[], &["guide-board", "runs", "list", "--limit", "9"]).expect("matches");
    let list = sub(&matches, &["runs", "list"]);
    assert_eq!(list.get_one::<u64>("limit"), Some(&9));
    assert_eq!(list.get_one::<String>("target").map(String::as_str), Some("t"));
    assert_eq!(list.get_one::<PathBuf>("root").and_then(|root| root.to_str()), Some("/file"));
}

#[test]
fn lists_fill_repeated_options_and_switches_take_true() {
    let config = "[serve]\nruns-dir = [\"a=/a\", \"b=/b\"]\nread-only = true";
    let matches = with(config, &[], &["guide-board", "serve"]).expect("matches");
    let serve = sub(&matches, &["serve"]);
    assert_eq!(serve.get_many::<crate::repository::RootSpec>("runs_dirs").map(Iterator::count), Some(2));
    assert!(serve.get_flag("read_only"));
}

#[test]
fn an_unknown_key_and_a_list_for_a_single_value_are_refused_by_their_place() {
    let error = with("[serve]\nlissen = 1", &[], &["guide-board", "serve"]).expect_err("refused");
    assert!(error.contains("`serve.lissen`"), "{error}");
    assert!(with("config = \"x\"", &[], &["guide-board", "serve"]).is_err());
    let error = with("[runs.list]\nlimit = [1, 2]", &[], &["guide-board", "runs", "list"]).expect_err("refused");
    assert!(error.contains("`runs.list.limit`"), "{error}");
}

#[test]
fn a_key_of_a_table_above_is_told_its_place() {
    let error = |config| with(config, &[], &["guide-board", "runs", "list"]).expect_err("refused");
    assert!(error("[runs.list]\nruns-dir = \"r\"").contains("`runs.list.runs-dir` stands as `runs.runs-dir`"));
    assert!(error("[serve]\nroot = \"r\"").contains("`serve.root` stands as `root`"));
}

#[test]
fn what_all_history_commands_share_stands_in_one_table() {
    let matches = with("[runs]\nruns-dir = \"/r\"", &[], &["guide-board", "runs", "problems"]).expect("matches");
    let problems = sub(&matches, &["runs", "problems"]);
    assert_eq!(problems.get_one::<String>("runs_dir").map(String::as_str), Some("/r"));
}

#[test]
fn of_two_alternatives_the_one_from_the_stronger_source_wins() {
    let serve = ["guide-board", "serve", "--port", "9"];
    let matches = with("[serve]\nlisten = \"127.0.0.1:1\"", &[], &serve).expect("matches");
    assert!(!sub(&matches, &["serve"]).contains_id("listen"));
    let variables = [("GUIDE_BOARD_LISTEN", "127.0.0.1:1")];
    assert!(!sub(&with("", &variables, &serve).expect("matches"), &["serve"]).contains_id("listen"));
    let show = ["guide-board", "runs", "show", "--directory", "d"];
    let variables = [("GUIDE_BOARD_RUNS_SHOW_RUN_ID", "r")];
    assert!(!sub(&with("", &variables, &show).expect("matches"), &["runs", "show"]).contains_id("run_id"));
    let from_file = with("[runs.show]\nrun-id = \"r\"", &[], &["guide-board", "runs", "show"]).expect("matches");
    assert!(sub(&from_file, &["runs", "show"]).contains_id("run_id"));
    assert!(with("[serve]\nport = 1\nlisten = \"127.0.0.1:1\"", &[], &["guide-board", "serve"]).is_err());
}

#[test]
fn of_a_server_and_a_directory_of_runs_the_weaker_source_does_not_count_and_from_one_source_both_do() {
    let both = [("GUIDE_BOARD_SERVER", "h:1"), ("GUIDE_BOARD_RUNS_DIR", "d")];
    let file = "[runs]\nserver = \"f:1\"\nruns-dir = \"f\"";
    let named = |config, variables: &[(&str, &str)], more: &[&str]| {
        let matches = with(config, variables, &[&["guide-board", "runs", "list"], more].concat()).expect("matches");
        let list = sub(&matches, &["runs", "list"]);
        (list.contains_id("server"), list.get_one::<String>("runs_dir").cloned())
    };
    let directory = |name: &str| Some(name.to_owned());
    // What the environment names is not seen here, only what it takes away.
    assert_eq!(named(file, &[], &[]), (true, directory("f")));
    assert_eq!(named(file, &both[1..], &[]), (false, directory("f")));
    assert_eq!(named(file, &both[..1], &[]), (true, None));
    assert_eq!(named(file, &both, &[]), (true, directory("f")));
    for (config, variables) in [(file, &[][..]), ("", &both), (file, &both)] {
        assert_eq!(named(config, variables, &["--runs-dir", "x"]), (false, directory("x")));
        assert_eq!(named(config, variables, &["--server", "x:1"]), (true, None));
        assert_eq!(named(config, variables, &["--server", "x:1", "--runs-dir", "x"]), (true, directory("x")));
        // A root is a local directory, too, and has none of the server's names.
        assert_eq!(named(config, variables, &["--root", "x"]), (false, None));
        assert_eq!(named(config, variables, &["--root", "x", "--runs-dir", "x"]), (false, directory("x")));
        assert_eq!(named(config, variables, &["--root", "x", "--server", "x:1"]), (true, None));
    }
    assert_eq!(named("[runs]\nruns-dir = \"f\"", &[], &["--root", "x"]), (false, directory("f")));
    assert_eq!(named("root = \"f\"\n[runs]\nserver = \"f:1\"", &[], &[]), (true, None));
}

#[test]
fn a_token_of_the_environment_wins_over_a_file_of_the_configuration_and_no_other() {
    let list = ["guide-board", "jobs", "list"];
    let config = "[jobs]\ntoken-file = \"t\"";
    let names_file = |variables: &[(&str, &str)], more: &[&str]| {
        let matches = with(config, variables, &[&list, more].concat()).expect("matches");
        sub(&matches, &["jobs", "list"]).contains_id("token_file")
    };
    assert!(names_file(&[], &[]) && !names_file(&[("GUIDE_BOARD_TOKEN", "x")], &[]));
    assert!(names_file(&[("GUIDE_BOARD_TOKEN", "x")], &["--token-file", "u"]));
    assert!(names_file(&[("GUIDE_BOARD_TOKEN", "x"), ("GUIDE_BOARD_TOKEN_FILE", "u")], &[]));
}

#[test]
fn a_server_and_a_client_of_one_environment_have_variables_of_their_own() {
    let names = |command: &[&str]| {
        let tree = tree();
        let command = command.iter().fold(&tree, |tree, name| tree.find_subcommand(name).expect("the command"));
        let variables = command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()));
        variables.collect::<Vec<_>>()
    };
    let serve = names(&["serve"]);
    for client in [names(&["jobs"]), names(&["health"]), names(&["runs"])] {
        assert!(client.contains(&"GUIDE_BOARD_CLIENT_TLS_CERT".to_owned()), "{client:?}");
        // A directory of runs is both served and read.
        let both = ["GUIDE_BOARD_RUNS_DIR", "GUIDE_BOARD_CONTAINMENT"];
        let is_other = |name: &String| !serve.contains(name) || both.contains(&name.as_str());
        assert!(client.iter().all(is_other), "{client:?}");
    }
}

#[test]
fn an_empty_variable_is_unset() {
    let list = ["guide-board", "runs", "list"];
    let variables = [("GUIDE_BOARD_JSON", ""), ("GUIDE_BOARD_RUNS_DIR", "")];
    assert!(!sub(&with("", &variables, &list).expect("matches"), &["runs", "list"]).get_flag("json"));
}
