//! Every command that takes a name of a run or an output, with every hostile name as its argument, on the directory itself and through a
//! server: exit codes as the table says, and nothing of the canary on either output.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Output;
use std::sync::Mutex;

use super::mechanisms;
use super::names::{AsDirectory, AsPath, AsRunId, Name, Surroundings, names};
use super::server::{Server, with_mounts};
use super::tree::{PLAIN, Tree};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const NOT_FOUND: i32 = 6;
const REFUSED: i32 = 7;

/// The commands about one run, as far as there are, and what they need beside it.
const ABOUT_ONE: [(&str, &[&str]); 8] = [
    ("show", &[]),
    ("report", &[]),
    ("report", &["--json"]),
    ("artifacts", &["--include-unlisted"]),
    ("cat", &["artifacts/plain.txt"]),
    ("findings", &[]),
    ("evidence", &["--json"]),
    ("pull", &["pulled"]),
];

fn of_path(name: &Name) -> i32 {
    match name.path {
        AsPath::Bad | AsPath::Unsafe | AsPath::Directory => REFUSED,
        AsPath::Absent => NOT_FOUND,
        AsPath::Plain => DONE,
    }
}

fn of_directory(name: &Name) -> i32 {
    match name.directory {
        AsDirectory::Bad | AsDirectory::Link => REFUSED,
        AsDirectory::PassedOver | AsDirectory::Absent | AsDirectory::Occupied => NOT_FOUND,
        AsDirectory::Run => DONE,
    }
}

fn of_run_id(name: &Name) -> i32 {
    match name.run_id {
        AsRunId::Bad => USAGE,
        AsRunId::Absent => NOT_FOUND,
        AsRunId::Run => DONE,
    }
}

/// A command line and the code it has to end with.
type Case = (Vec<OsString>, i32);

fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(value);
    text
}

/// One command after the other, about this run.
fn about(there: &[&str], number: usize, selector: OsString) -> Vec<OsString> {
    let about_one: Vec<_> = ABOUT_ONE.iter().filter(|(command, _)| there.contains(command)).collect();
    let (command, rest) = about_one[number % about_one.len()];
    [OsString::from(command), selector].into_iter().chain(rest.iter().map(OsString::from)).collect()
}

fn cases(names: &[Name], there: &[&str]) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    // No argument holds a NUL. One that is too long for an argument is none either, but none of these is.
    let names = || names.iter().filter(|name| !name.text.contains('\0'));
    // Of what one rule refuses a few have to do; whatever stands somewhere is tried in full.
    for (_, name) in names()
        .enumerate()
        .filter(|(number, name)| !matches!(name.path, AsPath::Bad | AsPath::Absent) || number % 4 == 0)
    {
        let cat = ["cat", "--directory", "run", "--", &name.text].map(OsString::from);
        cases.push((cat.to_vec(), of_path(name)));
    }
    let is_special =
        |name: &Name| !matches!(name.directory, AsDirectory::Bad | AsDirectory::Absent) || name.run_id == AsRunId::Run;
    let several =
        names().enumerate().filter(|(number, name)| is_special(name) || number % 8 == 0).map(|(_, name)| name);
    for (number, name) in several.enumerate() {
        cases.push((about(there, number, option("--directory", &name.text)), of_directory(name)));
        cases.push((about(there, number / 2, option("--run-id", &name.text)), of_run_id(name)));
        if number % 7 == 0 {
            let kind = ["report".into(), "--directory=run".into(), option("--kind", &name.text)];
            cases.push((kind.to_vec(), NOT_FOUND));
        }
    }
    cases.extend(all_of_them(there));
    // What comes of pulling a run that is there stands in `pull`.
    cases.retain(|(line, code)| line[0] != "pull" || *code != DONE);
    cases
}

/// The commands without a name, empty names, and names that are not UTF-8.
fn all_of_them(there: &[&str]) -> Vec<Case> {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let mut cases = vec![
        (words(&["list"]), DONE),
        (words(&["list", "--json"]), DONE),
        (words(&["latest", "--json"]), DONE),
        (words(&["problems"]), DONE),
        (words(&["problems", "--json"]), DONE),
        (words(&["artifacts", "--directory=run", "--include-unlisted", "--json"]), DONE),
        (words(&["list", "--target=../../etc/passwd"]), DONE),
        (words(&["cat", "--directory=run", ""]), REFUSED),
        (words(&["show", "--directory="]), USAGE),
        (words(&["show", "--run-id="]), USAGE),
        (words(&["show", "--run-id=run", "--directory=run"]), USAGE),
    ];
    let not_utf8 = OsStr::from_bytes(b"not-\xff\xfe-utf8");
    for number in 0..ABOUT_ONE.len() {
        cases.extend(
            ["--directory", "--run-id"].map(|selector| (about(there, number, option(selector, not_utf8)), USAGE)),
        );
    }
    for line in [
        ["cat".into(), "--directory=run".into(), not_utf8.to_owned()],
        ["report".into(), "--directory=run".into(), option("--kind", not_utf8)],
    ] {
        cases.push((line.to_vec(), USAGE));
    }
    cases
}

/// What is wrong with what a case ends with, on the directory itself or, with the variables of one, through a server.
fn check(tree: &Tree, variables: &[(&str, &str)], (line, code): &Case) -> Option<String> {
    let mut command = tree.command();
    let output: Output = command.envs(variables.iter().copied()).arg("runs").args(line).output().expect("it ran");
    let told = [output.stdout.as_slice(), &output.stderr].concat();
    let shows = String::from_utf8_lossy(&told).contains(&tree.canary);
    let is_cat = line.iter().any(|word| word == "cat");
    let is_right = output.status.code() == Some(*code)
        && (*code == DONE || output.stdout.is_empty() && !output.stderr.is_empty())
        && (*code != DONE || !is_cat || output.stdout == PLAIN.as_bytes());
    let shown: Vec<String> = line.iter().map(|word| format!("{word:?}").chars().take(80).collect()).collect();
    (shows || !is_right).then(|| format!("{variables:?} {shown:?} should end with {code}: {output:?}"))
}

async fn every_command(containment: &str) {
    if !mechanisms().contains(&containment) {
        return;
    }
    let tree = Tree::new();
    let help = help(&tree, &[]);
    let cases = cases(&names(&tree, Surroundings::default()), &commands(&help));
    assert!(cases.len() > 200, "{}", cases.len());
    let server = Server::start(&tree, &mut tree.command(), containment).await;
    let address = server.address().to_string();
    let ways = [[("GUIDE_BOARD_CONTAINMENT", containment)], [("GUIDE_BOARD_SERVER", &address)]];
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(4)) {
            let (tree, ways, faults) = (&tree, &ways, &faults);
            scope.spawn(move || {
                let both = part.iter().flat_map(|case| ways.iter().filter_map(move |way| check(tree, way, case)));
                let found: Vec<String> = both.collect();
                faults.lock().expect("not poisoned").extend(found);
            });
        }
    });
    let faults = faults.into_inner().expect("not poisoned");
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults[..faults.len().min(20)].join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_openat2_every_name_ends_every_command_with_the_code_of_the_table() {
    every_command("openat2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_walk_every_name_ends_every_command_with_the_code_of_the_table() {
    every_command("walk").await;
}

#[test]
fn mounts_inside_a_run_are_crossed_by_no_command() {
    let tree = Tree::new();
    for containment in mechanisms() {
        let cases = [
            (vec!["cat", "--directory=run", "artifacts/mount-file"], REFUSED),
            (vec!["cat", "--directory=run", "artifacts/mount-directory/secret.txt"], REFUSED),
            (vec!["cat", "--directory=run", "artifacts/mount-directory"], REFUSED),
            (vec!["artifacts", "--directory=run", "--include-unlisted", "--json"], DONE),
            (vec!["cat", "--directory=mounted", "artifacts/plain.txt"], DONE),
        ];
        for (line, code) in cases {
            let (mut command, surroundings) = with_mounts(tree.command());
            if !surroundings.has_mounts {
                return;
            }
            let output = command.args(["runs", "--containment", containment]).args(&line).output().expect("it ran");
            assert_eq!(output.status.code(), Some(code), "{line:?}: {output:?}");
            tree.assert_clean(&line, &[output.stdout, output.stderr].concat());
        }
    }
}

/// The options of the commands that read runs, all of which these tests know: those that name something, and those that do not.
const OPTIONS: [&str; 38] = [
    "--run-id",
    "--directory",
    "--kind",
    "--runs-dir",
    "--output",
    "--target",
    "--assessment",
    "--status",
    "--since",
    "--commit",
    "--label",
    "--limit",
    "--offset",
    "--require",
    "--max-age",
    "--reason",
    "--severity",
    "--disposition",
    "--classification",
    "--check",
    "--result",
    "--force",
    "--include-unlisted",
    "--json",
    "--containment",
    "--server",
    "--tls-ca",
    "--tls-server-name",
    "--tls-cert",
    "--tls-key",
    "--token-file",
    "--allow-plain-token",
    "--retry-for",
    "--root",
    "--extension-dir",
    "--log-format",
    "--config",
    "--help",
];

fn help(tree: &Tree, words: &[&str]) -> String {
    let output = tree.command().arg("runs").args(words).arg("--help").output().expect("it ran");
    String::from_utf8(output.stdout).expect("text")
}

/// The commands that the help of `runs` lists, but for the help itself.
fn commands(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help").collect()
}

#[test]
fn every_command_that_reads_runs_is_known_to_these_tests() {
    let tree = Tree::bare();
    let text = help(&tree, &[]);
    let known: Vec<&str> =
        ["list", "latest", "problems"].into_iter().chain(ABOUT_ONE.iter().map(|(command, _)| *command)).collect();
    let commands = commands(&text);
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        assert!(known.contains(&command), "{command} is new: a command that takes a name has to meet the hostile ones");
        let text = help(&tree, &[command]);
        for word in text.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--"))) {
            let option = word.trim_matches(|character: char| !character.is_ascii_alphanumeric() && character != '-');
            assert!(OPTIONS.contains(&option), "{command} {option} is new: if it names something, try the names");
        }
    }
}
