//! One endpoint per region: listener, TLS, and what happens to a request before and after the
//! S3 service sees it.
//!
//! A connection is TLS or plain http on the same port, told apart by its first byte
//! ([`listener`]). Each request then passes the [`gate`]: ids, marking of secret headers,
//! checks of the credential scope and session token, the S3 service, and S3's error form.

pub(crate) mod answer_form;
pub(crate) mod certificates;
pub(crate) mod credential_scope;
pub(crate) mod credentials;
pub(crate) mod exchange;
pub(crate) mod gate;
pub(crate) mod host;
pub(crate) mod listener;
pub(crate) mod presigned;
pub(crate) mod request_body;
pub(crate) mod requester;
pub(crate) mod secrets;
