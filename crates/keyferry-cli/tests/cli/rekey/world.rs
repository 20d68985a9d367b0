//! A lab with a ring of two keys, and requests of our own to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use keyferry_key::{CustomerKey, KeyId};
use keyferry_keystore::{ObjectUse, Store, Unlock};
use keyferry_transfer::{Connector, ConnectorSettings};
use tokio::runtime::Runtime;

use crate::running::Running;

pub(crate) const TOKYO: &str = "lab-tokyo";
pub(crate) const OSAKA: &str = "lab-osaka";

/// A user whose ring `photos` has a first key, and after [`World::rotate`] a second one.
pub(crate) struct World {
    pub(crate) user: Running,
    pub(crate) runtime: Runtime,
    pub(crate) tokyo: Client,
    pub(crate) osaka: Client,
}

/// A key of the store.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) key: CustomerKey,
}

impl World {
    pub(crate) fn start() -> Self {
        let user = Running::start(None);
        let exports = user.exports();
        let credentials = Credentials::new(
            exports["AWS_ACCESS_KEY_ID"].clone(),
            exports["AWS_SECRET_ACCESS_KEY"].clone(),
            None,
            None,
            "lab",
        );
        let connector = Connector::new(ConnectorSettings {
            endpoints: exports["KEYFERRY_ENDPOINT_URL"].parse().unwrap(),
            ca_bundle: Some(PathBuf::from(&exports["AWS_CA_BUNDLE"])),
            ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
        })
        .unwrap();
        user.done(&["key", "new", "photos"]);
        let client = |region: &str| connector.client(&region.parse().unwrap()).unwrap();
        Self {
            tokyo: client("ap-northeast-1"),
            osaka: client("ap-northeast-3"),
            runtime: Runtime::new().unwrap(),
            user,
        }
    }

    /// The active key of the ring.
    pub(crate) fn active(&self) -> Key {
        let (entry, key) = self.store().active(&"photos".parse().unwrap()).unwrap();
        Key { id: entry.id, key }
    }

    /// The key before, and the one that took its place.
    pub(crate) fn rotate(&self) -> (Key, Key) {
        let old = self.active();
        self.user.done(&["key", "rotate", "photos"]);
        (old, self.active())
    }

    pub(crate) fn store(&self) -> Store {
        let dir = self.user.path(".local/share/keyferry/store");
        Store::open(&dir, &Unlock::Unprotected).unwrap()
    }

    /// What the journal says of the bucket's versions.
    pub(crate) fn recorded(&self) -> BTreeMap<ObjectUse, KeyId> {
        self.store().recorded_uses(TOKYO).unwrap()
    }

    pub(crate) fn journal(&self) -> String {
        let path = self.user.path(".local/share/keyferry/store/journal.jsonl");
        std::fs::read_to_string(path).unwrap()
    }

    /// Files in which unfinished uploads are remembered.
    pub(crate) fn records(&self) -> Vec<String> {
        let folder = self.user.path(".local/state/keyferry/rekey");
        let mut names = crate::running::names(&folder);
        names.retain(|name| name.ends_with(".json"));
        names
    }
}

/// Puts an object under a key.
pub(crate) async fn put(client: &Client, under: &Key, key: &str, content: Vec<u8>) {
    let headers = under.key.headers();
    let put = client.put_object().bucket(TOKYO).key(key);
    put.body(content.into())
        // A header holds no control characters.
        .metadata("name", key.escape_default().to_string())
        .tagging(format!("album=1&keyferry-key={}", under.id))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
}

/// Puts an object in parts of these sizes under a key.
pub(crate) async fn put_parts(
    client: &Client,
    under: &Key,
    key: &str,
    content: &[u8],
    sizes: &[usize],
) {
    let headers = under.key.headers();
    let create = client.create_multipart_upload().bucket(TOKYO).key(key);
    let id = create
        .metadata("name", key)
        .tagging(format!("album=1&keyferry-key={}", under.id))
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .checksum_type(ChecksumType::FullObject)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let (mut rest, mut parts) = (content, Vec::new());
    for (size, number) in sizes.iter().zip(1..) {
        let (part, behind) = rest.split_at(*size);
        rest = behind;
        let upload = client.upload_part().bucket(TOKYO).key(key);
        let answer = upload
            .upload_id(&id)
            .part_number(number)
            .body(part.to_vec().into())
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap();
        let part = CompletedPart::builder().part_number(number);
        parts.push(part.e_tag(answer.e_tag.unwrap()).build());
    }
    assert!(rest.is_empty());
    let list = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let complete = client.complete_multipart_upload().bucket(TOKYO).key(key);
    complete
        .upload_id(id)
        .multipart_upload(list.build())
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap();
}

/// Content, version id and part count of an object, if this key opens it.
pub(crate) async fn get(
    client: &Client,
    bucket: &str,
    key: &str,
    with: &CustomerKey,
) -> Option<(Vec<u8>, Option<String>, bool)> {
    let headers = with.headers();
    let get = client.get_object().bucket(bucket).key(key);
    let answer = get
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .ok()?;
    let in_parts = answer.e_tag().unwrap().contains('-');
    let version = answer.version_id.clone();
    let content = answer.body.collect().await.unwrap().to_vec();
    Some((content, version, in_parts))
}
