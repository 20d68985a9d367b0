//! An OpenBao on raft storage.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyferry_remote::VaultKv;
use keyferry_vault::{Method, Settings, Token, Vault, VaultError};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that can be sealed, stopped and started again.
pub(crate) struct OpenBao {
    folder: TempDir,
    address: String,
    root: String,
    unseal: String,
    process: Option<Child>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl OpenBao {
    /// Starts one with a mount `secret` of KV version 2 and a mount `old` of version 1.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, cluster) = (free_port(), free_port());
        let raft = folder.path().join("raft");
        std::fs::create_dir(&raft).unwrap();
        let configuration = format!(
            "disable_mlock = true\n\
             api_addr = \"http://127.0.0.1:{port}\"\n\
             cluster_addr = \"http://127.0.0.1:{cluster}\"\n\
             storage \"raft\" {{ path = \"{}\" node_id = \"one\" }}\n\
             listener \"tcp\" {{ address = \"127.0.0.1:{port}\" cluster_address = \"127.0.0.1:{cluster}\" tls_disable = true }}\n",
            raft.display()
        )
        .replace(" node_id", "\n node_id")
        .replace(" cluster_address", "\n cluster_address")
        .replace(" tls_disable", "\n tls_disable");
        std::fs::write(folder.path().join("bao.hcl"), configuration).unwrap();
        let mut server = Self {
            folder,
            address: format!("http://127.0.0.1:{port}"),
            root: "none-yet".to_owned(),
            unseal: String::new(),
            process: None,
        };
        server.run();
        let keys: Value = server.until(|vault| {
            let body = json!({"secret_shares": 1, "secret_threshold": 1});
            vault.call(Method::Post, "sys/init", Some(&body))
        });
        server.root = keys["root_token"].as_str().unwrap().to_owned();
        server.unseal = keys["keys_base64"][0].as_str().unwrap().to_owned();
        server.unseal();
        for (name, version) in [("secret", "2"), ("old", "1")] {
            let body = json!({"type": "kv", "options": {"version": version}});
            server.until(|vault| {
                vault.call::<Value>(Method::Post, &format!("sys/mounts/{name}"), Some(&body))
            });
        }
        // A mount of version 2 takes a moment.
        server.until(|vault| vault.call::<Value>(Method::Get, "secret/config", None::<&()>));
        server
    }

    pub(crate) fn run(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("bao.log")).unwrap();
        let process = Command::new("bao")
            .arg("server")
            .arg(format!("-config={}", self.configuration().display()))
            .env("HOME", self.folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`bao` must be on PATH: {error}"));
        self.process = Some(process);
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("bao.hcl")
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn seal(&self) {
        let sealed = self
            .client(&self.root)
            .call::<Value>(Method::Post, "sys/seal", None::<&()>);
        sealed.unwrap();
    }

    pub(crate) fn unseal(&self) {
        let body = json!({"key": self.unseal});
        self.until(|vault| vault.call::<Value>(Method::Post, "sys/unseal", Some(&body)));
        // It is of use once it has taken the lead; health is none before.
        self.until(|vault| vault.call::<Value>(Method::Get, "sys/health", None::<&()>));
    }

    /// A token that may do this.
    pub(crate) fn token(&self, policy: &str) -> String {
        let vault = self.client(&self.root);
        let body = json!({"policy": policy});
        vault
            .call::<Value>(Method::Post, "sys/policies/acl/test", Some(&body))
            .unwrap();
        let body = json!({"policies": ["test"]});
        let made: Value = vault
            .call(Method::Post, "auth/token/create", Some(&body))
            .unwrap();
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn client(&self, token: &str) -> Vault {
        Vault::connect(Settings {
            address: self.address.parse().unwrap(),
            token: Token::new(token.to_owned()).unwrap(),
            namespace: None,
            authorities: None,
            allow_plaintext_loopback: true,
        })
        .unwrap()
    }

    /// A path on it, as the root sees it.
    pub(crate) fn kv(&self, path: &str) -> VaultKv {
        VaultKv::new(self.client(&self.root), path)
    }

    fn until<T>(&self, ask: impl Fn(&Vault) -> Result<T, VaultError>) -> T {
        let begun = Instant::now();
        loop {
            match ask(&self.client(&self.root)) {
                Ok(answer) => return answer,
                Err(error) if begun.elapsed() > Duration::from_secs(60) => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        self.stop();
    }
}
