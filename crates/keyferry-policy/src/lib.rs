//! What replication needs, as data: plans, documents, and what they allow.
