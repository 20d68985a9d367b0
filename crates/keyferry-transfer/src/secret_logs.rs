//! Which log targets can print a customer key.

/// Targets of `tracing` that print requests with all their headers, among them the customer key, or
/// the credentials that sign them. A log filter must switch each of these off, at every level.
///
/// At TRACE the SDK's signer prints the request to be signed and its orchestrator prints requests
/// and answers (a server might echo the key); the HTTP libraries print headers and frames. Nothing
/// in this crate logs a header.
pub const SECRET_LOG_TARGETS: &[&str] = &[
    "aws_sigv4",
    "aws_runtime",
    "aws_sdk_s3",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "aws_smithy_http_client",
    "aws_smithy_schema",
    "aws_smithy_http",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
];
