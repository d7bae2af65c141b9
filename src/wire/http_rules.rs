//! Which call an HTTP method and path mean: the `google.api.http` options of the descriptor set.

use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, Value};

use super::pool;

/// Why the rules cannot be read: a defect of the protos.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP rules of the protos: {0}")]
pub struct RuleError(String);

/// One binding of a call to a method and a path.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The HTTP method, `GET` or `POST`.
    pub method: &'static str,
    /// The path's template as it stands in the protos.
    pub template: String,
    /// The call.
    pub call: MethodDescriptor,
    /// Whether the request is the body. Else it is made of path and query.
    pub takes_body: bool,
    segments: Vec<Segment>,
}

/// Variants in the order in which they are preferred.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    /// One segment, not empty.
    Variable(String),
    /// All that is left.
    Rest(String),
}

/// A field of the request, and the text that the path gives it.
pub type Binding = (String, String);

/// The rules that a path means, by method.
#[derive(Debug)]
pub struct Match<'a> {
    /// The rules of the template that fits best; several have the same path and different methods.
    pub rules: Vec<&'a Rule>,
    /// What the path gives to fields, the same for all of them.
    pub bindings: Vec<Binding>,
}

/// Every rule, the more specific path first.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads the rules of every call of `guideboard.v1`.
    ///
    /// # Errors
    /// [`RuleError`]: a call without a rule, or a rule that is not understood.
    pub fn read() -> Result<Self, RuleError> {
        let pool = pool().ok_or_else(|| RuleError("no descriptor set".to_owned()))?;
        let option = pool.get_extension_by_name("google.api.http");
        let option = option.ok_or_else(|| RuleError("no google.api.http".to_owned()))?;
        let mut rules = Vec::new();
        for service in pool.services().filter(|service| service.package_name() == "guideboard.v1") {
            for call in service.methods() {
                let options = call.options();
                let declared = options.has_extension(&option).then(|| options.get_extension(&option).into_owned());
                let Some(Value::Message(declared)) = declared else {
                    return Err(RuleError(format!("{} has none", call.full_name())));
                };
                let more = declared.get_field_by_name("additional_bindings");
                let more = more.as_deref().and_then(Value::as_list).unwrap_or_default();
                for binding in std::iter::once(&declared).chain(more.iter().filter_map(Value::as_message)) {
                    rules.push(rule(&call, binding)?);
                }
            }
        }
        rules.sort_by(|left, right| left.segments.cmp(&right.segments));
        Ok(Self(rules))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// What a path means, by its decoded segments.
    #[must_use]
    pub fn find(&self, path: &[String]) -> Option<Match<'_>> {
        let (best, bindings) = self.0.iter().find_map(|rule| Some((rule, fit(&rule.segments, path)?)))?;
        let rules = self.0.iter().filter(|rule| shape(&rule.segments).eq(shape(&best.segments))).collect();
        Some(Match { rules, bindings })
    }
}

/// What makes two templates the same path, whatever their variables are called.
fn shape(segments: &[Segment]) -> impl Iterator<Item = Option<&str>> {
    segments.iter().map(|segment| match segment {
        Segment::Literal(text) => Some(text.as_str()),
        Segment::Variable(_) => None,
        Segment::Rest(_) => Some("**"),
    })
}

fn rule(call: &MethodDescriptor, binding: &DynamicMessage) -> Result<Rule, RuleError> {
    let text = |name: &str| {
        let value = binding.get_field_by_name(name).filter(|_| binding.has_field_by_name(name));
        value.and_then(|value| value.as_str().map(str::to_owned))
    };
    let wrong = |what: &str| RuleError(format!("{}: {what}", call.full_name()));
    let (method, template) = match (text("get"), text("post")) {
        (Some(path), None) => ("GET", path),
        (None, Some(path)) => ("POST", path),
        _ => return Err(wrong("neither get nor post")),
    };
    let takes_body = match text("body").as_deref() {
        None | Some("") => false,
        Some("*") => true,
        Some(_) => return Err(wrong("a body that is one field")),
    };
    let segments = template
        .strip_prefix('/')
        .ok_or_else(|| wrong("a path without its first slash"))?
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            None => Segment::Literal(segment.to_owned()),
            Some(inner) => inner
                .strip_suffix("=**")
                .map_or_else(|| Segment::Variable(inner.to_owned()), |name| Segment::Rest(name.to_owned())),
        })
        .collect::<Vec<_>>();
    for (place, segment) in segments.iter().enumerate() {
        let (Segment::Variable(name) | Segment::Rest(name)) = segment else { continue };
        let is_text = call.input().get_field_by_name(name).is_some_and(|field| matches!(field.kind(), Kind::String));
        if !is_text {
            return Err(wrong("a variable that is no text field of the request"));
        }
        if matches!(segment, Segment::Rest(_)) && place + 1 < segments.len() {
            return Err(wrong("something after a variable for the rest of the path"));
        }
    }
    Ok(Rule { method, template, call: call.clone(), takes_body, segments })
}

/// What the variables of a template are in a path that fits it.
fn fit(template: &[Segment], path: &[String]) -> Option<Vec<Binding>> {
    let mut bindings = Vec::new();
    let mut path = path.iter();
    for segment in template {
        match segment {
            Segment::Literal(text) => {
                path.next().filter(|given| *given == text)?;
            }
            Segment::Variable(name) => {
                let given = path.next().filter(|given| !given.is_empty())?;
                bindings.push((name.clone(), given.clone()));
            }
            Segment::Rest(name) => {
                let rest: Vec<_> = path.by_ref().map(String::as_str).collect();
                bindings.push((name.clone(), rest.join("/")));
            }
        }
    }
    path.next().is_none().then_some(bindings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::path_segments;

    type Calls = Vec<(&'static str, String)>;

    fn meant(path: &str) -> Option<(Calls, Vec<Binding>)> {
        let rules = Rules::read().expect("rules");
        let found = rules.find(&path_segments(path).expect("a path"))?;
        let calls = found.rules.iter().map(|rule| (rule.method, rule.call.name().to_owned())).collect();
        Some((calls, found.bindings))
    }

    fn binding(name: &str, value: &str) -> Binding {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_literal_is_preferred_to_a_variable() {
        let (calls, bindings) = meant("/retained-runs/latest").expect("a call");
        assert_eq!((calls, bindings), (vec![("GET", "GetLatestRetainedRun".to_owned())], vec![]));
        let (calls, bindings) = meant("/retained-runs/r1").expect("a call");
        assert_eq!(calls, [("GET", "GetRetainedRun".to_owned())]);
        assert_eq!(bindings, [binding("run_id", "r1")]);
    }

    #[test]
    fn one_path_may_have_two_methods() {
        let (calls, _) = meant("/runs").expect("calls");
        let mut names: Vec<_> = calls.iter().map(|(method, name)| (*method, name.as_str())).collect();
        names.sort_unstable();
        assert_eq!(names, [("GET", "ListRuns"), ("POST", "StartRun")]);
    }

    #[test]
    fn the_rest_of_a_path_is_handed_on_as_it_is() {
        for (path, rest) in [
            ("artifacts/reports/report.md", "reports/report.md"),
            ("artifacts/a//../b/", "a//../b/"),
            ("artifacts/%252e%252e", "%2e%2e"),
            ("artifacts/", ""),
            ("artifacts", ""),
        ] {
            let (_, bindings) = meant(&format!("/retained-runs/r1/{path}")).expect("a call");
            assert_eq!(bindings, [binding("run_id", "r1"), binding("path", rest)]);
        }
    }

    #[test]
    fn what_fits_no_template_means_nothing() {
        for path in ["/", "/run", "/runs/", "/runs//reports", "/retained-runs/r1/nothing", "/runs/j1/reports/x", ""] {
            assert!(meant(path).is_none(), "{path}");
        }
    }

    #[test]
    fn every_call_has_a_path_and_no_two_calls_the_same() {
        let rules = Rules::read().expect("rules");
        let mut seen: Vec<_> =
            rules.iter().map(|rule| (rule.method, shape(&rule.segments).collect::<Vec<_>>())).collect();
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() == count && count >= 19, "{count}");
    }
}
