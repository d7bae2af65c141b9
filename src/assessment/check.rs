//! Whether a profile is right, as far as it can be said without the other one: its form, the policy sets that it names, and what the
//! extensions that it names ask of it.

use super::error::ProfileProblem;
use super::extensions::Survey;
use super::plan::select;
use super::policy;
use super::profile::{ProfileSource, load_assessment, load_target};
use crate::model::ProfileKind;

/// What is said of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Its id; `None` when its form is wrong.
    pub id: Option<String>,
    /// Everything that is wrong, in it and in what it names. Empty: it is valid.
    pub problems: Vec<ProfileProblem>,
    /// The extensions that it names and that are not there, so that what they ask was not looked at.
    pub absent_extensions: Vec<String>,
}

/// Looks at a target profile: its form.
#[must_use]
pub fn target(source: &ProfileSource) -> Verdict {
    match load_target(source) {
        Ok(profile) => Verdict { id: Some(profile.id), ..Verdict::default() },
        Err(problems) => Verdict { problems, ..Verdict::default() },
    }
}

/// Looks at an assessment profile: its form, the policy sets that it names, the check groups that it names, and the schemas that the extensions
/// it names have for assessment profiles. An extension that is not there is no fault of the profile; what is wrong with one that it names makes
/// every run with it fail, and is told.
#[must_use]
pub fn assessment(source: &ProfileSource, extensions: Survey) -> Verdict {
    let profile = match load_assessment(source) {
        Ok(profile) => profile,
        Err(problems) => return Verdict { problems, ..Verdict::default() },
    };
    let mut problems = policy::load(&profile, source).err().unwrap_or_default();
    let mut absent_extensions = Vec::new();
    match extensions.for_named(&profile.extensions) {
        Err(more) => problems.extend(more),
        Ok(extensions) => {
            let selection = select(&profile, &extensions);
            absent_extensions = selection.absent_ids(&profile).cloned().collect();
            for extension in &selection.extensions {
                problems.extend(extension.profile_problems(ProfileKind::Assessment, None, &profile.document));
            }
            problems.extend(selection.problems);
        }
    }
    Verdict { id: Some(profile.id), problems, absent_extensions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::extensions::Naming;
    use proptest::prelude::*;

    fn looked_at(text: &str) -> [Verdict; 2] {
        let source = ProfileSource::Text(text.to_owned());
        [target(&source), assessment(&source, Survey::of(&[], Naming::Names))]
    }

    /// Any JSON of the keys that profiles have, of right and of wrong types.
    fn any_profile() -> impl Strategy<Value = serde_json::Value> {
        let word = prop_oneof![
            Just("sample-noop".to_owned()),
            Just("bundled:profiles/none.json".to_owned()),
            Just("/etc/passwd".to_owned()),
            ".{0,8}",
        ];
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            word.prop_map(Into::into),
        ];
        let key = prop_oneof![
            Just("id"),
            Just("extensions"),
            Just("check_groups"),
            Just("extension_id"),
            Just("check_group"),
            Just("waivers_ref"),
            Just("endpoints"),
            Just("binding"),
            Just("url"),
            Just("subject_type"),
            Just("credentials_ref"),
            Just("runtime_policy"),
            Just("~/"),
            Just("known_gaps"),
        ];
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_and_any_profile_is_looked_at_without_a_panic(text in any::<String>(), profile in any_profile()) {
            for text in [text, profile.to_string()] {
                for verdict in looked_at(&text) {
                    prop_assert!(verdict.id.is_some() || !verdict.problems.is_empty());
                    prop_assert!(verdict.problems.iter().all(|problem| !problem.message.is_empty() && problem.file == "document"
                        || problem.file.starts_with("bundled:")));
                }
            }
        }
    }

    #[test]
    fn the_bundled_profiles_are_valid_with_all_that_they_name() {
        for path in crate::assessment::embedded::profile_paths() {
            let source = ProfileSource::Bundled(path.clone());
            let verdict = match path.contains("/targets/") {
                true => target(&source),
                false if path.contains("/assessments/") => assessment(&source, Survey::of(&[], Naming::Names)),
                false => continue,
            };
            assert_eq!((&verdict.problems, &verdict.absent_extensions), (&Vec::new(), &Vec::new()), "{path}");
        }
    }
}
