//! A session with a token, logged in, one at a time.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use keyferry_keystore::WrapError;
use secrecy::SecretString;

use super::{SERVICE, TokenUri};

/// A module is initialised for the whole process, and finalised when its last user is done: so there
/// is one user at a time.
static IN_USE: Mutex<()> = Mutex::new(());

/// A session that is logged in. The order of the fields is that of their ends.
pub(super) struct Open {
    session: Session,
    slot: Slot,
    module: Module,
    _in_use: MutexGuard<'static, ()>,
}

impl Open {
    pub(super) fn new(
        uri: &TokenUri,
        module: &Path,
        pin: Option<&SecretString>,
    ) -> Result<Self, WrapError> {
        let in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        let path = module;
        let module = Module::new(path).map_err(|error| {
            unavailable(
                format!("the module `{}` cannot be loaded: {error}", path.display()),
                "give the path of the vendor's PKCS#11 library with --pkcs11-module",
            )
        })?;
        let initialised = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        match initialised {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(&error)),
        }
        let (slot, info) = find_token(&module, uri)?;
        let session = module
            .open_rw_session(slot)
            .map_err(|error| failed(&error))?;
        log_in(&session, &info, uri, pin)?;
        Ok(Self {
            session,
            slot,
            module,
            _in_use: in_use,
        })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the token knows a mechanism.
    pub(super) fn has(&self, mechanism: MechanismType) -> Result<bool, WrapError> {
        let known = self
            .module
            .get_mechanism_list(self.slot)
            .map_err(|error| failed(&error))?;
        Ok(known.contains(&mechanism))
    }

    /// The one AES key that the URI names.
    pub(super) fn find_key(&self, uri: &TokenUri) -> Result<ObjectHandle, WrapError> {
        let mut template = vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
        ];
        if let Some(label) = &uri.object {
            template.push(Attribute::Label(label.clone().into_bytes()));
        }
        if let Some(id) = &uri.id {
            template.push(Attribute::Id(id.clone()));
        }
        let found = self
            .session
            .find_objects(&template)
            .map_err(|error| failed(&error))?;
        match found.as_slice() {
            [key] => Ok(*key),
            [] => Err(unsuitable(
                format!("the token has no AES key `{uri}`"),
                "`pkcs11-tool --list-objects --login` shows the keys of a token",
            )),
            _ => Err(unsuitable(
                format!("the token has several AES keys `{uri}`"),
                "name the key by its `id`, too",
            )),
        }
    }
}

fn find_token(module: &Module, uri: &TokenUri) -> Result<(Slot, TokenInfo), WrapError> {
    let mut found = Vec::new();
    for slot in module
        .get_slots_with_token()
        .map_err(|error| failed(&error))?
    {
        // A token that is just being taken out is not the one.
        if let Ok(info) = module.get_token_info(slot)
            && uri.fits(&info)
        {
            found.push((slot, info));
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(unavailable(
            format!("there is no token for `{uri}`"),
            "connect it; `pkcs11-tool --list-token-slots` shows what the module sees",
        )),
        _ => Err(unsuitable(
            format!("several tokens fit `{uri}`"),
            "name the token by its `serial`, too",
        )),
    }
}

fn log_in(
    session: &Session,
    info: &TokenInfo,
    uri: &TokenUri,
    pin: Option<&SecretString>,
) -> Result<(), WrapError> {
    if !info.login_required() {
        return Ok(());
    }
    let keypad = info.protected_authentication_path();
    if pin.is_none() && !keypad {
        return Err(refused(
            format!("the PIN of `{uri}` is needed"),
            "give it with `--pkcs11-pin file:PATH`, `fd:N` or `env:NAME`",
        ));
    }
    match session.login(UserType::User, if keypad { None } else { pin }) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid,
            _,
        )) => {
            // What the token says of the tries that are left was read before this one.
            let hint = if info.user_pin_count_low() || info.user_pin_final_try() {
                "tokens lock themselves after a few wrong PINs, and this one is close to it: make sure before trying again"
            } else {
                "tokens lock themselves after a few wrong PINs: make sure before trying again"
            };
            Err(refused(format!("wrong PIN for `{uri}`"), hint))
        }
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(refused(
            format!("the PIN of `{uri}` is locked"),
            "its security officer can set a new one; open the store by another opener until then",
        )),
        Err(Error::Pkcs11(RvError::PinExpired, _)) => Err(refused(
            format!("the PIN of `{uri}` has expired"),
            "set a new one with the token's own program",
        )),
        Err(Error::Pkcs11(RvError::UserPinNotInitialized, _)) => Err(refused(
            format!("`{uri}` has no user PIN yet"),
            "its security officer sets one",
        )),
        Err(error) => Err(failed(&error)),
    }
}

fn unavailable(reason: String, hint: &str) -> WrapError {
    WrapError::Unavailable {
        service: SERVICE.to_owned(),
        reason,
        hint: hint.to_owned(),
    }
}

fn refused(reason: String, hint: &str) -> WrapError {
    WrapError::Refused {
        service: SERVICE.to_owned(),
        reason,
        hint: hint.to_owned(),
    }
}

pub(super) fn unsuitable(reason: String, hint: &str) -> WrapError {
    WrapError::UnsuitableKey {
        reason,
        hint: hint.to_owned(),
    }
}

/// Any other failure, by the name that the standard gives it: the module's texts run to paragraphs.
pub(super) fn failed(error: &Error) -> WrapError {
    let reason = match error {
        Error::Pkcs11(value, function) => format!("{function:?} answers {value:?}"),
        other => other.to_string(),
    };
    unavailable(reason, "see the documentation of the token's module")
}

/// A failure to decrypt: most of its reasons are that there is nothing of ours to decrypt.
pub(super) fn undecryptable(error: &Error) -> WrapError {
    match error {
        Error::Pkcs11(
            RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::WrappedKeyInvalid
            | RvError::WrappedKeyLenRange
            // What SoftHSM says of a tag that does not fit.
            | RvError::GeneralError,
            _,
        ) => WrapError::Unrecognised {
            service: SERVICE.to_owned(),
        },
        error => failed(error),
    }
}
