//! HTTP/2 by hand, so that a test can send what no client would.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::PATIENCE;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// The flags: of DATA and HEADERS, of SETTINGS and PING, of HEADERS.
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block of literals without indexing.
pub(super) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(0);
        for text in [name, value] {
            // An integer with a prefix of seven bits.
            let mut left = text.len();
            if left < 127 {
                bytes.push(u8::try_from(left).expect("small"));
            } else {
                bytes.push(127);
                left -= 127;
                while left >= 128 {
                    bytes.push(u8::try_from(left % 128).expect("small") | 128);
                    left /= 128;
                }
                bytes.push(u8::try_from(left).expect("small"));
            }
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// The headers of a gRPC call, with others behind them.
pub(super) fn call_headers(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    headers.extend(more);
    block(&headers)
}

/// A message as gRPC frames it.
pub(super) fn message(message: &impl Message) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(encoded.len()).expect("small").to_be_bytes());
    bytes.extend(encoded);
    bytes
}

/// A whole call: headers, and the message that ends it.
pub(super) fn call(stream: u32, headers: &[u8], body: &[u8]) -> Vec<u8> {
    [frame(HEADERS, END_HEADERS, stream, headers), frame(DATA, END_STREAM, stream, body)].concat()
}

/// The number of the stream that a client opens as its `count`th, from 0.
pub(super) fn stream_id(count: usize) -> u32 {
    u32::try_from(2 * count + 1).expect("a stream")
}

/// What a server said on one connection until it closed it, or until it was no longer listened to.
#[derive(Debug, Default, Clone)]
pub(super) struct Heard {
    /// Frames of each kind.
    pub(super) frames: BTreeMap<u8, u64>,
    /// Streams that ended, reset or not.
    pub(super) ended: u64,
    /// The code of a GOAWAY that was more than a farewell.
    pub(super) goaway: Option<u32>,
}

/// A connection of HTTP/2 that does as it is told and answers no frame.
pub(super) struct Raw {
    pub(super) writer: OwnedWriteHalf,
    pub(super) reader: OwnedReadHalf,
}

impl Raw {
    /// One that has said its settings: with `settings`, as pairs of identifier and value.
    pub(super) async fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        stream.set_nodelay(true).expect("set");
        let (reader, mut writer) = stream.into_split();
        let settings: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [name.to_be_bytes().to_vec(), value.to_be_bytes().to_vec()].concat())
            .collect();
        writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()).await.expect("sent");
        Self { writer, reader }
    }

    /// Sends bytes; whether the server still takes them. One that takes nothing for a while counts as not taking them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = tokio::time::timeout(Duration::from_secs(2), self.writer.write_all(bytes)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// The next frame; `None` once the server has closed the connection.
    pub(super) async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        next_frame(&mut self.reader).await
    }

    /// Reads until the server closes the connection.
    pub(super) async fn hear_out(mut self) -> Heard {
        let heard = async {
            let mut heard = Heard::default();
            while let Some((kind, flags, _, payload)) = next_frame(&mut self.reader).await {
                heard.note(kind, flags, &payload);
            }
            heard
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("the connection is closed in time")
    }
}

impl Heard {
    pub(super) fn note(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        *self.frames.entry(kind).or_default() += 1;
        let is_end = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 || kind == RST_STREAM;
        self.ended += u64::from(is_end);
        if kind == GOAWAY {
            let code = u32::from_be_bytes(payload[4..8].try_into().expect("a code"));
            self.goaway = Some(code).filter(|code| *code != 0).or(self.goaway);
        }
    }
}

pub(super) async fn next_frame(reader: &mut OwnedReadHalf) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    reader.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).expect("a length")];
    reader.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some((head[3], head[4], stream, payload))
}
