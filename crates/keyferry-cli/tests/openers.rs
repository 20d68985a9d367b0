//! `keyferry key unlock-with` and the openers of a store, a process for each step, against the real
//! services that `tests/openers/run` starts.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery staple";
const PIN: &str = "1234";

/// A home with a store that has a passphrase, and everything that the services need.
struct User {
    home: TempDir,
    printed: Vec<u8>,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        fs::write(home.path().join("pin"), format!("{PIN}\n")).unwrap();
        let mut user = Self {
            home,
            printed: Vec::new(),
        };
        user.with_passphrase(&["key", "init"]);
        user.with_passphrase(&["key", "new", "photos"]);
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyferry"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("HOME", self.home.path())
            .env("NO_COLOR", "1")
            .env("KEYFERRY_LOG", "trace")
            .env("KEYFERRY_PKCS11_MODULE", told("PKCS11_MODULE"))
            .env("KEYFERRY_PKCS11_PIN", "file:pin")
            .env("KEYFERRY_ALLOW_PLAINTEXT_LOOPBACK", "1")
            .env("AWS_ENDPOINT_URL", told("KMS"))
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "a-secret-access-key")
            .env("VAULT_ADDR", told("VAULT_ADDR"))
            .env("VAULT_CACERT", told("VAULT_CACERT"))
            .env("VAULT_TOKEN", told("VAULT_TOKEN"));
        for name in ["PATH", "DBUS_SESSION_BUS_ADDRESS", "SOFTHSM2_CONF"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    fn run(&mut self, mut command: Command) -> Output {
        let output = command.output().unwrap();
        self.printed.extend(&output.stdout);
        self.printed.extend(&output.stderr);
        output
    }

    fn succeed(&mut self, arguments: &[&str]) -> String {
        let command = self.command(arguments);
        let output = self.run(command);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn with_passphrase(&mut self, arguments: &[&str]) -> String {
        let arguments = [&["--passphrase-file", "passphrase"], arguments].concat();
        self.succeed(&arguments)
    }

    /// What is said about a failure, which must be that of a store that does not open.
    fn locked(&mut self, command: Command) -> String {
        let before = contents(&self.path(".local/share/keyferry/store"));
        let output = self.run(command);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(7), "{said}");
        assert!(said.contains("hint: "), "{said}");
        let after = contents(&self.path(".local/share/keyferry/store"));
        assert!(before == after, "something was written: {said}");
        said
    }

    fn add(&mut self, opener: &str, more: &[&str]) {
        let arguments = [&["key", "unlock-with", "add", opener], more].concat();
        self.with_passphrase(&arguments);
    }
}

fn told(name: &str) -> String {
    let name = format!("KEYFERRY_TEST_{name}");
    let value = env::var(&name);
    value.unwrap_or_else(|_| panic!("{name} is not set: run tests/openers/run"))
}

/// What an error says, without the log.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = text.lines();
    let from_error: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("error: "))
        .collect();
    if from_error.is_empty() {
        text
    } else {
        from_error.join("\n")
    }
}

fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn every_opener_opens_the_store_in_a_process_of_its_own() {
    let mut user = User::new();
    let keygen = |arguments: &[&str]| {
        let made = Command::new(arguments.first().unwrap())
            .args(arguments.get(1..).unwrap())
            .current_dir(user.home.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        String::from_utf8(made.stdout).unwrap()
    };
    keygen(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "ssh"]);
    keygen(&[
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "a phrase",
        "-f",
        "ssh-locked",
    ]);
    keygen(&["age-keygen", "-o", "age"]);
    let recipient = keygen(&["age-keygen", "-y", "age"]);
    let identity = fs::read_to_string(user.path("age")).unwrap();
    let identity = identity.lines().last().unwrap().to_owned();

    user.add(recipient.trim(), &["--prove-with", "age"]);
    user.add("ssh:ssh.pub", &["--prove-with", "ssh"]);
    user.add(&format!("kms:{}", told("KMS_KEY")), &[]);
    user.add("vault:transit/keyferry", &[]);
    user.add("pkcs11:token=keyferry;object=sealing", &[]);
    user.add("secret-service", &[]);

    let list = user.succeed(&["key", "unlock-with", "list", "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&list).unwrap();
    let listed: Vec<(&str, &str, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|opener| {
            let field = |name: &str| opener.get(name).unwrap().as_str().unwrap();
            (field("name"), field("kind"), field("state"))
        })
        .collect();
    let names = ["age", "kms", "pkcs11", "secret-service", "ssh", "vault"];
    let expected: Vec<_> = ["passphrase"]
        .iter()
        .chain(&names)
        .map(|name| (*name, *name, "sound"))
        .collect();
    assert_eq!(listed, expected);

    for name in names {
        let exported = format!("{name}.key");
        let mut arguments = vec!["--open-with", name, "key", "export", "photos", &exported];
        if ["age", "ssh"].contains(&name) {
            arguments.extend(["--identity", name]);
        }
        user.succeed(&arguments);
        assert_eq!(fs::read(user.path(&exported)).unwrap().len(), 32);
    }
    // Nothing given: whatever needs no person.
    user.succeed(&["key", "export", "photos", "any.key"]);

    refusals(&mut user);

    // The passphrase can go, since something else opened the store; then it is the others' turn.
    user.succeed(&["key", "unlock-with", "remove", "passphrase", "--yes"]);
    user.with_passphrase(&[
        "--open-with",
        "vault",
        "key",
        "unlock-with",
        "remove",
        "secret-service",
        "--yes",
    ]);
    user.succeed(&["key", "export", "photos", "again.key"]);
    let same = fs::read(user.path("again.key")).unwrap();
    assert!(same == fs::read(user.path("any.key")).unwrap());

    let printed = String::from_utf8_lossy(&user.printed);
    assert!(
        printed.contains("TRACE"),
        "nothing was logged, so this proves nothing"
    );
    let secrets = [
        PASSPHRASE.to_owned(),
        told("VAULT_TOKEN"),
        "a-secret-access-key".to_owned(),
        identity,
        "AGE-SECRET-KEY-".to_owned(),
    ];
    for secret in secrets {
        assert!(!printed.contains(&secret), "`{secret}` was printed");
    }
}

/// Each in its own words, with exit code 7, and nothing written.
fn refusals(user: &mut User) {
    let export = |user: &User, by: &str| {
        user.command(&["--open-with", by, "key", "export", "photos", "never.key"])
    };
    let mut cases = Vec::new();
    let mut case = |command: Command, expected: &'static str| cases.push((command, expected));

    let mut command = export(user, "vault");
    command.env("VAULT_TOKEN", "s.thisIsNoToken");
    case(command, "Vault refused: ");
    let mut command = export(user, "vault");
    command.env_remove("VAULT_ADDR");
    case(command, "set VAULT_ADDR (or BAO_ADDR)");
    // OpenBao's variables win over Vault's.
    let mut command = export(user, "vault");
    command.env("BAO_ADDR", "https://127.0.0.1:9");
    case(command, "`https://127.0.0.1:9` cannot be reached");
    let mut command = export(user, "pkcs11");
    command
        .env("KEYFERRY_PKCS11_PIN", "env:WRONG")
        .env("WRONG", "4321");
    case(command, "wrong PIN");
    let mut command = export(user, "pkcs11");
    command.env_remove("KEYFERRY_PKCS11_MODULE");
    case(command, "the PKCS#11 module for");
    let mut command = export(user, "secret-service");
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    case(command, "the secret service is not available");
    let mut command = export(user, "kms");
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    case(command, "AWS KMS is not available");
    let mut command = export(user, "kms");
    command.env_remove("AWS_ACCESS_KEY_ID");
    case(command, "credentials");
    case(export(user, "age"), "nothing was given that opens");
    let mut command = export(user, "age");
    command.args(["--identity", "ssh"]);
    case(command, "the identity that was given does not open");
    let mut command = export(user, "ssh");
    command.args(["--identity", "ssh-locked"]);
    case(command, "has a passphrase, and there is nobody to ask");
    let mut command = export(user, "ssh");
    command.args(["--identity", "ssh.pub"]);
    case(command, "holds something else than age identities");
    case(
        export(user, "passphrase"),
        "needs its passphrase, and there is no terminal",
    );
    let mut command = export(user, "passphrase");
    command.env("KEYFERRY_PASSPHRASE", "wrong");
    case(command, "wrong passphrase");
    for (opener, expected) in [
        ("age1nonsense", "is not an age recipient"),
        ("ssh:ssh", "is the private half of a key"),
        ("vault:transit/nobody", "there is no transit key"),
        (
            "pkcs11:token=keyferry;object=leaving",
            "can be taken off its token",
        ),
    ] {
        let add = ["key", "unlock-with", "add", opener, "--name", "other"];
        let mut command = user.command(&add);
        command.args(["--passphrase-file", "passphrase"]);
        case(command, expected);
    }
    for (command, expected) in cases {
        let said = user.locked(command);
        assert!(said.contains(expected), "{said}");
        assert!(!user.path("never.key").exists());
    }
}
