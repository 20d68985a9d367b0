//! A scene as a Mermaid flowchart: <https://mermaid.js.org/syntax/flowchart.html>.

use std::fmt::Write;

use super::scene::{KeyHolder, Lane, Place, Scene};

/// Writes a scene.
pub(super) fn write(scene: &Scene) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = flowchart(&mut text, scene);
    text
}

fn flowchart(text: &mut String, scene: &Scene) -> std::fmt::Result {
    writeln!(text, "flowchart LR")?;
    writeln!(text, "  accTitle: {}", plain(&scene.title))?;
    let places: Vec<(usize, &Place)> = scene.places.iter().enumerate().collect();
    let by_account = places.chunk_by(|(_, one), (_, other)| one.account == other.account);
    for (account_index, account) in by_account.enumerate() {
        let name = account.first().map_or("", |(_, place)| &place.account);
        let title = label_of(&format!("account {name}"));
        writeln!(text, "  subgraph account{account_index}[{title}]")?;
        let by_region = account.chunk_by(|(_, one), (_, other)| one.region == other.region);
        for (region_index, region) in by_region.enumerate() {
            let name = region.first().map_or("", |(_, place)| &place.region);
            let title = label_of(name);
            writeln!(
                text,
                "    subgraph region{account_index}_{region_index}[{title}]"
            )?;
            for (index, place) in region {
                nodes(text, *index, place)?;
            }
            writeln!(text, "    end")?;
        }
        for (index, _) in account {
            if let Some(lane) = scene.lanes.iter().find(|lane| lane.from == *index) {
                let title = label(&["role".to_owned(), lane.role.clone()]);
                writeln!(text, "    role{index}([{title}])")?;
            }
        }
        writeln!(text, "  end")?;
    }
    for lane in &scene.lanes {
        edges(text, lane)?;
    }
    classes(text, scene)
}

fn nodes(text: &mut String, index: usize, place: &Place) -> std::fmt::Result {
    let bucket = label(&[place.bucket.clone(), place.settings.join(", ")]);
    writeln!(text, "      bucket{index}[({bucket})]")?;
    let name = match &place.key {
        KeyHolder::S3 => "keys of S3".to_owned(),
        KeyHolder::Kms { id, .. } => format!("key {id}"),
        KeyHolder::Customer => "your own keys".to_owned(),
    };
    let key = label(&[name, place.key_settings.join(", ")]);
    writeln!(text, "      key{index}{{{{{key}}}}}")?;
    writeln!(text, "      key{index} -.- bucket{index}")
}

fn edges(text: &mut String, lane: &Lane) -> std::fmt::Result {
    let Lane { from, to, .. } = lane;
    let reads = label(&lines(&lane.reads));
    writeln!(text, "  bucket{from} -->|{reads}| role{from}")?;
    if !lane.decrypts.is_empty() {
        let decrypts = label(&lines(&lane.decrypts));
        writeln!(text, "  key{from} -.->|{decrypts}| role{from}")?;
    }
    let mut writes = lines(&lane.writes);
    writes.push(format!("({})", lane.writes_allowed_by));
    if !lane.rule.is_empty() {
        writes.push(format!("rule: {}", lane.rule.join(", ")));
    }
    writeln!(text, "  role{from} ==>|{}| bucket{to}", label(&writes))?;
    if !lane.encrypts.is_empty() {
        let mut encrypts = lines(&lane.encrypts);
        encrypts.push(format!("({})", lane.encrypts_allowed_by));
        writeln!(text, "  role{from} -.->|{}| key{to}", label(&encrypts))?;
    }
    Ok(())
}

fn classes(text: &mut String, scene: &Scene) -> std::fmt::Result {
    writeln!(text, "  classDef bucket stroke:#0860ca,stroke-width:2px")?;
    writeln!(text, "  classDef key stroke:#9a6700,stroke-width:2px")?;
    writeln!(text, "  classDef role stroke:#8250df,stroke-width:2px")?;
    for index in 0..scene.places.len() {
        writeln!(text, "  class bucket{index} bucket")?;
        writeln!(text, "  class key{index} key")?;
        if scene.lanes.iter().any(|lane| lane.from == index) {
            writeln!(text, "  class role{index} role")?;
        }
    }
    Ok(())
}

fn lines(actions: &[&str]) -> Vec<String> {
    actions.iter().map(ToString::to_string).collect()
}

fn label_of(text: &str) -> String {
    label(&[text.to_owned()])
}

/// A label in quotes, its lines apart.
fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    format!("\"{}\"", lines.join("<br/>"))
}

/// Text that Mermaid takes as text: everything that could mean something is written by its number.
/// <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            plain if plain.is_alphanumeric() || " -.:,/()=+@".contains(plain) => {
                escaped.push(plain);
            }
            control if control.is_control() => escaped.push(' '),
            other => {
                escaped.push_str(&format!("#{};", u32::from(other)));
            }
        }
    }
    escaped
}

/// Text for a line of its own, where nothing can be escaped.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            plain if plain.is_alphanumeric() || " -.,".contains(plain) => plain,
            _ => ' ',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("a\"]; end %% <b>"),
            "a#34;#93;#59; end #37;#37; #60;b#62;"
        );
    }
}
