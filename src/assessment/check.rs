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
/// it names have for assessment profiles. An extension that is not there is no fault of the profile; one whose manifest is not valid makes every
/// run fail, and is told of.
#[must_use]
pub fn assessment(source: &ProfileSource, extensions: Survey) -> Verdict {
    let profile = match load_assessment(source) {
        Ok(profile) => profile,
        Err(problems) => return Verdict { problems, ..Verdict::default() },
    };
    let mut problems = policy::load(&profile, source).err().unwrap_or_default();
    let mut absent_extensions = Vec::new();
    match extensions.whole() {
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
