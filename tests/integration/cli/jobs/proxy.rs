//! A proxy, on a port or on a Unix socket, that cuts connections as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Cut {
    /// It is cut after so many bytes of the server's answers.
    After(usize),
    /// So many bytes of the server's answers are kept from the client, then it is cut.
    Unheard(usize),
}

/// A proxy. Connections follow the plan, one after the other; those beyond it are not cut.
#[derive(Clone)]
pub(in crate::cli) struct Proxy {
    pub(in crate::cli) address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    plan: Arc<Mutex<VecDeque<Cut>>>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    pub(in crate::cli) async fn start(server: SocketAddr, plan: &[Cut]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self::new(listener.local_addr().expect("an address"), server, plan);
        let accepting = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                tokio::spawn(accepting.clone().pass(client));
            }
        });
        proxy
    }

    /// The same on a Unix socket; the address is the server's.
    pub(in crate::cli) fn start_on_a_socket(path: &Path, server: SocketAddr, plan: &[Cut]) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let proxy = Self::new(server, server, plan);
        let accepting = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                tokio::spawn(accepting.clone().pass(client));
            }
        });
        proxy
    }

    fn new(address: SocketAddr, server: SocketAddr, plan: &[Cut]) -> Self {
        let plan = Arc::new(Mutex::new(plan.iter().copied().collect()));
        Self { address, server: Arc::new(Mutex::new(server)), plan, cuts: Arc::default() }
    }

    /// Connections to come go to this server.
    pub(in crate::cli) fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().expect("a lock") = server;
    }

    /// How many connections were cut.
    pub(in crate::cli) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }

    async fn pass(self, client: impl AsyncRead + AsyncWrite + Send + 'static) {
        let address = *self.server.lock().expect("a lock");
        let Ok(server) = TcpStream::connect(address).await else { return };
        let cut = self.plan.lock().expect("a lock").pop_front();
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = server.into_split();
        let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut left = match cut {
            Some(Cut::After(bytes) | Cut::Unheard(bytes)) => bytes,
            None => usize::MAX,
        };
        let mut piece = [0; 4096];
        while left > 0 {
            let Ok(count @ 1..) = from_server.read(&mut piece).await else { break };
            let count = count.min(left);
            left -= count;
            if !matches!(cut, Some(Cut::Unheard(_))) && to_client.write_all(&piece[..count]).await.is_err() {
                break;
            }
        }
        if left == 0 {
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        up.abort();
    }
}
