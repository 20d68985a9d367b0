//! PKCS#11 URIs, as far as they name a token and a secret key: RFC 7512.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use cryptoki::slot::TokenInfo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Characters that stand for themselves.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A token and a key on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// Label of the token.
    pub token: Option<String>,
    /// Serial number of the token.
    pub serial: Option<String>,
    /// Manufacturer of the token.
    pub manufacturer: Option<String>,
    /// Model of the token.
    pub model: Option<String>,
    /// Label of the key.
    pub object: Option<String>,
    /// Id of the key.
    pub id: Option<Vec<u8>>,
    /// The module, if the URI named one. It is no part of the URI as it is written again.
    pub module_path: Option<PathBuf>,
}

/// Text that is no such URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseUriError {
    reason: String,
}

impl fmt::Display for ParseUriError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a PKCS#11 URI: {}", self.reason)
    }
}

impl std::error::Error for ParseUriError {}

impl TokenUri {
    /// Whether a token is the one.
    pub(super) fn fits(&self, info: &TokenInfo) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted == found.trim_end())
        };
        same(&self.token, info.label())
            && same(&self.serial, info.serial_number())
            && same(&self.manufacturer, info.manufacturer_id())
            && same(&self.model, info.model())
    }
}

impl FromStr for TokenUri {
    type Err = ParseUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason: &str| ParseUriError {
            reason: reason.to_owned(),
        };
        let rest = text
            .strip_prefix("pkcs11:")
            .ok_or_else(|| error("it must begin with `pkcs11:`"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for (name, value) in attributes(path, ';')? {
            let text = || String::from_utf8(value.clone()).map_err(|_| error("it is not UTF-8"));
            match name {
                "token" => uri.token = Some(text()?),
                "serial" => uri.serial = Some(text()?),
                "manufacturer" => uri.manufacturer = Some(text()?),
                "model" => uri.model = Some(text()?),
                "object" => uri.object = Some(text()?),
                "id" => uri.id = Some(value),
                "type" if value == b"secret-key" => {}
                "type" => return Err(error("the key must be a secret key")),
                _ => {
                    return Err(error(&format!(
                        "`{name}` is not understood; a token has token, serial, manufacturer and model, a key has object and id"
                    )));
                }
            }
        }
        for (name, value) in attributes(query, '&')? {
            match name {
                "module-path" => {
                    let path = String::from_utf8(value).map_err(|_| error("it is not UTF-8"))?;
                    uri.module_path = Some(path.into());
                }
                "pin-value" => {
                    return Err(error(
                        "it holds a PIN, and arguments are visible to everyone",
                    ));
                }
                _ => return Err(error(&format!("`{name}` is not understood"))),
            }
        }
        if uri.token.is_none() && uri.serial.is_none() {
            return Err(error(
                "it must name a token: `token=LABEL` or `serial=NUMBER`",
            ));
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err(error("it must name a key: `object=LABEL` or `id=%01`"));
        }
        Ok(uri)
    }
}

/// The attributes of one part of a URI, decoded.
fn attributes(text: &str, separator: char) -> Result<Vec<(&str, Vec<u8>)>, ParseUriError> {
    text.split(separator)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((name, value)) => Ok((name, percent_decode_str(value).collect())),
            None => Err(ParseUriError {
                reason: "each of its parts must look like `name=value`".to_owned(),
            }),
        })
        .collect()
}

impl fmt::Display for TokenUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "pkcs11:";
        let texts = [
            ("token", &self.token),
            ("serial", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("object", &self.object),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, ENCODED);
                write!(formatter, "{separator}{name}={value}")?;
                separator = ";";
            }
        }
        if let Some(id) = &self.id {
            write!(formatter, "{separator}id=")?;
            for byte in id {
                write!(formatter, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_parse_and_are_written_again_without_module() {
        let text = "pkcs11:object=wrap%20key;token=my%20hsm;id=%01%ff;type=secret-key?module-path=/usr/lib/x.so";
        let uri: TokenUri = text.parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("my hsm"));
        assert_eq!(uri.id.as_deref(), Some(&[1, 255][..]));
        assert_eq!(uri.module_path.as_deref(), Some("/usr/lib/x.so".as_ref()));
        let written = uri.to_string();
        assert_eq!(written, "pkcs11:token=my%20hsm;object=wrap%20key;id=%01%FF");
        let again: TokenUri = written.parse().unwrap();
        assert_eq!(
            again,
            TokenUri {
                module_path: None,
                ..uri
            }
        );
    }

    #[test]
    fn what_is_not_one_is_refused() {
        for bad in [
            "token=a;object=b",
            "pkcs11:",
            "pkcs11:token=a",
            "pkcs11:object=b",
            "pkcs11:token=a;object",
            "pkcs11:token=a;object=b;type=private",
            "pkcs11:token=a;object=b;slot-id=3",
            "pkcs11:token=a;object=b?pin-source=/pin",
        ] {
            assert!(bad.parse::<TokenUri>().is_err(), "{bad}");
        }
        let error = "pkcs11:token=a;object=b?pin-value=1234".parse::<TokenUri>();
        assert!(!error.unwrap_err().to_string().contains("1234"));
    }
}
