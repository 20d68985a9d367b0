//! A plan as a picture: buckets, keys, roles, and what each direction of replication is allowed.
//!
//! What the picture says is worked out once, as a [`Scene`]; how it looks is up to [`svg`] and
//! [`mermaid`]. Both are plain text, the same for the same plan.
//!
//! Where roles, keys and buckets live:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>.

mod mermaid;
mod scene;
mod svg;

pub use scene::{KeyHolder, Lane, Place, Scene};

use crate::ReplicationPlan;

/// Draws a plan as a self-contained SVG, without scripts or fonts of its own, for light and dark
/// surroundings.
#[must_use]
pub fn svg(plan: &ReplicationPlan) -> String {
    svg::draw(&Scene::of(plan))
}

/// Writes a plan as a Mermaid flowchart.
#[must_use]
pub fn mermaid(plan: &ReplicationPlan) -> String {
    mermaid::write(&Scene::of(plan))
}

#[cfg(test)]
mod tests;
