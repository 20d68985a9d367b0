//! The first look at an object of a run, and the key that opens it.

use keyferry_transfer::ObjectAddress;

use super::context::Context;
use super::object::Begun;
use super::opener::Opening;
use super::options::Keys;
use crate::access::ObjectAccess;
use crate::source::FirstLook;
use crate::verify::Looked;
use crate::{KeyVerdict, ObjectView, Report, Subject, VerifyError, key_of};

/// What opening an object came to.
pub(super) enum Opened {
    Looked(Looked),
    Gone,
    /// It opens for whoever has no key, and should not.
    Exposed(Box<Report>),
}

impl<'a> Begun<'a> {
    /// Finds out what the object is opened with.
    pub(super) async fn open(
        &mut self,
        context: &Context<'a>,
        access: &ObjectAccess,
        address: &ObjectAddress,
    ) -> Result<Opened, VerifyError> {
        let first = self.course(context).first_look(access, address).await;
        let opened = match first {
            Ok(FirstLook::Seen(looked))
                if self.opening.key.is_some() && looked.source.key_md5.is_none() =>
            {
                // Given out without saying that the key was used.
                match context.opener.insists(address, access.version_id()) {
                    true => match access.head(None).await {
                        Ok(view) => self.exposed(context, access, address, Box::new(view)),
                        Err(_) => Opened::Looked(looked),
                    },
                    false => self.without_key(looked),
                }
            }
            Ok(FirstLook::Seen(looked)) => Opened::Looked(looked),
            Ok(FirstLook::OpenWithoutKey(view))
                if context.opener.insists(address, access.version_id()) =>
            {
                self.exposed(context, access, address, view)
            }
            Ok(FirstLook::OpenWithoutKey(view)) => self.without_key(Looked {
                source: view,
                replica: None,
            }),
            Err(VerifyError::SourceMissing { .. }) => Opened::Gone,
            Err(error) => self.find_key(context, access, address, error).await?,
        };
        if matches!(opened, Opened::Looked(_)) {
            context.opener.opened(&self.opening);
        }
        Ok(opened)
    }

    fn without_key(&mut self, looked: Looked) -> Opened {
        self.opening = Opening::default();
        Opened::Looked(looked)
    }

    fn exposed(
        &self,
        context: &Context<'a>,
        access: &ObjectAccess,
        address: &ObjectAddress,
        view: Box<ObjectView>,
    ) -> Opened {
        let md5 = self.opening.key.as_ref().map(|key| *key.md5());
        let (region, version_id) = (&self.bucket.region, access.version_id());
        let subject = Subject::of_view(address, region, version_id, &view, md5);
        let begun = tokio::time::Instant::now();
        let report = self
            .course(context)
            .report_open_source(subject, *view, begun);
        Opened::Exposed(Box::new(report))
    }

    /// Tries the keys of the store where the likely one does not open the object.
    async fn find_key(
        &mut self,
        context: &Context<'a>,
        access: &ObjectAccess,
        address: &ObjectAddress,
        refused: VerifyError,
    ) -> Result<Opened, VerifyError> {
        let Keys::Store(store) = context.opener.keys else {
            return Err(refused);
        };
        if !matches!(
            refused,
            VerifyError::WrongKey { .. } | VerifyError::NoKey { .. } | VerifyError::Refused { .. }
        ) {
            return Err(refused);
        }
        let found = key_of(&self.bucket.client, address, access.version_id(), store).await;
        let looked = found.view.map(|source| Looked {
            source,
            replica: None,
        });
        match (&found.verdict, looked) {
            (KeyVerdict::Known { id, .. }, Some(looked)) => {
                self.opening = context.opener.opening(id).ok_or(refused)?;
                Ok(Opened::Looked(looked))
            }
            (KeyVerdict::NotCustomerKey { .. }, Some(looked)) => Ok(self.without_key(looked)),
            (KeyVerdict::Gone, _) => Ok(Opened::Gone),
            (KeyVerdict::Foreign { .. }, _) => Err(match found.tag.key_id() {
                Some(id) => VerifyError::NamedKeyMissing {
                    address: address.clone(),
                    id: id.clone(),
                },
                None => VerifyError::NoKey {
                    address: address.clone(),
                    expected: None,
                },
            }),
            _ => Err(refused),
        }
    }
}
