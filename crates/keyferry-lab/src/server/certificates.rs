//! The lab's own certificate authority and its server certificates.
//!
//! The authority is made once and kept in the lab's folder, so that a client configured with
//! `ca.pem` still trusts a lab opened again. Server certificates are made in memory: one for
//! the addresses and region hosts, and one for each virtual host a client names (SNI), because
//! verifiers accept neither `*.localhost` nor a wildcard for bucket names with dots.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::lab_error::LabError;

/// Virtual hosts that get their own certificate; the rest share the default one.
const MAX_HOSTS: usize = 1024;

/// The lab's certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    path: PathBuf,
}

impl Authority {
    /// Reads the authority kept in `dir`, or makes and keeps one.
    pub(crate) fn open(dir: &Path) -> Result<Self, LabError> {
        let path = dir.join("ca.pem");
        let key_path = dir.join("ca-key.pem");
        let (key, pem) = match (
            std::fs::read_to_string(&path),
            std::fs::read_to_string(&key_path),
        ) {
            (Ok(pem), Ok(key)) => {
                let key = KeyPair::from_pem(&key).map_err(|error| LabError::Damaged {
                    path: key_path,
                    reason: error.to_string(),
                })?;
                (key, pem)
            }
            (Err(error), _) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LabError::io("read", path, error));
            }
            (_, Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LabError::io("read", key_path, error));
            }
            _ => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                let pem = authority_params()?.self_signed(&key)?.pem();
                write_private(&key_path, key.serialize_pem().as_bytes())?;
                std::fs::write(&path, &pem).map_err(|error| LabError::io("write", &path, error))?;
                (key, pem)
            }
        };
        Ok(Self {
            issuer: Issuer::new(authority_params()?, key),
            pem,
            path,
        })
    }

    /// The certificate clients have to trust.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The file that holds it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn certify(&self, names: Vec<String>) -> Result<CertifiedKey, LabError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "keyferry lab");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = aws_lc_rs::sign::any_supported_type(&private)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], signer))
    }
}

/// The authority's parameters are the same each time: with the kept key they name the same
/// issuer as the kept certificate does.
fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "keyferry lab authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// Chooses, and makes when needed, the certificate for the host a client names.
pub(crate) struct HostCertificates {
    authority: Arc<Authority>,
    default: Arc<CertifiedKey>,
    hosts: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl HostCertificates {
    /// The default certificate covers loopback addresses, `localhost` and the regions' hosts.
    pub(crate) fn new(authority: Arc<Authority>, regions: &[String]) -> Result<Self, LabError> {
        let mut names: Vec<String> = ["localhost", "*.localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .into();
        for region in regions {
            names.push(format!("s3.{region}.localhost"));
            names.push(format!("*.s3.{region}.localhost"));
        }
        let default = Arc::new(authority.certify(names)?);
        Ok(Self {
            authority,
            default,
            hosts: RwLock::default(),
        })
    }

    fn for_host(&self, host: &str) -> Arc<CertifiedKey> {
        if !host.ends_with(".localhost") {
            return Arc::clone(&self.default);
        }
        {
            let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = hosts.get(host) {
                return Arc::clone(known);
            }
            if hosts.len() >= MAX_HOSTS {
                return Arc::clone(&self.default);
            }
        }
        let Ok(made) = self.authority.certify(vec![host.to_owned()]) else {
            return Arc::clone(&self.default);
        };
        let made = Arc::new(made);
        self.hosts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host.to_owned(), Arc::clone(&made));
        made
    }
}

impl fmt::Debug for HostCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCertificates").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for HostCertificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(match hello.server_name() {
            Some(host) => self.for_host(&host.to_ascii_lowercase()),
            None => Arc::clone(&self.default),
        })
    }
}

/// Writes a file that only the user may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), LabError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // Temporary files are made with mode 0600.
    tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        })
        .map_err(|error| LabError::io("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path()).unwrap().pem().to_owned();
        let second = Authority::open(dir.path()).unwrap();
        assert_eq!(first, second.pem());
        second.certify(vec!["localhost".to_owned()]).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_authority_key_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        Authority::open(dir.path()).unwrap();
        let mode = std::fs::metadata(dir.path().join("ca-key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_authority_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        Authority::open(dir.path()).unwrap();
        std::fs::write(dir.path().join("ca-key.pem"), "no key").unwrap();
        let error = Authority::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("ca-key.pem"), "{error}");
    }
}
