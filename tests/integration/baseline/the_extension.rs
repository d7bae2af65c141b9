//! The manifest agrees with the code, and every check answers.

use super::*;

#[test]
fn manifest_and_code_name_the_same_checks_and_requirements() {
    let manifest: serde_json::Value =
        serde_json::from_str(include_str!("../../../extensions/repository-baseline/extension.json")).unwrap();
    assert_eq!(manifest["id"], EXTENSION_ID);
    let declared: Vec<(String, Vec<String>)> = manifest["check_groups"][0]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            let refs = check["requirement_refs"].as_array().unwrap();
            (check["id"].as_str().unwrap().into(), refs.iter().map(|id| id.as_str().unwrap().into()).collect())
        })
        .collect();
    let coded: Vec<(String, Vec<String>)> = CHECKS
        .iter()
        .map(|check| (check.id.into(), check.requirements.iter().map(|requirement| requirement.id.into()).collect()))
        .collect();
    assert_eq!(declared, coded);
    let frameworks: Vec<&str> = manifest["supported_frameworks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|framework| framework["id"].as_str().unwrap())
        .collect();
    for (_, refs) in coded {
        assert!(refs.iter().all(|id| frameworks.contains(&id.split(':').next().unwrap())));
    }
}

#[test]
fn an_unknown_check_gives_an_item_that_says_so() {
    repo().expect("no-such-check", EvidenceResult::Unknown);
}

#[test]
fn every_check_answers_on_an_empty_directory_and_is_announced() {
    let ids: Vec<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    let mut heard = Vec::new();
    let result =
        assess(&repo().tree(), Limits::default(), "target", &ids, &mut |id| heard.push(id.to_owned())).unwrap();
    assert_eq!(heard, ids);
    assert!(result.evidence.iter().all(|item| item.subject_ref == "target" && item.facts.contains_key("references")));
    let text = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<guide_board::baseline::result::RunnerResult>(&text).unwrap(), result);
}
