//! One file for each document, in the shape that `aws ... file://NAME` takes.

use super::EmittedFile;
use crate::Documents;

pub(super) fn files(documents: &Documents) -> Vec<EmittedFile> {
    documents
        .iter()
        .map(|document| EmittedFile::new(document.file_name(), format!("{}\n", document.to_json())))
        .collect()
}
