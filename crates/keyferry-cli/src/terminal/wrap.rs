//! Text as wide as the terminal.

/// How wide the terminal is: what `COLUMNS` says, else what the terminal says, else 100.
pub(crate) fn width() -> usize {
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(100)
        .clamp(40, 400)
}

/// Text in lines of at most `width` characters, each behind `indent` spaces. Words are never broken:
/// names and addresses can be copied whole.
pub(crate) fn paragraph(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
        .into_iter()
        .map(|line| format!("{:indent$}{line}", ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_width_and_words_their_letters() {
        let text = "S3 reads the version and https://docs.aws.amazon.com/a-long-address says so";
        let lines = paragraph(text, 30, 4);
        assert!(lines.iter().all(|line| line.starts_with("    ")));
        let long: Vec<&String> = lines.iter().filter(|line| line.len() > 30).collect();
        assert_eq!(long, ["    https://docs.aws.amazon.com/a-long-address"]);
        let words: Vec<&str> = lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .collect();
        assert_eq!(words.join(" "), text);
        assert!(paragraph("", 30, 4).is_empty());
    }
}
