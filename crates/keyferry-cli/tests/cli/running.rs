//! The real binary against a lab that the real binary runs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "only tests come here, and a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use keyferry_transfer::{Connector, ConnectorSettings};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

/// The binary under test; `KEYFERRY_TEST_BIN` names another, such as a release build.
pub(crate) fn binary() -> PathBuf {
    let other = std::env::var_os("KEYFERRY_TEST_BIN");
    other.map_or_else(|| env!("CARGO_BIN_EXE_keyferry").into(), PathBuf::from)
}

/// The binary under test, with an environment of its own.
pub(crate) fn keyferry() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["AWS_", "KEYFERRY_", "RCLONE_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A running `keyferry lab up`, a home for its user, and a key store without a passphrase.
pub(crate) struct Running {
    lab: Child,
    lab_log: Option<std::thread::JoinHandle<Vec<u8>>>,
    exports: BTreeMap<String, String>,
    home: TempDir,
    log: Option<&'static str>,
}

impl Running {
    /// Starts the lab with `lab-tokyo` and `lab-osaka`. `log` is `KEYFERRY_LOG` for everything.
    pub(crate) fn start(log: Option<&'static str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = keyferry();
        command.args(["lab", "up"]).env("HOME", home.path());
        if let Some(log) = log {
            command.env("KEYFERRY_LOG", log);
        }
        let mut lab = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = lab.stderr.take().unwrap();
        let lab_log = std::thread::spawn(move || drain(stderr));
        let mut exports = BTreeMap::new();
        for line in BufReader::new(lab.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let (name, value) = line
                .strip_prefix("export ")
                .unwrap()
                .split_once('=')
                .unwrap();
            exports.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            if name == "RCLONE_CONFIG_LAB_ENDPOINT" {
                break;
            }
        }
        assert!(
            exports.contains_key("KEYFERRY_ENDPOINT_URL"),
            "the lab did not start"
        );
        let running = Self {
            lab,
            lab_log: Some(lab_log),
            exports,
            home,
            log,
        };
        running.done(&["key", "init", "--no-passphrase"]);
        running
    }

    /// What the lab exports for other clients.
    pub(crate) fn exports(&self) -> &BTreeMap<String, String> {
        &self.exports
    }

    /// A path in the user's home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// What the lab exports under a name.
    pub(crate) fn export(&self, name: &str) -> &str {
        &self.exports[name]
    }

    /// A command with the lab's exports.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = keyferry();
        command
            .args(arguments)
            .envs(&self.exports)
            .env("HOME", self.home.path())
            // What stands between a new ring and its first upload has tests of its own.
            .env("KEYFERRY_ACCEPT_LOSS_RISK", "1")
            .current_dir(self.home.path());
        if let Some(log) = self.log {
            command.env("KEYFERRY_LOG", log);
        }
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A client of the lab that is not keyferry's command line.
    pub(crate) fn client(&self, region: &str) -> Client {
        let export = |name: &str| self.exports[name].as_str();
        let credentials = Credentials::new(
            export("AWS_ACCESS_KEY_ID"),
            export("AWS_SECRET_ACCESS_KEY"),
            None,
            None,
            "lab",
        );
        let settings = ConnectorSettings {
            endpoints: export("KEYFERRY_ENDPOINT_URL").parse().unwrap(),
            ca_bundle: Some(export("AWS_CA_BUNDLE").into()),
            ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
        };
        let connector = Connector::new(settings).unwrap();
        connector.client(&region.parse().unwrap()).unwrap()
    }

    /// Deletes one version of an object for good.
    pub(crate) fn delete_version(&self, region: &str, bucket: &str, key: &str, version: &str) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let request = self
            .client(region)
            .delete_object()
            .bucket(bucket)
            .key(key)
            .version_id(version);
        runtime.block_on(request.send()).unwrap();
    }

    /// Runs a command that must succeed; its standard output.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Runs a command that must fail with this code; its standard error, which must have a hint.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains("hint:"), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        stderr
    }

    /// Ends the lab as Ctrl-C does; all that it wrote to standard error.
    pub(crate) fn stop(mut self) -> Vec<u8> {
        let pid = Pid::from_child(&self.lab);
        rustix::process::kill_process(pid, Signal::INT).unwrap();
        assert_eq!(self.lab.wait().unwrap().code(), Some(0));
        self.lab_log.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop` this finds nothing to kill.
        let _ = self.lab.kill();
        let _ = self.lab.wait();
    }
}

fn drain(mut stderr: ChildStderr) -> Vec<u8> {
    let mut bytes = Vec::new();
    stderr.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
