//! Templates of the matrix, filled in for a flow.

use crate::plan::PlannedFlow;

/// The values of a flow's placeholders.
#[derive(Debug)]
pub(crate) struct Templates {
    values: Vec<(&'static str, String)>,
}

impl Templates {
    pub(crate) fn new(flow: &PlannedFlow<'_>) -> Self {
        let key = |site: &crate::Site| {
            site.encryption
                .kms_key()
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        let report = flow.settings.existing_objects.as_ref();
        Self {
            values: vec![
                ("{partition}", flow.source.partition().to_string()),
                ("{prefix}", literal(&flow.settings.prefix)),
                ("{src.bucket}", flow.source.bucket.to_string()),
                ("{src.account}", flow.source.account.to_string()),
                ("{src.via_service}", flow.source.via_service()),
                ("{src.key_arn}", key(flow.source)),
                ("{dst.bucket}", flow.destination.bucket.to_string()),
                ("{dst.via_service}", flow.destination.via_service()),
                ("{dst.key_arn}", key(flow.destination)),
                ("{role_arn}", flow.role_arn().to_string()),
                (
                    "{report.bucket}",
                    report
                        .map(|report| report.report_bucket.to_string())
                        .unwrap_or_default(),
                ),
            ],
        }
    }

    /// The same with one more value.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.push((name, value));
        self
    }

    pub(crate) fn fill(&self, template: &str) -> String {
        self.values
            .iter()
            .fold(template.to_owned(), |text, (name, value)| {
                text.replace(name, value)
            })
    }
}

/// A prefix as a pattern that matches it alone.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>
fn literal(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len());
    for character in prefix.chars() {
        match character {
            '*' | '?' | '$' => {
                pattern.push_str("${");
                pattern.push(character);
                pattern.push('}');
            }
            other => pattern.push(other),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_match_literally() {
        assert_eq!(literal("logs/2026*"), "logs/2026${*}");
        assert_eq!(literal("a?b$c"), "a${?}b${$}c");
    }
}
