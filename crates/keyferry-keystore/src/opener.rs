//! Who can open a store: several ways at once, any one suffices.
//!
//! Each way has a file of its own that holds the store's identity, encrypted with age to that way
//! alone: `identity.age` for the passphrase that a store begins with, `unlock/<name>.age` for every
//! other. The journal records each with the SHA-256 of its file, so that a file that rots, vanishes
//! or is put there by somebody else is noticed long before it is needed.
//!
//! A way counts from its journal entry on. The file is written under a temporary name, read back
//! and proven before that, and gets its final name after it; a removal renames, records and deletes.
//! Whatever is interrupted is finished or undone when the store is next opened, as the journal says.

mod add;
mod file;
mod identities;
mod kind;
mod list;
mod name;
mod open;
mod recipient;
mod remove;
mod roster;
mod survey;
mod wrap;

pub use add::{Added, Existing, NewOpener};
pub use identities::{Identities, NoPrompt, Prompt};
pub use kind::OpenerKind;
pub use list::{Opener, OpenerState};
pub use name::OpenerName;
pub use recipient::Recipient;
pub use wrap::{FileKey, KeyWrap, WrapError, Wrapped};

pub(crate) use file::{At, OpenerFile, UNLOCK_FOLDER, opener_of, read_file, sha256};
pub(crate) use open::{Opened, open};
pub(crate) use roster::Roster;
pub(crate) use survey::{Leftover, finish, is_for_openers, survey};
