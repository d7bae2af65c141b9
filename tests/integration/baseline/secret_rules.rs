//! Every rule for secrets: what it finds, and what only looks like it. The specimens are put together at run time, so that no scanner takes
//! this file for a leak.

use guide_board::baseline::secrets::{RULES, find};

/// So many signs of an alphabet, without order, without repetition, without meaning; other seeds give others.
pub(crate) fn noise(alphabet: &str, length: usize, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let letter = letters[usize::try_from(state >> 33).unwrap() % letters.len()];
        if !text.ends_with(letter) {
            text.push(letter);
        }
    }
    text
}

pub(crate) const HEX: &str = "0123456789abcdef";
pub(crate) const ALNUM: &str = "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sTuVwXyZbAdCfEhGjIlKnMpOrQtSvUxWzY";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BECH32: &str = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";

/// A block in PEM form, with lines of 64.
pub(crate) fn pem(kind: &str, length: usize, seed: u64) -> String {
    let body = noise(ALNUM, length, seed);
    let lines: Vec<&str> = (0..length).step_by(64).map(|at| &body[at..(at + 64).min(length)]).collect();
    let (begin, end) = (["-----BE", "GIN "].concat(), ["-----E", "ND "].concat());
    format!("{begin}{kind}-----\n{}\n{end}{kind}-----\n", lines.join("\n"))
}

fn private() -> String {
    ["PRIV", "ATE KEY"].concat()
}

/// A text for each rule that it finds.
pub(crate) fn positives() -> Vec<(&'static str, String)> {
    let a = |length, seed| noise(ALNUM, length, seed);
    let hex = |length, seed| noise(HEX, length, seed);
    vec![
        ("private-key", pem(&private(), 1600, 1)),
        ("private-key", pem(&format!("OPENSSH {}", private()), 400, 2)),
        ("private-key", pem(&format!("PGP {} BLOCK", private()), 700, 3)),
        ("private-key", format!("{{\"private_key\": \"{}\"}}", pem(&private(), 1600, 4).replace('\n', "\\n"))),
        ("private-key-encrypted", pem(&format!("ENCRYPTED {}", private()), 1600, 5)),
        (
            "private-key-encrypted",
            pem(&format!("RSA {}", private()), 1600, 6).replacen(
                "-----\n",
                "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
                1,
            ),
        ),
        ("age-secret-key", format!("# public key: age1\nAGE-SECRET-KEY-{}{}", 1, noise(BECH32, 58, 7))),
        ("aws-access-key", format!("key = AK{}{}", "IA", noise(BASE32, 16, 8))),
        ("aws-secret-key", format!("aws_secret_access_key = {}", a(40, 9))),
        ("aws-secret-key", format!("\"SecretAccessKey\": \"{}\"", a(40, 10))),
        ("github-token", format!("export GITHUB_TOKEN=gh{}_{}", 'p', a(36, 11))),
        ("github-token", format!("token: gh{}_{}", 's', a(36, 12))),
        ("github-fine-grained-token", format!("github_{}_{}_{}", "pat", a(22, 13), a(59, 14))),
        ("gitlab-token", format!("PRIVATE-TOKEN: gl{}-{}", "pat", a(20, 15))),
        (
            "slack-token",
            format!("xo{}-{}-{}-{}", "xb", noise("0123456789", 12, 16), noise("0123456789", 12, 17), a(24, 18)),
        ),
        (
            "slack-webhook",
            format!(
                "https://hooks.{}/services/T{}/B{}/{}",
                "slack.com",
                noise(BASE32, 9, 19),
                noise(BASE32, 9, 20),
                a(24, 21)
            ),
        ),
        ("stripe-key", format!("STRIPE=sk_{}_{}", "live", a(24, 22))),
        ("google-api-key", format!("key: AI{}{}", "za", a(35, 23))),
        ("google-oauth-secret", format!("\"client_secret\":\"GOC{}-{}\"", "SPX", a(28, 24))),
        ("npm-token", format!("NPM_TOKEN=np{}_{}", 'm', a(36, 25))),
        ("npmrc-token", format!("//registry.npmjs.org/:_auth{}={}-{}", "Token", hex(8, 26), hex(27, 27))),
        ("pypi-token", format!("password = py{}-AgEIcHlwaS5vcmc{}", "pi", a(140, 28))),
        ("crates-io-token", format!("token = \"ci{}{}\"", 'o', a(32, 29))),
        ("azure-storage-key", format!("DefaultEndpointsProtocol=https;AccountName=a;Account{}={}==", "Key", a(86, 30))),
        ("sendgrid-key", format!("S{}.{}.{}", 'G', a(22, 31), a(43, 32))),
        ("twilio-auth-token", format!("TWILIO_AUTH_{} = '{}'", "TOKEN", hex(32, 33))),
        ("openai-key", format!("s{}-proj-{}T3Blbk{}{}", 'k', a(30, 34), "FJ", a(30, 35))),
        ("anthropic-key", format!("sk-{}-api03-{}", "ant", a(93, 36))),
        ("huggingface-token", format!("h{}_{}", 'f', a(34, 37))),
        ("digitalocean-token", format!("do{}_v1_{}", 'p', hex(64, 38))),
        ("docker-hub-token", format!("dckr_{}_{}", "pat", a(27, 39))),
        ("vault-token", format!("VAULT_TOKEN=hv{}.{}", 's', a(90, 40))),
        ("shopify-token", format!("shp{}_{}", "at", hex(32, 41))),
        (
            "discord-webhook",
            format!("https://discord.com/api/{}/{}/{}", "webhooks", noise("0123456789", 18, 42), a(68, 43)),
        ),
        ("url-password", format!("DATABASE_URL=postgres://app:{}@db.corp.net:5432/app", a(16, 44))),
        ("assigned-secret", format!("db_{} = \"{}\"", "password", a(18, 45))),
        ("assigned-secret", format!("\"apiKey\": \"{}\",", a(32, 46))),
    ]
}

/// Texts that look like secrets of the rule, and are none.
fn near_misses() -> Vec<(&'static str, String)> {
    let a = |length, seed| noise(ALNUM, length, seed);
    let hex = |length, seed| noise(HEX, length, seed);
    let begin = ["-----BE", "GIN "].concat();
    vec![
        ("private-key", pem("PUBLIC KEY", 400, 1)),
        ("private-key", pem("CERTIFICATE", 1600, 2)),
        ("private-key", format!("if line == \"{begin}{}-----\":\n    inside = True\n", private())),
        ("private-key", format!("{begin}{}-----\n...\n-----END {}-----\n", private(), private())),
        ("private-key", format!("{begin}{}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n(the rest left out)\n", private())),
        (
            "private-key-encrypted",
            format!("{begin}ENCRYPTED {}-----\n<your key>\n-----END {}-----\n", private(), private()),
        ),
        ("age-secret-key", "AGE-SECRET-KEY-1 is how it begins".to_owned()),
        ("aws-access-key", format!("AK{}IOSFODNN7EXAMPLE", "IA")),
        ("aws-access-key", format!("AK{}{}", "IA", "X".repeat(16))),
        ("aws-access-key", format!("sha: AK{}{}", "IA", noise(BASE32, 30, 3))),
        ("aws-secret-key", format!("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY{}KEY", "EXAMPLE")),
        ("aws-secret-key", format!("secret_key_sha1 = {}", hex(40, 4))),
        ("aws-secret-key", "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}".to_owned()),
        ("github-token", format!("gh{}_{}", 'p', "x".repeat(36))),
        ("github-token", format!("gh{}_{}", 'p', a(20, 5))),
        ("github-token", "secrets.GITHUB_TOKEN".to_owned()),
        ("github-fine-grained-token", format!("github_{}_{}", "pat", a(22, 6))),
        ("gitlab-token", format!("gl{}-xxxxxxxxxxxxxxxxxxxx", "pat")),
        ("slack-token", format!("xo{}-your-token-here", "xb")),
        ("slack-webhook", format!("https://hooks.{}/services/T00000000/B00000000/{}", "slack.com", "X".repeat(24))),
        ("stripe-key", format!("sk_test_{}", a(24, 7))),
        ("stripe-key", format!("sk_{}_...", "live")),
        ("google-api-key", format!("AI{}{}", "za", a(20, 8))),
        ("google-oauth-secret", format!("GOC{}-your-client-secret-goes-here", "SPX")),
        ("npm-token", "npm_config_registry_of_the_whole_organisation".to_owned()),
        ("npmrc-token", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}".to_owned()),
        ("pypi-token", format!("py{}-AgEIcHlwaS5vcmc...", "pi")),
        ("crates-io-token", format!("so{}{}", "cio", "economicconsiderationsofregulation")),
        (
            "azure-storage-key",
            format!(
                "Account{}=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
                "Key"
            ),
        ),
        ("sendgrid-key", format!("S{}.short.{}", 'G', a(43, 9))),
        ("twilio-auth-token", "twilio_auth_token = os.environ['TWILIO_AUTH_TOKEN']".to_owned()),
        ("twilio-auth-token", format!("twilio_auth_token = '{}'", "0".repeat(32))),
        ("openai-key", format!("s{}-{}", 'k', a(20, 10))),
        ("anthropic-key", format!("sk-{}-api03-...", "ant")),
        ("huggingface-token", format!("h{}_{}", 'f', "hub_download_of_a_model_with_cache")),
        ("digitalocean-token", format!("do{}_v1_<token>", 'p')),
        ("docker-hub-token", format!("dckr_{}_example_example_example_", "pat")),
        ("vault-token", "the token has the prefix hvs. and is long".to_owned()),
        ("shopify-token", format!("shp{}_{}", "at", "0".repeat(32))),
        ("discord-webhook", "https://discord.com/api/webhooks/123456789012345678/your-token".to_owned()),
        ("url-password", "postgres://user:password@db.corp.net/app".to_owned()),
        ("url-password", "postgres://app:${DB_PASSWORD}@db.corp.net/app".to_owned()),
        ("url-password", format!("postgres://app:{}@localhost/app", a(16, 11))),
        ("url-password", format!("https://u:{}@registry.example.com/", a(16, 12))),
        ("url-password", "see https://docs.corp.net/a:b and mail to me@corp.net".to_owned()),
        ("url-password", "git+ssh://git@github.com:22/a/b.git#v1.2.3".to_owned()),
        ("assigned-secret", "password = \"changeme-please-1234\"".to_owned()),
        ("assigned-secret", "password: \"correct horse battery staple\"".to_owned()),
        ("assigned-secret", "api_key = os.environ[\"API_KEY_2024_01\"]".to_owned()),
        ("assigned-secret", "secret = \"${{ secrets.DEPLOY_KEY_2 }}\"".to_owned()),
        ("assigned-secret", "secret_name = \"kubernetes-dashboard-certs\"".to_owned()),
        ("assigned-secret", format!("checksum = \"{}\"", hex(64, 13))),
        ("assigned-secret", format!("{{\"tests/source/Passwd/passwd\":\"{}\"}}", hex(64, 14))),
        ("assigned-secret", "password_url = \"https://a.corp.net/reset/1234\"".to_owned()),
    ]
}

fn rules_of(text: &str) -> Vec<&'static str> {
    find(text.as_bytes(), true).iter().map(|hit| hit.rule.id).collect()
}

#[test]
fn every_rule_finds_what_it_is_for() {
    for (rule, text) in positives() {
        assert_eq!(rules_of(&text), [rule], "{text}");
        let line = find(format!("a\nb\n{text}\nc\n").as_bytes(), true)[0].line;
        assert!((3..=4).contains(&line), "{rule}: line {line}");
    }
}

#[test]
fn what_only_looks_like_a_secret_is_none() {
    for (rule, text) in near_misses() {
        let found = rules_of(&text);
        assert!(found.is_empty(), "{rule}: {found:?} in {text}");
    }
}

#[test]
fn every_rule_has_both_kinds_of_fixtures() {
    for rule in RULES {
        assert!(positives().iter().any(|(id, _)| *id == rule.id), "no positive for {}", rule.id);
        assert!(near_misses().iter().any(|(id, _)| *id == rule.id), "no near miss for {}", rule.id);
    }
}

#[test]
fn a_secret_in_a_minified_line_and_in_utf16_is_found() {
    let (rule, text) = positives().into_iter().find(|(rule, _)| *rule == "github-token").unwrap();
    let long = format!("{}{text};{}", "a=1;".repeat(50_000), "b=2;".repeat(50_000));
    assert_eq!(rules_of(&long), [rule]);
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(find(&wide, true).len(), 1);
}

#[test]
fn binary_content_has_no_secrets() {
    let (_, text) = positives().remove(6);
    assert!(find(format!("\0{text}").as_bytes(), true).is_empty());
}

#[test]
fn names_do_not_count_where_machines_write() {
    let (_, text) = positives().into_iter().find(|(rule, _)| *rule == "assigned-secret").unwrap();
    assert!(find(text.as_bytes(), false).is_empty());
}

#[test]
fn two_secrets_on_one_line_are_two() {
    let token = |seed| format!("gh{}_{}", 'p', noise(ALNUM, 36, seed));
    let hits = find(format!("{} {}", token(1), token(2)).as_bytes(), true);
    assert_eq!((hits.len(), hits[0].line, hits[1].line), (2, 1, 1));
}
