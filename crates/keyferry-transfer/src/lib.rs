//! Uploads and downloads under customer keys.
