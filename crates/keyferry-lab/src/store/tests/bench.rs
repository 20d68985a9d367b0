//! A store in a temporary folder, and short ways to use it.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempDir;

use crate::encryption::{
    CustomerKey, DataKey, EncryptionChoice, KeyState, KmsKeyRecord, NewKmsKey, ObjectEncryption,
};
use crate::store::segment_writer::StagedSegment;
use crate::store::{
    BucketRecord, ChecksumAlgorithm, DeleteRequest, Deleted, DigestPlan, NewObject, ObjectMetadata,
    Precondition, RegionStore, Store, StoreError, Tag, VersionRecord, Versioning,
    default_key_policy,
};

pub(crate) const TEST_KEY: [u8; 32] = *b"\x01keyferry-test-customer-key-one\xfe";
pub(crate) const SECOND_KEY: [u8; 32] = *b"\x02keyferry-test-customer-key-two\xfd";

pub(crate) fn customer_key(bytes: [u8; 32]) -> CustomerKey {
    CustomerKey::new(bytes)
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

/// A store that outlives its folder's owner only by [`Bench::reopen`].
pub(crate) struct Bench {
    pub(crate) store: Arc<Store>,
    pub(crate) dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: open(dir.path()),
            dir,
        }
    }

    /// Closes and opens again.
    pub(crate) async fn reopen(self) -> Self {
        self.store.close().await.unwrap();
        let Self { store, dir } = self;
        // Whatever still holds the store for a moment lets go of it.
        let mut store = Some(store);
        while let Err(held) = Arc::try_unwrap(store.take().unwrap()) {
            store = Some(held);
            tokio::task::yield_now().await;
        }
        Self {
            store: open(dir.path()),
            dir,
        }
    }

    pub(crate) fn here(&self) -> &RegionStore {
        &self.store.regions()[0]
    }

    pub(crate) fn there(&self) -> &RegionStore {
        &self.store.regions()[1]
    }

    /// A bucket that allows SSE-C.
    pub(crate) async fn bucket(&self, region: &RegionStore, name: &str, versioning: Versioning) {
        let mut bucket = BucketRecord::new(name, region.name(), "111122223333");
        bucket.versioning = versioning;
        bucket.encryption.blocked.clear();
        self.store.create_bucket(bucket).await.unwrap();
    }

    /// Every file under the folder.
    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// Data files of both regions.
    pub(crate) fn data_files(&self) -> usize {
        let is_data = |path: &Path| path.components().any(|part| part.as_os_str() == "data");
        self.files().iter().filter(|path| is_data(path)).count()
    }
}

fn open(dir: &Path) -> Arc<Store> {
    let regions = ["ap-northeast-1", "ap-northeast-3"].map(str::to_owned);
    Store::open(
        dir,
        &regions,
        &["111122223333".to_owned(), "444455556666".to_owned()],
    )
    .unwrap()
}

/// A body in pieces of an awkward size.
pub(crate) fn body(data: &[u8]) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + use<> {
    let pieces: Vec<_> = data
        .chunks(50_001)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces).boxed()
}

impl RegionStore {
    /// As a PUT under that encryption plans it.
    pub(crate) fn plan(
        encryption: &ObjectEncryption,
        checksums: impl IntoIterator<Item = ChecksumAlgorithm>,
    ) -> DigestPlan {
        DigestPlan {
            md5: encryption.etag_is_md5(),
            checksums: checksums.into_iter().collect(),
        }
    }

    pub(crate) fn new_kms_key(&self, alias: Option<&str>) -> KmsKeyRecord {
        let account = "111122223333";
        let key = self
            .create_kms_key(NewKmsKey {
                account: account.to_owned(),
                aws_managed: false,
                description: String::new(),
                policy: default_key_policy(account),
                tags: Vec::new(),
            })
            .unwrap();
        if let Some(alias) = alias {
            assert!(self.create_kms_alias(account, alias, &key.key_id).unwrap());
        }
        key
    }

    pub(crate) fn set_kms_key_enabled(&self, key: &str, enabled: bool) {
        let mut record = self.kms_key(key).unwrap();
        record.state = if enabled {
            KeyState::Enabled
        } else {
            KeyState::Disabled
        };
        self.put_kms_key(&record).unwrap();
    }

    pub(crate) async fn stage(
        &self,
        key: &DataKey,
        plan: DigestPlan,
        data: &[u8],
    ) -> StagedSegment {
        self.write_segment(key, plan, body(data)).await.unwrap()
    }

    pub(crate) async fn new_object(
        &self,
        key: &str,
        data: &[u8],
        choice: EncryptionChoice,
        tags: Vec<Tag>,
    ) -> NewObject {
        let (encryption, data_key) = self.begin_encryption(&choice).unwrap();
        let plan = Self::plan(&encryption, []);
        NewObject {
            key: key.to_owned(),
            owner: "111122223333".to_owned(),
            checksum: None,
            segment: self.stage(&data_key, plan, data).await,
            encryption,
            metadata: ObjectMetadata::default(),
            tags,
            storage_class: "STANDARD".to_owned(),
            lock: crate::store::RequestedLock::default(),
        }
    }

    pub(crate) async fn put(
        &self,
        bucket: &str,
        key: &str,
        data: &[u8],
        choice: EncryptionChoice,
    ) -> VersionRecord {
        self.put_tagged(bucket, key, data, choice, Vec::new()).await
    }

    pub(crate) async fn put_tagged(
        &self,
        bucket: &str,
        key: &str,
        data: &[u8],
        choice: EncryptionChoice,
        tags: Vec<Tag>,
    ) -> VersionRecord {
        let object = self.new_object(key, data, choice, tags).await;
        self.put_object(bucket, object, Precondition::None)
            .await
            .unwrap()
    }

    pub(crate) async fn get(
        &self,
        bucket: &str,
        version: &VersionRecord,
        key: Option<&CustomerKey>,
    ) -> Result<Vec<u8>, StoreError> {
        let object = version.object().unwrap();
        let data_key = self.unlock(&object.encryption, key).unwrap();
        let layout = self.layout(bucket, version)?;
        let reader = self.read(&layout, &data_key, 0..object.size).await?;
        reader
            .try_fold(Vec::new(), async |mut all, bytes| {
                all.extend_from_slice(&bytes);
                Ok(all)
            })
            .await
    }

    pub(crate) async fn delete_one(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Deleted {
        let request = DeleteRequest {
            key: key.to_owned(),
            version_id: version_id.map(str::to_owned),
            precondition: Precondition::None,
            bypass_governance: false,
        };
        self.delete(bucket, "111122223333", vec![request])
            .await
            .unwrap()
            .remove(0)
            .unwrap()
    }
}
