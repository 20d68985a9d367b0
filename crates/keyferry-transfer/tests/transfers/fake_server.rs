//! A server that answers what a test wants, over plain http on loopback.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use keyferry_key::CustomerKey;
use keyferry_transfer::{Connector, ConnectorSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::credentials;

/// A request, with its body read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// First and last byte asked for.
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        let (from, to) = self
            .headers
            .get("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    }
}

/// An answer. `send` bytes of the body are sent, however many are promised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) send: Option<usize>,
    /// What is behind those bytes never comes, and the connection stays open.
    pub(crate) hangs: bool,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// S3's answer to a request that it refuses.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::new(status).body(format!("<Error><Code>{code}</Code></Error>"))
    }

    /// Says that the key was used.
    pub(crate) fn confirming(self, key: &CustomerKey) -> Self {
        self.header("x-amz-server-side-encryption-customer-algorithm", "AES256")
            .header(
                "x-amz-server-side-encryption-customer-key-MD5",
                key.md5().to_string(),
            )
    }

    /// Sends so many bytes of the body, and nothing more; without any, not even the head.
    pub(crate) fn hanging_after(mut self, bytes: usize) -> Self {
        self.send = Some(bytes);
        self.hangs = true;
        self
    }

    /// Breaks the connection off behind so many bytes of the body.
    pub(crate) fn broken_after(mut self, bytes: usize) -> Self {
        self.send = Some(bytes);
        self
    }
}

pub(crate) struct FakeServer {
    pub(crate) connector: Connector,
    pub(crate) client: Client,
    pub(crate) key: CustomerKey,
    /// So many requests with bodies are not read beyond their heads.
    pub(crate) deaf: Arc<AtomicUsize>,
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeServer {
    /// `None` from `answer` breaks the connection off without any answer.
    pub(crate) async fn start(
        answer: impl Fn(&Request, &CustomerKey) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = CustomerKey::generate().unwrap();
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let answer = {
            let (seen, key) = (Arc::clone(&seen), key.clone());
            Arc::new(move |request: &Request| {
                seen.lock().unwrap().push(request.clone());
                answer(request, &key)
            })
        };
        let deaf = Arc::<AtomicUsize>::default();
        let for_task = Arc::clone(&deaf);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, deaf) = (Arc::clone(&answer), Arc::clone(&for_task));
                tokio::spawn(async move {
                    let _ = serve(stream, &*answer, &deaf).await;
                });
            }
        });
        let connector = Connector::new(settings(port)).unwrap();
        Self {
            client: connector.client(&"us-east-1".parse().unwrap()).unwrap(),
            connector,
            key,
            deaf,
            port,
            seen,
            task,
        }
    }

    /// A client with other settings.
    pub(crate) fn client_with(&self, change: impl FnOnce(&mut ConnectorSettings)) -> Client {
        let mut settings = settings(self.port);
        change(&mut settings);
        let connector = Connector::new(settings).unwrap();
        connector.client(&"us-east-1".parse().unwrap()).unwrap()
    }

    /// How many requests had this method and something in their target.
    pub(crate) fn count(&self, method: &str, target: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.method == method && request.target.contains(target))
            .count()
    }

    /// All ranges that were asked for.
    pub(crate) fn seen_ranges(&self) -> Vec<(usize, usize)> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter_map(Request::range).collect()
    }

    /// The bodies of all PUT requests with something in their target, in order.
    pub(crate) fn bodies(&self, target: &str) -> Vec<Vec<u8>> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.method == "PUT" && request.target.contains(target))
            .map(|request| request.body.clone())
            .collect()
    }

    /// Method and target of all requests, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }
}

fn settings(port: u16) -> ConnectorSettings {
    ConnectorSettings {
        endpoints: format!("http://127.0.0.1:{port}").parse().unwrap(),
        allow_plaintext_loopback: true,
        max_attempts: 2,
        ..ConnectorSettings::new(credentials("id", "secret"))
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Request) -> Option<Answer> + Send + Sync),
    deaf: &AtomicUsize,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut request = Request {
        method: first.next().unwrap_or_default().to_owned(),
        target: first.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: bytes.split_off(head_end + 4),
    };
    let length = request.headers.get("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let one_less = |count: usize| count.checked_sub(1);
    if length > 0
        && deaf
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
    {
        std::future::pending::<()>().await;
    }
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Ok(());
        }
    }
    let Some(answer) = answer(&request) else {
        return Ok(());
    };
    if answer.hangs && answer.send == Some(0) {
        std::future::pending::<()>().await;
    }
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    if !answer
        .headers
        .iter()
        .any(|(name, _)| name == "content-length")
    {
        head += &format!("content-length: {}\r\n", answer.body.len());
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    if request.method != "HEAD" {
        let send = answer.send.unwrap_or(answer.body.len());
        stream.write_all(&answer.body[..send]).await?;
    }
    if answer.hangs {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await
}
