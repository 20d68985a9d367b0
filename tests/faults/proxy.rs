//! A proxy with TLS on both sides, which gets things wrong on the way.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;

use crate::exchange::{Answer, Head};
use crate::fault::{Fault, Faults};
use crate::world::Tls;

/// How long an answer waits for another one to be swapped with.
const SWAP_PATIENCE: Duration = Duration::from_millis(150);

/// A running proxy to a server on this machine, for one transfer.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    tls: Tls,
    upstream: u16,
    faults: Mutex<Faults>,
    /// An answer that waits to be swapped, and where to send another in its place.
    waiting: Mutex<Option<(Answer, oneshot::Sender<Answer>)>>,
}

impl Proxy {
    pub(crate) async fn start(tls: Tls, upstream: u16, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            tls,
            upstream,
            faults: Mutex::new(faults),
            waiting: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // That a connection ends badly is what it is for.
                connections.spawn(async move { shared.connection(stream).await.ok() });
            }
        });
        Self { port, shared, task }
    }

    /// What was injected so far.
    pub(crate) fn injected(&self) -> Vec<(String, Fault)> {
        self.shared.faults().injected.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("injected: {:?}", self.injected());
        }
        self.task.abort();
    }
}

/// What becomes of the connection behind an exchange.
enum Then {
    GoOn,
    Close,
    Reset,
}

type Client = TlsStream<TcpStream>;

impl Shared {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        let mut client = self.tls.acceptor.accept(stream).await?;
        let mut server = self.upstream().await?;
        let mut buffer = Vec::new();
        while let Some(head) = Head::read(&mut client, &mut buffer).await? {
            match self
                .exchange(&mut client, &mut buffer, &mut server, head)
                .await?
            {
                Then::GoOn => {}
                Then::Close => return client.shutdown().await,
                Then::Reset => return client.get_ref().0.set_zero_linger(),
            }
        }
        Ok(())
    }

    async fn upstream(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(("127.0.0.1", self.upstream)).await?;
        let name = "127.0.0.1".try_into().map_err(io::Error::other)?;
        let stream = self.tls.connector.connect(name, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn exchange(
        &self,
        client: &mut Client,
        buffer: &mut Vec<u8>,
        server: &mut SendRequest<Full<Bytes>>,
        head: Head,
    ) -> io::Result<Then> {
        let fault = self
            .faults()
            .next(&format!("{} {}", head.method, head.target));
        match fault {
            Some(Fault::ResetAtOnce) => return Ok(Then::Reset),
            Some(Fault::ResetInRequest | Fault::StallRequest) if head.body_length > 0 => {
                let bytes = self.faults().below(head.body_length);
                head.body(client, buffer, bytes).await?;
                if fault == Some(Fault::StallRequest) {
                    let stall = self.faults().stall();
                    tokio::time::sleep(stall).await;
                }
                return Ok(Then::Reset);
            }
            _ => {}
        }
        head.body(client, buffer, head.body_length).await?;
        let mut body: Vec<u8> = buffer.drain(..head.body_length).collect();
        match fault {
            Some(Fault::Refuse(status, code)) => {
                return send(client, &Answer::error(status, code, &head), &[]).await;
            }
            Some(Fault::FlipInRequest) => self.flip(&mut body),
            Some(Fault::RepeatRequest) => drop(forward(server, &head, body.clone()).await?),
            _ => {}
        }
        let mut answer = forward(server, &head, body).await?;
        match fault {
            Some(Fault::LoseAnswer) => return Ok(Then::Reset),
            Some(Fault::DenySuccess) => answer = Answer::error(500, "InternalError", &head),
            Some(Fault::TruncateAnswer | Fault::StallAnswer) if !answer.body.is_empty() => {
                let length = self.faults().below(answer.body.len());
                answer.body.truncate(length);
                send(client, &answer, &[]).await?;
                if fault == Some(Fault::TruncateAnswer) {
                    return Ok(Then::Close);
                }
                let stall = self.faults().stall();
                tokio::time::sleep(stall).await;
                return Ok(Then::Reset);
            }
            Some(Fault::FlipInAnswer) => self.flip(&mut answer.body),
            Some(Fault::PromiseMore) if !answer.body.is_empty() => {
                answer.promised += 1 + self.faults().below(5000);
                send(client, &answer, &[]).await?;
                return Ok(Then::Close);
            }
            Some(Fault::PromiseLess) if !answer.body.is_empty() => {
                answer.promised = self.faults().below(answer.promised);
            }
            Some(Fault::RepeatAnswer) => {
                let again = [answer.head(), answer.body.clone()].concat();
                return send(client, &answer, &again).await;
            }
            Some(Fault::SwapAnswers) => answer = self.swap(answer).await,
            Some(Fault::StripConfirmation) => {
                answer.remove("x-amz-server-side-encryption-customer");
            }
            Some(Fault::ConfirmOtherKey) => {
                for (name, value) in &mut answer.headers {
                    if name == "x-amz-server-side-encryption-customer-key-md5" {
                        *value = b"1B2M2Y8AsgTpgAmY7PhCfg==".to_vec();
                    }
                }
            }
            Some(Fault::Delay) => {
                let delay = self.faults().delay();
                tokio::time::sleep(delay).await;
            }
            _ => {}
        }
        send(client, &answer, &[]).await
    }

    fn flip(&self, bytes: &mut [u8]) {
        let mut faults = self.faults();
        let (at, bit) = (faults.below(bytes.len()), faults.below(8));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }

    /// Gives the answer to whoever waits with another one, and takes that; otherwise waits itself.
    async fn swap(&self, answer: Answer) -> Answer {
        let other = self.waiting.lock().unwrap().take();
        if let Some((other, there)) = other {
            return match there.send(answer) {
                Ok(()) => other,
                Err(answer) => answer,
            };
        }
        let (sender, mut receiver) = oneshot::channel();
        *self.waiting.lock().unwrap() = Some((answer.clone(), sender));
        if let Ok(Ok(other)) = tokio::time::timeout(SWAP_PATIENCE, &mut receiver).await {
            return other;
        }
        // Nobody came, or just now.
        self.waiting.lock().unwrap().take();
        receiver.try_recv().unwrap_or(answer)
    }
}

async fn forward(
    server: &mut SendRequest<Full<Bytes>>,
    head: &Head,
    body: Vec<u8>,
) -> io::Result<Answer> {
    let mut request = http::Request::builder()
        .method(head.method.as_str())
        .uri(&head.target);
    for (name, value) in &head.headers {
        if !["expect", "content-length", "connection"].contains(&name.as_str()) {
            request = request.header(name, value.as_slice());
        }
    }
    let request = request
        .header("content-length", body.len())
        .body(Full::new(body.into()))
        .map_err(io::Error::other)?;
    server.ready().await.map_err(io::Error::other)?;
    let answer = server
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let (parts, body) = answer.into_parts();
    let headers: Vec<(String, Vec<u8>)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let promised = match head.method.as_str() {
        "HEAD" => crate::exchange::length(&headers),
        _ => body.len(),
    };
    let framing = ["content-length", "transfer-encoding", "connection"];
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: headers
            .into_iter()
            .filter(|(name, _)| !framing.contains(&name.as_str()))
            .collect(),
        promised,
        body: body.to_vec(),
    })
}

/// Sends an answer, and more behind it.
async fn send(client: &mut Client, answer: &Answer, more: &[u8]) -> io::Result<Then> {
    client.write_all(&answer.head()).await?;
    client.write_all(&answer.body).await?;
    client.write_all(more).await?;
    client.flush().await?;
    Ok(Then::GoOn)
}
