//! What a fresh binary brings along: everything bundled without a checkout, `init` and the commands that it prints, the examples of help,
//! completions in a real shell.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::new_extension::{commands, shell};
use crate::support::{World, eventually};

fn init(world: &World) -> Output {
    world.command().arg("init").output().expect("it ran")
}

/// The profiles that `init` writes, and the file of settings.
const WRITTEN: [&str; 5] = [
    "guide-board.toml",
    "profiles/assessments/repository-baseline.json",
    "profiles/assessments/sample-noop.json",
    "profiles/targets/sample-repository.json",
    "profiles/targets/this-repository.json",
];

#[test]
fn the_commands_that_init_prints_work_as_printed() {
    let world = World::new();
    let commands = commands(&init(&world));
    assert_eq!(crate::support::files(&world.path("")), WRITTEN);
    let [plan, run, report, serve] = commands.as_slice() else { panic!("{commands:?}") };
    // The directory has no licence.
    for (line, code) in [(plan, 0), (run, 3), (report, 0)] {
        let output = shell(&world, line);
        assert!(output.status.code() == Some(code) && !output.stdout.is_empty(), "{line}: {output:?}");
    }
    // Its usual port may be taken here.
    let line = format!("exec {} --listen 127.0.0.1:0 --port-file port 2>log", serve.trim());
    let port = world.path("port");
    std::thread::scope(|scope| {
        let server = scope.spawn(|| shell(&world, &format!("echo $$ > pid; {line}")));
        eventually("the server's port", None, || std::fs::read_to_string(&port).ok().filter(|text| !text.is_empty()));
        let pid = std::fs::read_to_string(world.path("pid")).expect("a process").trim().parse().expect("a number");
        kill_process(Pid::from_raw(pid).expect("a process"), Signal::TERM).expect("asked to end");
        assert!(server.join().expect("it ended").status.success());
    });
    let log = std::fs::read_to_string(world.path("log")).expect("a log");
    assert!(log.contains("scanned root=runs runs=1"), "{log}");
    // The next one does not meet the run that is there now.
    let again = self::commands(&init(&world));
    assert!(again[1].ends_with("--output-dir runs/this-repository-2"), "{again:?}");
}

#[test]
fn init_leaves_what_is_there_and_writes_the_rest() {
    let world = World::new();
    let mine = world.path("profiles/targets/this-repository.json");
    std::fs::create_dir_all(mine.parent().expect("a directory")).expect("made");
    std::fs::write(&mine, "mine").expect("written");
    // A link to nothing is something, too.
    std::os::unix::fs::symlink("nowhere", world.path("guide-board.toml")).expect("linked");
    let output = init(&world);
    let told = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(std::fs::read_to_string(&mine).expect("read"), "mine");
    assert!(!world.path("nowhere").exists() && world.path("profiles/assessments/sample-noop.json").exists());
    assert_eq!(told.lines().filter(|line| line.starts_with("kept ") && line.contains("yours")).count(), 2, "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("written ")).count(), 3, "{told}");
}

/// The examples in the help of a command, without what a pipe would make of them.
fn examples(world: &World, command: &str) -> Vec<String> {
    let help = shell(world, &format!("COLUMNS=110 guide-board {command} --help")).stdout;
    let help = String::from_utf8(help).expect("text").replace("\\\n", "");
    let (_, rest) = help.split_once("\nExamples:\n").expect("examples");
    let lines = rest.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split(" | ").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_examples_of_help_work_after_init() {
    for command in
        ["", "init", "plan", "run", "profile", "extensions", "extensions new", "tokens", "completions", "man"]
    {
        let world = World::new();
        // `init ../another-checkout` writes beside it.
        let prepared = if command == "profile" { "init && guide-board extensions new my-harness" } else { "init" };
        let prepared = shell(&world, &format!("mkdir here && cd here && guide-board {prepared}"));
        assert!(prepared.status.success(), "{prepared:?}");
        for line in examples(&world, command) {
            // That one stays until it is ended; a test above starts it.
            if line.contains("guide-board serve") {
                continue;
            }
            let output = shell(&world, &format!("cd here; {line}"));
            // There is nothing to assess there, so that a run of the baseline fails.
            let wanted = if line.contains("guide-board run ") { 3 } else { 0 };
            assert_eq!(output.status.code(), Some(wanted), "{line}: {output:?}");
            let is_silent = output.stdout.is_empty() && !line.contains(" > ") && !line.contains(" >> ");
            assert!(!is_silent || line.contains("--output "), "{line}: {output:?}");
        }
    }
}

#[test]
fn a_binary_alone_has_everything_that_is_bundled() {
    let world = World::new();
    let [program, home, here, work] = ["guide-board", "home", "here", "work"].map(|name| world.path(name));
    for directory in [&home, &here, &work] {
        std::fs::create_dir(directory).expect("made");
    }
    // By another process: a child that this one starts meanwhile would hold the copy open for writing, and nobody could execute it.
    let copied = Command::new("cp").args([Path::new(env!("CARGO_BIN_EXE_guide-board")), &program]).status();
    assert!(copied.expect("cp").success());
    let ends = |directory: &Path, arguments: &str, code: i32| {
        let mut command = Command::new(&program);
        command.args(arguments.split(' ')).current_dir(directory).env_clear().env("HOME", &home);
        let output = command.stdin(Stdio::null()).output().expect("it ran");
        assert_eq!(output.status.code(), Some(code), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let alone = |directory: &Path, arguments: &str| ends(directory, arguments, 0);
    let (target, assessment) = ("bundled:profiles/targets/this-repository.json", "bundled:profiles/assessments");
    for id in ["repository-baseline", "sample-noop", "sdk-fixture"] {
        assert!(alone(&here, "extensions list").contains(id));
        alone(&here, &format!("profile validate-assessment {assessment}/{id}.json"));
        alone(
            &here,
            &format!("plan --target bundled:profiles/targets/sdk-fixture.json --assessment {assessment}/{id}.json"),
        );
    }
    for (id, code) in [("repository-baseline", 3), ("sample-noop", 0)] {
        ends(&here, &format!("run --target {target} --assessment {assessment}/{id}.json --output-dir runs/{id}"), code);
    }
    assert!(alone(&here, "runs list").contains("2 runs (1 completed, 1 failed)"));
    assert!(alone(&work, "init").contains("written  guide-board.toml"));
    alone(&work, "profile validate-target profiles/targets/this-repository.json");
    assert!(alone(&work, "quickstart --once --repo ../here").contains("\n8. ReadArtifact"));
    assert!(std::fs::read_dir(&home).expect("listed").next().is_none(), "nothing is left at home");
}

#[test]
fn bash_completes_commands_options_words_and_files() {
    let world = World::new();
    assert!(init(&world).status.success());
    // What bash does on a Tab, without a terminal; compopt has nothing to say to there.
    let script = r#"
        source <(guide-board completions bash)
        function=$(complete -p guide-board | sed 's/.*-F \([^ ]*\).*/\1/')
        compopt() { :; }
        tab() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            "$function" guide-board "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[*]}"
        }
        tab guide-board pl
        tab guide-board runs li
        tab guide-board runs list --sta
        tab guide-board run --gate u
        tab guide-board completions z
        tab guide-board run --target guide
        tab guide-board sup
        tab guide-board serve --until
        tab guide-board runs list --limit 1
    "#;
    std::fs::write(world.path("tab.bash"), script).expect("written");
    let output = shell(&world, "bash --norc --noprofile tab.bash");
    let told = String::from_utf8(output.stdout).expect("text");
    let wanted = ["plan", "list", "--status", "unexpected_findings", "zsh", "guide-board.toml", "", "", "1"];
    assert_eq!(told.lines().collect::<Vec<_>>(), wanted, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
