//! Which log targets can print a customer key.

/// Targets of `tracing` (and all below them) that print requests or answers with their headers: the
/// customer key, or the credentials that sign. A log filter must switch each of these off, at every
/// level.
///
/// The SDK's signer prints the request with the key. Its orchestrator prints answers, and there are
/// servers that echo the key in them. The HTTP and TLS libraries print headers or bytes when built
/// to do so. Nothing in this crate logs a header.
pub const SECRET_LOG_TARGETS: &[&str] = &[
    "aws_sigv4",
    "aws_runtime::auth",
    "aws_smithy_runtime::client::orchestrator",
    "aws_smithy_http_client",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "ureq",
];
