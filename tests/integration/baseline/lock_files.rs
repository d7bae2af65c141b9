//! Fixtures of `lock-files`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "lock-files";
const CARGO: &str = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n";

#[test]
fn flags_a_binary_without_its_lock() {
    repo().file("Cargo.toml", CARGO).file("src/main.rs", "fn main() {}").fails(ID);
}

#[test]
fn flags_a_library_without_its_lock_mildly() {
    assert_eq!(repo().file("Cargo.toml", CARGO).file("src/lib.rs", "").warns(ID).severity, Some(Severity::Low));
}

#[test]
fn flags_a_workspace_once_at_its_root() {
    let item = repo()
        .file("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\n")
        .file("a/Cargo.toml", CARGO)
        .file("a/src/main.rs", "")
        .file("b/Cargo.toml", CARGO)
        .fails(ID);
    assert_eq!(item.locations.len(), 1);
}

#[test]
fn flags_an_empty_lock() {
    repo().file("package.json", "{\"dependencies\": {\"a\": \"1\"}}").file("package-lock.json", "").fails(ID);
}

#[test]
fn flags_open_requirements_at_their_lines() {
    let item = repo().file("requirements.txt", "a==1.0\nb>=2\n").warns(ID);
    assert_eq!(place(&item), ("requirements.txt", Some(2)));
}

#[test]
fn flags_go_without_sums_and_composer_project_and_gemfile() {
    repo().file("go.mod", "module m\n\nrequire (\n\tx.io/a v1.0.0 // indirect\n)\n").fails(ID);
    repo().file("composer.json", "{\"type\": \"project\", \"require\": {\"a/b\": \"^1\"}}").fails(ID);
    repo().file("Gemfile", "source 'x'\ngem 'rails'\n").fails(ID);
    repo().file("Pipfile", "[packages]\nrequests = '*'\n").fails(ID);
}

#[test]
fn flags_a_manifest_that_cannot_be_read() {
    repo().file("package.json", "{").warns(ID);
}

#[test]
fn accepts_members_under_the_lock_of_their_workspace() {
    repo().file("Cargo.toml", "[workspace]\n").file("Cargo.lock", "version = 4").file("a/Cargo.toml", CARGO).passes(ID);
    repo()
        .file("package.json", "{\"workspaces\": [\"p/*\"]}")
        .file("yarn.lock", "#")
        .file("p/a/package.json", "{\"dependencies\":{\"a\":\"1\"}}")
        .passes(ID);
}

#[test]
fn ignores_manifests_of_examples_tests_and_vendored_code() {
    repo()
        .file("examples/web/package.json", "{\"dependencies\": {\"a\": \"1\"}}")
        .file("tests/fixtures/app/Cargo.toml", CARGO)
        .file("vendor/x/composer.json", "{\"require\": {\"a/b\": \"1\"}}")
        .expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn accepts_manifests_that_name_no_dependencies() {
    repo()
        .file("go.mod", "module m\n\nrequire x.io/a v0.0.0\nreplace x.io/a => ./a\n")
        .file("package.json", "{\"type\": \"module\"}")
        .file("composer.json", "{\"require\": {\"php\": \"^8\", \"ext-json\": \"*\"}}")
        .file("Cargo.toml", "[package]\nname = \"a\"\n")
        .expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn maven_has_no_lock_file() {
    repo().file("pom.xml", "<project/>").expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn accepts_pinned_requirements_for_a_project() {
    repo()
        .file("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\"b>=1\"]\n")
        .file("requirements.txt", "b==1.2 \\\n    --hash=sha256:00\n# via a\n-r other.txt\n")
        .passes(ID);
}

#[test]
fn accepts_open_requirements_beside_a_lock() {
    repo().file("requirements.txt", "b>=1\n").file("uv.lock", "version = 1").passes(ID);
}

#[test]
fn ignores_projects_named_as_tests() {
    let project = "<Project><PackageReference Include=\"a\" Version=\"1\" /></Project>";
    repo().file("Src/A.Tests/A.Tests.csproj", project).expect(ID, EvidenceResult::NotApplicable);
}
