//! Credentials: handed to the runner, and nowhere in the run directory.

use serde_json::json;

use crate::support::{World, files};

const CANARY: &str = "c4nary\"with-quote-7f3a91c2";

#[test]
fn a_secret_that_the_runner_shouts_is_nowhere_in_the_run_directory() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:MY_TOKEN,MY_PIN")).write();
    world.assessment(&["probe"]).write();
    // The secret comes raw, split over writes, JSON-escaped, as an object key, as a number, in metadata.
    world.extension("probe").script(
        r#"
test "$MY_PIN" = 98765432 || exit 9
echo "raw $MY_TOKEN" >&2
printf '%s' "$MY_TOKEN" | head -c 9 >&2; sleep 0.2; printf '%s\n' "$MY_TOKEN" | tail -c +10 >&2
escaped=$(printf '%s' "$MY_TOKEN" | sed 's/"/\\"/g')
cat <<END
{"evidence": [
  {"check_id": "one", "subject_ref": "$escaped", "result": "fail", "observations": ["it is $escaped!"], "facts": {"$escaped": $MY_PIN},
   "locations": [{"path": "$escaped", "line": 1}], "requirement_refs": ["$escaped"], "artifact_refs": ["$escaped"]},
  {"check_id": "two", "result": "pass"}
], "metadata": {"k": ["$escaped"]}}
END
"#,
    );
    let run = world.run().env("MY_TOKEN", CANARY).env("MY_PIN", "98765432").finish().expect_code(3);
    assert!(run.items("one")[0]["observations"].to_string().contains("it is [redacted]!"));
    let escaped = CANARY.replace('"', "\\\"");
    for file in files(&run.directory) {
        let text = run.text(&file);
        for secret in [CANARY, &escaped, "98765432"] {
            assert!(!text.contains(secret), "{file} has {secret}");
        }
    }
    assert!(run.text("artifacts/probe/group.stderr.txt").contains("raw [redacted]"));
    assert!(!run.stdout.contains("c4nary") && !run.stderr.contains("c4nary"));
}

#[test]
fn a_secret_in_the_last_words_of_a_crash_is_redacted() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:MY_TOKEN")).write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script("echo \"login with $MY_TOKEN failed\" >&2; exit 1");
    let run = world.run().env("MY_TOKEN", "s3cret-token").finish().expect_code(5);
    run.expect_items("infrastructure_error", "login with [redacted] failed");
}

#[test]
fn a_credentials_file_is_handed_over_and_relative_to_the_profile() {
    let world = World::new();
    std::fs::write(world.path("token"), "file-s3cret\n").expect("written");
    world.target().set("credentials_ref", json!("file:token")).write();
    world.assessment(&["probe"]).write();
    let item = json!({"evidence": [{"check_id": "one", "result": "pass"}, {"check_id": "two", "result": "pass"}]});
    world.extension("probe").script(&format!(
        "test \"$GUIDE_BOARD_CREDENTIALS\" = file-s3cret || exit 8; test -f \"$GUIDE_BOARD_CREDENTIALS_FILE\" || exit 9; echo '{item}'"
    ));
    world.run().finish().expect_code(0);
}

#[test]
fn missing_credentials_block_by_name_and_short_ones_are_refused() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:MY_TOKEN")).write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script("touch ran");
    let run = world.run().finish().expect_code(4);
    run.expect_items("blocked", "MY_TOKEN is not set");
    assert_eq!(run.items("one")[0]["facts"], json!({"blocked_reason": "not_configured"}));
    assert!(!run.directory.join("artifacts/probe/ran").exists());

    std::fs::remove_dir_all(&run.directory).expect("removed");
    let run = world.run().env("MY_TOKEN", "abc").finish().expect_code(2);
    assert!(run.stderr.contains("MY_TOKEN is shorter than 4 bytes") && !run.stderr.contains("abc"), "{}", run.stderr);
    assert!(!run.directory.exists());
}
