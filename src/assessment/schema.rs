//! Validation against the JSON Schemas of `docs/schemas/` (draft 2020-12), offline: the schemas refer to nothing outside themselves.

use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::embedded::schemas;
use super::error::ProfileProblem;
use crate::model::printable;

/// The documents that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// A target profile.
    TargetProfile,
    /// An assessment profile.
    AssessmentProfile,
    /// An extension manifest.
    Extension,
    /// What a runner reports.
    RunnerResult,
}

/// At most so many problems of one document are told.
const MOST: usize = 50;

static TARGET_PROFILE: LazyLock<Result<Validator, String>> = LazyLock::new(|| compile(schemas::TARGET_PROFILE));
static ASSESSMENT_PROFILE: LazyLock<Result<Validator, String>> = LazyLock::new(|| compile(schemas::ASSESSMENT_PROFILE));
static EXTENSION: LazyLock<Result<Validator, String>> = LazyLock::new(|| compile(schemas::EXTENSION));
static RUNNER_RESULT: LazyLock<Result<Validator, String>> = LazyLock::new(|| compile(schemas::RUNNER_RESULT));

fn compile(text: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).map_err(|error| error.to_string())
}

/// Everything in which `document` is not what the schema says; `file` is the name that the problems bear.
#[must_use]
pub fn problems(schema: Schema, document: &Value, file: &str) -> Vec<ProfileProblem> {
    let validator = match schema {
        Schema::TargetProfile => &*TARGET_PROFILE,
        Schema::AssessmentProfile => &*ASSESSMENT_PROFILE,
        Schema::Extension => &*EXTENSION,
        Schema::RunnerResult => &*RUNNER_RESULT,
    };
    let problem = |pointer: &str, message: String| ProfileProblem {
        file: file.to_owned(),
        pointer: printable(pointer, 300),
        message,
    };
    match validator {
        Ok(validator) => validator
            .iter_errors(document)
            .take(MOST)
            .map(|error| {
                let pointer = error.instance_path().to_string();
                let expected = error.masked_with("it").to_string();
                let message = if is_container_problem(&error) {
                    expected
                } else if pointer.starts_with("/credentials_ref") {
                    // Somebody may have put the credential itself there.
                    format!("found a value that is not shown here: {expected}")
                } else {
                    format!("found {}: {expected}", printable(&error.instance().to_string(), 80))
                };
                problem(&pointer, printable(&message, 600))
            })
            .collect(),
        Err(error) => vec![problem("", format!("the embedded schema is broken, a fault of guide-board: {error}"))],
    }
}

/// Whether the message already names the part of the object that is wrong, so that showing the whole object adds nothing.
fn is_container_problem(error: &jsonschema::ValidationError<'_>) -> bool {
    use jsonschema::error::ValidationErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::Required { .. } | Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_embedded_schema_compiles() {
        for schema in [&TARGET_PROFILE, &ASSESSMENT_PROFILE, &EXTENSION, &RUNNER_RESULT] {
            assert!(schema.is_ok(), "{:?}", schema.as_ref().err());
        }
    }

    #[test]
    fn all_problems_come_at_once_with_pointer_found_and_expected() {
        let document = json!({"id": 7, "endpoints": [{"binding": ""}], "subject_typ": "x"});
        let found = problems(Schema::TargetProfile, &document, "t.json");
        let pointers: Vec<&str> = found.iter().map(|problem| problem.pointer.as_str()).collect();
        assert!(pointers.contains(&"/id") && pointers.contains(&"/endpoints/0") && pointers.contains(&""), "{found:?}");
        let id = found.iter().find(|problem| problem.pointer == "/id").expect("the id's problem");
        assert_eq!(id.to_string(), "t.json: /id: found 7: it is not of type \"string\"");
    }

    #[test]
    fn a_credential_written_into_the_profile_is_not_repeated() {
        let document = json!({"id": "a", "subject_type": "x", "endpoints": [{"binding": "b", "url": "u"}], "credentials_ref": "hunter2"});
        let found = problems(Schema::TargetProfile, &document, "t.json");
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("hunter2"), "{found:?}");
    }
}
