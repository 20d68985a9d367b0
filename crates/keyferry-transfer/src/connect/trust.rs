//! Which certificate authorities are trusted.

use std::path::Path;
use std::sync::OnceLock;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::ConnectError;

/// The system's authorities, or those of the bundle instead; none where nothing is to be trusted.
pub(super) fn authorities(
    bundle: Option<&Path>,
    needs_trust: bool,
) -> Result<RootCertStore, ConnectError> {
    let Some(path) = bundle else {
        return Ok(match needs_trust {
            true => of_the_system().clone(),
            false => RootCertStore::empty(),
        });
    };
    let bytes = std::fs::read(path).map_err(|source| ConnectError::BundleUnreadable {
        path: path.to_owned(),
        source,
    })?;
    read(&bytes).map_err(|reason| ConnectError::BadBundle {
        path: path.to_owned(),
        reason,
    })
}

/// Reading some hundred certificates takes a while, and they are asked for more than once.
fn of_the_system() -> &'static RootCertStore {
    static AUTHORITIES: OnceLock<RootCertStore> = OnceLock::new();
    AUTHORITIES.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "some of the system's certificate authorities cannot be read");
        }
        let mut roots = RootCertStore::empty();
        // The system may hold some that rustls does not take; the others will do.
        let (added, ignored) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(added, ignored, "read the system's certificate authorities");
        roots
    })
}

fn read(bytes: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(roots)
}
