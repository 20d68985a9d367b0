//! S3's limits: `S3-LIMIT-1`, `S3-MPU-1`, `S3-META-1`, `S3-TAG-1`, `S3-TAG-3`, `S3-LIST-5`.

/// The largest single PUT, part and copy: 5 GiB.
pub(super) const MAX_UPLOAD: u64 = 5 * 1024 * 1024 * 1024;
/// Part numbers go from 1 to this.
pub(super) const MAX_PART_NUMBER: i32 = 10_000;
/// User metadata: names and values together, in UTF-8.
pub(super) const MAX_USER_METADATA: usize = 2048;
/// Tags of an object.
pub(super) const MAX_OBJECT_TAGS: usize = 10;
/// Tags of a bucket.
pub(super) const MAX_BUCKET_TAGS: usize = 50;
/// Characters of a tag's key.
pub(super) const MAX_TAG_KEY: usize = 128;
/// Characters of a tag's value.
pub(super) const MAX_TAG_VALUE: usize = 256;
/// Entries of a listing's page, keys of a DeleteObjects request, parts of a page.
pub(super) const MAX_PAGE: usize = 1000;
/// Bytes of a bucket policy.
pub(super) const MAX_POLICY: usize = 20 * 1024;
/// Bytes of a DeleteObjects body: 1000 keys of 1024 bytes, each escaped, with their versions.
pub(super) const MAX_DELETE_DOCUMENT: usize = 8 * 1024 * 1024;
/// Bytes of a small XML document.
pub(super) const MAX_DOCUMENT: usize = 64 * 1024;
