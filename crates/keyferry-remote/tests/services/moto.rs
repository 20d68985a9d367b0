//! moto's server, as AWS.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use keyferry_remote::SecretsManager;
use keyferry_transfer::{Connector, ConnectorSettings};

/// A server that forgets everything when it ends.
pub(crate) struct Moto {
    endpoint: String,
    process: Child,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let address = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let process = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`moto_server` must be on PATH: {error}"));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no moto in time");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self {
            endpoint: format!("http://{address}"),
            process,
        }
    }

    pub(crate) fn secrets(&self, prefix: &str) -> SecretsManager {
        let credentials = Credentials::from_keys("test", "test", None);
        let settings = ConnectorSettings {
            endpoints: self.endpoint.parse().unwrap(),
            allow_plaintext_loopback: true,
            ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
        };
        let region = "eu-west-1".parse().unwrap();
        SecretsManager::connect(prefix, async {
            let connector = Connector::new(settings).unwrap();
            Ok::<_, std::io::Error>(connector.shared_config(&region).unwrap())
        })
        .unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
