//! A place in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyferry_keystore::{Document, Documents, DocumentsError, Expected, Revision};
use zeroize::Zeroizing;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and did nothing.
    Before,
    /// It did what was asked, and the answer is lost.
    After,
    /// It says that somebody else wrote first, which is not so.
    Conflict,
    /// It fails, and so does everything after it.
    Dead,
    /// It is refused, and did nothing.
    Refused,
}

type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    documents: BTreeMap<String, (Vec<u8>, u64)>,
    writes: u64,
    calls: u32,
    fault: Option<(u32, Fault)>,
    meanwhile: Option<(u32, Meanwhile)>,
}

/// A place whose clones are the same place.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// Another place with the same documents.
    pub(crate) fn copy(&self) -> Self {
        let state = self.0.lock().unwrap();
        Self(Arc::new(Mutex::new(State {
            documents: state.documents.clone(),
            writes: state.writes,
            ..State::default()
        })))
    }

    pub(crate) fn boxed(&self) -> Box<dyn Documents> {
        Box::new(self.clone())
    }

    /// Lets the call of this number, from 0, fail.
    pub(crate) fn fail(&self, call: u32, fault: Fault) {
        let mut state = self.0.lock().unwrap();
        state.calls = 0;
        state.fault = Some((call, fault));
    }

    /// Does something before the call of this number, from 0, is done.
    pub(crate) fn meanwhile(&self, call: u32, act: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap();
        state.calls = 0;
        state.meanwhile = Some((call, Box::new(act)));
    }

    /// No more faults; how many calls there were since they were planned, and whether all that was
    /// planned happened.
    pub(crate) fn heal(&self) -> (u32, bool) {
        let mut state = self.0.lock().unwrap();
        let planned = state.fault.take().map(|(call, _)| call);
        let left = state.meanwhile.take().is_some();
        let happened = !left && planned.is_none_or(|call| call < state.calls);
        (state.calls, happened)
    }

    pub(crate) fn documents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock().unwrap();
        let documents = state.documents.iter();
        documents
            .map(|(name, (bytes, _))| (name.clone(), bytes.clone()))
            .collect()
    }

    /// Changes a document behind everybody's back.
    pub(crate) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let (bytes, _) = state.documents.get_mut(name).unwrap();
        change(bytes);
    }

    pub(crate) fn forget(&self, name: &str) {
        self.0.lock().unwrap().documents.remove(name).unwrap();
    }

    fn before(&self, writes: bool) -> Result<bool, DocumentsError> {
        let meanwhile = {
            let mut state = self.0.lock().unwrap();
            let due = state
                .meanwhile
                .as_ref()
                .is_some_and(|(at, _)| *at == state.calls);
            if due { state.meanwhile.take() } else { None }
        };
        if let Some((_, act)) = meanwhile {
            let calls = self.0.lock().unwrap().calls;
            act();
            self.0.lock().unwrap().calls = calls;
        }
        let mut state = self.0.lock().unwrap();
        let call = state.calls;
        state.calls += 1;
        let failed = DocumentsError::Unreachable {
            place: self.place(),
            reason: "told not to answer".to_owned(),
            hint: None,
        };
        match state.fault {
            Some((at, Fault::Before)) if at == call => Err(failed),
            Some((at, Fault::Dead)) if at <= call => Err(failed),
            Some((at, Fault::Refused)) if at == call => Err(DocumentsError::Failed {
                action: "use",
                place: self.place(),
                name: "a document".to_owned(),
                reason: "told to refuse".to_owned(),
                hint: None,
            }),
            Some((at, Fault::Conflict)) if at == call && writes => Err(DocumentsError::Conflict {
                place: self.place(),
                name: "a document".to_owned(),
            }),
            Some((at, Fault::After)) => Ok(at == call),
            _ => Ok(false),
        }
    }

    fn lost<T>(&self, lost: bool, result: T) -> Result<T, DocumentsError> {
        if lost {
            return Err(DocumentsError::Unreachable {
                place: self.place(),
                reason: "told to lose the answer".to_owned(),
                hint: None,
            });
        }
        Ok(result)
    }
}

impl Documents for Memory {
    fn place(&self) -> String {
        "memory:".to_owned()
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let lost = self.before(false)?;
        let state = self.0.lock().unwrap();
        let names = state.documents.keys();
        let names = names.filter(|name| name.starts_with(prefix)).cloned();
        self.lost(lost, names.collect())
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        let lost = self.before(false)?;
        let state = self.0.lock().unwrap();
        let document = state.documents.get(name).map(|(bytes, revision)| Document {
            bytes: Zeroizing::new(bytes.clone()),
            revision: Revision(revision.to_string()),
        });
        self.lost(lost, document)
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        let lost = self.before(true)?;
        let mut state = self.0.lock().unwrap();
        let now = state
            .documents
            .get(name)
            .map(|(_, revision)| revision.to_string());
        let as_expected = match expected {
            Expected::Absent => now.is_none(),
            Expected::At(Revision(revision)) => now == Some(revision),
        };
        if !as_expected {
            return Err(DocumentsError::Conflict {
                place: self.place(),
                name: name.to_owned(),
            });
        }
        state.writes += 1;
        let revision = state.writes;
        state
            .documents
            .insert(name.to_owned(), (bytes.to_vec(), revision));
        drop(state);
        self.lost(lost, Revision(revision.to_string()))
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        let lost = self.before(true)?;
        self.0.lock().unwrap().documents.remove(name);
        self.lost(lost, ())
    }
}
