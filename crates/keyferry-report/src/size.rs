//! Figures as people read them.

use std::fmt::Display;

/// Bytes: `64.0 MiB`.
pub fn human_bytes(bytes: u64) -> impl Display {
    bytesize::ByteSize(bytes).display().iec()
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 object`, `2,000 objects`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// A duration: `85 ms`, `2.5 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
pub(crate) fn human_seconds(seconds: f64) -> String {
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        let tenths = format!("{seconds:.1}");
        return format!("{} s", tenths.trim_end_matches(".0"));
    }
    let whole = seconds.round() as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400);
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{minutes} min"),
        60..3600 => format!("{minutes} min {:02} s", whole % 60),
        3600..86_400 if minutes % 60 == 0 => format!("{hours} h"),
        3600..86_400 => format!("{hours} h {:02} min", minutes % 60),
        _ if hours % 24 == 0 => format!("{days} d"),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(counted(1, "object"), "1 object");
        assert_eq!(counted(20_000, "object"), "20,000 objects");
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.085, "85 ms"),
            (0.9999, "1 s"),
            (2.53, "2.5 s"),
            (9.99, "10 s"),
            (59.6, "1 min"),
            (200.0, "3 min 20 s"),
            (900.0, "15 min"),
            (7_500.0, "2 h 05 min"),
            (86_400.0, "1 d"),
            (273_600.0, "3 d 4 h"),
        ] {
            assert_eq!(human_seconds(seconds), text);
        }
    }
}
