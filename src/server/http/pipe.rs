//! A body that is made while it is sent, and that never looks whole when it is not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::Stream;

/// How many pieces wait for the reader at the most.
const QUEUE: usize = 2;

/// Where a body's pieces go. Dropped without [`Self::finish`], it cuts the connection, so that no reader takes a part for the whole.
#[derive(Debug)]
pub(super) struct Sink(mpsc::Sender<Piece>);

#[derive(Debug)]
enum Piece {
    Data(Bytes),
    End,
}

/// The reader is gone.
#[derive(Debug)]
pub(super) struct Gone;

impl Sink {
    /// Sends a piece as soon as there is room for it.
    pub(super) async fn send(&self, data: impl Into<Bytes>) -> Result<(), Gone> {
        let data = data.into();
        if data.is_empty() {
            return Ok(());
        }
        self.0.send(Piece::Data(data)).await.map_err(|_| Gone)
    }

    /// Ends the body: it was all.
    pub(super) async fn finish(self) {
        // An error means that the reader is gone.
        let _ = self.0.send(Piece::End).await;
    }

    /// Comes when the reader is gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// A body, and where its pieces go.
pub(super) fn pipe() -> (Sink, Body) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Sink(sender), Body::from_stream(Pieces { receiver, has_ended: false }))
}

struct Pieces {
    receiver: mpsc::Receiver<Piece>,
    has_ended: bool,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.receiver.poll_recv(context));
        if let Some(Piece::Data(data)) = piece {
            return Poll::Ready(Some(Ok(data)));
        }
        self.has_ended = true;
        Poll::Ready(match piece {
            Some(_) => None,
            None => Some(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the answer broke off"))),
        })
    }
}
