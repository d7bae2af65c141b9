//! The rules: what a likely secret looks like. Few and precise, each with words that must stand in a text before its pattern is tried.
//!
//! Left out on purpose: JSON web tokens (most of those in repositories are documentation, and they expire), bare hexadecimal strings (checksums),
//! and account or key identifiers that open nothing by themselves.

use super::plausible::{
    always, assigned, aws_secret, azure_key, base64_like, clear_key, dense_hex, encrypted_key, in_address, token,
};

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The form belongs to one issuer: a hit outside examples and tests is a secret, or was one.
    Certain,
    /// The words around it say so, or it may be public on purpose.
    Likely,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The id, as it stands in results.
    pub id: &'static str,
    /// What it finds, to follow the word “likely”.
    pub title: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// One of these stands in every match. Case is ignored.
    pub keywords: &'static [&'static str],
    /// Where the keyword is; its first group is the secret.
    pub pattern: &'static str,
    /// How far a match reaches from its keyword, forward, in bytes.
    pub reach: usize,
    /// The secret itself, worked out of the match and what follows it; `None` where it only looks like one.
    pub secret: fn(&[u8], &[u8]) -> Option<Vec<u8>>,
}

impl Rule {
    /// Whether the name that something is assigned to is all there is to go by.
    pub(super) fn goes_by_name(&self) -> bool {
        self.id == "assigned-secret"
    }
}

macro_rules! rule {
    ($id:literal, $title:literal, $confidence:ident, $keywords:expr, $reach:literal, $secret:ident, $pattern:expr) => {
        Rule {
            id: $id,
            title: $title,
            confidence: Confidence::$confidence,
            keywords: &$keywords,
            pattern: $pattern,
            reach: $reach,
            secret: $secret,
        }
    };
}

const PRIVATE_KEY: &str = r"(-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----)";

/// Every rule. Where two find the same bytes, the earlier one counts.
pub const RULES: &[Rule] = &[
    rule!("private-key", "private key", Certain, ["private key"], 64, clear_key, PRIVATE_KEY),
    rule!(
        "private-key-encrypted",
        "private key under a passphrase",
        Likely,
        ["private key"],
        64,
        encrypted_key,
        PRIVATE_KEY
    ),
    rule!(
        "age-secret-key",
        "age secret key",
        Certain,
        ["age-secret-key-1"],
        96,
        always,
        r"\b(AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})\b"
    ),
    rule!("aws-access-key", "AWS access key", Certain, ["akia", "asia"], 40, token, r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    rule!(
        "aws-secret-key",
        "AWS secret access key",
        Certain,
        ["secret"],
        120,
        aws_secret,
        r#"(?i)(?:aws|amazon)?[_.-]{0,2}secret[_.-]?(?:access)?[_.-]?key(?:[_.-]?id)?["'\]]{0,2}\s{0,8}(?:=>|:=|[:=,(])\s{0,8}["']{0,2}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#
    ),
    rule!(
        "github-token",
        "GitHub token",
        Certain,
        ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        64,
        token,
        r"\b(gh[pousr]_[A-Za-z0-9]{36})\b"
    ),
    rule!(
        "github-fine-grained-token",
        "GitHub token",
        Certain,
        ["github_pat_"],
        120,
        token,
        r"\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"
    ),
    rule!(
        "gitlab-token",
        "GitLab token",
        Certain,
        ["glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-", "gloas-", "glft-"],
        96,
        token,
        r"\b(gl(?:pat|ptt|dt|rt|cbt|soat|oas|ft)-[A-Za-z0-9_-]{20,64})(?:[^A-Za-z0-9_-]|$)"
    ),
    rule!(
        "slack-token",
        "Slack token",
        Certain,
        ["xox", "xapp-"],
        128,
        token,
        r"\b((?:xox[abeoprs]|xapp)-(?:[0-9]-)?(?:[A-Z0-9]{8,14}-){1,3}[A-Za-z0-9]{10,80})\b"
    ),
    rule!(
        "slack-webhook",
        "Slack webhook address",
        Certain,
        ["hooks.slack.com"],
        120,
        token,
        r"\bhooks\.slack\.com/(?:services|workflows)/(T[A-Z0-9]{8,11}/[A-Z0-9]{8,12}/[A-Za-z0-9/]{20,64})\b"
    ),
    rule!(
        "stripe-key",
        "Stripe key",
        Certain,
        ["sk_live_", "rk_live_"],
        160,
        token,
        r"\b([sr]k_live_[A-Za-z0-9]{16,128})\b"
    ),
    rule!(
        "google-api-key",
        "Google API key",
        Likely,
        ["aiza"],
        64,
        token,
        r"\b(AIza[0-9A-Za-z_-]{35})(?:[^0-9A-Za-z_-]|$)"
    ),
    rule!(
        "google-oauth-secret",
        "Google OAuth client secret",
        Certain,
        ["gocspx-"],
        64,
        token,
        r"\b(GOCSPX-[A-Za-z0-9_-]{28})(?:[^A-Za-z0-9_-]|$)"
    ),
    rule!("npm-token", "npm token", Certain, ["npm_"], 64, token, r"\b(npm_[A-Za-z0-9]{36})\b"),
    rule!(
        "npmrc-token",
        "registry token of an .npmrc",
        Certain,
        ["_authtoken"],
        120,
        token,
        r"(?i)_authToken\s{0,4}=\s{0,4}([A-Za-z0-9_./+=-]{20,100})"
    ),
    rule!(
        "pypi-token",
        "PyPI token",
        Certain,
        ["pypi-ageichlwas5vcmc", "pypi-agendgvzdc5wexbpl"],
        260,
        token,
        r"\b(pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpL)[A-Za-z0-9_-]{50,220})"
    ),
    rule!("crates-io-token", "crates.io token", Certain, ["cio"], 48, dense_token, r"\b(cio[A-Za-z0-9]{32})\b"),
    rule!(
        "azure-storage-key",
        "Azure storage key",
        Certain,
        ["accountkey="],
        120,
        azure_key,
        r"(?i)AccountKey=([A-Za-z0-9+/]{86}==)"
    ),
    rule!(
        "sendgrid-key",
        "SendGrid key",
        Certain,
        ["sg."],
        96,
        token,
        r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)"
    ),
    rule!(
        "twilio-auth-token",
        "Twilio auth token",
        Certain,
        ["twilio"],
        120,
        dense_hex,
        r#"(?i)twilio[A-Za-z_. -]{0,20}auth[_.-]?token["'\]]{0,2}\s{0,8}(?:=>|:=|[:=,(])\s{0,8}["']?([0-9a-f]{32})\b"#
    ),
    rule!(
        "openai-key",
        "OpenAI key",
        Certain,
        ["t3blbkfj"],
        200,
        token,
        r"\b(sk-[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120})"
    ),
    rule!(
        "anthropic-key",
        "Anthropic key",
        Certain,
        ["sk-ant-"],
        140,
        token,
        r"\b(sk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,110})"
    ),
    rule!("huggingface-token", "Hugging Face token", Certain, ["hf_"], 48, token, r"\b(hf_[A-Za-z0-9]{34})\b"),
    rule!(
        "digitalocean-token",
        "DigitalOcean token",
        Certain,
        ["dop_v1_", "doo_v1_", "dor_v1_"],
        88,
        token,
        r"\b(do[opr]_v1_[0-9a-f]{64})\b"
    ),
    rule!(
        "docker-hub-token",
        "Docker Hub token",
        Certain,
        ["dckr_pat_", "dckr_oat_"],
        64,
        token,
        r"\b(dckr_[po]at_[A-Za-z0-9_-]{27,32})(?:[^A-Za-z0-9_-]|$)"
    ),
    rule!(
        "vault-token",
        "HashiCorp Vault token",
        Certain,
        ["hvs.", "hvb."],
        260,
        token,
        r"\b(hv[sb]\.[A-Za-z0-9_-]{24,240})(?:[^A-Za-z0-9_-]|$)"
    ),
    rule!(
        "shopify-token",
        "Shopify token",
        Certain,
        ["shpat_", "shpca_", "shppa_", "shpss_"],
        48,
        token,
        r"\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b"
    ),
    rule!(
        "discord-webhook",
        "Discord webhook address",
        Certain,
        ["/api/webhooks/"],
        140,
        token,
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_-]{60,80})"
    ),
    rule!(
        "url-password",
        "password in an address",
        Likely,
        ["://"],
        220,
        in_address,
        r#"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/:@"'<>{}()\[\]|\\,;`]{0,64}:[^\s/@"'<>{}()\[\]|\\,;`]{3,100}@[A-Za-z0-9.-]{2,80})"#
    ),
    rule!(
        "assigned-secret",
        "secret in an assignment",
        Likely,
        [
            "password",
            "passwd",
            "secret",
            "api_key",
            "apikey",
            "api-key",
            "access_key",
            "accesskey",
            "auth_token",
            "access_token",
            "authtoken",
            "accesstoken"
        ],
        200,
        assigned,
        r#"(?i)(?:^|[^/])(?:password|passwd|secret|api[_-]?key|access[_-]?key|(?:auth|access)[_-]?token)(?:[_-]?(?:key|token|value))?["'\]]{0,2}\s{0,8}(?:=>|:=|[:=])\s{0,8}["']([^"'\s\\]{12,128})["']"#
    ),
];

/// A token whose prefix is short enough to stand in words: only with digits and both cases.
fn dense_token(secret: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    base64_like(secret).then(|| token(secret, after)).flatten()
}
