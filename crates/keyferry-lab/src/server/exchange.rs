//! What one request carries through all layers besides its content: its ids, how it came in,
//! and what its error answer should say beyond code and message.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Extensions;

use super::requester::Requester;

/// How the request reached the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// https
    Tls,
    /// http, on the same port
    Plain,
}

/// A request's identity, shared by the gate and the service through the request's extensions.
#[derive(Debug)]
pub(crate) struct Exchange {
    request_id: String,
    host_id: String,
    transport: Transport,
    signer: OnceLock<Signer>,
    error_fields: Mutex<Vec<(&'static str, String)>>,
    bare_etag: AtomicBool,
    accepted: AtomicBool,
    hides_absence: AtomicBool,
}

/// Whose signature a request claims to have. It counts once the signature was verified.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) access_key_id: String,
    pub(crate) requester: Requester,
    /// Signed in the query string, as presigned requests are.
    pub(crate) presigned: bool,
}

impl Exchange {
    /// A new exchange with ids of the shape S3 uses: 16 characters, and 76 of base64.
    pub(crate) fn new(transport: Transport) -> Self {
        Self {
            request_id: hex::encode_upper(rand::random::<[u8; 8]>()),
            host_id: STANDARD.encode(rand::random::<[[u8; 28]; 2]>().concat()),
            transport,
            signer: OnceLock::new(),
            error_fields: Mutex::default(),
            bare_etag: AtomicBool::new(false),
            accepted: AtomicBool::new(false),
            hides_absence: AtomicBool::new(false),
        }
    }

    /// The exchange the gate put into a request's extensions. A request that came around the
    /// gate counts as plain http, the stricter case.
    pub(crate) fn of(extensions: &Extensions) -> Arc<Self> {
        extensions
            .get::<Arc<Self>>()
            .cloned()
            .unwrap_or_else(|| Arc::new(Self::new(Transport::Plain)))
    }

    /// `x-amz-request-id`
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// `x-amz-id-2`
    pub(crate) fn host_id(&self) -> &str {
        &self.host_id
    }

    /// How the request came in.
    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// Notes whose signature the request claims to have; once.
    pub(crate) fn set_signer(&self, signer: Signer) {
        // A second one could only be a second signature, which no request has.
        let _first_one_counts = self.signer.set(signer);
    }

    /// Whose signature the request claims to have; `None` if it has none.
    pub(crate) fn signer(&self) -> Option<&Signer> {
        self.signer.get()
    }

    /// Who asks.
    pub(crate) fn requester(&self) -> &Requester {
        self.signer()
            .map_or(&Requester::Anonymous, |signer| &signer.requester)
    }

    /// Has a missing object answered as one that may not be read (`S3-ACCESS-4`).
    pub(crate) fn hide_absence(&self) {
        self.hides_absence.store(true, Ordering::Relaxed);
    }

    /// Whether it has to.
    pub(crate) fn hides_absence(&self) -> bool {
        self.hides_absence.load(Ordering::Relaxed)
    }

    /// Adds an element to the error answer, such as `BucketName` or `ArgumentName`.
    pub(crate) fn error_field(&self, name: &'static str, value: impl Into<String>) {
        self.error_fields
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, value.into()));
    }

    /// Has the answer's XML say its ETag without quotes (`S3-ATTR-2`).
    pub(crate) fn want_bare_etag(&self) {
        self.bare_etag.store(true, Ordering::Relaxed);
    }

    /// Whether it has to.
    pub(crate) fn wants_bare_etag(&self) -> bool {
        self.bare_etag.load(Ordering::Relaxed)
    }

    /// Has the answer say 202: what was asked for is on its way.
    pub(crate) fn want_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Whether it has to.
    pub(crate) fn wants_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The elements collected so far.
    pub(crate) fn take_error_fields(&self) -> Vec<(&'static str, String)> {
        std::mem::take(
            &mut *self
                .error_fields
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_s3() {
        let exchange = Exchange::new(Transport::Tls);
        assert_eq!(exchange.request_id().len(), 16);
        assert_eq!(exchange.host_id().len(), 76);
    }

    #[test]
    fn a_request_around_the_gate_counts_as_plain() {
        assert_eq!(
            Exchange::of(&Extensions::new()).transport(),
            Transport::Plain
        );
        let mut extensions = Extensions::new();
        extensions.insert(Arc::new(Exchange::new(Transport::Tls)));
        assert_eq!(Exchange::of(&extensions).transport(), Transport::Tls);
        Exchange::of(&extensions).error_field("Key", "a");
        assert_eq!(
            extensions
                .get::<Arc<Exchange>>()
                .unwrap()
                .take_error_fields(),
            [("Key", "a".to_owned())]
        );
    }
}
