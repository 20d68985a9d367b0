//! HTTP/1.1 messages, whole, so that each of their bytes can be got wrong.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The head of a request, and how long its body is.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body_length: usize,
}

/// An answer with all of its body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// What `Content-Length` says; the body's length, unless the request was a HEAD.
    pub(crate) promised: usize,
    pub(crate) body: Vec<u8>,
}

impl Head {
    /// Reads a head; `None` where the client has closed the connection between requests.
    pub(crate) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
    ) -> io::Result<Option<Self>> {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(buffer).await? == 0 {
                return match buffer.is_empty() {
                    true => Ok(None),
                    false => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        };
        let mut room = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut room);
        parsed.parse(&buffer[..end]).map_err(io::Error::other)?;
        let headers: Vec<(String, Vec<u8>)> = parsed
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
            .collect();
        let head = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            target: parsed.path.unwrap_or_default().to_owned(),
            body_length: length(&headers),
            headers,
        };
        buffer.drain(..end);
        Ok(Some(head))
    }

    /// Reads so many bytes of the body, letting the client go on where it waits for that.
    pub(crate) async fn body(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        buffer: &mut Vec<u8>,
        bytes: usize,
    ) -> io::Result<()> {
        let waits = |(name, _): &(String, Vec<u8>)| name == "expect";
        if self.headers.iter().any(waits) && buffer.is_empty() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            stream.flush().await?;
        }
        while buffer.len() < bytes {
            if stream.read_buf(buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

impl Answer {
    /// S3's answer to a request that it refuses.
    pub(crate) fn error(status: u16, code: &str, head: &Head) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>injected</Message></Error>"
        );
        Self {
            status,
            headers: vec![("content-type".to_owned(), b"application/xml".to_vec())],
            promised: body.len(),
            body: match head.method.as_str() {
                "HEAD" => Vec::new(),
                _ => body.into_bytes(),
            },
        }
    }

    /// Status line and headers.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(format!("content-length: {}\r\n\r\n", self.promised).as_bytes());
        head
    }

    pub(crate) fn remove(&mut self, prefix: &str) {
        self.headers.retain(|(name, _)| !name.starts_with(prefix));
    }
}

/// What the headers promise.
pub(crate) fn length(headers: &[(String, Vec<u8>)]) -> usize {
    let named = headers.iter().find(|(name, _)| name == "content-length");
    named
        .and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok())
        .unwrap_or(0)
}
