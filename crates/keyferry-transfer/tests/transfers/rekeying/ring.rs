//! Keys old and new, runs, and requests of our own.

use std::path::PathBuf;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Intercept;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, Tag,
};
use keyferry_key::{CustomerKey, KeyId};
use keyferry_transfer::{
    Candidates, Ended, Handled, KeyFinder, ListedVersion, Observer, Outcome, Receiver, Rekey,
    Rekeyed, Rekeyer, Scope, Silent, UnfinishedUploads,
};
use tokio_util::sync::CancellationToken;

use crate::setup::Setup;

pub(crate) const BUCKET: &str = "tokyo";

/// A lab, a key that objects are under, and one that they are to be under.
pub(crate) struct Ring {
    pub(crate) setup: Setup,
    pub(crate) old: (KeyId, CustomerKey),
    pub(crate) new: (KeyId, CustomerKey),
}

/// Knows both keys, and goes by the tag first.
pub(crate) struct Finder(pub(crate) Vec<(KeyId, CustomerKey)>);

impl KeyFinder for Finder {
    fn candidates(&self, _: &ListedVersion, tag: Option<&KeyId>) -> Candidates {
        let (mut hinted, others): (Vec<_>, Vec<_>) =
            self.0.iter().cloned().partition(|(id, _)| Some(id) == tag);
        Candidates {
            hinted: hinted.pop(),
            others,
        }
    }
}

/// Keeps everything.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Vec<Handled>);

impl Receiver for Kept {
    type Error = std::convert::Infallible;

    fn handled(&mut self, handled: Handled) -> Result<(), Self::Error> {
        self.0.push(handled);
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Ring {
    pub(crate) async fn start() -> Self {
        let key = || (KeyId::generate().unwrap(), CustomerKey::generate().unwrap());
        Self {
            setup: Setup::start().await,
            old: key(),
            new: key(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.setup.client
    }

    pub(crate) fn finder(&self) -> Finder {
        Finder(vec![self.new.clone(), self.old.clone()])
    }

    pub(crate) fn rekey(&self) -> Rekey {
        let (id, key) = self.new.clone();
        Rekey::new(BUCKET.parse().unwrap(), key, id)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.setup.folder.path().join("state")
    }

    pub(crate) fn unfinished(&self) -> UnfinishedUploads {
        UnfinishedUploads::open(&self.state(), BUCKET, BUCKET).unwrap()
    }

    /// A run over everything with what there is by default.
    pub(crate) async fn run(&self) -> Vec<Handled> {
        let (handled, ended) = self.run_as(self.client(), &self.rekey()).await;
        assert!(matches!(ended, Ended::Complete), "{ended:?}: {handled:?}");
        handled
    }

    pub(crate) async fn run_as(
        &self,
        client: &Client,
        rekey: &Rekey,
    ) -> (Vec<Handled>, Ended<std::convert::Infallible>) {
        self.run_with(client, rekey, &Silent, &CancellationToken::new())
            .await
    }

    pub(crate) async fn run_with(
        &self,
        client: &Client,
        rekey: &Rekey,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> (Vec<Handled>, Ended<std::convert::Infallible>) {
        let (finder, unfinished) = (self.finder(), self.unfinished());
        let rekeyer = Rekeyer::new(client, rekey, &finder, &unfinished, observer, cancel)
            .await
            .unwrap();
        let mut kept = Kept::default();
        let ended = rekeyer.run(&Scope::Prefix(String::new()), &mut kept).await;
        kept.0
            .sort_by(|one, other| one.object.key.cmp(&other.object.key));
        (kept.0, ended)
    }

    /// The client, with something done before or after each request of a kind.
    pub(crate) fn hooked<I: Intercept + 'static>(&self, hook: I) -> Client {
        let config = self.client().config().to_builder().interceptor(hook);
        Client::from_conf(config.build())
    }

    /// Puts an object under the old key.
    pub(crate) async fn put(&self, key: &str, content: &[u8]) -> String {
        self.put_under(&self.old, key, content).await
    }

    pub(crate) async fn put_under(
        &self,
        (id, under): &(KeyId, CustomerKey),
        key: &str,
        content: &[u8],
    ) -> String {
        put_under(self.client(), id, under, key, content).await
    }

    /// Puts an object in parts of these sizes, with these labels, under the old key.
    pub(crate) async fn put_parts(
        &self,
        key: &str,
        parts: &[&[u8]],
        algorithm: ChecksumAlgorithm,
        kind: ChecksumType,
    ) {
        let headers = self.old.1.headers();
        let create = self.client().create_multipart_upload();
        let id = create
            .bucket(BUCKET)
            .key(key)
            .content_type("application/x-parts")
            .cache_control("max-age=7")
            .content_disposition("attachment")
            .content_encoding("zstd")
            .content_language("ja")
            .website_redirect_location("/elsewhere")
            .metadata("camera", "x100")
            .tagging(format!("trip=osaka&keyferry-key={}", self.old.0))
            .storage_class(aws_sdk_s3::types::StorageClass::StandardIa)
            .checksum_algorithm(algorithm)
            .checksum_type(kind)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap()
            .upload_id
            .unwrap();
        let mut completed = Vec::new();
        for (part, number) in parts.iter().zip(1..) {
            let upload = self.client().upload_part().bucket(BUCKET).key(key);
            let answer = upload
                .upload_id(&id)
                .part_number(number)
                .sse_customer_algorithm("AES256")
                .sse_customer_key(headers.expose_key())
                .sse_customer_key_md5(headers.md5().to_string())
                .body(part.to_vec().into())
                .send()
                .await
                .unwrap();
            completed.push(
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(answer.e_tag.unwrap())
                    .set_checksum_crc32(answer.checksum_crc32)
                    .set_checksum_sha256(answer.checksum_sha256)
                    .build(),
            );
        }
        let list = CompletedMultipartUpload::builder().set_parts(Some(completed));
        let complete = self.client().complete_multipart_upload();
        complete
            .bucket(BUCKET)
            .key(key)
            .upload_id(&id)
            .multipart_upload(list.build())
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap();
    }

    /// The content, if this key opens it; the HTTP status otherwise.
    pub(crate) async fn get(&self, key: &str, with: &CustomerKey) -> Result<Vec<u8>, u16> {
        let headers = with.headers();
        let get = self.client().get_object().bucket(BUCKET).key(key);
        let answer = get
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.body.collect().await.unwrap().to_vec()),
            Err(error) => Err(error.raw_response().unwrap().status().as_u16()),
        }
    }

    /// Asserts that the current version holds this, opens with the new key and not with the old.
    #[track_caller]
    pub(crate) fn is_under_new<'a>(
        &'a self,
        key: &'a str,
        content: &'a [u8],
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let got = self.get(key, &self.new.1).await;
            assert!(got.as_deref() == Ok(content), "{key} at {place}");
            assert_eq!(
                self.get(key, &self.old.1).await,
                Err(403),
                "{key} at {place}"
            );
        }
    }

    pub(crate) async fn head(
        &self,
        key: &str,
        with: &CustomerKey,
        part: Option<i32>,
    ) -> HeadObjectOutput {
        let headers = with.headers();
        let head = self.client().head_object().bucket(BUCKET).key(key);
        head.checksum_mode(ChecksumMode::Enabled)
            .set_part_number(part)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn tags(&self, key: &str) -> Vec<(String, String)> {
        let tags = self.client().get_object_tagging().bucket(BUCKET).key(key);
        let tags = tags.send().await.unwrap().tag_set.into_iter();
        let mut tags: Vec<_> = tags.map(|tag: Tag| (tag.key, tag.value)).collect();
        tags.sort();
        tags
    }

    /// Version ids of an object, the newest first.
    pub(crate) async fn versions(&self, key: &str) -> Vec<String> {
        let list = self.client().list_object_versions().bucket(BUCKET);
        let listed = list.prefix(key).send().await.unwrap();
        let versions = listed.versions().iter();
        versions
            .map(|version| version.version_id().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn policy(&self, action: &str) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"{action}",
            "Resource":["arn:aws:s3:::{BUCKET}","arn:aws:s3:::{BUCKET}/*"]}}]}}"#
        );
        let put = self.client().put_bucket_policy().bucket(BUCKET);
        put.policy(policy).send().await.unwrap();
    }
}

pub(crate) async fn put_under(
    client: &Client,
    id: &KeyId,
    under: &CustomerKey,
    key: &str,
    content: &[u8],
) -> String {
    let headers = under.headers();
    let put = client.put_object().bucket(BUCKET).key(key);
    put.body(content.to_vec().into())
        .tagging(format!("keyferry-key={id}"))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap()
}

/// What became of the only object.
pub(crate) fn only(handled: &[Handled]) -> &Handled {
    let [handled] = handled else {
        panic!("{handled:?}");
    };
    handled
}

/// The only object, which was re-encrypted.
#[track_caller]
pub(crate) fn rekeyed(handled: &[Handled]) -> &Rekeyed {
    match &only(handled).outcome {
        Outcome::Rekeyed(rekeyed) => rekeyed,
        other => panic!("{other:?}"),
    }
}
