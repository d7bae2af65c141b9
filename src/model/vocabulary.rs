//! The closed word lists of the contract (section 4): a word that is not listed stays a word.

/// Declares an enum whose variants are the listed words of one vocabulary.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every listed value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as the files write it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a listed word; `None` for any other word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// How a run ended.
    ResultStatus {
        /// Every check ran and nothing unexpected failed.
        Completed = "completed",
        /// At least one unexpected failure.
        Failed = "failed",
        /// At least one check could not start.
        Blocked = "blocked",
        /// At least one check broke for reasons that say nothing about the target.
        InfrastructureError = "infrastructure_error",
    }
}

vocabulary! {
    /// The state of a job.
    JobStatus {
        /// Waiting for a free place.
        Queued = "queued",
        /// Its process is running.
        Running = "running",
        /// Ended with a readable summary.
        Succeeded = "succeeded",
        /// Ended without one.
        Failed = "failed",
        /// Ended because it was asked to.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What one check found.
    EvidenceResult {
        /// The requirement is met.
        Pass = "pass",
        /// It is not met.
        Fail = "fail",
        /// It is met with a reservation.
        Warning = "warning",
        /// A person has to judge.
        Manual = "manual",
        /// It does not apply to this target.
        NotApplicable = "not_applicable",
        /// It was left out on purpose.
        Skipped = "skipped",
        /// A gap the target declares.
        ExpectedGap = "expected_gap",
        /// A waiver covers it.
        WaiverApplied = "waiver_applied",
        /// The target does not support it by design.
        UnsupportedByDesign = "unsupported_by_design",
        /// The check broke.
        InfrastructureError = "infrastructure_error",
        /// The check could not start.
        Blocked = "blocked",
        /// The check could not tell.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How grave a finding is.
    Severity {
        /// For information.
        Info = "info",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

vocabulary! {
    /// How policy sees a finding.
    Disposition {
        /// Nothing covers it.
        Unexpected = "unexpected",
        /// An expectation covers it.
        Expected = "expected",
        /// An unexpired waiver covers it.
        Waived = "waived",
    }
}

vocabulary! {
    /// What kind of runner a manifest declares.
    RunnerKind {
        /// A Python callable.
        PythonModule = "python_module",
        /// An argument vector.
        Command = "command",
        /// Declared, not executed.
        External = "external",
    }
}

vocabulary! {
    /// What a profile describes.
    ProfileKind {
        /// What is assessed.
        Target = "target",
        /// What it is assessed with.
        Assessment = "assessment",
    }
}

vocabulary! {
    /// What the evidence says of a requirement that a mapping set names; the later, the graver.
    MappingStatus {
        /// Nothing was looked at.
        NoEvidence = "no_evidence",
        /// It does not concern the target, or was skipped.
        NotApplicable = "not_applicable",
        /// Everything that was looked at is as it should be.
        Met = "met",
        /// What is not as it should be is expected, waived or declared.
        Accepted = "accepted",
        /// A person has to judge.
        NeedsReview = "needs_review",
        /// The checks could not be made.
        NotAssessed = "not_assessed",
        /// Something failed, unexpectedly.
        NotMet = "not_met",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_unlisted_words_do_not() {
        for value in EvidenceResult::ALL {
            assert_eq!(EvidenceResult::from_word(value.word()), Some(*value));
        }
        assert_eq!(EvidenceResult::ALL.len(), 12);
        assert_eq!(ResultStatus::from_word("Completed"), None);
        assert_eq!(ResultStatus::from_word(""), None);
    }

    #[test]
    fn severities_order_from_info_to_critical() {
        assert!(Severity::Info < Severity::Low && Severity::High < Severity::Critical);
    }
}
