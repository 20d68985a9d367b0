//! The text of a share, made to be copied by hand.
//!
//! It is Bech32m, the alphabet and checksum of age's own keys: no `1`, `b`, `i` or `o` that could be
//! taken for another character, upper and lower case the same, and a checksum that finds any three
//! wrong characters, wherever they are. Lists of words are easier to read aloud, but a share of this
//! size has 47 of them, more than twice the letters to copy. The characters stand in groups of five,
//! each line with the number of its first group, so that a wrong one can be pointed at.

use bech32::primitives::checksum::{Checksum, Engine, PackedFe32};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Fe32, Hrp};
use zeroize::Zeroizing;

use super::ShareError;
use super::share::LENGTH;
use crate::Error;

const PREFIX: &str = "kfs";
const GROUP: usize = 5;
const GROUPS_ON_LINE: usize = 6;
const KIND: u8 = 1;

/// Lines such as ` 7. kfs1q xxxxx xxxxx xxxxx xxxxx xxxxx`.
pub(super) fn encode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let prefix = Hrp::parse(PREFIX).ok()?;
    let code = Zeroizing::new(bech32::encode::<Bech32m>(prefix, bytes).ok()?);
    let mut lines = Zeroizing::new(String::with_capacity(2 * code.len()));
    for (position, character) in code.chars().enumerate() {
        if position % (GROUP * GROUPS_ON_LINE) == 0 {
            let first = position / GROUP + 1;
            lines.push_str(if position == 0 { "" } else { "\n" });
            lines.push_str(&format!("{first:>2}."));
        }
        if position % GROUP == 0 {
            lines.push(' ');
        }
        lines.push(character);
    }
    Some(lines)
}

/// What is in a text that was typed or copied.
pub(super) fn decode(typed: &[u8], source: &str) -> Result<Zeroizing<[u8; LENGTH]>, Error> {
    let not_a_share = |reason: &str| ShareError::NotAShare {
        source_name: source.to_owned(),
        reason: reason.to_owned(),
    };
    let typed = std::str::from_utf8(typed).map_err(|_| not_a_share("it is not text"))?;
    let mut code = Zeroizing::new(String::with_capacity(typed.len()));
    let lines = typed
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    for word in lines.flat_map(str::split_whitespace) {
        // The number of a line's first group.
        if !word.strip_suffix('.').is_some_and(is_number) {
            code.push_str(word);
        }
    }
    code.make_ascii_lowercase();
    if code.matches("kfs1").count() > 1 {
        return Err(not_a_share("there is more than one; give each in a file of its own").into());
    }
    if !code.starts_with("kfs1") {
        return Err(not_a_share("it does not begin with `kfs1`").into());
    }
    let miscopied = || ShareError::Miscopied {
        source_name: source.to_owned(),
        group: misfit(&code).map(|position| position / GROUP + 1),
    };
    let checked = CheckedHrpstring::new::<Bech32m>(&code).map_err(|_| miscopied())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    bytes.extend(checked.byte_iter());
    match bytes.first() {
        Some(kind) if *kind > KIND => Err(ShareError::Newer {
            source_name: source.to_owned(),
            found: *kind,
            known: KIND,
        }
        .into()),
        Some(&KIND) => <[u8; LENGTH]>::try_from(bytes.as_slice())
            .map(Zeroizing::new)
            .map_err(|_| not_a_share("it has another length").into()),
        _ => Err(not_a_share("it is of no known kind").into()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The only place where one other character would make the checksum hold.
///
/// The checksum is linear: what one wrong character adds to it depends on where it stands and on how it
/// is wrong, and on nothing else.
fn misfit(code: &str) -> Option<usize> {
    let begin = PREFIX.len() + 1;
    let mut engine = Engine::<Bech32m>::new();
    engine.input_hrp(Hrp::parse(PREFIX).ok()?);
    for (position, character) in code.char_indices().skip(begin) {
        match Fe32::from_char(character) {
            Ok(symbol) => engine.input_fe(symbol),
            Err(_) => return Some(position),
        }
    }
    let surplus = *engine.residue() ^ Bech32m::TARGET_RESIDUE;
    for wrong in 1..32_u32 {
        let mut adds = wrong;
        for position in (begin..code.len()).rev() {
            if adds == surplus {
                return Some(position);
            }
            adds = one_further_from_the_end(adds);
        }
    }
    None
}

/// What a symbol adds to the checksum, if another one follows.
fn one_further_from_the_end(mut adds: u32) -> u32 {
    let overflow = adds.mul_by_x_then_add(Bech32m::CHECKSUM_LENGTH, 0);
    for (bit, generator) in Bech32m::GENERATOR_SH.iter().enumerate() {
        if overflow >> bit & 1 == 1 {
            adds ^= generator;
        }
    }
    adds
}
