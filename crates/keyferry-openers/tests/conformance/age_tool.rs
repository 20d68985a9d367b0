//! Debian's `age`: it opens openers' files and, with what they hold, the keys; and keyferry opens
//! what it made.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use keyferry_keystore::{
    Existing, Identities, LockedStore, NewOpener, OpenerKind, OpenerName, Recipient, Unlock,
};
use keyferry_openers::secret_service::SecretService;

use crate::local::{keygen, parse};
use crate::place::Place;

fn decrypt(identity: &Path, file: &Path) -> Vec<u8> {
    let done = Command::new("age")
        .args(["--decrypt", "--identity"])
        .args([identity, file])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    done.stdout
}

fn private(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// An X25519 recipient, an ssh key and an identity of the secret service: `age` opens each one's
/// file, and with what is in it the key's file.
pub(crate) fn opens_what_we_wrote() {
    let (place, mut store) = Place::new();
    let key_file = place
        .contents()
        .into_iter()
        .find(|(path, _)| path.starts_with(place.dir.join("keys")))
        .unwrap()
        .0;
    let (_, key) = store.active(&"photos".parse().unwrap()).unwrap();

    let (_, age, age_secret) = Identities::generate();
    let ssh_file = place.path().join("ssh");
    keygen(ssh_file.clone(), "ed25519", "");
    let ssh = Recipient::ssh(&fs::read_to_string(ssh_file.with_extension("pub")).unwrap()).unwrap();
    let (_, kept, kept_secret) = Identities::generate();
    let keyring = SecretService::for_identity(store.id(), kept.detail());
    keyring.keep(&kept_secret).unwrap();
    let kept = kept.kept_in(OpenerKind::SecretService, keyring.label());
    let from_keyring = keyring.fetch().unwrap();

    let secrets = [
        ("age", age, age_secret.as_bytes().to_vec()),
        ("ssh", ssh, fs::read(&ssh_file).unwrap()),
        ("keyring", kept, from_keyring.as_bytes().to_vec()),
    ];
    for (name, recipient, secret) in secrets {
        let name: OpenerName = name.parse().unwrap();
        let new = NewOpener::Recipient(recipient);
        store.add_opener(&name, &new, None, Existing::Keep).unwrap();
        let identity = place.path().join("identity");
        private(&identity, &secret);
        let opened = decrypt(&identity, &place.opener_file(&name));
        let of_the_store = place.path().join("identity-of-the-store");
        private(&of_the_store, &opened);
        let json = decrypt(&of_the_store, &key_file);
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let text = base64(key.expose());
        assert_eq!(json["key"], text.as_str(), "{name}");
    }
    keyring.forget().unwrap();
}

fn base64(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let done = Command::new("base64").arg("-w0").arg(file.path()).output();
    String::from_utf8(done.unwrap().stdout).unwrap()
}

/// A person's own backup of the identity, made with `age`, opens the store.
pub(crate) fn is_opened_by_us() {
    let (place, mut store) = Place::new();
    let (identities, recipient, secret) = Identities::generate();
    let detail = recipient.detail().to_owned();
    let name: OpenerName = "first".parse().unwrap();
    store
        .add_opener(
            &name,
            &NewOpener::Recipient(recipient),
            None,
            Existing::Keep,
        )
        .unwrap();
    let identity = place.path().join("identity");
    private(&identity, secret.as_bytes());
    let text = place.path().join("text");
    private(&text, &decrypt(&identity, &place.opener_file(&name)));

    let by_hand: OpenerName = "by-hand".parse().unwrap();
    let made = Command::new("age")
        .args(["--encrypt", "--recipient", &detail, "--output"])
        .arg(place.opener_file(&by_hand))
        .arg(&text)
        .status()
        .unwrap();
    assert!(made.success());
    let path = place.opener_file(&by_hand);
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let locked = LockedStore::open(&place.dir).unwrap();
    let opened = locked
        .unlock_by(&by_hand, &Unlock::Identities(identities))
        .unwrap();
    assert_eq!(opened.findings().len(), 1, "nobody recorded it");
    place.open(&Unlock::Identities(parse(&secret))).unwrap();
}
