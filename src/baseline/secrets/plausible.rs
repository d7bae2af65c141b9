//! What tells a secret from what only looks like one: placeholders, examples, words, references to variables.

/// What a PEM block may hold at most before its end.
const MAX_KEY_BYTES: usize = 16 * 1024;
/// The shortest private key in use, Ed25519 in PKCS #8, has 64 letters.
const MIN_KEY_LETTERS: usize = 60;

/// The secret, without a further look.
pub(super) fn always(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    Some(secret.to_vec())
}

/// A token of an issuer: random, and no placeholder.
pub(super) fn token(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    (!is_placeholder(secret) && entropy(secret) >= 3.0).then(|| secret.to_vec())
}

/// Hexadecimal: random, and no placeholder.
pub(super) fn dense_hex(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    (!is_placeholder(secret) && entropy(secret) >= 2.8).then(|| secret.to_vec())
}

/// The forty letters of an AWS secret: random, of every class, no path and no checksum.
pub(super) fn aws_secret(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    let slashes = secret.iter().filter(|byte| **byte == b'/').count();
    (base64_like(secret) && slashes <= 4 && !is_placeholder(secret) && entropy(secret) >= 4.0).then(|| secret.to_vec())
}

/// An Azure storage key that is not the emulator's, which is public.
pub(super) fn azure_key(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    (!secret.starts_with(b"Eby8vdM02xNO") && !is_placeholder(secret) && entropy(secret) >= 4.0).then(|| secret.to_vec())
}

/// Whether there are digits and letters of both cases.
pub(super) fn base64_like(secret: &[u8]) -> bool {
    secret.iter().any(u8::is_ascii_digit)
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(u8::is_ascii_uppercase)
}

/// A private key in clear: the letters of its body.
pub(super) fn clear_key(header: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    if contains(header, b"ENCRYPTED") { None } else { key_body(after).filter(|_| !is_encrypted(after)) }
}

/// A private key under a passphrase: the letters of its body.
pub(super) fn encrypted_key(header: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    if contains(header, b"ENCRYPTED") || is_encrypted(after) { key_body(after) } else { None }
}

fn is_encrypted(after: &[u8]) -> bool {
    contains(after.get(..200).unwrap_or(after), b"4,ENCRYPTED")
}

/// The letters between the header and the end of a PEM block, whether its lines are real or written as `\n` in a string.
fn key_body(after: &[u8]) -> Option<Vec<u8>> {
    let window = after.get(..MAX_KEY_BYTES).unwrap_or(after);
    // The next dashes end the block or begin another: a text of headers alone is looked at once, not once for each.
    let end =
        find(window, b"-----").filter(|at| window.get(*at..).is_some_and(|rest| rest.starts_with(b"-----END ")))?;
    let mut letters = Vec::new();
    for line in window.get(..end)?.split(|byte| matches!(byte, b'\n' | b'\r')).flat_map(literal_lines) {
        let line = line.trim_ascii().trim_ascii_start();
        // Headers such as `Proc-Type:` and `Version:`, and ASCII armour's checksum.
        if line.contains(&b':') || line.starts_with(b"=") {
            continue;
        }
        letters.extend(
            line.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')),
        );
    }
    (letters.len() >= MIN_KEY_LETTERS && base64_like(&letters) && entropy(&letters) >= 4.0 && !is_placeholder(&letters))
        .then_some(letters)
}

/// A line of a source file, taken apart where its string says `\n`.
fn literal_lines(line: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = line;
    while let Some(at) = find(rest, b"\\n") {
        lines.push(rest.get(..at).unwrap_or_default());
        rest = rest.get(at.saturating_add(2)..).unwrap_or_default();
    }
    lines.push(rest);
    lines
}

/// The password of `user:password@host`, when host and password are somebody's.
pub(super) fn in_address(credentials: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    let at = credentials.iter().rposition(|byte| *byte == b'@')?;
    let (login, host) = (credentials.get(..at)?, credentials.get(at.saturating_add(1)..)?);
    let colon = login.iter().position(|byte| *byte == b':')?;
    let (user, password) = (login.get(..colon)?, login.get(colon.saturating_add(1)..)?);
    let host = host.to_ascii_lowercase();
    const NOBODYS: [&[u8]; 9] =
        [b"example", b"localhost", b"127.0.0", b"0.0.0.0", b"host", b"server", b"domain", b"proxy", b"invalid"];
    let of_nobody =
        NOBODYS.iter().any(|word| contains(&host, word)) || host.ends_with(b".test") || host.ends_with(b".local");
    let real = !of_nobody
        && host.contains(&b'.')
        && password.len() >= 8
        && user != password
        && !is_wording(password)
        && classes(password) >= 2
        && entropy(password) >= 2.75;
    real.then(|| password.to_vec())
}

/// What is assigned to a name that says password or key: random, not words, not a reference.
pub(super) fn assigned(secret: &[u8], _after: &[u8]) -> Option<Vec<u8>> {
    let random = secret.iter().any(u8::is_ascii_digit)
        && secret.iter().any(u8::is_ascii_alphabetic)
        && secret.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && !secret
            .iter()
            .any(|byte| matches!(byte, b'(' | b')' | b'{' | b'}' | b'[' | b']' | b'<' | b'>' | b'`' | b';'))
        && secret.is_ascii()
        && entropy(secret) >= 3.5;
    (random && !is_wording(secret) && !is_wordy(secret) && !is_address(secret)).then(|| secret.to_vec())
}

fn is_address(secret: &[u8]) -> bool {
    contains(secret, b"://") || secret.starts_with(b"/") || secret.starts_with(b"./") || contains(secret, b"::")
}

/// Whether it is made of words: runs of letters between separators, with hardly a digit among them.
fn is_wordy(secret: &[u8]) -> bool {
    let parts: Vec<&[u8]> =
        secret.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let words = parts.iter().filter(|part| part.iter().all(u8::is_ascii_alphabetic) && part.len() >= 3).count();
    // Versions, dates, dotted names: several parts, and most of them are words or numbers.
    let numbers = parts.iter().filter(|part| part.iter().all(u8::is_ascii_digit)).count();
    parts.len() >= 2 && words.saturating_add(numbers).saturating_mul(2) > parts.len()
}

/// Placeholders and references, where the form alone says little.
fn is_wording(secret: &[u8]) -> bool {
    const WORDS: [&[u8]; 20] = [
        b"password",
        b"passwd",
        b"passw0rd",
        b"secret",
        b"token",
        b"test",
        b"demo",
        b"env",
        b"user",
        b"admin",
        b"default",
        b"none",
        b"null",
        b"undefined",
        b"hunter2",
        b"qwerty",
        b"letmein",
        b"foobar",
        b"apikey",
        b"api_key",
    ];
    const SIGILS: [&[u8]; 8] = [b"$", b"{", b"}", b"%", b"<", b">", b"...", b"***"];
    let lower = secret.to_ascii_lowercase();
    is_placeholder(secret)
        || WORDS.iter().any(|word| contains(&lower, word))
        || SIGILS.iter().any(|sigil| contains(secret, sigil))
        || secret.starts_with(b"@")
        || secret.starts_with(b"!")
        || secret.starts_with(b"#")
}

/// What documentation writes where a secret would stand.
pub(super) fn is_placeholder(secret: &[u8]) -> bool {
    const WORDS: [&[u8]; 19] = [
        b"example",
        b"placeholder",
        b"changeme",
        b"change_me",
        b"change-me",
        b"your_",
        b"your-",
        b"yourtoken",
        b"yourkey",
        b"dummy",
        b"sample",
        b"redacted",
        b"insert",
        b"replace",
        b"notreal",
        b"not_a_real",
        b"foobar",
        b"deadbeef",
        b"fake",
    ];
    const RUNS: [&[u8]; 6] = [b"12345678", b"01234567", b"abcdefgh", b"98765432", b"23456789", b"abcd1234"];
    let lower = secret.to_ascii_lowercase();
    WORDS.iter().chain(RUNS.iter()).any(|word| contains(&lower, word)) || has_run(&lower, 5)
}

/// Whether one byte stands so many times in a row.
fn has_run(bytes: &[u8], length: usize) -> bool {
    bytes.chunk_by(|left, right| left == right).any(|run| run.len() >= length)
}

/// How many of lower case, upper case, digits and other signs there are.
fn classes(secret: &[u8]) -> usize {
    let has = |wanted: fn(&u8) -> bool| usize::from(secret.iter().any(wanted));
    has(u8::is_ascii_lowercase)
        .saturating_add(has(u8::is_ascii_uppercase))
        .saturating_add(has(u8::is_ascii_digit))
        .saturating_add(has(|byte| !byte.is_ascii_alphanumeric()))
}

/// Shannon entropy in bits a byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window == needle)
}
