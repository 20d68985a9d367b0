//! Where everything goes, in pixels.

use crate::diagram::scene::{Lane, Scene};

/// Around the picture.
pub(super) const MARGIN: i32 = 28;
/// Between an account's boundary and its columns.
pub(super) const PADDING: i32 = 18;
/// Width of a column.
pub(super) const COLUMN: i32 = 344;
/// Between two columns.
pub(super) const GUTTER: i32 = 160;
/// Height of a lane's head.
pub(super) const HEAD: i32 = 62;
/// Between the lines of a list of actions.
pub(super) const LINE: i32 = 17;
/// Between the lines of what a rule says.
pub(super) const RULE_LINE: i32 = 15;

/// The grid.
pub(super) struct Layout {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) account_top: i32,
    pub(super) account_bottom: i32,
    pub(super) region_top: i32,
    pub(super) region_bottom: i32,
    pub(super) accounts: Vec<Frame>,
    pub(super) regions: Vec<Frame>,
    pub(super) shelves: Vec<Shelf>,
}

/// A named box over some columns.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) left: i32,
    pub(super) width: i32,
}

/// The height that a lane has to itself.
pub(super) struct Shelf {
    pub(super) top: i32,
    pub(super) height: i32,
    pub(super) objects_height: i32,
    pub(super) has_keys: bool,
}

impl Layout {
    pub(super) fn of(scene: &Scene) -> Self {
        let columns = count(scene.places.len());
        let width = 2 * (MARGIN + PADDING) + columns * COLUMN + (columns - 1).max(0) * GUTTER;
        let account_top = 62;
        let region_top = account_top + 40;
        let things = scene
            .places
            .iter()
            .map(|place| thing(place.settings.len()) + 10 + thing(place.key_settings.len()));
        let region_bottom = region_top + 34 + things.max().unwrap_or_default() + 14;
        let mut top = region_bottom + 32;
        let shelves: Vec<Shelf> = scene
            .lanes
            .iter()
            .map(|lane| {
                let shelf = shelf(lane, top);
                top += shelf.height + 28;
                shelf
            })
            .collect();
        let account_bottom = top - 28 + 20;
        let account = |index: usize| scene.places.get(index).map(|place| vec![&place.account]);
        let region = |index: usize| {
            let place = scene.places.get(index)?;
            Some(vec![&place.region, &place.account])
        };
        Self {
            width,
            height: account_bottom + 26 + MARGIN,
            account_top,
            account_bottom,
            region_top,
            region_bottom,
            accounts: frames(scene.places.len(), account, PADDING),
            regions: frames(scene.places.len(), region, 0),
            shelves,
        }
    }

    /// The left edge of a column.
    pub(super) fn column(&self, index: usize) -> i32 {
        left(index)
    }

    /// Where a lane's arrows begin and end.
    pub(super) fn arrow(&self, lane: &Lane) -> (i32, i32) {
        let (from, to) = (left(lane.from), left(lane.to));
        if from < to {
            (from + COLUMN, to)
        } else {
            (from, to + COLUMN)
        }
    }
}

/// Height of a bucket or key that so much is to be said about.
pub(super) fn thing(settings: usize) -> i32 {
    41 + count(settings.div_ceil(2)) * LINE
}

fn left(index: usize) -> i32 {
    MARGIN + PADDING + count(index) * (COLUMN + GUTTER)
}

fn shelf(lane: &Lane, top: i32) -> Shelf {
    let list = |lines: usize| 20 + count(lines) * LINE + 12;
    let rule = 14 + count(lane.rule.len()) * RULE_LINE;
    let objects_height = list(lane.reads.len().max(lane.writes.len())).max(rule);
    let keys = lane.decrypts.len().max(lane.encrypts.len());
    let keys_height = if keys == 0 { 0 } else { list(keys) };
    Shelf {
        top,
        height: HEAD + objects_height + keys_height,
        objects_height,
        has_keys: keys > 0,
    }
}

/// Boxes over neighbouring columns of one name, `padding` wider than they on either side.
fn frames<'a>(
    columns: usize,
    names: impl Fn(usize) -> Option<Vec<&'a String>>,
    padding: i32,
) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut before = None;
    for index in 0..columns {
        let these = names(index);
        let right = left(index) + COLUMN + padding;
        match frames.last_mut() {
            Some(frame) if before == these => frame.width = right - frame.left,
            _ => {
                let name = these.as_ref().and_then(|names| names.first());
                let left = left(index) - padding;
                frames.push(Frame {
                    name: name.map(ToString::to_string).unwrap_or_default(),
                    left,
                    width: right - left,
                });
            }
        }
        before = these;
    }
    frames
}

/// A number of things, as pixels are counted. Plans have nowhere near so many.
fn count(things: usize) -> i32 {
    i32::try_from(things).unwrap_or(i32::MAX / 1024)
}
