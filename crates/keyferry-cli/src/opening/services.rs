//! Services that open a store, from what the command line and the environment say of them.
//!
//! Where a feature was left out of the build, its opener says so.

use std::sync::Arc;

use keyferry_keystore::{Identities, KeyWrap, Recipient, StoreId};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// An identity that the secret service has just been given.
pub(crate) struct KeptIdentity {
    pub(crate) label: String,
    pub(crate) recipient: Recipient,
    pub(crate) identities: Identities,
}

#[cfg(not(all(
    feature = "kms",
    feature = "vault",
    feature = "pkcs11",
    feature = "secret-service"
)))]
fn left_out(what: &str, feature: &str) -> Failure {
    Failure::new(
        Exit::Store,
        format!("this keyferry was built without support for {what}"),
    )
    .hint(format!(
        "use one that was built with `--features {feature}`, or open the store by another opener"
    ))
}

#[cfg(any(feature = "kms", feature = "vault", feature = "secret-service"))]
impl From<keyferry_keystore::WrapError> for Failure {
    fn from(error: keyferry_keystore::WrapError) -> Self {
        Self::from_error(Exit::Store, &error).hint(error.hint())
    }
}

/// A key of AWS KMS, by the credentials that S3 is asked with.
#[cfg(feature = "kms")]
pub(crate) fn kms(settings: &Settings, key: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    use keyferry_openers::kms::Kms;
    use keyferry_policy::Region;
    use keyferry_transfer::{NameEndpoint, UntrustedIsFinal};
    use tokio::runtime::Handle;
    use tokio::task::block_in_place;

    use crate::aws::Aws;

    let aws = block_in_place(|| Handle::current().block_on(Aws::connect(settings)))
        .map_err(|failure| failure.with_exit(Exit::Store))?;
    let region: Region = match (Kms::region_of(key), aws.region()) {
        (Some(region), _) => region
            .parse()
            .map_err(|error| Failure::from_error(Exit::Store, &error))?,
        (None, Some(region)) => region.clone(),
        (None, None) => {
            return Err(Failure::new(
                Exit::Store,
                format!("nothing says which region the KMS key `{key}` is in"),
            )
            .hint("give its ARN, or --region"));
        }
    };
    let shared = aws.connector().shared_config(&region)?;
    let config = aws_sdk_kms::config::Builder::from(&shared)
        .interceptor(NameEndpoint)
        .retry_classifier(UntrustedIsFinal)
        .build();
    let client = aws_sdk_kms::Client::from_conf(config);
    Ok(Arc::new(Kms::new(client, key)))
}

#[cfg(not(feature = "kms"))]
pub(crate) fn kms(_: &Settings, _: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    Err(left_out("AWS KMS", "kms"))
}

/// A transit key of the Vault that the environment names.
#[cfg(feature = "vault")]
pub(crate) fn vault(settings: &Settings, path: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    let vault = crate::vault::connect(settings, None)?;
    let key = keyferry_openers::vault::TransitKey::new(Arc::new(vault), path)?;
    Ok(Arc::new(key))
}

#[cfg(not(feature = "vault"))]
pub(crate) fn vault(_: &Settings, _: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    Err(left_out("HashiCorp Vault and OpenBao", "vault"))
}

/// A key on a token. Its PIN is asked for if it was not given.
#[cfg(feature = "pkcs11")]
pub(crate) fn pkcs11(settings: &Settings, uri: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    use keyferry_openers::SecretString;
    use keyferry_openers::pkcs11::{Pkcs11, TokenUri};

    use crate::secret_input;

    let uri: TokenUri = uri
        .parse()
        .map_err(|error| Failure::from_error(Exit::Store, &error))?;
    // A module is code: it comes from the command line, and never from the store, whose files hold
    // URIs without one.
    let module = settings.pkcs11_module.as_ref().or(uri.module_path.as_ref());
    let module = module.cloned().ok_or_else(|| {
        Failure::new(
            Exit::Store,
            format!("the PKCS#11 module for `{uri}` is not known"),
        )
        .hint("give the path of the vendor's library with --pkcs11-module")
    })?;
    let pin = match &settings.pkcs11_pin {
        Some(place) => Some(secret_input::line_from(place)?),
        None => secret_input::ask(&format!("PIN of `{uri}`: ")),
    };
    let pin = pin.filter(|pin| !pin.is_empty()).map(SecretString::from);
    let uri = TokenUri {
        module_path: None,
        ..uri
    };
    Ok(Arc::new(Pkcs11::new(uri, module, pin)))
}

#[cfg(not(feature = "pkcs11"))]
pub(crate) fn pkcs11(_: &Settings, _: &str) -> Result<Arc<dyn KeyWrap>, Failure> {
    Err(left_out("PKCS#11 tokens", "pkcs11"))
}

/// Makes an identity and gives it to the secret service to keep.
#[cfg(feature = "secret-service")]
pub(crate) fn keep_identity(store: &StoreId) -> Result<KeptIdentity, Failure> {
    use keyferry_keystore::OpenerKind;
    use keyferry_openers::secret_service::SecretService;

    let (identities, recipient, text) = Identities::generate();
    let place = SecretService::for_identity(store, recipient.detail());
    place.keep(&text)?;
    Ok(KeptIdentity {
        recipient: recipient.kept_in(OpenerKind::SecretService, place.label()),
        label: place.label().to_owned(),
        identities,
    })
}

#[cfg(not(feature = "secret-service"))]
pub(crate) fn keep_identity(_: &StoreId) -> Result<KeptIdentity, Failure> {
    Err(left_out("the secret service", "secret-service"))
}

/// The identity that the secret service keeps under a label.
#[cfg(feature = "secret-service")]
pub(crate) fn kept_identity(label: &str, terminal: Terminal) -> Result<Identities, Failure> {
    let text = keyferry_openers::secret_service::SecretService::labelled(label).fetch()?;
    let name = "the identity in the secret service";
    Ok(Identities::parse(
        text.as_bytes(),
        name,
        &super::prompt(terminal),
    )?)
}

#[cfg(not(feature = "secret-service"))]
pub(crate) fn kept_identity(_: &str, _: Terminal) -> Result<Identities, Failure> {
    Err(left_out("the secret service", "secret-service"))
}

/// Removes an identity that nothing is encrypted to any more.
#[cfg(feature = "secret-service")]
pub(crate) fn forget_identity(label: &str, terminal: Terminal) {
    let place = keyferry_openers::secret_service::SecretService::labelled(label);
    if let Err(error) = place.forget() {
        terminal.warn(format!(
            "the secret service still keeps `{label}`, which opens nothing any more: {error}"
        ));
    }
}

#[cfg(not(feature = "secret-service"))]
pub(crate) fn forget_identity(label: &str, terminal: Terminal) {
    terminal.warn(format!(
        "the secret service still keeps `{label}`, which opens nothing any more"
    ));
}
