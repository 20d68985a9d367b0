//! Openers that need no service: passphrase, age, ssh, plugin.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use keyferry_keystore::{
    Identities, NewOpener, NoPrompt, Opener, OpenerKind, Passphrase, Prompt, Recipient, Store,
    Unlock,
};
use tempfile::TempDir;

use crate::candidate::Candidate;
use crate::place::{passphrase, quick};
use crate::plugin;

pub(crate) fn candidates() -> Vec<Box<dyn Candidate>> {
    let (age_identity, age_recipient) = plugin::new_identity();
    let plugin_wrong = plugin::new_identity().0;
    vec![
        Box::new(Passphrases),
        Box::new(age()),
        Box::new(Ssh::new("ssh-ed25519", "ed25519")),
        Box::new(Ssh::new("ssh-rsa", "rsa")),
        Box::new(Keys {
            name: "age plugin",
            kind: OpenerKind::Plugin,
            recipient: Recipient::age(&age_recipient, &nobody()).unwrap(),
            secret: age_identity,
            wrong: plugin_wrong,
            refusal: "the age plugin refused",
        }),
    ]
}

pub(crate) fn nobody() -> Arc<dyn Prompt> {
    Arc::new(NoPrompt)
}

pub(crate) fn parse(text: &str) -> Identities {
    Identities::parse(text.as_bytes(), "identity", &nobody()).unwrap()
}

struct Passphrases;

impl Candidate for Passphrases {
    fn name(&self) -> &'static str {
        "passphrase"
    }

    fn kind(&self) -> OpenerKind {
        OpenerKind::Passphrase
    }

    fn new_opener(&self, _: &Store) -> (NewOpener, Option<Identities>) {
        let given = Passphrase::new("another passphrase".to_owned()).unwrap();
        (NewOpener::Passphrase(given, quick()), None)
    }

    fn unlock(&self, _: &Opener) -> Unlock {
        passphrase("another passphrase")
    }

    fn wrong(&self, _: &Opener) -> Unlock {
        passphrase("no passphrase of this store")
    }

    fn refusal(&self) -> &'static str {
        "wrong passphrase"
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        vec![b"another passphrase".to_vec()]
    }
}

/// Identities as text, one that is right and one that is not.
struct Keys {
    name: &'static str,
    kind: OpenerKind,
    recipient: Recipient,
    secret: String,
    wrong: String,
    refusal: &'static str,
}

fn age() -> Keys {
    let (_, recipient, secret) = Identities::generate();
    Keys {
        name: "age",
        kind: OpenerKind::Age,
        recipient,
        secret: secret.to_string(),
        wrong: Identities::generate().2.to_string(),
        refusal: "nothing that was given opens",
    }
}

impl Candidate for Keys {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> OpenerKind {
        self.kind
    }

    fn new_opener(&self, _: &Store) -> (NewOpener, Option<Identities>) {
        let new = NewOpener::Recipient(self.recipient.clone());
        (new, Some(parse(&self.secret)))
    }

    fn unlock(&self, _: &Opener) -> Unlock {
        Unlock::Identities(parse(&self.secret))
    }

    fn wrong(&self, _: &Opener) -> Unlock {
        Unlock::Identities(parse(&self.wrong))
    }

    fn refusal(&self) -> &'static str {
        self.refusal
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        vec![self.secret.trim().as_bytes().to_vec()]
    }
}

/// Keys that ssh-keygen made.
struct Ssh {
    name: &'static str,
    folder: TempDir,
}

impl Ssh {
    fn new(name: &'static str, algorithm: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in ["right", "wrong"] {
            keygen(folder.path().join(file), algorithm, "");
        }
        Self { name, folder }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap()
    }
}

pub(crate) fn keygen(file: PathBuf, algorithm: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args([
            "-q", "-t", algorithm, "-N", passphrase, "-C", "a test", "-f",
        ])
        .arg(file)
        .status()
        .unwrap();
    assert!(made.success());
}

impl Candidate for Ssh {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> OpenerKind {
        OpenerKind::Ssh
    }

    fn new_opener(&self, _: &Store) -> (NewOpener, Option<Identities>) {
        let recipient = Recipient::ssh(&self.read("right.pub")).unwrap();
        assert!(recipient.detail().starts_with(self.name));
        (
            NewOpener::Recipient(recipient),
            Some(parse(&self.read("right"))),
        )
    }

    fn unlock(&self, _: &Opener) -> Unlock {
        Unlock::Identities(parse(&self.read("right")))
    }

    fn wrong(&self, _: &Opener) -> Unlock {
        Unlock::Identities(parse(&self.read("wrong")))
    }

    fn refusal(&self) -> &'static str {
        "nothing that was given opens"
    }
}
