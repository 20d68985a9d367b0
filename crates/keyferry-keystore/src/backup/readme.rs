//! `README.txt`: how to open a backup when keyferry is not at hand.

use crate::StoreId;

/// Its text; the same for every backup of a store, so that it is written once.
pub(super) fn text(store: &StoreId, recipient: &str) -> String {
    format!(
        "\
Backup of the keyferry key store {store}
{recipient}

It holds the keys under which objects in Amazon S3 are encrypted. All of it is encrypted; what opens it
is the passphrase that the store, or this backup, was given, or an age identity kept elsewhere.

With keyferry
    keyferry key restore --test PLACE       proves that it opens, changes nothing
    keyferry --store NEW key restore PLACE  makes a store of it

With stock tools: tar, if this is a tar file, and age (https://age-encryption.org)
    tar xf BACKUP.tar
    age -d -o identity.txt identity.age            asks for the passphrase; or, if the backup was
    age -d -i IDENTITY -o identity.txt identity.age  made for an age identity, with its file
    age -d -i identity.txt keys/RING/ID.age        one key: JSON, the key in base64 as \"key\"
    for part in journal/*.age; do age -d -i identity.txt \"$part\"; done
                                                   what became of each key, a line of JSON each
    shred -u identity.txt                          it opens every key: do not leave it there

The 32 bytes of a key, as `aws s3 cp --sse-c AES256 --sse-c-key fileb://key.bin` takes them
    age -d -i identity.txt keys/RING/ID.age | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/' | base64 -d > key.bin

backup.json lists every document with its size and SHA-256.
"
    )
}
