//! The schemas that an extension has for the profiles it takes part with.

use super::{Extension, ProfileSchema};
use crate::assessment::error::ProfileProblem;
use crate::assessment::profile::Document;
use crate::assessment::schema;
use crate::model::ProfileKind;

impl Extension {
    /// The extension's own schemas that are none.
    pub(super) fn schema_problems(&self) -> Vec<ProfileProblem> {
        self.own_schemas()
            .filter_map(|(_, _, path)| match self.json(path) {
                Ok(document) => {
                    let error = schema::compile(&document.value).err()?;
                    Some(vec![document.problem("", &format!("no JSON Schema that can be used: {error}"))])
                }
                Err(problems) => Some(problems),
            })
            .flatten()
            .collect()
    }

    /// Everything in which a profile is not what the extension's own schemas for its kind say. A schema for one `subject_type` is for targets
    /// of that type.
    pub(in crate::assessment) fn profile_problems(
        &self,
        kind: ProfileKind,
        subject_type: Option<&str>,
        profile: &Document,
    ) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        for (of_kind, of_type, path) in self.own_schemas() {
            let is_meant = of_kind == kind && of_type.is_none_or(|of_type| subject_type == Some(of_type));
            let Some(document) = is_meant.then(|| self.json(path).ok()).flatten() else { continue };
            let found = schema::told(&schema::compile(&document.value), &profile.value, &profile.name, "");
            problems.extend(found.into_iter().map(|problem| ProfileProblem {
                message: format!("{} (asked by the extension {}, {path})", problem.message, self.manifest.id),
                ..problem
            }));
        }
        problems
    }

    fn own_schemas(&self) -> impl Iterator<Item = (ProfileKind, Option<&str>, &str)> {
        self.manifest.profile_schemas.iter().filter_map(|schema| match schema {
            ProfileSchema::Standard(_) => None,
            ProfileSchema::Own { profile_kind, path, subject_type, .. } => {
                Some((*profile_kind, subject_type.as_deref(), path.as_str()))
            }
        })
    }
}
