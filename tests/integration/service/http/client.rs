//! An HTTP/1.1 client that sends what it is told, byte for byte, and tells whether the answer was whole.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer to the last byte.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// Names in lower case, in the order sent.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it ended as its headers say. One that is cut off is not whole.
    pub(crate) is_whole: bool,
    /// Every byte that came.
    pub(crate) raw: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Self {
        assert!(self.code == code && self.is_whole, "{} whole: {} {}", self.code, self.is_whole, self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Insists on a refusal of the one shape, with this HTTP code, name and reason; returns its sentence.
    #[track_caller]
    pub(crate) fn refused(&self, code: u16, name: &str, reason: &str) -> String {
        let json = self.json();
        let error = &json["error"];
        assert_eq!(
            (self.code, &error["code"], &error["status"], &error["reason"]),
            (code, &Value::from(code), &Value::from(name), &Value::from(reason)),
            "{json}"
        );
        assert!(self.is_whole && json.as_object().is_some_and(|object| object.len() == 1), "{json}");
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.is_empty(), "{json}");
        message
    }

    /// The documents of an answer of lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// Asks for a path, exactly as it is spelled.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], b"").await
}

/// The same with headers.
pub(crate) async fn get_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(address, "GET", path, headers, b"").await
}

/// Sends a JSON document.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &Value) -> Answer {
    ask(address, "POST", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
}

/// Sends a request on a connection of its own and reads all that comes.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    if !body.is_empty() || method == "POST" {
        headers.push(("content-length", &length));
    }
    ask_raw(address, method, path, &headers, body).await
}

/// The same without a word about the size of what is sent.
pub(crate) async fn ask_raw(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let what = format!("{method} {}", path.chars().take(100).collect::<String>());
    let mut stream = send(address, method, path, headers, body).await;
    let mut raw = Vec::new();
    // A connection that is reset is one that is cut off.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut raw)).await;
    let _ = read.unwrap_or_else(|_| panic!("{what} hangs"));
    parse(raw, method == "HEAD").unwrap_or_else(|| panic!("{what}: no answer"))
}

/// Sends a request, and leaves the reading to the caller.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // A server that refuses a body may close before it has read all of it.
    let _ = stream.write_all(&request).await;
    stream
}

/// Reads an answer apart; `None` when there is none.
fn parse(raw: Vec<u8>, is_head: bool) -> Option<Answer> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(raw[..end].to_vec()).expect("a head in UTF-8");
    let mut lines = head.split("\r\n");
    let code = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').expect("a header"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let sent = &raw[end + 4..];
    let named = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let (body, is_whole) = if is_head || matches!(code, 204 | 304) {
        (sent.to_vec(), sent.is_empty())
    } else if named("transfer-encoding") == Some("chunked") {
        unchunked(sent)
    } else {
        let length: usize = named("content-length").expect("a length").parse().expect("a number");
        (sent.to_vec(), sent.len() == length)
    };
    Some(Answer { code, headers, body, is_whole, raw })
}

fn unchunked(mut sent: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = sent.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&sent[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.expect("the size of a chunk");
        if size == 0 {
            return (body, true);
        }
        let from = end + 2;
        body.extend_from_slice(&sent[from..sent.len().min(from + size)]);
        sent = sent.get(from + size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// Encoded as a URL needs it, or every byte of it.
pub(crate) fn encoded(text: &str, every_byte: bool) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        if !every_byte && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02x}");
        }
    }
    url
}
