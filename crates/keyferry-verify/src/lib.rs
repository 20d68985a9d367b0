//! Proof that an object arrived, intact, in the other region.
