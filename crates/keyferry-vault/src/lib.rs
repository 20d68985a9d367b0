//! A client of HashiCorp Vault and OpenBao: one request, one answer, one clear error.
//!
//! ```no_run
//! use keyferry_vault::{Address, Method, Settings, Vault};
//!
//! # fn main() -> Result<(), keyferry_vault::VaultError> {
//! let address: Address = "https://vault.example.org:8200".parse()?;
//! let vault = Vault::connect(Settings::from_environment(Some(address))?)?;
//! let body = serde_json::json!({"plaintext": "aGVsbG8="});
//! let answer: serde_json::Value = vault.call(Method::Post, "transit/encrypt/photos", Some(&body))?;
//! # drop(answer);
//! # Ok(())
//! # }
//! ```
//!
//! Calls block: the places they are made from, decrypting a file or writing a document, do so too. TLS
//! is rustls on aws-lc-rs, `http://` is for loopback alone and only when allowed, and redirects are not
//! followed, because the token would follow them.
//!
//! The token is wiped when the client is dropped. Copies that the HTTP library makes of it for a request
//! are not, and it prints requests at TRACE: see [`SECRET_LOG_TARGETS`].

mod address;
mod client;
mod error;
mod settings;
mod token;

pub use address::Address;
pub use client::{Method, Vault};
pub use error::VaultError;
pub use settings::Settings;
pub use token::Token;

/// Targets of the `log` crate, and all whose names begin so, that print requests with the token. A log
/// filter must switch them off at every level.
pub const SECRET_LOG_TARGETS: &[&str] = &["ureq"];
