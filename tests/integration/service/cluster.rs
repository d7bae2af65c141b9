//! A cluster in a directory: a `kubectl` that takes exactly the calls of `deploy/kubernetes/run-as-job`, and a thread that executes the
//! containers of the Jobs on this machine.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use guide_board::baseline::yaml::{Node, Yaml};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{self, World};

/// Hands its arguments to the cluster's thread, and what that answers on. A log is followed here.
const KUBECTL: &str = r#"#!/bin/sh
cluster=$(dirname "$0")/../cluster
mkdir "$cluster/new.$$" && printf '%s\n' "$@" > "$cluster/new.$$/args" && mv "$cluster/new.$$" "$cluster/asked.$$" || exit 98
cd "$cluster/asked.$$" || exit 98
until test -e code; do sleep 0.01; done
cat out
cat err >&2
if test -e log; then
  log=$(cat log)
  exec 3< "$log"
  until test -n "$last"; do
    if test -e "$log.ended"; then last=1; else sleep 0.01; fi
    cat <&3
  done
fi
exit "$(cat code)"
"#;

/// What becomes of a Job's pod.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// Its container is executed.
    Runs,
    /// This shell script is executed in place of its container. The first connection to its log breaks off.
    Script(String),
    /// It has this status, and the Job this reason for its failure.
    Fails(Value, &'static str),
    /// It has this status and never starts.
    Waits(Value),
}

struct Job {
    manifest: Value,
    fate: Fate,
    container: Option<Child>,
    exit_code: Option<i32>,
    log: PathBuf,
    log_broke: bool,
}

struct State {
    directory: PathBuf,
    fate: Fate,
    jobs: BTreeMap<String, Job>,
    made: Vec<Value>,
    deleted: Vec<String>,
    unknown: Vec<Vec<String>>,
    ends: bool,
}

/// The cluster. Dropped, it kills its containers, and fails if it was asked what it does not know.
pub(crate) struct Cluster {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
    path: std::ffi::OsString,
}

impl Cluster {
    pub(crate) fn new(world: &World, fate: Fate) -> Self {
        for directory in ["bin", "cluster"] {
            std::fs::create_dir(world.path(directory)).expect("made");
        }
        std::fs::write(world.path("bin/kubectl"), KUBECTL).expect("written");
        std::fs::set_permissions(world.path("bin/kubectl"), PermissionsExt::from_mode(0o755)).expect("executable");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(world.path("bin")).chain(std::env::split_paths(&path)));
        let state = Arc::new(Mutex::new(State {
            directory: world.path(""),
            fate,
            jobs: BTreeMap::new(),
            made: Vec::new(),
            deleted: Vec::new(),
            unknown: Vec::new(),
            ends: false,
        }));
        let thread = Some(std::thread::spawn({
            let state = Arc::clone(&state);
            move || {
                while state.lock().expect("no panic").look() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }));
        Self { state, thread, path: path.expect("a path") }
    }

    /// Gives a command this cluster's `kubectl`, and the script's settings as a test wants them.
    pub(crate) fn serve_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("PATH", &self.path).env("RUN_AS_JOB_NAMESPACE", "assessments");
        command.env("RUN_AS_JOB_IMAGE", "registry.example/other:2");
        command.env("RUN_AS_JOB_POLL_SECONDS", "0.05").env("RUN_AS_JOB_START_SECONDS", "1")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    pub(super) fn next_fate(&self, fate: Fate) {
        self.state().fate = fate;
    }

    /// Every Job that was made.
    pub(super) fn made(&self) -> Vec<Value> {
        self.state().made.clone()
    }

    /// The names of those that were deleted.
    pub(super) fn deleted(&self) -> Vec<String> {
        self.state().deleted.clone()
    }

    /// How many containers are being executed.
    pub(super) fn running(&self) -> usize {
        self.state().jobs.values().filter(|job| job.container.is_some()).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.state().ends = true;
        self.thread.take().expect("once").join().expect("no panic");
        let mut state = self.state();
        for child in state.jobs.values_mut().filter_map(|job| job.container.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            assert!(
                state.unknown.is_empty(),
                "kubectl was called in ways that it is not known to be: {:?}",
                state.unknown
            );
        }
    }
}

impl State {
    /// One round: reaps containers, answers calls. False when it is to end.
    fn look(&mut self) -> bool {
        for job in self.jobs.values_mut() {
            job.reap();
        }
        let asked = std::fs::read_dir(self.directory.join("cluster")).expect("listed");
        for call in asked.map(|entry| entry.expect("an entry").path()) {
            let name = call.file_name().expect("a name").to_string_lossy().into_owned();
            if !name.starts_with("asked.") || call.join("code").exists() {
                continue;
            }
            let args = std::fs::read_to_string(call.join("args")).expect("text");
            let args: Vec<&str> = args.lines().collect();
            let (code, out, err) = match self.answer(&args, &call) {
                Ok(out) => (0, out, String::new()),
                Err(err) => (1, String::new(), err),
            };
            std::fs::write(call.join("out"), out).expect("written");
            std::fs::write(call.join("err"), err).expect("written");
            std::fs::write(call.join("code.new"), code.to_string()).expect("written");
            std::fs::rename(call.join("code.new"), call.join("code")).expect("renamed");
        }
        !self.ends
    }

    fn answer(&mut self, args: &[&str], call: &Path) -> Result<String, String> {
        const BOUND: &str = "--request-timeout=30s";
        const OURS: &str = "app.kubernetes.io/managed-by=run-as-job";
        match args {
            [
                "--namespace=assessments",
                "patch",
                "--local",
                "-f",
                manifest,
                "--type=strategic",
                "--patch-file",
                patch,
                "-o",
                "json",
            ] => {
                let mut job = read_manifest(&std::fs::read_to_string(manifest).expect("text"));
                let patch = std::fs::read_to_string(patch).expect("text");
                assert!(patch.trim_end().bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{patch}");
                merge(&mut job, serde_json::from_str(&patch).expect("JSON"));
                Ok(job.to_string())
            }
            ["--namespace=assessments", "create", "-f", manifest, BOUND] => {
                let manifest = std::fs::read_to_string(manifest).expect("text");
                self.create(serde_json::from_str(&manifest).expect("JSON"))
            }
            ["--namespace=assessments", "get", "job", name, BOUND, "--ignore-not-found", "-o", path] => {
                let job = self.jobs.get(*name).map(Job::status);
                Ok(job.map(|job| jsonpath(path, &job)).unwrap_or_default())
            }
            ["--namespace=assessments", "get", "pods", selector, BOUND, "-o", path] => {
                let name = selector.strip_prefix("--selector=job-name=").expect("a Job's");
                let pods: Vec<Value> = self.jobs.get(name).and_then(|job| job.pod(name)).into_iter().collect();
                Ok(jsonpath(path, &json!({ "items": pods })))
            }
            ["--namespace=assessments", "get", "pod", pod, BOUND, "--ignore-not-found", "-o", path] => {
                let name = pod.strip_suffix("-pod").expect("a pod");
                let pod = self.jobs.get(name).and_then(|job| job.pod(name));
                Ok(pod.map(|pod| jsonpath(path, &pod)).unwrap_or_default())
            }
            ["--namespace=assessments", "logs", pod, "--container=assessment", how @ ("--follow" | BOUND)] => {
                let job = self.jobs.get_mut(pod.strip_suffix("-pod").expect("a pod")).ok_or("NotFound")?;
                let so_far = std::fs::read_to_string(&job.log).expect("a log");
                if *how == "--follow" && matches!(job.fate, Fate::Script(_)) && !job.log_broke {
                    job.log_broke = true;
                    return Ok(so_far);
                }
                if *how == BOUND {
                    return Ok(so_far);
                }
                std::fs::write(call.join("log"), job.log.to_str().expect("UTF-8")).expect("written");
                Ok(String::new())
            }
            [
                "--namespace=assessments",
                "delete",
                "job",
                name,
                "--cascade=foreground",
                "--wait=true",
                "--timeout=120s",
                "--ignore-not-found",
            ] => {
                if let Some(mut job) = self.jobs.remove(*name) {
                    job.end();
                    self.deleted.push((*name).to_owned());
                }
                Ok(String::new())
            }
            ["--namespace=assessments", "get", "jobs", "--selector", OURS] => {
                Ok(self.jobs.keys().fold("NAME\n".to_owned(), |told, name| told + name + "\n"))
            }
            ["--namespace=assessments", "delete", "jobs", "--selector", OURS, "--cascade=foreground"] => {
                self.jobs.values_mut().for_each(Job::end);
                let names: Vec<String> = std::mem::take(&mut self.jobs).into_keys().collect();
                let told = names.iter().map(|name| format!("job.batch \"{name}\" deleted\n")).collect();
                self.deleted.extend(names);
                Ok(told)
            }
            other => {
                self.unknown.push(other.iter().map(|arg| (*arg).to_owned()).collect());
                Err("an unknown call".to_owned())
            }
        }
    }

    fn create(&mut self, manifest: Value) -> Result<String, String> {
        let name = manifest["metadata"]["name"].as_str().expect("a name").to_owned();
        let container = &manifest["spec"]["template"]["spec"]["containers"][0];
        let log = self.directory.join("cluster").join(format!("{name}.log"));
        let output = std::fs::File::create(&log).expect("made");
        let script;
        let (program, args) = match &self.fate {
            Fate::Runs => {
                assert_eq!(container["command"], json!(["guide-board"]));
                (env!("CARGO_BIN_EXE_guide-board"), arguments(&manifest))
            }
            Fate::Script(text) => {
                script = text.clone();
                ("/bin/sh", vec!["-c".to_owned(), script])
            }
            Fate::Fails(..) | Fate::Waits(_) => ("/bin/true", Vec::new()),
        };
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.directory).env_clear().env("PATH", "/usr/bin:/bin");
        for variable in container["env"].as_array().expect("a list") {
            command.env(variable["name"].as_str().expect("a name"), variable["value"].as_str().expect("a value"));
        }
        command.env("GUIDE_BOARD_EXTENSION_PATHS", self.directory.join("extensions"));
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a copy")).stderr(output);
        let starts = matches!(self.fate, Fate::Runs | Fate::Script(_));
        let container = starts.then(|| command.spawn().expect("started"));
        self.made.push(manifest.clone());
        let fate = self.fate.clone();
        self.jobs.insert(name, Job { manifest, fate, container, exit_code: None, log, log_broke: false });
        Ok("job.batch/made".to_owned())
    }
}

impl Job {
    fn reap(&mut self) {
        if let Some(status) = self.container.as_mut().and_then(|child| child.try_wait().expect("asked")) {
            self.container = None;
            self.exit_code = Some(status.code().unwrap_or(137));
            std::fs::write(self.log.with_extension("log.ended"), "").expect("written");
        }
    }

    /// What the deletion of its pod does.
    fn end(&mut self) {
        if let Some(child) = &self.container {
            let pid = Pid::from_raw(child.id().try_into().expect("a pid")).expect("a pid");
            kill_process(pid, Signal::TERM).expect("sent");
            support::eventually("the end of the container", None, || {
                self.reap();
                self.container.is_none().then_some(())
            });
        }
        std::fs::write(self.log.with_extension("log.ended"), "").expect("written");
    }

    fn status(&self) -> Value {
        let conditions = match (&self.fate, self.exit_code) {
            (Fate::Fails(_, reason), _) => json!([{"type": "Failed", "status": "True", "reason": reason}]),
            (_, Some(0)) => json!([{"type": "Complete", "status": "True"}]),
            (_, Some(_)) => json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
            _ => return json!({"metadata": self.manifest["metadata"], "status": {}}),
        };
        json!({"metadata": self.manifest["metadata"], "status": {"conditions": conditions}})
    }

    fn pod(&self, name: &str) -> Option<Value> {
        let status = match (&self.fate, self.exit_code) {
            (Fate::Fails(Value::Null, _), _) => return None,
            (Fate::Fails(status, _) | Fate::Waits(status), _) => status.clone(),
            (_, None) => assessment(&json!({"running": {"startedAt": "2026-05-08T16:43:34Z"}})),
            (_, Some(code)) => {
                let reason = if code == 0 { "Completed" } else { "Error" };
                assessment(&json!({"terminated": {"reason": reason, "exitCode": code}}))
            }
        };
        Some(json!({"metadata": {"name": format!("{name}-pod")}, "status": status}))
    }
}

/// The status of a pod whose container is in this state. Another container stands before it, as a mesh puts one there.
pub(super) fn assessment(state: &Value) -> Value {
    let other = json!({"name": "proxy", "state": {"terminated": {"reason": "Completed", "exitCode": 0}}});
    json!({"containerStatuses": [other, {"name": "assessment", "state": state}]})
}

/// The arguments of a Job's container as Kubernetes hands them on: `$(NAME)` is the variable's value, `$$` is `$`.
pub(super) fn arguments(manifest: &Value) -> Vec<String> {
    let args = manifest["spec"]["template"]["spec"]["containers"][0]["args"].as_array().expect("a list");
    let one = |text: &str| {
        let mut parts = text.split('$');
        let mut whole = parts.next().expect("one").to_owned();
        while let Some(part) = parts.next() {
            assert!(part.is_empty(), "a variable would be looked for in {text:?}");
            whole.push('$');
            whole.push_str(parts.next().expect("what follows `$$`"));
        }
        whole
    };
    args.iter().map(|arg| one(arg.as_str().expect("text"))).collect()
}

/// A strategic merge: maps are merged, containers by their name, other lists are replaced.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                match (key.as_str(), into.get_mut(&key)) {
                    ("containers", Some(Value::Array(items))) => {
                        for container in value.as_array().expect("a list") {
                            let known = items.iter_mut().find(|item| item["name"] == container["name"]);
                            merge(known.expect("a container of this name"), container.clone());
                        }
                    }
                    (_, Some(known)) => merge(known, value),
                    (_, None) => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, patch) => *into = patch,
    }
}

/// A manifest of one document as JSON.
pub(super) fn read_manifest(text: &str) -> Value {
    fn value(node: Node<'_>) -> Value {
        if node.is_mapping() {
            node.entries().map(|(key, node)| (key.text().to_owned(), value(node))).collect()
        } else if node.is_sequence() {
            node.items().map(value).collect()
        } else {
            // None of the manifest's texts looks like a number or a truth value.
            serde_json::from_str(node.text()).unwrap_or_else(|_| node.text().into())
        }
    }
    value(Yaml::read(text).expect("YAML").root().expect("a document"))
}

/// What `-o jsonpath` prints, as far as the script uses it.
fn jsonpath(template: &str, document: &Value) -> String {
    fn fill(mut template: &str, document: &Value) -> String {
        let mut text = String::new();
        while let Some((before, rest)) = template.split_once('{') {
            text.push_str(before);
            let (path, rest) = rest.split_once('}').expect("an end");
            template = rest;
            if let Some(path) = path.strip_prefix("range ") {
                let (body, rest) = template.split_once("{end}").expect("an end");
                template = rest;
                text.extend(select(path, document).into_iter().map(|item| fill(body, item)));
            } else if path.starts_with('"') {
                text.push_str(&serde_json::from_str::<String>(path).expect("a string"));
            } else {
                let found = select(path, document);
                let found: Vec<_> =
                    found.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
                text.push_str(&found.join(" "));
            }
        }
        text + template
    }
    fn select<'a>(path: &str, document: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![document];
        let mut rest = path;
        while !rest.is_empty() {
            if let Some((filter, after)) = rest.strip_prefix("[?(@.").and_then(|rest| rest.split_once("\")]")) {
                let (key, wanted) = filter.split_once("==\"").expect("a comparison");
                found = found.into_iter().filter_map(Value::as_array).flatten().filter(|v| v[key] == wanted).collect();
                rest = after;
            } else if let Some(after) = rest.strip_prefix("[*]") {
                found = found.into_iter().filter_map(Value::as_array).flatten().collect();
                rest = after;
            } else {
                let name = rest.strip_prefix('.').expect("a name");
                let end = name.find(['.', '[']).unwrap_or(name.len());
                found = found.into_iter().filter_map(|value| value.get(&name[..end])).collect();
                rest = &name[end..];
            }
        }
        found
    }
    fill(template.strip_prefix("jsonpath=").expect("a path"), document)
}
