//! A small server that answers as the unsound servers do which have been met: one that ignores keys,
//! one that echoes them, one that doubles headers, one without replication status.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region as SdkRegion, RequestChecksumCalculation,
};
use keyferry_key::CustomerKey;
use keyferry_policy::Region;
use keyferry_verify::{ClientFailure, Regions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const KEY_HEADER: &str = "x-amz-server-side-encryption-customer-key";
pub(crate) const MD5_HEADER: &str = "x-amz-server-side-encryption-customer-key-md5";
const CONFIGURATION: &str = r#"<ReplicationConfiguration>
    <Role>arn:aws:iam::111122223333:role/replication</Role>
    <Rule><ID>all</ID><Status>Enabled</Status><Priority>1</Priority><Filter><Prefix></Prefix></Filter>
        <DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>
        <Destination><Bucket>arn:aws:s3:::osaka</Bucket></Destination></Rule>
</ReplicationConfiguration>"#;

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) bucket: String,
    pub(crate) object: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    /// Whether this asks for the object itself, by HEAD or GET.
    pub(crate) fn is_for_object(&self) -> bool {
        !self.object.is_empty() && !self.query.contains("tagging")
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.headers.get(KEY_HEADER).map(String::as_str)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Break off after so many bytes of the body.
    pub(crate) cut: Option<usize>,
}

impl Response {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self {
            body: body.into_bytes(),
            ..Self::new(status)
        }
    }

    pub(crate) fn xml(body: &str) -> Self {
        Self {
            body: body.as_bytes().to_vec(),
            ..Self::new(200)
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }
}

/// Changes the answer of a sound server into that of an unsound one.
pub(crate) type Twist = dyn Fn(&Request, Response) -> Response + Send + Sync;

pub(crate) struct FakeS3 {
    client: Client,
}

impl FakeS3 {
    /// Two buckets, `tokyo` and `osaka`, each with the object `key`, which `key` opens.
    pub(crate) async fn start(key: &CustomerKey, content: &[u8], twist: Arc<Twist>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sound = Arc::new(Sound {
            key: key.headers().expose_key().to_owned(),
            md5: key.md5().to_string(),
            content: content.to_vec(),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sound, twist) = (Arc::clone(&sound), Arc::clone(&twist));
                tokio::spawn(async move { serve(stream, &sound, &*twist).await });
            }
        });
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .region(SdkRegion::new("ap-northeast-1"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(url)
            .force_path_style(true)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Regions for FakeS3 {
    fn client(&self, _region: &Region) -> Result<Client, ClientFailure> {
        Ok(self.client.clone())
    }
}

struct Sound {
    key: String,
    md5: String,
    content: Vec<u8>,
}

impl Sound {
    fn answer(&self, request: &Request) -> Response {
        if request.query.contains("replication") {
            return Response::xml(CONFIGURATION);
        }
        if request.object.is_empty() {
            let region = match request.bucket.as_str() {
                "tokyo" => "ap-northeast-1",
                _ => "ap-northeast-3",
            };
            return Response::new(200).with("x-amz-bucket-region", region);
        }
        if request.query.contains("tagging") {
            return Response::xml("<Tagging><TagSet></TagSet></Tagging>");
        }
        match request.key() {
            None => return Response::error(400, "InvalidRequest", "a key is needed"),
            Some(key) if key != self.key => {
                return Response::error(403, "AccessDenied", "access denied");
            }
            Some(_) => {}
        }
        self.object(request)
    }

    fn object(&self, request: &Request) -> Response {
        let status = match request.bucket.as_str() {
            "tokyo" => "COMPLETED",
            _ => "REPLICA",
        };
        let range = request.headers.get("range").and_then(|range| {
            let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
            let from: usize = from.parse().ok()?;
            let end = to.parse::<usize>().map_or(self.content.len(), |to| to + 1);
            Some((from, end.min(self.content.len())))
        });
        let mut response = Response::new(if range.is_some() { 206 } else { 200 })
            .with("etag", "\"0123456789abcdef\"")
            .with("x-amz-version-id", "v1")
            .with("last-modified", "Wed, 12 Oct 2022 17:50:00 GMT")
            .with("x-amz-replication-status", status)
            .with("x-amz-checksum-crc64nvme", &crc64nvme(&self.content))
            .with("x-amz-checksum-type", "FULL_OBJECT")
            .with(MD5_HEADER, &self.md5);
        let (from, end) = range.unwrap_or((0, self.content.len()));
        if range.is_some() {
            let content_range = format!("bytes {from}-{}/{}", end - 1, self.content.len());
            response = response.with("content-range", &content_range);
        }
        response.body = self.content[from..end].to_vec();
        response
    }
}

pub(crate) fn crc64nvme(content: &[u8]) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, content);
    BASE64_STANDARD.encode(checksum.to_be_bytes())
}

async fn serve(mut stream: TcpStream, sound: &Sound, twist: &Twist) {
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => received.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8(received).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let method = first.next().unwrap().to_owned();
    let (path, query) = {
        let target = first.next().unwrap();
        target.split_once('?').unwrap_or((target, ""))
    };
    let request = Request {
        method,
        bucket: path.split('/').nth(1).unwrap().to_owned(),
        object: path.split('/').nth(2).unwrap_or_default().to_owned(),
        query: query.to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    };
    let response = twist(&request, sound.answer(&request));
    let mut head = format!("HTTP/1.1 {} -\r\nconnection: close\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", response.body.len()));
    let body = match (request.method.as_str(), response.cut) {
        ("HEAD", _) => &[][..],
        (_, Some(cut)) => &response.body[..cut.min(response.body.len())],
        (_, None) => &response.body,
    };
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let _ = stream.shutdown().await;
}
