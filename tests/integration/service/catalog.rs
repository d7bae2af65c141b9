//! ListExtensions, ValidateProfile and PlanAssessment.

use std::fmt::Debug;
use std::process::Command;

use guide_board::wire::{Named, pb, to_json};
use serde_json::{Value, json};
use tonic::{Code, Response, Status};

use super::fixtures::{Service, Setup, put, refused, refused_field};
use crate::support::World;

/// Profiles and extensions: `probe`, which is whole; `other`, which asks something of its profiles; both in `extensions`, and `probe` is a link there.
fn world() -> World {
    let world = World::new();
    world.extension("probe").set("/title", json!("A probe")).script("exit 1");
    std::fs::create_dir_all(world.path("versions/1.2.3")).expect("made");
    std::fs::rename(world.path("extensions/probe"), world.path("versions/1.2.3/probe")).expect("moved");
    std::os::unix::fs::symlink(world.path("versions/1.2.3/probe"), world.path("extensions/probe")).expect("linked");
    let schema = json!({"required": ["metadata"], "properties": {"metadata": {"required": ["owner"]}}});
    put(&world.path("extensions"), "other/asked.schema.json", schema.to_string());
    let asked = json!([{"id": "asked", "profile_kind": "assessment", "path": "asked.schema.json"}]);
    world.extension("other").set("/profile_schemas", asked).script("exit 1");
    put(&world.path("profiles"), "target.json", target().to_string());
    put(&world.path("profiles"), "assessment.json", json!({"id": "a", "extensions": ["probe"]}).to_string());
    world
}

fn target() -> Value {
    json!({"id": "t", "subject_type": "repository", "endpoints": [{"binding": "filesystem", "url": ".."}]})
}

async fn serve(world: &World) -> Service {
    let extensions = world.path("extensions");
    Setup::new(&world.path("")).with(|config| config.policy.extension_dirs = vec![extensions]).start().await
}

/// A reply as its JSON, in which no directory of this machine is named.
fn told<M: Named + Debug>(world: &World, reply: Result<Response<M>, Status>) -> Value {
    let json = to_json(&reply.expect("a reply").into_inner()).expect("JSON");
    assert!(!json.to_string().contains(&*world.path("").to_string_lossy()), "{json}");
    json
}

fn pointers(reply: &Value) -> Vec<&str> {
    reply["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .map(|problem| problem["pointer"].as_str().expect("text"))
        .collect()
}

fn by_path(kind: pb::ProfileKind, path: &str) -> pb::ValidateProfileRequest {
    pb::ValidateProfileRequest { kind: kind.into(), path: path.to_owned(), ..Default::default() }
}

fn by_text(kind: pb::ProfileKind, document: &Value) -> pb::ValidateProfileRequest {
    pb::ValidateProfileRequest { kind: kind.into(), document: document.to_string(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_listed_by_id_with_what_they_check_and_page_by_page() {
    let world = world();
    let service = serve(&world).await;
    let reply = told(&world, service.catalog().list_extensions(pb::ListExtensionsRequest::default()).await);
    let ids: Vec<&str> = reply["extensions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| found["id"].as_str().expect("text"))
        .collect();
    assert!(
        ids.is_sorted() && ids.contains(&"other") && ids.contains(&"probe") && ids.contains(&"sample-noop"),
        "{ids:?}"
    );
    assert_eq!((&reply["total_size"], &reply["problems"]), (&json!(ids.len()), &json!([])));
    let probe =
        reply["extensions"].as_array().expect("a list").iter().find(|found| found["id"] == "probe").expect("it");
    assert_eq!(
        *probe,
        json!({
            "id": "probe", "version": "1.2.3", "title": "A probe", "description": "", "extension_type": "", "root": "external",
            "supported_frameworks": [], "certification_boundary": "", "parts_omitted": false,
            "check_groups": [{"id": "group", "runner_kind": "command", "checks": [
                {"id": "one", "title": "Check one", "description": "", "requirement_refs": ["public:1"]},
                {"id": "two", "title": "", "description": "", "requirement_refs": []},
            ]}],
        })
    );
    let mut paged = Vec::new();
    let mut request = pb::ListExtensionsRequest { page_size: 1, ..Default::default() };
    loop {
        let page = service.catalog().list_extensions(request.clone()).await.expect("a page").into_inner();
        paged.extend(page.extensions.into_iter().map(|found| found.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_is_not_valid_stands_among_the_problems_and_the_others_are_listed() {
    let world = world();
    world.extension("broken").set("/check_groups", json!([])).script("exit 1");
    world.extension("misnamed").set("/id", json!("sample-noop")).script("exit 1");
    let service = serve(&world).await;
    let reply = told(&world, service.catalog().list_extensions(pb::ListExtensionsRequest::default()).await);
    assert!(reply["extensions"].as_array().is_some_and(|list| list.iter().any(|found| found["id"] == "probe")));
    assert_eq!(reply["problem_count"], 2);
    let files: Vec<&Value> =
        reply["problems"].as_array().expect("a list").iter().map(|problem| &problem["file"]).collect();
    assert_eq!(files, ["broken/extension.json", "misnamed/extension.json"]);
    assert_eq!(reply["problems"][0]["message"], "found [], expected a list of at least 1 item");
    // They are the business of those profiles only that name them.
    let assessment = pb::ProfileKind::Assessment;
    let reply = told(&world, service.catalog().validate_profile(by_path(assessment, "profiles/assessment.json")).await);
    assert_eq!((&reply["valid"], &reply["problems"]), (&json!(true), &json!([])));
    let named = json!({"id": "a", "extensions": ["broken"]});
    let reply = told(&world, service.catalog().validate_profile(by_text(assessment, &named)).await);
    assert_eq!((&reply["problems"][0]["file"], &reply["problem_count"]), (&json!("broken/extension.json"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directories_of_a_request_are_among_those_of_the_server() {
    let world = world();
    let service = serve(&world).await;
    let ask = |dirs: &[&str]| pb::ListExtensionsRequest {
        extension_dirs: dirs.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    let all = told(&world, service.catalog().list_extensions(ask(&["extensions"])).await);
    let one = told(&world, service.catalog().list_extensions(ask(&["extensions/other", "extensions/other"])).await);
    assert_eq!(all["total_size"].as_i64(), one["total_size"].as_i64().map(|size| size + 1));
    assert_eq!(one["problems"], json!([]));
    for (name, reason) in [
        ("", "PATH_INVALID"),
        ("../x", "PATH_INVALID"),
        ("/etc", "PATH_INVALID"),
        ("nowhere", "FIELD_INVALID"),
        ("profiles", "FIELD_INVALID"),
        // It leads out.
        ("extensions/probe", "FIELD_INVALID"),
        ("extensions/other/extension.json", "FIELD_INVALID"),
    ] {
        refused_field(service.catalog().list_extensions(ask(&[name])).await, reason, "extension_dirs");
    }
    refused_field(service.catalog().list_extensions(ask(&["extensions"; 65])).await, "FIELD_INVALID", "extension_dirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_looked_at_where_it_stands_and_named_as_asked() {
    let world = world();
    put(&world.path("profiles"), "broken.json", "{\"id\": 7, \"endpoints\": [], \"subject_typ\": \"x\"}");
    put(&world.path("profiles"), "no-json.json", "{");
    let service = serve(&world).await;
    let target = pb::ProfileKind::Target;
    let reply = told(&world, service.catalog().validate_profile(by_path(target, "profiles/target.json")).await);
    assert_eq!(
        reply,
        json!({"valid": true, "profile_id": "t", "problems": [], "problem_count": 0, "absent_extensions": []})
    );
    let reply = told(&world, service.catalog().validate_profile(by_path(target, "profiles/broken.json")).await);
    assert_eq!((&reply["valid"], &reply["problem_count"]), (&json!(false), &json!(4)));
    assert_eq!(pointers(&reply), ["", "/id", "/endpoints", "/subject_typ"]);
    assert_eq!(
        reply["problems"][1],
        json!({"file": "profiles/broken.json", "pointer": "/id", "message": "found 7, expected a text"})
    );
    let reply = told(&world, service.catalog().validate_profile(by_path(target, "profiles/no-json.json")).await);
    assert_eq!(
        (&reply["problems"][0]["file"], reply["problem_count"].as_i64()),
        (&json!("profiles/no-json.json"), Some(1))
    );
    for (path, reason) in
        [("profiles/none.json", "FIELD_INVALID"), ("../x", "PATH_INVALID"), ("extensions", "FIELD_INVALID")]
    {
        refused_field(service.catalog().validate_profile(by_path(target, path)).await, reason, "path");
    }
    let neither = pb::ValidateProfileRequest { kind: target.into(), ..Default::default() };
    refused_field(service.catalog().validate_profile(neither).await, "FIELD_INVALID", "path");
    let both = pb::ValidateProfileRequest { document: "{}".to_owned(), ..by_path(target, "profiles/target.json") };
    refused_field(service.catalog().validate_profile(both).await, "FIELD_INVALID", "document");
    let no_kind = by_path(pb::ProfileKind::Unspecified, "profiles/target.json");
    refused_field(service.catalog().validate_profile(no_kind).await, "FIELD_INVALID", "kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_assessment_profile_its_policy_sets_and_what_its_extensions_ask_are_looked_at() {
    let world = world();
    put(&world.path(""), "policy/waivers.json", json!({"id": "w", "waivers": [{"id": "x", "mtch": {}}]}).to_string());
    let profile = json!({
        "id": "a", "extensions": ["other", "not-here"], "waivers_ref": "../policy/waivers.json",
        "check_groups": [{"extension_id": "other", "check_group": "gruop"}],
    });
    put(&world.path("profiles"), "named.json", profile.to_string());
    let service = serve(&world).await;
    let assessment = pb::ProfileKind::Assessment;
    let reply = told(&world, service.catalog().validate_profile(by_path(assessment, "profiles/named.json")).await);
    let told_of: Vec<(&str, &str)> = reply["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|problem| (problem["file"].as_str().expect("text"), problem["pointer"].as_str().expect("text")))
        .collect();
    assert!(told_of.contains(&("policy/waivers.json", "/waivers/0/mtch")), "{reply}");
    assert!(told_of.contains(&("profiles/named.json", "/check_groups/0/check_group")), "{reply}");
    assert!(reply["problems"].to_string().contains("found no key \\\"metadata\\\""), "{reply}");
    assert_eq!(reply["absent_extensions"], json!(["not-here"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_reference_is_told_by_its_last_component() {
    let world = world();
    std::fs::create_dir_all(world.path("policy/directory")).expect("made");
    put(&world.path("policy"), "wrong.json", "{}");
    let service = serve(&world).await;
    for name in ["none.json", "directory", "wrong.json"] {
        let reference = world.path("policy").join(name);
        let profile = json!({"id": "a", "extensions": ["probe"], "waivers_ref": reference});
        put(&world.path("profiles"), "absolute.json", profile.to_string());
        let request = by_path(pb::ProfileKind::Assessment, "profiles/absolute.json");
        let reply = told(&world, service.catalog().validate_profile(request).await);
        assert!(reply["problems"].to_string().contains(name), "{reply}");
        let request = pb::PlanAssessmentRequest {
            target: "profiles/target.json".to_owned(),
            assessment: "profiles/absolute.json".to_owned(),
            extension_dirs: Vec::new(),
        };
        let refusal = format!("{:?}", service.catalog().plan_assessment(request).await.expect_err("refused"));
        assert!(!refusal.contains(&*world.path("").to_string_lossy()), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_the_request_opens_no_file() {
    let world = world();
    let secret = put(&world.path(""), "secret.json", "{\"secret\": 7}");
    let service = serve(&world).await;
    let assessment = pb::ProfileKind::Assessment;
    for reference in [secret.to_str().expect("text"), "../secret.json", "secret.json", "/etc/passwd"] {
        let document = json!({"id": "a", "extensions": ["probe"], "waivers_ref": reference});
        let reply = told_of_text(&service, by_text(assessment, &document)).await;
        assert_eq!(reply.problems, [], "{reference}");
        assert!(reply.valid && reply.profile_id == "a");
    }
    let document = json!({"id": "a", "extensions": ["probe"], "waivers_ref": "bundled:profiles/none.json"});
    assert_eq!(told_of_text(&service, by_text(assessment, &document)).await.problem_count, 1);
}

async fn told_of_text(service: &Service, request: pb::ValidateProfileRequest) -> pb::ValidateProfileResponse {
    service.catalog().validate_profile(request).await.expect("a reply").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_wrong_in_very_many_places_gets_a_bounded_reply() {
    let world = world();
    let service = serve(&world).await;
    let many = json!({"id": "a", "extensions": vec![1; 60_000]}).to_string();
    let keys: serde_json::Map<String, Value> = (0..10_000).map(|key| (format!("key-{key}"), json!(0))).collect();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for document in [many, Value::Object(keys).to_string(), deep, "\"".repeat(200_000)] {
        for kind in [pb::ProfileKind::Target, pb::ProfileKind::Assessment] {
            let request =
                pb::ValidateProfileRequest { kind: kind.into(), document: document.clone(), ..Default::default() };
            let reply = told_of_text(&service, request).await;
            assert!(!reply.valid && (1..=100).contains(&reply.problems.len()), "{}", reply.problems.len());
        }
    }
    let too_large = by_text(pb::ProfileKind::Target, &json!("x".repeat(256 << 10)));
    assert_eq!(service.catalog().validate_profile(too_large).await.expect_err("refused").code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_the_one_that_the_command_prints_and_names_no_path_of_the_server() {
    let world = world();
    put(&world.path(""), "policy/waivers.json", json!({"id": "w", "waivers": []}).to_string());
    let profile = json!({
        "id": "a", "extensions": ["probe", "sample-noop"], "waivers_ref": "../policy/waivers.json",
        "runtime_policy": {"timeout_seconds": 7, "x": {"y": 1.50}},
    });
    put(&world.path("profiles"), "assessment.json", profile.to_string());
    let service = serve(&world).await;
    let request = pb::PlanAssessmentRequest {
        target: "profiles/target.json".to_owned(),
        assessment: "profiles/assessment.json".to_owned(),
        extension_dirs: Vec::new(),
    };
    let reply = told(&world, service.catalog().plan_assessment(request).await);
    assert_eq!(reply["plan_json"], plan_of_the_command(&world));
    let plan = &reply["plan"];
    assert_eq!(plan["policy"]["waivers_ref"], "policy/waivers.json");
    assert_eq!(plan["runtime_policy"]["x"], "{\"y\":1.5}");
    assert_eq!(
        plan["steps"][0],
        json!({
            "order": 1, "extension_id": "probe", "check_group": "group", "checks": ["one", "two"], "runner_ref": "runner",
            "runner_kind": "command", "normalizer_ref": "", "timeout_seconds": 7,
        })
    );
    assert_eq!(plan["extensions"][1]["root"], "bundled");
}

fn plan_of_the_command(world: &World) -> String {
    let mut command: Command = world.command();
    command.args(["--extension-dir", "extensions", "plan", "--target", "profiles/target.json"]);
    let output = command.args(["--assessment", "profiles/assessment.json"]).output().expect("it ran");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_made_names_every_problem_with_its_field() {
    let world = world();
    put(&world.path("profiles"), "target.json", "{\"id\": 7}");
    put(&world.path("profiles"), "assessment.json", json!({"id": "a", "extensions": ["gone"]}).to_string());
    let service = serve(&world).await;
    let ask = |target: &str, assessment: &str| pb::PlanAssessmentRequest {
        target: target.to_owned(),
        assessment: assessment.to_owned(),
        extension_dirs: Vec::new(),
    };
    let request = ask("profiles/target.json", "profiles/assessment.json");
    let refusal = refused(service.catalog().plan_assessment(request).await, Code::InvalidArgument, "PROFILE_INVALID");
    let violations = refusal.details.bad_request().expect("violations").field_violations.clone();
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["target", "target", "target", "assessment"]);
    assert!(
        violations[3].description.starts_with("profiles/assessment.json: /extensions/0: there is no extension gone")
    );
    let keys: serde_json::Map<String, Value> =
        (0..500).map(|key| (format!("{key}é{}", "ü".repeat(90)), json!(0))).collect();
    put(&world.path("profiles"), "target.json", Value::Object(keys).to_string());
    let request = ask("profiles/target.json", "profiles/assessment.json");
    let refusal = refused(service.catalog().plan_assessment(request).await, Code::InvalidArgument, "PROFILE_INVALID");
    assert!(refusal.details.bad_request().is_some_and(|request| (2..=20).contains(&request.field_violations.len())));
    for (target, assessment, field) in
        [("profiles/none", "profiles/assessment.json", "target"), ("profiles/target.json", "versions", "assessment")]
    {
        refused_field(service.catalog().plan_assessment(ask(target, assessment)).await, "FIELD_INVALID", field);
    }
}
