//! A scene as SVG: accounts are boundaries, regions boxes, each direction a lane below them.
//!
//! The grid is fixed: a column for each bucket, a gutter between columns for the arrows. Nothing can
//! overlap, since every lane has its height to itself and every name its width.

mod canvas;
mod glyph;
mod layout;
mod style;

use super::scene::{KeyHolder, Lane, Place, Scene};
use canvas::Canvas;
use glyph::Glyph;
use layout::{COLUMN, Layout, Shelf};

/// Draws a scene.
pub(super) fn draw(scene: &Scene) -> String {
    let layout = Layout::of(scene);
    let mut canvas = Canvas::new(layout.width, layout.height, &scene.title, &described(scene));
    let width = layout.width - 2 * layout::MARGIN;
    canvas.text(layout::MARGIN, 40, "title", &scene.title, width / 9);
    for frame in &layout.accounts {
        let top = layout.account_top;
        let height = layout.account_bottom - top;
        canvas.rect((frame.left, top, frame.width, height), 14, "account");
        canvas.text(
            frame.left + layout::PADDING,
            top + 25,
            "caption",
            &format!("account {}", frame.name),
            40,
        );
    }
    for frame in &layout.regions {
        let top = layout.region_top;
        let height = layout.region_bottom - top;
        canvas.rect((frame.left, top, frame.width, height), 10, "region");
        canvas.text(frame.left + 14, top + 22, "caption", &frame.name, 40);
    }
    for (index, place) in scene.places.iter().enumerate() {
        let left = layout.column(index);
        let lanes = scene.lanes.iter().zip(&layout.shelves);
        let last = lanes
            .filter(|(lane, _)| lane.from == index || lane.to == index)
            .map(|(_, shelf)| shelf.top)
            .max();
        if let Some(bottom) = last {
            let middle = left + COLUMN / 2;
            canvas.line((middle, layout.region_bottom), (middle, bottom), "lifeline");
        }
        draw_place(&mut canvas, place, left, layout.region_top + 34);
    }
    for (lane, shelf) in scene.lanes.iter().zip(&layout.shelves) {
        draw_lane(&mut canvas, scene, lane, shelf, &layout);
    }
    draw_legend(&mut canvas, scene, layout.account_bottom + 26);
    canvas.finish()
}

/// The picture in words, for those who cannot see it.
fn described(scene: &Scene) -> String {
    let bucket = |index: usize| {
        let place = scene.places.get(index);
        place.map_or("", |place| place.bucket.as_str())
    };
    let lanes = scene.lanes.iter().map(|lane| {
        let actions: Vec<&str> = [&lane.reads, &lane.decrypts, &lane.writes, &lane.encrypts]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        format!(
            "{} to {} as role {}: {}.",
            bucket(lane.from),
            bucket(lane.to),
            lane.role,
            actions.join(", ")
        )
    });
    lanes.collect::<Vec<_>>().join(" ")
}

fn draw_place(canvas: &mut Canvas, place: &Place, left: i32, top: i32) {
    draw_thing(
        canvas,
        (left, top),
        Glyph::Bucket,
        (&place.bucket, &place.bucket),
        &place.settings,
    );
    let below = (left, top + layout::thing(place.settings.len()) + 10);
    let about = &place.key_settings;
    match &place.key {
        KeyHolder::S3 => draw_thing(canvas, below, Glyph::Key, ("keys of S3", ""), about),
        KeyHolder::Kms { id, arn } => draw_thing(canvas, below, Glyph::Key, (id, arn), about),
        KeyHolder::Customer => {
            draw_thing(canvas, below, Glyph::Key, ("your own keys", ""), about);
        }
    }
}

/// A bucket or a key: glyph, name, and what there is to say about it, two things a line.
fn draw_thing(
    canvas: &mut Canvas,
    (left, top): (i32, i32),
    glyph: Glyph,
    (name, whole): (&str, &str),
    about: &[String],
) {
    let left = left + 14;
    let frame = (left, top, COLUMN - 28, layout::thing(about.len()));
    canvas.rect(frame, 8, glyph.card());
    canvas.glyph(left + 14, top + 18, glyph);
    canvas.text_named(left + 46, top + 25, "name", name, whole, 36);
    for (line, pair) in (0..).zip(about.chunks(2)) {
        let y = top + 44 + line * layout::LINE;
        canvas.text(left + 46, y, "about", &pair.join(" · "), 38);
    }
}

fn draw_lane(canvas: &mut Canvas, scene: &Scene, lane: &Lane, shelf: &Shelf, layout: &Layout) {
    let from = layout.column(lane.from);
    let to = layout.column(lane.to);
    for left in [from, to] {
        let frame = (left, shelf.top, COLUMN, shelf.height);
        canvas.rect(frame, 10, "lane");
    }
    draw_head(
        canvas,
        (from, shelf.top),
        Glyph::Role,
        &lane.role,
        "role that S3 acts as",
    );
    let destination = scene.places.get(lane.to);
    let destination = destination.map_or("", |place| place.bucket.as_str());
    draw_head(
        canvas,
        (to, shelf.top),
        Glyph::Bucket,
        destination,
        "receives replicas",
    );
    let objects = shelf.top + layout::HEAD;
    draw_grants(
        canvas,
        (from, objects),
        "objects",
        "on the source bucket",
        &lane.reads,
    );
    let writes = format!("on the bucket, {}", lane.writes_allowed_by);
    draw_grants(canvas, (to, objects), "objects", &writes, &lane.writes);
    let arrow = layout.arrow(lane);
    canvas.arrow(arrow, objects + 8, "objects");
    draw_rule(canvas, lane, arrow, objects + 8);
    if shelf.has_keys {
        let keys = objects + shelf.objects_height;
        draw_grants(
            canvas,
            (from, keys),
            "keys",
            "on the source's key",
            &lane.decrypts,
        );
        let encrypts = format!("on its key, {}", lane.encrypts_allowed_by);
        draw_grants(canvas, (to, keys), "keys", &encrypts, &lane.encrypts);
        canvas.arrow(arrow, keys + 8, "keys");
    }
}

fn draw_head(canvas: &mut Canvas, (left, top): (i32, i32), glyph: Glyph, name: &str, about: &str) {
    canvas.glyph(left + 16, top + 15, glyph);
    canvas.text_named(left + 48, top + 22, "name", name, name, 38);
    canvas.text(left + 48, top + 39, "about", about, 40);
    let rule = top + layout::HEAD - 10;
    canvas.line((left + 16, rule), (left + COLUMN - 16, rule), "divider");
}

/// What is allowed, an action a line.
fn draw_grants(
    canvas: &mut Canvas,
    (left, top): (i32, i32),
    class: &str,
    heading: &str,
    actions: &[&str],
) {
    canvas.text(left + 16, top + 12, class, heading, 48);
    for (line, action) in (1..).zip(actions) {
        let y = top + 13 + line * layout::LINE;
        canvas.text(left + 16, y, "action", action, 46);
    }
}

/// What the rule says, beside the arrow, in the gutter that it leaves its source by.
fn draw_rule(canvas: &mut Canvas, lane: &Lane, (start, end): (i32, i32), top: i32) {
    let gutter = layout::GUTTER / 2;
    let middle = if start < end {
        start + gutter
    } else {
        start - gutter
    };
    for (line, text) in (1..).zip(&lane.rule) {
        let y = top + 3 + line * layout::RULE_LINE;
        canvas.text_named(middle, y, "rule", text, text, 17);
    }
}

fn draw_legend(canvas: &mut Canvas, scene: &Scene, top: i32) {
    let left = layout::MARGIN;
    canvas.arrow((left, left + 44), top, "objects");
    canvas.text(
        left + 54,
        top + 4,
        "about",
        "object versions, still encrypted",
        40,
    );
    if scene.lanes.iter().any(|lane| !lane.decrypts.is_empty()) {
        canvas.arrow((left + 270, left + 314), top, "keys");
        canvas.text(
            left + 324,
            top + 4,
            "about",
            "their data keys, through KMS",
            40,
        );
    }
}
