//! `secrets`: where a likely secret weighs how much, and what is said of it. The rules have their own fixtures.

use super::secret_rules::{ALNUM, noise, pem, positives};
use super::*;

const ID: &str = "secrets";

fn token(seed: u64) -> String {
    format!("gh{}_{}", 'p', noise(ALNUM, 36, seed))
}

#[test]
fn flags_every_rule_by_file_and_line_and_says_nothing_of_the_secret() {
    for (rule, text) in positives() {
        let item = repo().file("src/settings.txt", format!("one\ntwo\n{text}\n")).check(ID);
        assert!(matches!(item.result, EvidenceResult::Fail | EvidenceResult::Warning), "{rule}: {item:#?}");
        let hit = &item.facts["hits"][0];
        assert_eq!((&hit["rule"], &hit["path"]), (&rule.into(), &"src/settings.txt".into()), "{item:#?}");
        assert_eq!(hit["line"].as_u64(), item.locations[0].line, "{rule}");
        assert!(hit["length"].as_u64().unwrap() >= 12 && hit["hash"].as_str().unwrap().len() == 16, "{rule}");
        let said = serde_json::to_string(&item).unwrap();
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| word.len() >= 12);
        for word in words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())) {
            assert!(!said.contains(word), "{rule}: {said}");
        }
    }
}

#[test]
fn a_certain_secret_fails_and_is_critical() {
    let item = repo().file("deploy.sh", format!("TOKEN={}\n", token(1))).fails(ID);
    assert_eq!((place(&item), item.severity), (("deploy.sh", Some(1)), Some(Severity::Critical)));
}

#[test]
fn among_examples_and_tests_it_is_a_warning() {
    for path in ["tests/keys/a.pem", "examples/a.env", "src/auth_test.go", "docs/setup.md", ".env.example"] {
        let item = repo().file(path, token(2)).warns(ID);
        assert_eq!(item.severity, Some(Severity::Low), "{path}");
    }
}

#[test]
fn where_only_a_name_says_so_it_is_a_warning() {
    let text = format!("db_{} = \"{}\"", "password", noise(ALNUM, 18, 45));
    assert_eq!(repo().file("settings.py", &text).warns(ID).severity, Some(Severity::Medium));
    assert_eq!(repo().file("tests/settings.py", &text).warns(ID).severity, Some(Severity::Info));
    repo().file("package-lock.json", &text).passes(ID);
}

#[test]
fn the_heaviest_comes_first() {
    let item = repo().file("a_test.go", token(4)).file("z.go", token(5)).fails(ID);
    assert_eq!(place(&item).0, "z.go");
    assert_eq!(item.facts["count"], 2);
}

#[test]
fn the_same_secret_has_the_same_hash_in_one_run_and_another_in_the_next() {
    let repo = repo().file("a", token(6)).file("b", token(6)).file("c", token(7));
    let hashes = |item: &EvidenceItem| -> Vec<String> {
        let hits = item.facts["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["hash"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (repo.check(ID), repo.check(ID));
    let (one, two) = (hashes(&first), hashes(&second));
    assert!(one[0] == one[1] && one[1] != one[2], "{one:?}");
    assert!(one[0] != two[0] && !first.facts.contains_key("salt"));
}

#[test]
fn accepts_public_keys_checksums_and_references() {
    repo()
        .file("key.pub", format!("ssh-ed25519 {} me@corp.net\n", noise(ALNUM, 68, 8)))
        .file("cert.pem", pem("CERTIFICATE", 1200, 9))
        .file("SHA256SUMS", format!("{}  a.tar.gz\n", noise("0123456789abcdef", 64, 10)))
        .file(".github/workflows/a.yml", "env:\n  TOKEN: ${{ secrets.TOKEN }}\n")
        .passes(ID);
}

#[test]
fn a_secret_in_a_path_is_in_no_word_of_any_check() {
    let secret = token(11);
    let repo = repo().file(&format!("keys/{secret}.bin"), b"\x7fELF\x02\x01\x01\0").file(
        "requirements.txt",
        format!("--index-url https://ci:{}@pypi.corp.net/simple\nflask\n", noise(ALNUM, 16, 12)),
    );
    let ids: Vec<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    let result = assess(&repo.tree(), Limits::default(), "target", &ids, &mut |_| {}).unwrap();
    let said = serde_json::to_string(&result).unwrap();
    assert!(said.contains("keys/[redacted].bin"), "{said}");
    assert!(!said.contains(&secret[8..20]) && !said.contains(&noise(ALNUM, 16, 12)), "{said}");
}

#[test]
fn untracked_files_are_left_alone() {
    repo().file("a", "x").file(".env", token(13)).tracked(&["a"]).passes(ID);
}

#[test]
fn only_the_beginning_of_a_very_long_file_is_looked_at_and_that_is_said() {
    let item =
        repo().file("a.txt", format!("{}{}", "x\n".repeat(600_000), token(14))).expect(ID, EvidenceResult::Unknown);
    assert_eq!(item.facts["files_cut"], 1);
    assert!(item.observations.iter().any(|said| said.contains("1 MiB")), "{item:#?}");
}

#[test]
fn files_that_the_time_did_not_reach_are_counted() {
    let repo = repo().file("a", "x").file("b", "y");
    let limits = Limits { time: std::time::Duration::ZERO, ..Limits::default() };
    let item = assess(&repo.tree(), limits, "target", &[ID.to_owned()], &mut |_| {}).unwrap().evidence.remove(0);
    assert_eq!((item.result, &item.facts["not_reached"]), (EvidenceResult::Unknown, &2.into()));
    assert!(item.observations.iter().any(|said| said.contains("2 files were not looked at")), "{item:#?}");
}

#[test]
fn a_large_file_that_is_no_text_hides_nothing_that_is_looked_for() {
    repo().file("a.png", vec![0; 2 << 20]).passes(ID);
}
