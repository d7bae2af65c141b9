//! What a failed validation says to whoever wrote the document: what was found and what was expected, of the very place that is wrong.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::schema;
use crate::model::printable;

/// How much of a found value is shown, in characters.
const SHOWN: usize = 80;

/// The most keys, words or forms that are listed as expected.
const LISTED: usize = 40;

/// Where something is wrong, a JSON pointer, and what was found and expected there.
pub(super) type Told = (String, String);

/// What one error of the validator is to a reader: usually one problem, several where it speaks of several keys.
pub(super) fn told(error: &ValidationError<'_>) -> Vec<Told> {
    let pointer = error.instance_path().to_string();
    let one = |found: String, expected: String| vec![(pointer.clone(), format!("found {found}, expected {expected}"))];
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let keys = known_keys(error);
            let expected =
                if keys.is_empty() { "no such key".to_owned() } else { format!("one of: {}", listed(keys, "")) };
            let told = unexpected.iter().take(LISTED).map(|key| {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                (pointer, format!("found the key {}, expected {expected}", quoted(key)))
            });
            told.collect()
        }
        Kind::AnyOf { context } => of_branches(error, context, "at least one of them"),
        Kind::OneOfNotValid { context } => of_branches(error, context, "exactly one of them"),
        _ => {
            let (found, expected) = single(error);
            one(found, expected)
        }
    }
}

/// What was found and what was expected, for an error that speaks of one place.
fn single(error: &ValidationError<'_>) -> (String, String) {
    let found = shown(error);
    let expected = match error.kind() {
        Kind::Required { property } => {
            return (format!("no key {property}"), format!("one{}", condition(error)));
        }
        Kind::PropertyNames { error } => {
            let (found, expected) = single(error);
            return (format!("the key {found}"), expected);
        }
        Kind::FalseSchema => {
            let key = error.instance_path().to_string();
            let key = key.rsplit('/').next().unwrap_or_default().to_owned();
            return (format!("the key {}", quoted(&key)), format!("no such key{}", condition(error)));
        }
        Kind::OneOfMultipleValid { .. } => return one_of_many(error, found),
        Kind::UniqueItems => return ("an item twice".to_owned(), "every item once".to_owned()),
        Kind::Type { kind } => types(kind),
        Kind::Enum { options } => {
            format!("one of: {}", listed(options.as_array().into_iter().flatten().map(Value::to_string), ""))
        }
        Kind::Constant { expected_value } => expected_value.to_string(),
        Kind::Pattern { pattern } => {
            described(error).unwrap_or_else(|| format!("a text that matches {}", printable(pattern, 200)))
        }
        Kind::MinLength { limit: 1 } => "a text that is not empty".to_owned(),
        Kind::MinLength { limit } => format!("a text of at least {limit} characters"),
        Kind::MaxLength { limit } => format!("a text of at most {limit} characters"),
        Kind::MinItems { limit } => format!("a list of at least {}", counted(*limit, "item")),
        Kind::MaxItems { limit } => format!("a list of at most {}", counted(*limit, "item")),
        Kind::MinProperties { limit } => format!("at least {}", counted(*limit, "key")),
        Kind::MaxProperties { limit } => format!("at most {}", counted(*limit, "key")),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        // The rest comes from schemas that extensions bring.
        _ => format!("something else: {}", printable(&error.masked_with("it").to_string(), 300)),
    };
    (found, expected)
}

/// Of several forms none fits. The one that was meant is told of; where none stands out, all of them are.
fn of_branches(error: &ValidationError<'_>, branches: &[Vec<ValidationError<'static>>], how_many: &str) -> Vec<Told> {
    let here = error.instance_path();
    let pointer = here.to_string();
    let keys: Vec<String> = branches.iter().filter_map(|errors| missing_key(errors)).collect();
    if !keys.is_empty() && keys.len() == branches.len() {
        let message = format!("found none of the keys {}, expected {how_many}", listed(keys, ""));
        return vec![(pointer, message)];
    }
    // A form for another type of value was not meant.
    let is_other_form = |errors: &&Vec<ValidationError<'static>>| {
        errors.iter().any(|inner| inner.instance_path() == here && is_of_another_form(inner))
    };
    match branches.iter().filter(|errors| !is_other_form(errors)).min_by_key(|errors| errors.len()) {
        Some(errors) => errors.iter().flat_map(told).collect(),
        None => {
            let forms = branches.iter().filter_map(|errors| errors.first()).map(|error| single(error).1);
            vec![(pointer, format!("found {}, expected {}", shown(error), listed(forms, "or")))]
        }
    }
}

fn is_of_another_form(error: &ValidationError<'_>) -> bool {
    match error.kind() {
        Kind::Type { .. } => true,
        Kind::Enum { .. } | Kind::Constant { .. } => error.instance().is_object() || error.instance().is_array(),
        _ => false,
    }
}

/// The key that a branch asks for, if that is all that it lacks.
fn missing_key(errors: &[ValidationError<'_>]) -> Option<String> {
    match errors {
        [error] => match error.kind() {
            Kind::Required { property } => Some(property.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Several forms fit where one should.
fn one_of_many(error: &ValidationError<'_>, found: String) -> (String, String) {
    let keys: Vec<Value> = place_in_schema(error)
        .and_then(|(schema, pointer)| schema.pointer(&pointer).cloned())
        .and_then(|branches| branches.as_array().cloned())
        .into_iter()
        .flatten()
        .filter_map(|branch| branch.pointer("/required/0").cloned())
        .collect();
    if keys.is_empty() {
        return (found, "a value that fits one form, and not several".to_owned());
    }
    let keys = keys.iter().map(Value::to_string);
    (format!("more than one of the keys {}", listed(keys, "")), "exactly one of them".to_owned())
}

/// A found value. Of what has parts only how many: it may be long, and hold what should not be shown.
fn shown(error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    match error.instance().as_ref() {
        // Somebody may have put the credential itself there.
        _ if pointer.starts_with("/credentials_ref") => "a value that is not shown here".to_owned(),
        Value::Object(fields) if !fields.is_empty() => format!("an object of {}", counted(fields.len(), "key")),
        Value::Array(items) if !items.is_empty() => format!("a list of {}", counted(items.len(), "item")),
        other => printable(&other.to_string(), SHOWN),
    }
}

fn types(kind: &TypeKind) -> String {
    let word = |word: String| match word.as_str() {
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "object" => "an object".to_owned(),
        _ => word,
    };
    match kind {
        TypeKind::Single(one) => word(one.to_string()),
        TypeKind::Multiple(several) => listed(several.iter().map(|one| word(one.to_string())), "or"),
    }
}

/// The schema document that an error comes from, if it is one of ours, and the pointer of the failed keyword in it.
fn place_in_schema(error: &ValidationError<'_>) -> Option<(Value, String)> {
    let location = error.absolute_keyword_location()?.as_str();
    let (document, pointer) = location.split_once('#')?;
    Some((schema::document_at(document)?, pointer.to_owned()))
}

/// What the schema says of the value, in words.
fn described(error: &ValidationError<'_>) -> Option<String> {
    let (schema, pointer) = place_in_schema(error)?;
    let (around, _) = pointer.rsplit_once('/')?;
    let text = schema.pointer(around)?.get("description")?.as_str()?;
    Some(within_a_sentence(text.trim_end_matches('.')))
}

/// A sentence as a part of another.
fn within_a_sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// The keys that an object may have.
fn known_keys(error: &ValidationError<'_>) -> Vec<String> {
    let found = place_in_schema(error).and_then(|(schema, pointer)| {
        let (around, _) = pointer.rsplit_once('/')?;
        let keys = schema.pointer(around)?.get("properties")?.as_object()?;
        Some(keys.keys().map(|key| quoted(key)).collect())
    });
    found.unwrap_or_default()
}

/// The condition under which a schema's `then` holds: ` where "kind" is "command"`.
fn condition(error: &ValidationError<'_>) -> String {
    let found = place_in_schema(error).and_then(|(schema, pointer)| {
        let (around, _) = pointer.rsplit_once("/then/")?;
        let properties = schema.pointer(around)?.pointer("/if/properties")?.as_object()?.clone();
        let (key, value) = properties.iter().next()?;
        let words = match (value.get("const"), value.get("enum").and_then(Value::as_array)) {
            (Some(word), _) => word.to_string(),
            (None, Some(words)) => listed(words.iter().map(Value::to_string), "or"),
            (None, None) => return None,
        };
        Some(format!(" where {} is {words}", quoted(key)))
    });
    found.unwrap_or_default()
}

fn quoted(text: &str) -> String {
    printable(&Value::from(text).to_string(), 200)
}

/// Texts in a row, with a word before the last of them.
fn listed(texts: impl IntoIterator<Item = String>, before_last: &str) -> String {
    let mut texts: Vec<String> = texts.into_iter().collect();
    if texts.len() > LISTED {
        texts.truncate(LISTED);
        texts.push("…".to_owned());
    }
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() && !before_last.is_empty() => {
            format!("{} {before_last} {last}", rest.join(", "))
        }
        _ => texts.join(", "),
    }
}

fn counted(count: impl Into<Count>, what: &str) -> String {
    let Count(count) = count.into();
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A number of parts.
struct Count(u64);

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self(u64::try_from(count).unwrap_or(u64::MAX))
    }
}
