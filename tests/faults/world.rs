//! A lab with a bucket, and TLS that its clients trust.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use keyferry_key::CustomerKey;
use keyferry_lab::{Lab, LabOptions};
use keyferry_policy::Region;
use keyferry_tests::buckets::make_for_customer_keys;
use keyferry_transfer::{Connector, ConnectorSettings};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub(crate) const BUCKET: &str = "faulty";

/// Both sides of the proxy's TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) connector: TlsConnector,
}

pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) tls: Tls,
    pub(crate) region: Region,
    pub(crate) key: CustomerKey,
    /// A client that asks the lab itself.
    pub(crate) direct: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let region: Region = lab.regions()[0].name().parse().unwrap();
        let world = Self {
            tls: tls(&lab),
            direct: client(&lab, &region, lab.regions()[0].port()),
            key: CustomerKey::generate().unwrap(),
            region,
            lab,
        };
        make_for_customer_keys(&world.direct, BUCKET).await.unwrap();
        world
    }

    /// The port that the lab serves the bucket's region on.
    pub(crate) fn port(&self) -> u16 {
        self.lab.regions()[0].port()
    }

    /// A client that asks whoever listens on this port.
    pub(crate) fn client(&self, port: u16) -> Client {
        client(&self.lab, &self.region, port)
    }
}

fn client(lab: &Lab, region: &Region, port: u16) -> Client {
    let own = lab.credentials();
    let credentials = Credentials::new(
        own.access_key_id(),
        own.secret_access_key(),
        None,
        None,
        "lab",
    );
    let connector = Connector::new(ConnectorSettings {
        endpoints: format!("https://127.0.0.1:{port}").parse().unwrap(),
        ca_bundle: Some(lab.ca_path().to_owned()),
        ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
    });
    connector.unwrap().client(region).unwrap()
}

/// A certificate of the lab's authority for this machine, and trust in it.
fn tls(lab: &Lab) -> Tls {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.distinguished_name = rcgen::DistinguishedName::new();
    // As the lab names it: with its key, certificates are as good as its own.
    authority
        .distinguished_name
        .push(DnType::CommonName, "keyferry lab authority");
    let kept = std::fs::read_to_string(lab.dir().join("ca-key.pem")).unwrap();
    let issuer = Issuer::new(authority, KeyPair::from_pem(&kept).unwrap());
    let own_key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&own_key, &issuer)
        .unwrap();
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(own_key.serialize_der()).unwrap(),
        )
        .unwrap();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(lab.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Tls {
        acceptor: TlsAcceptor::from(Arc::new(server)),
        connector: TlsConnector::from(Arc::new(client)),
    }
}
