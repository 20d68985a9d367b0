//! What is live in AWS.
