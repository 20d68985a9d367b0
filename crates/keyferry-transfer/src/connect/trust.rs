//! Which certificate authorities are trusted.

use std::path::Path;

use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::ConnectError;

/// The system's authorities, or those of the bundle instead.
///
/// The bundle is checked here, because the SDK panics on one that does not parse.
pub(super) fn trust_store(
    bundle: Option<&Path>,
    needs_trust: bool,
) -> Result<TrustStore, ConnectError> {
    let Some(path) = bundle else {
        return Ok(TrustStore::empty().with_native_roots(needs_trust));
    };
    let bytes = std::fs::read(path).map_err(|source| ConnectError::BundleUnreadable {
        path: path.to_owned(),
        source,
    })?;
    check(&bytes).map_err(|reason| ConnectError::BadBundle {
        path: path.to_owned(),
        reason,
    })?;
    Ok(TrustStore::empty().with_pem_certificate(bytes))
}

fn check(bytes: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(())
}
