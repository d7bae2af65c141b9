//! No secret that a run finds is in its run directory: not whole, not in halves, not in another guise.

use serde_json::json;

use super::git_fixture::git;
use super::secret_rules::{ALNUM, noise, pem, positives};
use super::*;
use crate::support::{World, files};

/// A likely secret, and the part of it that must not be found.
struct Canary {
    text: String,
    secret: String,
}

fn token(seed: u64) -> Canary {
    let secret = noise(ALNUM, 36, seed);
    Canary { text: format!("gh{}_{secret}", 'p'), secret }
}

/// The ways in which a secret could stand in a file.
fn guises(secret: &str) -> Vec<String> {
    let half = secret.len() / 2;
    let encodings = [data_encoding::BASE64, data_encoding::BASE64URL, data_encoding::BASE64_NOPAD];
    let mut guises = vec![
        secret.to_owned(),
        secret[..half].to_owned(),
        secret[half..].to_owned(),
        secret.chars().rev().collect(),
        data_encoding::HEXLOWER.encode(secret.as_bytes()),
        secret.to_lowercase(),
        secret.to_uppercase(),
    ];
    // Of base64 the middle, which does not depend on what stands around it, at each of the three places of a group.
    for encoding in encodings {
        for shift in 0..3 {
            let encoded = encoding.encode(&secret.as_bytes()[shift..]);
            guises.push(encoded[..encoded.len() - 6].to_owned());
        }
    }
    guises
}

#[test]
fn no_byte_of_the_run_directory_holds_a_secret_that_the_run_found() {
    let key = ["PRIV", "ATE KEY"].concat();
    let block = pem(&key, 1600, 90);
    let body = block.lines().nth(3).unwrap().to_owned();
    let password = noise(ALNUM, 20, 91);
    let canaries = [
        ("tracked", token(1)),
        ("tracked key", Canary { text: block, secret: body }),
        ("assigned", Canary { text: format!("db_{} = \"{password}\"", "password"), secret: password }),
        ("tracked path", token(2)),
        ("gone", token(3)),
        ("gone path", token(4)),
        ("branch", token(5)),
        ("commit message", token(6)),
        ("tag message", token(7)),
        ("tag name", token(8)),
    ];
    let text = |name: &str| canaries.iter().find(|(known, _)| *known == name).unwrap().1.text.as_str();

    let mut git = git()
        .commit(&[
            ("old.txt", text("gone").as_bytes()),
            (&format!("old/{}.o", text("gone path")), b"\x7fELF\x01\x01\x01\0"),
        ])
        .commit(&[
            ("src/main.py", text("tracked").as_bytes()),
            ("keys/server.key", text("tracked key").as_bytes()),
            ("settings.py", text("assigned").as_bytes()),
            (&format!("bin/{}.so", text("tracked path")), b"\x7fELF\x02\x01\x01\0"),
            ("requirements.txt", format!("flask=={}\n", text("tracked")).as_bytes()),
        ])
        .branch("try", &[("deploy.sh", text("branch").as_bytes())]);
    let parents = [git.head().unwrap()];
    let id = git.commit_on(&parents, &[("unsigned", b"x")], &format!("Try\n\n{}\n", text("commit message")));
    git.point("refs/heads/other", id);
    let git = git
        .tag("v1.0", &format!("Release\n\n{}\n", text("tag message")), None)
        .lightweight(&format!("v2.0-{}", text("tag name")));

    let world = World::new();
    let endpoint = json!([{"binding": "filesystem", "url": git.path()}]);
    world.target().set("endpoints", endpoint).write();
    world.assessment(&["repository-baseline"]).write();
    let run = world.run().finish().expect_code(3);

    // Each of them was found, or the search below would prove nothing.
    let hits = |check: &str| run.items(check)[0]["facts"]["hits"].as_array().unwrap().clone();
    let (tree, history) = (hits("secrets"), hits("history-secrets"));
    let paths = |hits: &[serde_json::Value]| -> Vec<String> {
        hits.iter().filter_map(|hit| hit["path"].as_str().map(str::to_owned)).collect()
    };
    for path in ["src/main.py", "keys/server.key", "settings.py"] {
        assert!(paths(&tree).iter().any(|found| found == path), "{path}: {tree:#?}");
    }
    for path in ["old.txt", "deploy.sh"] {
        assert!(paths(&history).iter().any(|found| found == path), "{path}: {history:#?}");
    }
    for kind in ["commit-message", "tag-message"] {
        assert!(history.iter().any(|hit| hit["in"] == kind), "{kind}: {history:#?}");
    }
    assert!(run.items("binary-files")[0]["observations"].to_string().contains("bin/[redacted].so"));
    assert!(run.items("history-binary-files")[0]["observations"].to_string().contains("old/[redacted].o"));
    assert!(run.items("signed-tags")[0]["observations"].to_string().contains("v2.0-[redacted]"));

    let mut haystacks = vec![
        ("stdout".to_owned(), run.stdout.clone().into_bytes()),
        ("stderr".to_owned(), run.stderr.clone().into_bytes()),
    ];
    for file in files(&run.directory) {
        haystacks.push((file.clone(), file.clone().into_bytes()));
        let bytes = fs::read(run.directory.join(&file)).unwrap();
        haystacks.push((file, bytes));
    }
    assert!(haystacks.len() > 10);
    for (name, canary) in &canaries {
        for guise in guises(&canary.secret) {
            let needle = guise.as_bytes();
            for (place, bytes) in &haystacks {
                assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{name}: {place} has {guise}");
            }
        }
    }
}

#[test]
fn every_rule_keeps_its_secret_out_of_the_run_directory() {
    let specimens = positives();
    let names: Vec<String> = (0..specimens.len()).map(|number| format!("src/file{number}.txt")).collect();
    let listed: Vec<(&str, &[u8])> =
        names.iter().zip(&specimens).map(|(name, (_, text))| (name.as_str(), text.as_bytes())).collect();
    let git = git().commit(&listed[..specimens.len() / 2]).commit(&listed[specimens.len() / 2..]);
    let world = World::new();
    world.target().set("endpoints", json!([{"binding": "filesystem", "url": git.path()}])).write();
    world.assessment(&["repository-baseline"]).write();
    let run = world.run().finish().expect_code(3);
    let count = |check: &str| run.items(check)[0]["facts"]["count"].as_u64().unwrap();
    assert_eq!(count("secrets") + count("history-secrets"), specimens.len() as u64);
    let everything: String = files(&run.directory).iter().map(|file| run.text(file)).collect();
    for (rule, text) in &specimens {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| word.len() >= 16);
        for word in words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())) {
            assert!(!everything.contains(&word[..12]), "{rule}");
        }
    }
}
