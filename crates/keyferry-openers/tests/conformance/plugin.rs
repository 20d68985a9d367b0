//! An age plugin: this program under another name. Its recipients are their own secrets, which only
//! a test may do; the protocol is age's.

use std::collections::{HashMap, HashSet};
use std::io;
use std::process::Command;

use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use age_plugin::identity::{self, IdentityPluginV1};
use age_plugin::recipient::{self, RecipientPluginV1};
use age_plugin::{Callbacks, PluginHandler, print_new_identity, run_state_machine};

pub(crate) const BINARY: &str = "age-plugin-keyferrytest";
const NAME: &str = "keyferrytest";
const MISSING: &str = "--missing";

/// A new identity and its recipient, as the plugin prints them.
pub(crate) fn new_identity() -> (String, String) {
    printed(&[])
}

/// An identity and a recipient of a plugin that is not installed.
pub(crate) fn identity_of_missing() -> (String, String) {
    printed(&[MISSING])
}

fn printed(arguments: &[&str]) -> (String, String) {
    let printed = Command::new(BINARY).args(arguments).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let recipient = printed
        .split_whitespace()
        .find(|word| word.starts_with("age1"))
        .unwrap();
    (printed.clone(), recipient.to_owned())
}

/// Whether these are the arguments by which age runs a plugin.
pub(crate) fn is_asked_for(arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|argument| argument.starts_with("--age-plugin="))
}

/// What the program does under the plugin's name.
pub(crate) fn run(arguments: &[String]) {
    let machine = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--age-plugin="));
    match machine {
        Some(machine) => run_state_machine(machine, Handler).unwrap(),
        None => {
            let mut secret = [0; FILE_KEY_BYTES];
            let random = std::fs::File::open("/dev/urandom").unwrap();
            io::Read::read_exact(&mut io::BufReader::new(random), &mut secret).unwrap();
            let is_missing = arguments.iter().any(|argument| argument == MISSING);
            let name = if is_missing { "keyferrymissing" } else { NAME };
            print_new_identity(name, &secret, &secret);
        }
    }
}

struct Handler;

impl PluginHandler for Handler {
    type RecipientV1 = Recipients;
    type IdentityV1 = Secrets;

    fn recipient_v1(self) -> io::Result<Recipients> {
        Ok(Recipients(Secrets::default()))
    }

    fn identity_v1(self) -> io::Result<Secrets> {
        Ok(Secrets::default())
    }
}

#[derive(Default)]
struct Secrets(Vec<Vec<u8>>);

struct Recipients(Secrets);

fn mask(secret: &[u8], bytes: &[u8]) -> Vec<u8> {
    bytes.iter().zip(secret).map(|(a, b)| a ^ b).collect()
}

impl RecipientPluginV1 for Recipients {
    fn add_recipient(&mut self, _: usize, _: &str, bytes: &[u8]) -> Result<(), recipient::Error> {
        self.0.0.push(bytes.to_vec());
        Ok(())
    }

    fn add_identity(&mut self, _: usize, _: &str, bytes: &[u8]) -> Result<(), recipient::Error> {
        self.0.0.push(bytes.to_vec());
        Ok(())
    }

    fn labels(&mut self) -> HashSet<String> {
        HashSet::new()
    }

    fn wrap_file_keys(
        &mut self,
        keys: Vec<FileKey>,
        _: impl Callbacks<recipient::Error>,
    ) -> io::Result<Result<Vec<Vec<Stanza>>, Vec<recipient::Error>>> {
        let wrap = |key: &FileKey| {
            let stanza = |secret: &Vec<u8>| Stanza {
                tag: NAME.to_owned(),
                args: vec![format!(
                    "{:02x}",
                    secret.iter().fold(0, |sum, byte| sum ^ byte)
                )],
                body: mask(secret, key.expose_secret()),
            };
            self.0.0.iter().map(stanza).collect()
        };
        Ok(Ok(keys.iter().map(wrap).collect()))
    }
}

impl IdentityPluginV1 for Secrets {
    fn add_identity(&mut self, _: usize, _: &str, bytes: &[u8]) -> Result<(), identity::Error> {
        self.0.push(bytes.to_vec());
        Ok(())
    }

    fn unwrap_file_keys(
        &mut self,
        files: Vec<Vec<Stanza>>,
        _: impl Callbacks<identity::Error>,
    ) -> io::Result<HashMap<usize, Result<FileKey, Vec<identity::Error>>>> {
        let mut keys = HashMap::new();
        for (file, stanzas) in files.iter().enumerate() {
            for stanza in stanzas.iter().filter(|stanza| stanza.tag == NAME) {
                let fits = |secret: &&Vec<u8>| {
                    let sum = secret.iter().fold(0, |sum, byte| sum ^ byte);
                    stanza.args == [format!("{sum:02x}")] && stanza.body.len() == FILE_KEY_BYTES
                };
                let opened = match self.0.iter().find(fits) {
                    Some(secret) => {
                        let key = mask(secret, &stanza.body);
                        Ok(FileKey::init_with_mut(|bytes| bytes.copy_from_slice(&key)))
                    }
                    None => Err(vec![identity::Error::Stanza {
                        file_index: file,
                        stanza_index: 0,
                        message: "this is not for me".to_owned(),
                    }]),
                };
                keys.insert(file, opened);
            }
        }
        Ok(keys)
    }
}
