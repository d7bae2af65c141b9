//! Fixtures of `pinned-dependencies`: what each rule flags, and what only looks like it.

use super::*;

const ID: &str = "pinned-dependencies";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn script(text: &str) -> Repo {
    repo().file("ci/build.sh", format!("#!/bin/sh\n{text}\n"))
}

fn job(lines: &str) -> Repo {
    repo().file(".github/workflows/w.yml", format!("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n{lines}"))
}

#[track_caller]
fn flags(rule: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(rules(&script(text).check(ID)), [(rule, 2)], "{text}");
    }
}

#[track_caller]
fn accepts(texts: &[&str]) {
    for text in texts {
        assert_eq!(rules(&script(text).check(ID)), [], "{text}");
    }
}

#[test]
fn image_flags_tags_in_dockerfiles() {
    for name in ["Dockerfile", "build/Dockerfile.alpine", "web.Dockerfile", "Containerfile"] {
        assert_eq!(
            rules(&repo().file(name, "# c\nFROM alpine:3.20 AS a\nFROM a\n").warns(ID)),
            [("image", 2)],
            "{name}"
        );
    }
    let defaults = "ARG TAG=1\nFROM --platform=linux/amd64 a/b:${TAG}\nCOPY --from=c/d:latest /x /x\n";
    assert_eq!(rules(&repo().file("Dockerfile", defaults).warns(ID)), [("image", 2), ("image", 3)]);
}

#[test]
fn image_flags_containers_and_services_of_jobs() {
    let lines = "    container: node:20\n    services:\n      db:\n        image: postgres\n    steps: []\n";
    assert_eq!(rules(&job(lines).warns(ID)), [("image", 5), ("image", 8)]);
    assert_eq!(rules(&job("    container:\n      image: node:20\n    steps: []\n").warns(ID)), [("image", 6)]);
}

#[test]
fn image_accepts_digests_stages_and_variables() {
    let text = format!(
        "FROM scratch\nFROM a:1@{DIGEST} AS build\nFROM build AS test\nARG BASE\nFROM ${{BASE}}\nFROM b:$X\nCOPY --from=build /x /\n\
         COPY --from=0 /x /\n# FROM a:1\n"
    );
    repo().file("Dockerfile", text).passes(ID);
    job(&format!("    container: a@{DIGEST}\n    services: {{b: {{image: '${{{{ matrix.b }}}}'}}}}\n    steps: []\n"))
        .passes(ID);
}

#[test]
fn image_ignores_templates_tests_and_other_files() {
    repo()
        .file("Dockerfile.j2", "FROM a:1\n")
        .file("tests/Dockerfile", "FROM a:1\n")
        .file("docs/dockerfile.md", "FROM a:1\n")
        .file("src/dockerfile.rs", "FROM a:1\n")
        .expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn download_then_run_flags_every_way_to_run_a_download() {
    flags(
        "download-then-run",
        &[
            "curl -sSf https://sh.proj.io | sh",
            "curl https://proj.io/x | sudo -E bash -s -- --yes",
            "wget -qO- https://proj.io/x | tee log | bash",
            "curl https://proj.io/get.py | python3 -",
            "bash <(curl -s https://proj.io/x)",
            "sh -c \"$(curl -fsSL https://proj.io/x)\"",
            "eval \"$(wget -O- https://proj.io/x)\"",
            ". <(curl https://proj.io/x)",
            "sudo su -c 'curl https://proj.io/x | sh' root",
            "curl https://proj.io/x -o x.sh; sh x.sh",
            "curl -fsSLo tool https://proj.io/x && chmod +x tool && ./tool",
            "wget https://proj.io/get-x.py; python get-x.py",
            "curl https://proj.io/x > /tmp/x; bash /tmp/x",
            "if true; then curl https://raw.githubusercontent.com/o/r/main/x | bash; fi",
        ],
    );
    let item = script("curl https://proj.io/x | sh").fails(ID);
    assert_eq!(item.severity, Some(Severity::Medium));
}

#[test]
fn download_then_run_names_the_line_of_the_run() {
    assert_eq!(rules(&script("curl https://proj.io/x \\\n  -o x\n\nsh x").fails(ID)), [("download-then-run", 5)]);
}

#[test]
fn download_then_run_follows_files_through_steps_and_layers() {
    let lines = "    steps:\n      - run: curl https://proj.io/x -o x\n      - run: bash x\n";
    assert_eq!(rules(&job(lines).fails(ID)), [("download-then-run", 7)]);
    let layers = "FROM scratch\nRUN wget -O /x https://proj.io/x\nRUN /x\n";
    assert_eq!(rules(&repo().file("Dockerfile", layers).fails(ID)), [("download-then-run", 3)]);
}

#[test]
fn download_then_run_flags_dockerfiles_in_every_form() {
    let text = "FROM scratch\nRUN [\"sh\", \"-c\", \"curl https://proj.io/x | sh\"]\nRUN <<EOF\ntrue\ncurl https://proj.io/x | sh\nEOF\n\
                RUN --mount=type=cache,target=/x \\\n  # why\n  curl https://proj.io/x | sh\n";
    let found = [("download-then-run", 2), ("download-then-run", 5), ("download-then-run", 9)];
    assert_eq!(rules(&repo().file("Dockerfile", text).fails(ID)), found);
}

#[test]
fn download_then_run_accepts_downloads_that_are_data() {
    accepts(&[
        "curl https://proj.io/x.json | jq .",
        "curl https://proj.io/x.json | python3 -c 'import json'",
        "curl https://proj.io/x.json | python -m json.tool",
        "curl https://proj.io/x | perl -pe 's/a/b/'",
        "curl https://proj.io/x | sh filter.sh",
        "curl https://proj.io/x.tgz | tar xz",
        "curl https://proj.io/key | sudo tee /etc/apt/keyrings/key.asc",
        "curl http://localhost:8080/x | sh",
        "version=$(curl https://proj.io/version)",
        "curl -o x.tgz https://proj.io/x.tgz; tar xf x.tgz; ./install.sh",
    ]);
}

#[test]
fn download_then_run_accepts_what_is_fixed_or_checked() {
    accepts(&[
        &format!("curl https://raw.githubusercontent.com/o/r/{COMMIT}/x.sh | bash"),
        "curl -o x https://proj.io/x; echo \"abc  x\" | sha256sum -c; sh x",
        "curl -O https://proj.io/x.sh; gpg --verify x.sh.asc x.sh; bash x.sh",
        "curl -fsSL \"$url\" -o x.sh; use_checksum_comparison x.sh \"$hash\"; ./x.sh",
    ]);
}

#[test]
fn download_then_run_accepts_text() {
    accepts(&[
        "# curl https://proj.io/x | sh",
        "echo 'curl https://proj.io/x | sh'",
        "echo \"run: curl https://proj.io/x | sh\"",
        "cat <<EOF\ncurl https://proj.io/x | sh\nEOF",
        "usage() { printf '%s' 'curl x | sh'; }",
    ]);
}

#[test]
fn pip_install_flags_open_versions() {
    flags(
        "pip-install",
        &[
            "pip install requests",
            "pip3 install -U pip",
            "python -m pip install --upgrade 'build>=1'",
            "python3.12 -m pip install -r r.txt extra",
            "venv/bin/pip install x",
            "uv pip install x",
            "pipx install x",
            "uv tool install --python 3.12 x",
            "pip install 'x==1.*'",
            "pip install git+https://proj.io/x.git",
            "pip install -e git+https://proj.io/x.git@main#egg=x",
            "bash -c 'pip install x'",
            "cd a && FOO=1 sudo -H pip install x",
        ],
    );
}

#[test]
fn pip_install_accepts_versions_hashes_files_and_what_is_local() {
    accepts(&[
        "pip install x==1.2",
        "pip install 'x[y] == 1.2 ; python_version < \"3.9\"'",
        "pip install -r requirements.txt",
        "pip install --requirement=requirements.txt --no-deps",
        "pip install --require-hashes x",
        "pip install -c constraints.txt x",
        "pip install .",
        "pip install -e '.[dev]'",
        "pip install --no-index --find-links dist x",
        "pip install dist/*.whl",
        "pip install x.whl",
        "pip install \"$PACKAGE\" ${OTHER} x==\"$VERSION\"",
        "pip install --group dev",
        &format!("pip install git+https://proj.io/x.git@{COMMIT}"),
        &format!("pip install -e git+https://proj.io/x.git@{COMMIT}#egg=x"),
        "pip install -i https://proj.io/simple -t out x==1",
        "pip download x",
        "pip install",
        "./uv pip install x",
        "pipx install x==1",
        "uv tool install x@1.2",
        "# pip install x",
        "echo pip install x",
        "docker run a pip install x",
    ]);
}

#[test]
fn npm_install_flags_names_ranges_and_tags() {
    flags(
        "npm-install",
        &[
            "npm install -g typescript",
            "npm i @scope/name",
            "npm install npm@latest",
            "npm install --save-dev x@^1.2.3 y@1.0.0",
            "npm install x@5",
            "yarn global add x",
            "yarn add x",
            "pnpm add -g x",
            "npm install github:o/r",
        ],
    );
}

#[test]
fn npm_install_accepts_lock_files_and_exact_versions() {
    accepts(&[
        "npm ci",
        "npm install",
        "npm install --ignore-scripts --prefix sub",
        "npm install x@1.2.3 @scope/name@1.2.3-beta.1",
        "npm install -g \"x@$VERSION\"",
        "npm install ./x ../y x.tgz",
        "yarn install --immutable",
        "pnpm install --frozen-lockfile",
        "npm run install x",
        &format!("npm install github:o/r#{COMMIT}"),
    ]);
}

#[test]
fn go_install_flags_tags_that_move() {
    flags(
        "go-install",
        &[
            "go install proj.io/x@latest",
            "go run proj.io/x@main ./...",
            "go get proj.io/x@v1",
            "go install -v proj.io/x@v1.2",
        ],
    );
}

#[test]
fn go_install_accepts_versions_commits_and_the_module() {
    accepts(&[
        "go install proj.io/x@v1.2.3",
        "go install proj.io/x@v0.0.0-20240101000000-0123456789ab",
        &format!("go install proj.io/x@{COMMIT}"),
        "go install proj.io/x@\"$VERSION\"",
        "go install ./...",
        "go install -tags x ./cmd/x",
        "go run . user@latest",
        "go get proj.io/x@none",
        "go mod download",
    ]);
}

#[test]
fn cargo_install_flags_the_newest() {
    flags(
        "cargo-install",
        &["cargo install cross", "cargo +nightly install --features a cross", "cargo install --git https://proj.io/x"],
    );
}

#[test]
fn cargo_install_accepts_versions_lock_files_and_paths() {
    accepts(&[
        "cargo install --locked cross",
        "cargo install cross --version 1.2.3",
        "cargo install cross@1.2.3",
        "cargo install --path .",
        "cargo install --git https://proj.io/x --rev 0123456",
        "cargo install --list",
        "cargo build",
    ]);
}

#[test]
fn gem_install_flags_names_only() {
    flags("gem-install", &["gem install bundler", "sudo gem install --no-document x"]);
    accepts(&[
        "gem install bundler -v 2.5.0",
        "gem install bundler:2.5.0",
        "gem install x.gem",
        "gem install --version=1 x",
    ]);
}

#[test]
fn scripts_are_told_by_extension_or_first_line() {
    for (path, text) in [("a.bash", "pip install x"), ("bin/setup", "#!/usr/bin/env bash\npip install x")] {
        repo().file(path, text).warns(ID);
    }
    repo()
        .file("setup.py", "#!/bin/sh\npip install x")
        .file("notes", "pip install x")
        .file("bin/run", "#!/usr/bin/env python3\npip install x")
        .file("tests/a.sh", "pip install x")
        .expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn steps_are_read_as_their_shell_reads_them() {
    let steps = |step: &str| job(&format!("    steps:\n      - {step}\n"));
    assert_eq!(rules(&steps("run: pip install x").warns(ID)), [("pip-install", 6)]);
    assert_eq!(rules(&steps("run: |\n\n          true\n          pip install x").warns(ID)), [("pip-install", 9)]);
    steps("run: pip install x\n        shell: pwsh").passes(ID);
    steps("run: pip install x==${{ matrix.version }} ${{ inputs.more }}").passes(ID);
    let windows = "on: push\njobs:\n  a:\n    runs-on: windows-2022\n    steps:\n      - run: pip install x\n";
    repo().file(".github/workflows/w.yml", windows).passes(ID);
    let action = "runs:\n  using: composite\n  steps:\n    - run: pip install x\n      shell: bash\n";
    assert_eq!(rules(&repo().file("action.yml", action).warns(ID)), [("pip-install", 4)]);
}
