//! Validation against the JSON Schemas of `docs/schemas/` (draft 2020-12), offline: the schemas refer to nothing outside themselves.

use std::sync::LazyLock;

use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

use super::error::ProfileProblem;
use super::schema_problems;
use crate::model::printable;

/// At most so many problems of one document are told.
const MOST: usize = 50;

/// Declares the documents that have a schema: name, file in `docs/schemas/` without its ending.
macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $file:literal),+ $(,)?) => {
        /// The documents that have a schema.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Schema {
            $($(#[$doc])* $name),+
        }

        impl Schema {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name: the file in `docs/schemas/` without `.schema.json`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $file),+ }
            }

            fn validator(self) -> &'static Result<Validator, String> {
                match self {
                    $(Self::$name => {
                        static VALIDATOR: LazyLock<Result<Validator, String>> = LazyLock::new(|| embedded(Schema::$name));
                        &VALIDATOR
                    }),+
                }
            }
        }
    };
}

schemas! {
    /// A target profile.
    TargetProfile = "target-profile",
    /// An assessment profile.
    AssessmentProfile = "assessment-profile",
    /// An extension manifest.
    Extension = "extension",
    /// What a runner reports.
    RunnerResult = "runner-result",
    /// What a preflight runner reports.
    PreflightResult = "preflight-result",
    /// What makes a report fragment reports.
    FragmentResult = "fragment-result",
    /// A mapping set.
    MappingSet = "mapping-set",
    /// A set of expectations.
    ExpectationSet = "expectation-set",
    /// A set of waivers.
    WaiverSet = "waiver-set",
    /// A set of challenges.
    ChallengeSet = "challenge-set",
    /// A set of exclusions.
    ExclusionSet = "exclusion-set",
    /// The context that a runner reads.
    RunnerContext = "runner-context",
    /// The context that a report fragment reads.
    FragmentContext = "fragment-context",
    /// `run.json`.
    Run = "run",
    /// `plan.json`.
    Plan = "plan",
    /// `sources.lock.json`.
    SourceLock = "source-lock",
    /// `retention-summary.json`.
    RetentionSummary = "retention-summary",
    /// `normalized/evidence.json`.
    Evidence = "evidence",
    /// `normalized/findings.json`.
    Findings = "findings",
    /// `normalized/mappings.json`.
    Mappings = "mappings",
    /// `reports/assessment-package.json`.
    AssessmentPackage = "assessment-package",
    /// `reports/fragments.json`.
    Fragments = "fragments",
    /// `reports/submission-package.json`.
    SubmissionPackage = "submission-package",
    /// `exports/export-manifest.json`.
    ExportManifest = "export-manifest",
}

/// Where the schemas say they are; nothing is fetched from there.
const BASE: &str = "https://guide-board.invalid/schemas/";

/// Hands out the embedded schemas, which refer to each other, and nothing else.
struct Embedded;

impl Retrieve for Embedded {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        document_at(uri.as_str())
            .ok_or_else(|| format!("{uri} is no schema of guide-board, and nothing is fetched").into())
    }
}

/// One of the embedded schemas by where it says it is.
pub(super) fn document_at(uri: &str) -> Option<Value> {
    let name = uri.strip_prefix(BASE)?.strip_suffix(".schema.json")?;
    serde_json::from_str(super::embedded::schema(name)?).ok()
}

fn embedded(schema: Schema) -> Result<Validator, String> {
    let text = super::embedded::schema(schema.name()).ok_or("it is not there")?;
    compile(&serde_json::from_str(text).map_err(|error| error.to_string())?)
}

/// Compiles a schema (2020-12 unless it says otherwise). It may refer to itself and to the embedded ones.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().with_draft(Draft::Draft202012).with_retriever(Embedded);
    options.build(schema).map_err(|error| printable(&error.to_string(), 600))
}

/// The schema of one item of a runner's result, so that a long result need not be one value.
static RESULT_ITEM: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| compile(&serde_json::json!({"$ref": format!("{BASE}runner-result.schema.json#/$defs/item")})));

/// Everything in which `item` is not what one item of a runner's result must be.
pub(super) fn result_item_problems(item: &Value, pointer: &str) -> Vec<ProfileProblem> {
    told(&RESULT_ITEM, item, "result", pointer)
}

/// Everything in which `document` is not what the schema says; `file` is the name that the problems bear.
#[must_use]
pub fn problems(schema: Schema, document: &Value, file: &str) -> Vec<ProfileProblem> {
    told(schema.validator(), document, file, "")
}

/// The same with a validator of one's own; `above` is put before each pointer.
pub(super) fn told(
    validator: &Result<Validator, String>,
    document: &Value,
    file: &str,
    above: &str,
) -> Vec<ProfileProblem> {
    let problem = |pointer: &str, message: String| ProfileProblem {
        file: file.to_owned(),
        pointer: printable(&format!("{above}{pointer}"), 300),
        message,
    };
    match validator {
        Ok(validator) => validator
            .iter_errors(document)
            .flat_map(|error| schema_problems::told(&error))
            .take(MOST)
            .map(|(pointer, message)| problem(&pointer, printable(&message, 1200)))
            .collect(),
        Err(error) => vec![problem("", format!("the embedded schema is broken, a fault of guide-board: {error}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_embedded_schema_compiles() {
        for schema in Schema::ALL {
            assert!(schema.validator().is_ok(), "{}: {:?}", schema.name(), schema.validator().as_ref().err());
        }
        assert!(RESULT_ITEM.is_ok());
    }

    #[test]
    fn all_problems_come_at_once_with_pointer_found_and_expected() {
        let document = json!({"id": 7, "endpoints": [{"binding": ""}], "subject_typ": "x"});
        let found = problems(Schema::TargetProfile, &document, "t.json");
        let pointers: Vec<&str> = found.iter().map(|problem| problem.pointer.as_str()).collect();
        for pointer in ["/id", "/endpoints/0", "/endpoints/0/binding", "/subject_typ", ""] {
            assert!(pointers.contains(&pointer), "{pointer}: {found:?}");
        }
        let id = found.iter().find(|problem| problem.pointer == "/id").expect("the id's problem");
        assert_eq!(id.to_string(), "t.json: /id: found 7, expected a text");
    }

    #[test]
    fn a_credential_written_into_the_profile_is_not_repeated() {
        let document = json!({"id": "a", "subject_type": "x", "endpoints": [{"binding": "b", "url": "u"}], "credentials_ref": "hunter2"});
        let found = problems(Schema::TargetProfile, &document, "t.json");
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("hunter2"), "{found:?}");
    }
}
