//! Wildcards: `*` for any run of characters, `?` for any single one.
//!
//! In resources, a wildcard stays inside its segment of the ARN, except that `*` at the end of a
//! segment may reach beyond the colon, and that the last part of an ARN may hold colons itself:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>.
//!
//! Matching walks over the text once, keeping the set of places in the pattern it could be at, so that
//! no pattern takes more than (length of pattern) × (length of text) steps.

use super::variables::Piece;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Run,
    /// `?` inside a segment of an ARN: no colon.
    OneInSegment,
    /// `*` inside a segment of an ARN: no colons.
    RunInSegment,
}

/// A pattern, ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Token>);

impl Token {
    fn is_run(self) -> bool {
        matches!(self, Self::Run | Self::RunInSegment)
    }

    fn takes(self, given: char) -> bool {
        match self {
            Self::Char(wanted) => wanted == given,
            Self::One | Self::Run => true,
            Self::OneInSegment | Self::RunInSegment => given != ':',
        }
    }
}

impl Pattern {
    /// A pattern whose wildcards match anything.
    pub(crate) fn new(text: &str) -> Self {
        Self::of_pieces(&[Piece::Text(text)])
    }

    /// The same of a text with variables. What variables stand for is matched literally.
    pub(crate) fn of_pieces(pieces: &[Piece<'_>]) -> Self {
        let mut tokens = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => tokens.extend(text.chars().map(|character| match character {
                    '*' => Token::Run,
                    '?' => Token::One,
                    other => Token::Char(other),
                })),
                Piece::Value(value) => tokens.extend(value.chars().map(Token::Char)),
            }
        }
        Self(tokens)
    }

    /// A pattern for resources.
    pub(crate) fn of_resource(pieces: &[Piece<'_>]) -> Self {
        let mut tokens = Self::of_pieces(pieces).0;
        let ends_segment: Vec<bool> = tokens
            .iter()
            .skip(1)
            .map(|next| *next == Token::Char(':'))
            .chain([true])
            .collect();
        let mut colons = 0;
        for (token, last_in_segment) in tokens.iter_mut().zip(ends_segment) {
            match token {
                Token::Char(':') => colons += 1,
                Token::Run if colons < 5 && !last_in_segment => *token = Token::RunInSegment,
                Token::One if colons < 5 => *token = Token::OneInSegment,
                _ => {}
            }
        }
        Self(tokens)
    }

    /// The six components of a pattern for ARNs, if it has six.
    pub(crate) fn arn_components(&self) -> Option<Vec<Self>> {
        let parts: Vec<Self> = self
            .0
            .splitn(6, |token| *token == Token::Char(':'))
            .map(|tokens| Self(tokens.to_vec()))
            .collect();
        (parts.len() == 6).then_some(parts)
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        // `places` says for each step whether the text so far may have led up to it.
        let mut places = self.advance(&[], None);
        for given in text.chars() {
            places = self.advance(&places, Some(given));
            if !places.contains(&true) {
                return false;
            }
        }
        places.last() == Some(&true)
    }

    /// Where one can be after one more character; without a character, where one can begin.
    fn advance(&self, places: &[bool], given: Option<char>) -> Vec<bool> {
        let mut next = Vec::with_capacity(self.0.len() + 1);
        let mut arrived = given.is_none();
        let mut before = places.iter().copied().chain(std::iter::repeat(false));
        for token in &self.0 {
            let taken =
                before.next() == Some(true) && given.is_some_and(|given| token.takes(given));
            let here = arrived || (taken && token.is_run());
            next.push(here);
            // A run may also be empty; any other step is passed by taking a character.
            arrived = if token.is_run() { here } else { taken };
        }
        next.push(arrived);
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plainest matcher there is; exponential, so only for short texts.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((wanted, rest)) => text.first() == Some(wanted) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn matches_as_the_naive_matcher(pattern in "[ab:é*?]{0,7}", text in "[ab:é]{0,7}") {
            let expected = naive(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
        }

        #[test]
        fn after_the_fifth_colon_resources_match_plainly(pattern in "[ab:*?]{0,7}", text in "[ab:]{0,7}") {
            let (pattern_arn, text_arn) = (format!("arn:aws:s3:::{pattern}"), format!("arn:aws:s3:::{text}"));
            prop_assert_eq!(
                Pattern::of_resource(&[Piece::Text(&pattern_arn)]).matches(&text_arn),
                Pattern::new(&pattern).matches(&text)
            );
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = Pattern::new(&format!("{}b", "*a".repeat(200)));
        assert!(!pattern.matches(&"a".repeat(5000)));
    }

    #[test]
    fn a_star_inside_a_segment_stops_at_the_colon() {
        let resource =
            |pattern: &str, arn: &str| Pattern::of_resource(&[Piece::Text(pattern)]).matches(arn);
        let queue = "arn:aws:sqs:us-east-1:111122223333:queue";
        assert!(resource("arn:aws:sqs:us-*-1:111122223333:queue", queue));
        assert!(!resource("arn:aws:s*1:111122223333:queue", queue));
        assert!(
            resource("arn:aws:sqs:*:queue", queue),
            "`*` ends its segment"
        );
        assert!(resource("*", queue));
        assert!(resource("arn:aws:sqs:*", queue));
        assert!(!resource("arn:aws:sqs:us-east-1?111122223333:queue", queue));
        assert!(resource(
            "arn:aws:s3:::data/*.jpg",
            "arn:aws:s3:::data/a:b.jpg"
        ));
    }
}
