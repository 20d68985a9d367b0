//! The customer key as a secret type: its id, its MD5, its request headers, and the decoding of imported keys.
