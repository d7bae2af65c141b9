//! What each call needs. A call that is not in this table is refused: a test compares it with the descriptor set.

use crate::services::Scope;

/// What stands in front of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing: it is answered to everybody.
    Exempt,
    /// A caller with this scope.
    Needs(Scope),
}

/// The calls of the package, by service.
const GUARDED: [(&str, &[(&str, Scope)]); 3] = [
    (
        "guideboard.v1.CatalogService",
        &[
            ("GetServerInfo", Scope::Read),
            ("ListExtensions", Scope::Read),
            ("PlanAssessment", Scope::Read),
            ("ValidateProfile", Scope::Read),
        ],
    ),
    (
        "guideboard.v1.RetainedRunService",
        &[
            ("GetLatestRetainedRun", Scope::Read),
            ("GetRetainedRun", Scope::Read),
            ("GetRetainedRunReports", Scope::Read),
            ("ListEvidence", Scope::Read),
            ("ListFindings", Scope::Read),
            ("ListProblems", Scope::Read),
            ("ListRetainedRuns", Scope::Read),
            ("ReadArtifact", Scope::Read),
            ("StreamArtifactManifest", Scope::Read),
        ],
    ),
    (
        "guideboard.v1.RunService",
        &[
            ("CancelRun", Scope::Run),
            ("GetRun", Scope::Read),
            ("GetRunReports", Scope::Read),
            ("ListRuns", Scope::Read),
            ("StartRun", Scope::Run),
            ("WatchRun", Scope::Read),
        ],
    ),
];

/// Health, which tells of roots only to whoever sees them.
const HEALTH: [&str; 2] = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];
/// Reflection, which tells what stands in the public sources. A server may leave it out.
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The rule of the call at a path; `None` when there is no such call.
pub(super) fn rule_of(path: &str, reflection: bool) -> Option<Rule> {
    if HEALTH.contains(&path) || reflection && REFLECTION.contains(&path) {
        return Some(Rule::Exempt);
    }
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let (_, methods) = GUARDED.iter().find(|(name, _)| *name == service)?;
    methods.iter().find(|(name, _)| *name == method).map(|(_, scope)| Rule::Needs(*scope))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::wire::DESCRIPTOR_SET;

    #[test]
    fn every_call_of_the_descriptor_set_has_its_scope_here_and_no_other_has() {
        let pool = prost_reflect::DescriptorPool::decode(DESCRIPTOR_SET).expect("a descriptor set");
        let declared: BTreeSet<(String, String)> = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| (method.parent_service().full_name().to_owned(), method.name().to_owned()))
            .collect();
        let guarded: BTreeSet<(String, String)> = GUARDED
            .iter()
            .flat_map(|(service, methods)| {
                methods.iter().map(|(method, _)| ((*service).to_owned(), (*method).to_owned()))
            })
            .collect();
        assert_eq!(guarded, declared, "give each call its scope in src/server/access/methods.rs");
        assert_eq!(GUARDED.iter().map(|(_, methods)| methods.len()).sum::<usize>(), declared.len(), "one row each");
    }

    #[test]
    fn what_changes_something_needs_run_and_only_health_and_reflection_need_nothing() {
        let needing_run: Vec<_> = GUARDED.iter().flat_map(|(_, methods)| methods.iter()).collect();
        let needing_run: Vec<_> = needing_run.iter().filter(|(_, scope)| *scope == Scope::Run).collect();
        assert_eq!(needing_run.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["CancelRun", "StartRun"]);
        for path in HEALTH.iter().chain(&REFLECTION) {
            assert_eq!(rule_of(path, true), Some(Rule::Exempt));
        }
        assert!(REFLECTION.iter().all(|path| rule_of(path, false).is_none()));
    }

    #[test]
    fn a_path_that_only_looks_like_a_call_has_no_rule() {
        let good = "/guideboard.v1.RunService/GetRun";
        assert_eq!(rule_of(good, true), Some(Rule::Needs(Scope::Read)));
        for path in [
            "",
            "/",
            "//",
            "guideboard.v1.RunService/GetRun",
            "/guideboard.v1.RunService/GetRun/",
            "/guideboard.v1.RunService/getrun",
            "/guideboard.v1.RunService//GetRun",
            "//guideboard.v1.RunService/GetRun",
            "/guideboard.v1.RunService/%47etRun",
            "/grpc.health.v1.Health/List",
            "/grpc.health.v1.Health/Check/",
            "/health",
        ] {
            assert_eq!(rule_of(path, true), None, "{path}");
        }
    }
}
