//! Validation against the JSON Schemas of `docs/schemas/` (draft 2020-12), offline: the schemas refer to nothing outside themselves.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

use super::error::ProfileProblem;
use super::schema_problems;
use crate::model::printable;

/// At most so many problems of one document are told.
const MOST: usize = 50;

/// Of a document with more values than this only the first problem is looked for. All problems are found before the first is told, and each
/// takes about 1 KiB: a small text can hold very many.
const THOROUGH_VALUES: usize = 20_000;

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
    /// One line of `run --progress jsonl`.
    ProgressEvent = "progress-event",
    /// What `run --json` prints.
    RunOutcome = "run-outcome",
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
    options.build(schema).map_err(|error| match error.kind() {
        // Where it leads may be a path of this machine.
        ValidationErrorKind::Referencing(_) => {
            "a $ref in it leads to no schema; it may refer to itself and to the schemas of guide-board".to_owned()
        }
        _ => printable(&error.to_string(), 600),
    })
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
    let of_error = |error| {
        let told = schema_problems::told(&error);
        told.into_iter().map(|(pointer, message)| problem(&pointer, printable(&message, 1200)))
    };
    match validator {
        Ok(validator) if has_more_values(document, THOROUGH_VALUES) => {
            let Err(error) = validator.validate(document) else { return Vec::new() };
            let mut problems: Vec<_> = of_error(error).take(MOST).collect();
            if let Some(last) = problems.last_mut() {
                let more = "what else may be wrong is not looked for in a document of so many values";
                last.message = format!("{}; {more} (more than {THOROUGH_VALUES})", last.message);
            }
            problems
        }
        Ok(validator) => validator.iter_errors(document).flat_map(of_error).take(MOST).collect(),
        Err(error) => vec![problem("", format!("the embedded schema is broken, a fault of guide-board: {error}"))],
    }
}

/// Whether there are more than `limit` values in the document, itself among them.
fn has_more_values(document: &Value, limit: usize) -> bool {
    let (mut waiting, mut count) = (vec![document], 0_usize);
    while let Some(value) = waiting.pop() {
        count += 1;
        if count > limit {
            return true;
        }
        // No more of them are wanted than decide it.
        match value {
            Value::Array(items) => waiting.extend(items.iter().take(limit)),
            Value::Object(fields) => waiting.extend(fields.values().take(limit)),
            _ => {}
        }
    }
    false
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
    fn of_a_document_of_very_many_values_only_the_first_problem_is_looked_for() {
        let of = |count: usize| json!({"id": "a", "subject_type": "x", "endpoints": vec![json!({}); count]});
        let found = problems(Schema::TargetProfile, &of(20), "t.json");
        assert_eq!(found.len(), 40, "each lacks two keys");
        // Each of the problems that are not looked for would take some KiB.
        let found = problems(Schema::TargetProfile, &of(86_000), "t.json");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("more than 20000"), "{found:?}");
        let valid = json!({"id": "a", "set": vec![json!({"x": [1]}); 50_000]});
        assert!(told(&compile(&json!({"required": ["id"]})), &valid, "x", "").is_empty());
    }

    #[test]
    fn values_are_counted_at_every_depth() {
        let document = json!({"a": [1, {"b": 2}], "c": {}});
        assert!(has_more_values(&document, 5) && !has_more_values(&document, 6));
    }

    #[test]
    fn a_reference_out_of_a_schema_is_not_repeated() {
        for reference in ["file:///etc/passwd", "https://secret.example/x.json", "other.json", "#/$defs/none"] {
            let error = compile(&json!({"$ref": reference})).expect_err("refused");
            assert!(error.contains("leads to no schema") && !error.contains("etc"), "{reference}: {error}");
        }
    }

    #[test]
    fn a_credential_written_into_the_profile_is_not_repeated() {
        let document = json!({"id": "a", "subject_type": "x", "endpoints": [{"binding": "b", "url": "u"}], "credentials_ref": "hunter2"});
        let found = problems(Schema::TargetProfile, &document, "t.json");
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("hunter2"), "{found:?}");
    }
}
