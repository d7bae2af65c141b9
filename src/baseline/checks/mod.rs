//! The checks, in the order of the manifest, each with the public requirements it maps to.

pub mod binary_files;
pub mod ci_configuration;
pub mod ci_platforms;
pub mod contribution_guide;
pub mod dangerous_workflows;
pub mod large_files;
pub mod license_present;
pub mod license_text;
pub mod lock_ecosystems;
pub mod lock_files;
pub mod lock_manifests;
pub mod magic;
pub mod pinned_actions;
pub mod pinned_dependencies;
pub mod python_requirements;
pub mod readme_present;
pub mod script_injection;
pub mod security_policy;
pub mod token_permissions;
pub mod unpinned_commands;
pub mod unpinned_packages;
pub mod untrusted_checkout;

pub mod history_binary_files;
pub mod history_coverage;
pub mod history_large_files;
pub mod history_secrets;
pub mod secrets;
pub mod signed_tags;
pub mod specimens;

use crate::repository::ambient::target_tree::TargetTree;

use super::outcome::Outcome;
use super::survey::Survey;

/// A public requirement: its reference and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// `<framework id>:<requirement id>`.
    pub id: &'static str,
    /// The address of its text.
    pub url: &'static str,
}

/// A check of this extension.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The id in the manifest.
    pub id: &'static str,
    /// What it maps to.
    pub requirements: &'static [Requirement],
    /// Whether a pass says something of every file of the tree, so that it takes a whole listing. Otherwise it says that something was
    /// found, or speaks of the history.
    pub is_of_every_file: bool,
    /// The check itself: it only looks.
    pub run: Run,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// The files of the tree.
    Tree(fn(&TargetTree) -> Outcome),
    /// What is read once for several checks: the contents of the files, and the history.
    Survey(fn(&Survey<'_>) -> Outcome),
}

macro_rules! scorecard {
    ($check:literal, $anchor:literal) => {
        Requirement {
            id: concat!("openssf-scorecard:", $check),
            url: concat!("https://github.com/ossf/scorecard/blob/main/docs/checks.md#", $anchor),
        }
    };
}

macro_rules! badge {
    ($level:literal, $criterion:literal) => {
        Requirement {
            id: concat!("openssf-best-practices:", $criterion),
            url: concat!("https://www.bestpractices.dev/en/criteria/", $level, "#", $level, ".", $criterion),
        }
    };
}

macro_rules! osps {
    ($id:literal, $anchor:literal) => {
        Requirement {
            id: concat!("osps-baseline:", $id),
            url: concat!("https://baseline.openssf.org/versions/2026-02-19#", $anchor),
        }
    };
}

/// Every check, in the order of the manifest.
pub const CHECKS: &[Check] = &[
    Check {
        id: "license-present",
        requirements: &[
            scorecard!("License", "license"),
            badge!("0", "license_location"),
            badge!("0", "floss_license"),
            osps!("OSPS-LE-03.01", "osps-le-0301"),
        ],
        is_of_every_file: false,
        run: Run::Tree(license_present::run),
    },
    Check {
        id: "readme-present",
        requirements: &[
            badge!("0", "description_good"),
            badge!("0", "documentation_basics"),
            osps!("OSPS-DO-01.01", "osps-do-0101"),
        ],
        is_of_every_file: false,
        run: Run::Tree(readme_present::run),
    },
    Check {
        id: "security-policy",
        requirements: &[
            scorecard!("Security-Policy", "security-policy"),
            badge!("0", "vulnerability_report_process"),
            osps!("OSPS-VM-02.01", "osps-vm-0201"),
        ],
        is_of_every_file: false,
        run: Run::Tree(security_policy::run),
    },
    Check {
        id: "contribution-guide",
        requirements: &[badge!("0", "contribution"), osps!("OSPS-GV-03.01", "osps-gv-0301")],
        is_of_every_file: false,
        run: Run::Tree(contribution_guide::run),
    },
    Check {
        id: "ci-configuration",
        requirements: &[
            scorecard!("CI-Tests", "ci-tests"),
            badge!("0", "test_continuous_integration"),
            osps!("OSPS-QA-06.01", "osps-qa-0601"),
        ],
        is_of_every_file: false,
        run: Run::Tree(ci_configuration::run),
    },
    Check {
        id: "lock-files",
        requirements: &[
            scorecard!("Pinned-Dependencies", "pinned-dependencies"),
            badge!("1", "external_dependencies"),
            osps!("OSPS-QA-02.01", "osps-qa-0201"),
        ],
        is_of_every_file: true,
        run: Run::Tree(lock_files::run),
    },
    Check {
        id: "binary-files",
        requirements: &[
            scorecard!("Binary-Artifacts", "binary-artifacts"),
            osps!("OSPS-QA-05.01", "osps-qa-0501"),
            osps!("OSPS-QA-05.02", "osps-qa-0502"),
        ],
        is_of_every_file: true,
        run: Run::Tree(binary_files::run),
    },
    Check {
        id: "large-files",
        requirements: &[osps!("OSPS-QA-05.02", "osps-qa-0502")],
        is_of_every_file: true,
        run: Run::Tree(large_files::run),
    },
    Check {
        id: "secrets",
        requirements: &[badge!("0", "no_leaked_credentials"), osps!("OSPS-BR-07.01", "osps-br-0701")],
        is_of_every_file: true,
        run: Run::Survey(secrets::run),
    },
    Check {
        id: "history-secrets",
        requirements: &[badge!("0", "no_leaked_credentials"), osps!("OSPS-BR-07.01", "osps-br-0701")],
        is_of_every_file: false,
        run: Run::Survey(history_secrets::run),
    },
    Check {
        id: "history-large-files",
        requirements: &[osps!("OSPS-QA-05.02", "osps-qa-0502")],
        is_of_every_file: false,
        run: Run::Survey(history_large_files::run),
    },
    Check {
        id: "history-binary-files",
        requirements: &[
            scorecard!("Binary-Artifacts", "binary-artifacts"),
            osps!("OSPS-QA-05.01", "osps-qa-0501"),
            osps!("OSPS-QA-05.02", "osps-qa-0502"),
        ],
        is_of_every_file: false,
        run: Run::Survey(history_binary_files::run),
    },
    Check {
        id: "signed-tags",
        requirements: &[
            scorecard!("Signed-Releases", "signed-releases"),
            badge!("1", "version_tags_signed"),
            badge!("1", "signed_releases"),
            osps!("OSPS-BR-06.01", "osps-br-0601"),
        ],
        is_of_every_file: false,
        run: Run::Survey(signed_tags::run),
    },
    Check {
        id: "pinned-actions",
        requirements: &[scorecard!("Pinned-Dependencies", "pinned-dependencies")],
        is_of_every_file: true,
        run: Run::Tree(pinned_actions::run),
    },
    Check {
        id: "pinned-dependencies",
        requirements: &[
            scorecard!("Pinned-Dependencies", "pinned-dependencies"),
            osps!("OSPS-BR-05.01", "osps-br-0501"),
        ],
        is_of_every_file: true,
        run: Run::Tree(pinned_dependencies::run),
    },
    Check {
        id: "dangerous-workflows",
        requirements: &[
            scorecard!("Dangerous-Workflow", "dangerous-workflow"),
            osps!("OSPS-BR-01.01", "osps-br-0101"),
            osps!("OSPS-BR-01.03", "osps-br-0103"),
        ],
        is_of_every_file: true,
        run: Run::Tree(dangerous_workflows::run),
    },
    Check {
        id: "token-permissions",
        requirements: &[
            scorecard!("Token-Permissions", "token-permissions"),
            osps!("OSPS-AC-04.01", "osps-ac-0401"),
            osps!("OSPS-AC-04.02", "osps-ac-0402"),
        ],
        is_of_every_file: true,
        run: Run::Tree(token_permissions::run),
    },
];
