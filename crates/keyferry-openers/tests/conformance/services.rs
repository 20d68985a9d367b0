//! Openers in services: AWS KMS, OpenBao, PKCS#11, the secret service.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use keyferry_keystore::{
    Identities, KeyWrap, NewOpener, Opener, OpenerKind, Store, Unlock, WrapError,
};
use keyferry_openers::SecretString;
use keyferry_openers::kms::Kms;
use keyferry_openers::pkcs11::Pkcs11;
use keyferry_openers::secret_service::SecretService;
use keyferry_openers::vault::TransitKey;
use keyferry_vault::{Settings, Token, Vault};

use crate::candidate::Candidate;
use crate::local::parse;
use crate::refusals::answering;

/// The argument that makes this program report what the secret service says.
pub(crate) const WITHOUT_BUS: &str = "--without-bus";

pub(crate) fn candidates() -> Vec<Box<dyn Candidate>> {
    make_wrapping_key();
    vec![
        Box::new(kms_candidate()),
        Box::new(vault_candidate()),
        Box::new(token_candidate("PKCS#11, AES-GCM", "sealing", "aes-gcm")),
        Box::new(token_candidate(
            "PKCS#11, AES key wrap",
            "wrapping",
            "aes-key-wrap",
        )),
        Box::new(Keyring),
    ]
}

/// What the script that starts the services says of them.
pub(crate) fn told(name: &str) -> String {
    env::var(format!("KEYFERRY_TEST_{name}"))
        .unwrap_or_else(|_| panic!("KEYFERRY_TEST_{name} is not set: run tests/openers/run"))
}

/// A service that wraps, and one that refuses.
struct Service {
    name: &'static str,
    kind: OpenerKind,
    right: Box<dyn Fn() -> Arc<dyn KeyWrap>>,
    wrong: Box<dyn Fn() -> Arc<dyn KeyWrap>>,
    refusal: &'static str,
    argument: String,
    secrets: Vec<Vec<u8>>,
}

impl Candidate for Service {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> OpenerKind {
        self.kind
    }

    fn new_opener(&self, _: &Store) -> (NewOpener, Option<Identities>) {
        (NewOpener::Wrap((self.right)()), None)
    }

    fn unlock(&self, opener: &Opener) -> Unlock {
        assert!(opener.arguments.contains(&self.argument), "{opener:?}");
        Unlock::Wrap((self.right)())
    }

    fn wrong(&self, _: &Opener) -> Unlock {
        Unlock::Wrap((self.wrong)())
    }

    fn refusal(&self) -> &'static str {
        self.refusal
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        self.secrets.clone()
    }
}

pub(crate) fn kms_client(endpoint: &str) -> aws_sdk_kms::Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .http_client(http)
        .build();
    aws_sdk_kms::Client::from_conf(config)
}

fn kms_candidate() -> Service {
    let endpoint = told("KMS");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let made = runtime.block_on(kms_client(&endpoint).create_key().send());
    let key = made.unwrap().key_metadata.unwrap().arn.unwrap();
    let wrong = key.clone();
    let refusing = answering(
        400,
        "AccessDeniedException",
        "not authorized to perform: kms:Decrypt",
    );
    Service {
        name: "AWS KMS",
        kind: OpenerKind::Kms,
        argument: key.clone(),
        right: Box::new(move || Arc::new(Kms::new(kms_client(&endpoint), key.clone()))),
        wrong: Box::new(move || Arc::new(Kms::new(kms_client(&refusing), wrong.clone()))),
        refusal: "AWS KMS refused: not authorized",
        secrets: Vec::new(),
    }
}

pub(crate) fn vault_settings(token: &str) -> Settings {
    Settings {
        address: told("VAULT_ADDR").parse().unwrap(),
        token: Token::new(token.to_owned()).unwrap(),
        namespace: None,
        authorities: Some(told("VAULT_CACERT").into()),
        allow_plaintext_loopback: false,
    }
}

pub(crate) fn transit(settings: Settings, path: &str) -> TransitKey {
    TransitKey::new(Arc::new(Vault::connect(settings).unwrap()), path).unwrap()
}

pub(crate) fn vault(token: &str, path: &str) -> TransitKey {
    transit(vault_settings(token), path)
}

fn vault_candidate() -> Service {
    let token = told("VAULT_TOKEN");
    Service {
        name: "OpenBao transit",
        kind: OpenerKind::Vault,
        argument: "transit/keys/keyferry".to_owned(),
        secrets: vec![token.clone().into_bytes()],
        right: Box::new(move || Arc::new(vault(&token, "transit/keyferry"))),
        wrong: Box::new(|| Arc::new(vault("s.thisIsNoToken", "transit/keyferry"))),
        refusal: "Vault refused: ",
    }
}

pub(crate) const PIN: &str = "1234";

pub(crate) fn token(object: &str, pin: Option<&str>) -> Pkcs11 {
    let uri = format!("pkcs11:token=keyferry;object={object}");
    let module = PathBuf::from(told("PKCS11_MODULE"));
    Pkcs11::new(uri.parse().unwrap(), module, pin.map(SecretString::from))
}

fn token_candidate(name: &'static str, object: &'static str, method: &str) -> Service {
    Service {
        name,
        kind: OpenerKind::Pkcs11,
        argument: method.to_owned(),
        right: Box::new(move || Arc::new(token(object, Some(PIN)))),
        wrong: Box::new(move || Arc::new(token(object, Some("4321")))),
        refusal: "wrong PIN",
        secrets: Vec::new(),
    }
}

/// A key that may wrap and unwrap, and nothing else.
fn make_wrapping_key() {
    let module = Module::new(told("PKCS11_MODULE")).unwrap();
    module
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .unwrap();
    let slots = module.get_slots_with_token().unwrap();
    let label = |slot| {
        module
            .get_token_info(slot)
            .unwrap()
            .label()
            .trim()
            .to_owned()
    };
    let slot = slots
        .into_iter()
        .find(|slot| label(*slot) == "keyferry")
        .unwrap();
    let session = module.open_rw_session(slot).unwrap();
    let pin = SecretString::from(PIN);
    session.login(UserType::User, Some(&pin)).unwrap();
    let template = [
        Attribute::Label(b"wrapping".to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::ValueLen(32.into()),
    ];
    session
        .generate_key(&Mechanism::AesKeyGen, &template)
        .unwrap();
}

/// An identity in the secret service.
struct Keyring;

impl Candidate for Keyring {
    fn name(&self) -> &'static str {
        "secret service"
    }

    fn kind(&self) -> OpenerKind {
        OpenerKind::SecretService
    }

    fn new_opener(&self, store: &Store) -> (NewOpener, Option<Identities>) {
        let (_, recipient, text) = Identities::generate();
        let place = SecretService::for_identity(store.id(), recipient.detail());
        place.keep(&text).unwrap();
        let fetched = parse(&place.fetch().unwrap());
        let recipient = recipient.kept_in(OpenerKind::SecretService, place.label());
        (NewOpener::Recipient(recipient), Some(fetched))
    }

    fn unlock(&self, opener: &Opener) -> Unlock {
        let place = SecretService::labelled(opener.arguments[0].clone());
        Unlock::Identities(parse(&place.fetch().unwrap()))
    }

    fn wrong(&self, opener: &Opener) -> Unlock {
        let place = SecretService::labelled(format!("{}x", opener.arguments[0]));
        let error = place.fetch().unwrap_err();
        assert!(matches!(error, WrapError::Refused { .. }), "{error}");
        assert!(
            error.to_string().contains("does not hold the identity"),
            "{error}"
        );
        Unlock::Identities(Identities::generate().0)
    }

    fn refusal(&self) -> &'static str {
        "nothing that was given opens"
    }

    fn forget(&self, opener: &Opener) {
        SecretService::labelled(opener.arguments[0].clone())
            .forget()
            .unwrap();
    }
}

/// Says what the secret service's client says without a bus.
pub(crate) fn without_bus() {
    match SecretService::labelled("ks-none/none").fetch() {
        Ok(_) => println!("there is a bus"),
        Err(error) => println!("{error}"),
    }
}
