//! An embedded two-region S3 on loopback, for tests and demonstrations.
