//! Every `runs` command, as a table and as JSON, over every root, what is refused included: what it prints and its exit code are the same on a
//! local directory and through a server over TCP; and over one root over TLS with a token, and over a Unix socket.

use std::process::Output;
use std::sync::Mutex;

use crate::cli::place::Place;
use crate::cli::reaching::Server;
use crate::service::access::{READ, everybody, write};
use crate::support::authority::Authority;
use crate::support::files;

/// The runs that are asked about, by root.
const RUNS: [(&str, &[&str]); 4] = [
    ("odd", &["states", "broke"]),
    ("runs", &["run-20260508T164334Z-7f3a91c2", "moved-from-ci"]),
    ("broken", &["being-made", "broken-off", "link"]),
    ("empty", &["nobody"]),
];

/// The root that is asked about in every way and with every list; the others over TCP alone, and with the lists that have no options.
const WHOLE: &str = "odd";

/// The commands about all runs.
const LISTS: [&str; 15] = [
    "list",
    "list --limit 1",
    "list --limit 0",
    "list --status completed --status failed --since 2023-11-14T22:13:20Z",
    "list --target nothing",
    "list --commit xyz",
    "list --label a=1 --label a=2",
    "latest",
    "latest --require completed",
    "latest --require no-such-word",
    "latest --max-age 1h",
    "latest --target nothing",
    "problems",
    "problems --reason incomplete",
    "problems --reason sad",
];

/// The commands about one run, which stands in place of the mark.
const ABOUT_ONE: [&str; 7] = [
    "show @",
    "report @",
    "report @ --kind submission_package",
    "findings @",
    "evidence @",
    "artifacts @",
    "artifacts @ --include-unlisted",
];

/// Others, by root.
const MORE: [(&str, &str); 24] = [
    ("odd", "show --run-id states"),
    ("odd", "show --run-id nobody"),
    ("odd", "show --run-id a/b"),
    ("odd", "show --directory ../x"),
    ("broken", "show --run-id twice"),
    ("broken", "artifacts --run-id twice"),
    ("broken", "latest --target doubled"),
    ("odd", "report --directory states --kind outside"),
    ("odd", "report --directory states --kind linked"),
    ("odd", "report --directory states --kind lost"),
    ("odd", "report --directory states --kind nothing"),
    ("odd", "findings --directory broke --severity grave --limit 1"),
    ("odd", "findings --directory broke --disposition disputed --check b"),
    ("odd", "findings --directory broke --limit 0"),
    ("odd", "evidence --directory broke --result unknown --severity x"),
    ("runs", "cat --directory run-20260508T164334Z-7f3a91c2 reports/report.md"),
    ("odd", "cat --directory states artifacts/ext/bytes.bin"),
    ("odd", "cat --run-id states artifacts/ext/hello.txt --offset 1 --limit 3"),
    ("odd", "cat --run-id states artifacts/ext/hello.txt --offset 5"),
    ("odd", "cat --directory states artifacts/ext/hello.txt --offset 6"),
    ("odd", "cat --directory states artifacts/ext/gone.txt"),
    ("odd", "cat --directory states artifacts/ext/link"),
    ("odd", "cat --directory states ../x"),
    ("odd", "cat --directory states run.json"),
];

/// A root, the words of a command, and the directory that it fills.
type Case = (&'static str, Vec<String>, Option<String>);

fn cases() -> Vec<Case> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut lines: Vec<(&str, Vec<String>)> = MORE.iter().map(|(root, line)| (*root, words(line))).collect();
    for (root, runs) in RUNS {
        let lists = LISTS.iter().filter(|line| root == WHOLE || !line.contains(' '));
        lines.extend(lists.map(|line| (root, words(line))));
        for run in runs {
            let about = |line: &str| words(&line.replace('@', &format!("--directory {run}")));
            lines.extend(ABOUT_ONE.iter().map(|line| (root, about(line))));
            lines.push((root, about("pull @")));
        }
    }
    let mut cases = Vec::new();
    for (number, (root, line)) in lines.into_iter().enumerate() {
        for form in [None, Some("--json".to_owned())] {
            let into = (line[0] == "pull").then(|| format!("copy-{number}{}", form.as_deref().unwrap_or_default()));
            let words = line.iter().chain(&form).chain(&into).cloned().collect();
            cases.push((root, words, into));
        }
    }
    cases
}

/// The ways to one place's runs: none, for the directory itself, or the options that reach a server.
struct Ways {
    place: Place,
    servers: Vec<(Server, Vec<String>)>,
}

impl Ways {
    fn new() -> Self {
        let place = Place::new();
        write(&place.path("tokens.toml"), &everybody());
        std::fs::write(place.path("token"), READ).expect("written");
        let authority = Authority::new();
        let (certificate, key) = authority.issue("localhost");
        for (name, text) in [("ca.pem", &authority.pem()), ("cert.pem", &certificate), ("key.pem", &key)] {
            std::fs::write(place.path(name), text).expect("written");
        }
        let mut ways = Self { place, servers: Vec::new() };
        let port = ways.serve("plain", &["--listen", "127.0.0.1:0", "--port-file", "port"], Some("port"));
        ways.reach(&["--server", &format!("http://127.0.0.1:{port}")]);
        let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--tokens", "tokens.toml"];
        let port = ways.serve(
            "tls",
            &[&["--listen", "127.0.0.1:0", "--port-file", "tls-port"][..], &tls].concat(),
            Some("tls-port"),
        );
        let url = format!("https://localhost:{port}");
        ways.reach(&["--server", &url, "--tls-ca", "ca.pem", "--token-file", "token"]);
        ways.serve("socket", &["--uds", "board.sock"], None);
        ways.reach(&["--server", "unix:board.sock"]);
        ways
    }

    /// Starts a server over all roots; the port that it writes down, if it does.
    fn serve(&mut self, name: &str, options: &[&str], port_file: Option<&str>) -> u16 {
        let roots = RUNS.iter().flat_map(|(root, _)| ["--runs-dir", root]);
        let arguments: Vec<&str> = options.iter().copied().chain(roots).collect();
        let log = self.place.path(&format!("{name}.log"));
        let mut server = Server::spawn(self.place.command(), &log, &arguments);
        let port = port_file.map(|file| server.port(&self.place.path(file))).unwrap_or_default();
        self.servers.push((server, Vec::new()));
        port
    }

    /// How the server that was started last is reached; waits until it serves.
    fn reach(&mut self, options: &[&str]) {
        let mut probe = self.place.command();
        // The token file is no option of a probe that needs none, but no harm either.
        let probed = probe.args(["health", "--wait", "30"]).args(options).output().expect("it ran");
        assert_eq!(probed.stdout, b"SERVING\n", "{probed:?}");
        self.servers.last_mut().expect("a server").1 = options.iter().map(|&option| option.to_owned()).collect();
    }

    /// What a case prints, and the files of the directory that it fills. The directory goes away again.
    fn ask(&self, (root, words, into): &Case, way: &[String]) -> (Output, Vec<(String, Vec<u8>)>) {
        let mut command = self.place.command();
        let output = command.args(["runs", "--runs-dir", root]).args(words).args(way).output().expect("it ran");
        let mut pulled = Vec::new();
        if let Some(into) = into.as_ref().map(|into| self.place.path(into)).filter(|into| into.exists()) {
            let read = |name: String| (name.clone(), std::fs::read(into.join(name)).expect("read"));
            pulled = files(&into).into_iter().map(read).collect();
            std::fs::remove_dir_all(&into).expect("removed");
        }
        (output, pulled)
    }

    /// What stands on an output, but for the moment of the scan; and, in what a server's answer came to, but for what names the server:
    /// its options in a command to paste (`--server …`), and its address behind the directory's name (`no run in empty at …`).
    fn told(&self, bytes: &[u8], way: &[String]) -> String {
        let mut text = self.place.redacted(&String::from_utf8_lossy(bytes));
        if let Some(address) = way.get(1) {
            text = text.replace(&format!(" {}`", way.join(" ")), "`").replace(&format!(" at {address}"), "");
        }
        text
    }

    /// How what a server's answer came to differs from that of the directory.
    fn difference(&self, case: &Case) -> Option<String> {
        let (here, pulled_here) = self.ask(case, &[]);
        let shown = |output: &Output, way: &[String]| {
            (output.status.code(), self.told(&output.stdout, way), self.told(&output.stderr, way))
        };
        let expected = shown(&here, &[]);
        let ways = if case.0 == WHOLE { self.servers.len() } else { 1 };
        for (_, way) in self.servers.iter().take(ways) {
            let (there, pulled) = self.ask(case, way);
            let is_same_bytes = case.1[0] != "cat" || here.stdout == there.stdout;
            if shown(&there, way) != expected || pulled != pulled_here || !is_same_bytes {
                return Some(format!("{case:?}\n  here  {here:?}\n  there {there:?}"));
            }
        }
        None
    }
}

#[test]
fn a_directory_and_every_way_to_a_server_print_the_same() {
    let ways = Ways::new();
    let cases = cases();
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(4)) {
            let (ways, differences) = (&ways, &differences);
            scope.spawn(move || {
                let found: Vec<String> = part.iter().filter_map(|case| ways.difference(case)).collect();
                differences.lock().expect("a lock").extend(found);
            });
        }
    });
    let differences = differences.into_inner().expect("a lock");
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

#[test]
fn the_cases_have_every_command_and_every_exit_code_that_a_history_has() {
    let mut commands: Vec<String> = cases().into_iter().map(|(_, words, _)| words[0].clone()).collect();
    commands.sort();
    commands.dedup();
    let place = Place::new();
    let help = place.command().args(["runs", "--help"]).output().expect("it ran");
    let help = String::from_utf8(help.stdout).expect("text");
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What the name of a command does not begin is the rest of a line that was too long.
    let named = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let mut known: Vec<&str> = named.filter(|word| !word.is_empty() && *word != "help").collect();
    known.sort_unstable();
    assert_eq!(commands, known);
    let code = |root: &str, line: &str| {
        let mut command = place.command();
        command.args(["runs", "--runs-dir", root]).args(line.split(' ')).output().expect("it ran").status.code()
    };
    let codes = [
        ("odd", "latest", 0),
        ("odd", "list --commit xyz", 2),
        ("odd", "latest --require no-such-word", 3),
        ("odd", "show --run-id nobody", 6),
        ("broken", "show --run-id twice", 7),
    ];
    for (root, line, expected) in codes {
        assert_eq!(code(root, line), Some(expected), "{line}");
    }
}
