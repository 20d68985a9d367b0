//! Where customer keys live: the store on disk and who can open it.
