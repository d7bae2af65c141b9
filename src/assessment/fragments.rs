//! Report fragments: what the extensions add to the report, a file as it is or what a function makes of the run.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capture::CAPTURE_BYTES;
use super::documents::Fragment;
use super::error::AssessmentError;
use super::extensions::{Extension, FragmentKind, FragmentSource};
use super::plan::Plan;
use super::runner::{Bench, Program, Refusal, WORKING_FILES, ended, last_words, path};
use super::schema::{self, Schema};
use super::writing::ForFragments;
use crate::model::printable;

/// How long a function that makes a fragment may take when nobody states it.
const DEFAULT_TIMEOUT_SECONDS: u64 = 60;

/// The longest text of a fragment, in bytes.
const MAX_MARKDOWN_BYTES: usize = 1 << 20;

/// What one function reads.
#[derive(Serialize)]
struct FragmentContext<'a> {
    #[serde(flatten)]
    same: &'a ForFragments<'a>,
    root: &'a Path,
    extension_path: Option<&'a Path>,
    report_fragment: Option<&'a Value>,
}

#[derive(Deserialize)]
struct FragmentResult {
    markdown: String,
    #[serde(default)]
    structured: Value,
}

/// Whether a function makes a fragment of this plan's runs: then a program runs after the artifacts were looked at.
pub(super) fn has_functions(plan: &Plan) -> bool {
    let mut sources = plan.extensions.iter().flat_map(|extension| &extension.manifest.report_fragments);
    sources.any(|source| source.kind == FragmentKind::PythonModule)
}

/// Makes the fragments of every extension that takes part, in the profile's order. `context` has what is the same for all of them. One that
/// cannot be made says why and fails nothing: the evidence stands.
pub(super) fn fragments(
    bench: &Bench<'_>,
    context: &ForFragments<'_>,
    root: &Path,
) -> Result<Vec<Fragment>, AssessmentError> {
    let mut made = Vec::new();
    for extension in &bench.plan.extensions {
        for source in &extension.manifest.report_fragments {
            let result = match source.kind {
                FragmentKind::MarkdownFile => extension
                    .text(&source.source.path)
                    .map(|markdown| FragmentResult { markdown, structured: Value::Null })
                    .map_err(Refusal::Broken),
                FragmentKind::PythonModule => call(bench, extension, source, context, root, made.len()),
            };
            let result = result.and_then(|result| {
                if result.markdown.len() > MAX_MARKDOWN_BYTES {
                    return Err(Refusal::Broken(format!("its text is longer than {MAX_MARKDOWN_BYTES} bytes")));
                }
                Ok(result)
            });
            let (result, error) = match result {
                Ok(result) => (result, None),
                Err(Refusal::Broken(message)) => {
                    (FragmentResult { markdown: String::new(), structured: Value::Null }, Some(message))
                }
                Err(Refusal::Error(error)) => return Err(error),
            };
            made.push(Fragment {
                id: format!("{}/{}", extension.manifest.id, source.id),
                title: source.title.clone(),
                markdown: result.markdown,
                structured: result.structured,
                extension_id: extension.manifest.id.clone(),
                error,
            });
        }
    }
    Ok(made)
}

fn call(
    bench: &Bench<'_>,
    extension: &Extension,
    source: &FragmentSource,
    context: &ForFragments<'_>,
    root: &Path,
    number: usize,
) -> Result<FragmentResult, Refusal> {
    let entries = extension.document.value.get("report_fragments").and_then(Value::as_array);
    let entry = entries.into_iter().flatten().find(|entry| entry.get("id").is_some_and(|id| *id == *source.id));
    let extension_path = bench.extension_directory(extension);
    let context =
        FragmentContext { same: context, root, extension_path: extension_path.as_deref(), report_fragment: entry };
    let stated = [source.timeout_seconds, bench.plan.assessment.timeout_seconds];
    let timeout_seconds = stated.into_iter().flatten().min().unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    let desk = path(&format!("{WORKING_FILES}/fragment-{number:04}"))?;
    let ran = bench.execute(Program {
        command: bench.python_command(extension, &source.source, "fragment"),
        // The artifacts are listed by now: what it leaves is no output of the run.
        directory: desk.clone(),
        output: path(&format!("{desk}/output"))?,
        desk,
        context: &context,
        timeout_seconds,
        output_limit: CAPTURE_BYTES,
        prints_result: false,
    })?;
    if let Some(failure) = &ran.ending.start_failure {
        return Err(Refusal::Broken(format!("it could not be started: {}", failure.message)));
    }
    if let Some(reason) = ended(&ran.ending, "the function", timeout_seconds) {
        let mut said = vec![reason];
        said.extend(last_words(&ran));
        return Err(Refusal::Broken(said.join("\n")));
    }
    let invalid = |said: String| Refusal::Broken(format!("its result is not what the schema says: {said}"));
    let bytes = ran.result().map_err(&invalid)?;
    let mut value: Value =
        serde_json::from_slice(bytes).map_err(|error| invalid(printable(&error.to_string(), 200)))?;
    bench.credentials.redactor.value(&mut value);
    if let Some(problem) = schema::problems(Schema::FragmentResult, &value, "result").first() {
        return Err(invalid(problem.to_string()));
    }
    serde_json::from_value(value).map_err(|error| invalid(printable(&error.to_string(), 200)))
}
