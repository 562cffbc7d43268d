//! The symbols of SELFIES and how a text is split into them.

use super::atom::Atom;
use super::error::{SelfiesError, SelfiesErrorKind};
use super::graph::{Order, Stereo};

/// One piece of a SELFIES text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A symbol.
    Symbol {
        /// What stands between the brackets.
        body: &'a str,
        /// Byte offset of `[`.
        position: usize,
    },
    /// The `.` between two molecules.
    Dot,
}

/// Splits a SELFIES text: symbols in brackets and dots, nothing else.
///
/// # Errors
/// `OutsideBrackets` or `Unclosed`, after which the iterator ends. Whether a symbol means anything is not asked here.
pub fn tokens(selfies: &str) -> impl Iterator<Item = Result<Token<'_>, SelfiesError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let position = at;
        let rest = &selfies[position..];
        let (token, length) = match rest.bytes().next()? {
            b'.' => (Ok(Token::Dot), 1),
            b'[' => match rest.find([']', '.']) {
                Some(end) if rest.as_bytes()[end] == b']' => {
                    (Ok(Token::Symbol { body: &rest[1..end], position }), end + 1)
                }
                _ => (Err(SelfiesErrorKind::Unclosed.at(position)), rest.len()),
            },
            _ => (Err(SelfiesErrorKind::OutsideBrackets.at(position)), rest.len()),
        };
        at += length;
        Some(token)
    })
}

/// The digits of lengths and distances: the place of a symbol is its value. Every other symbol counts as zero.
pub(super) const DIGITS: [&str; 16] = [
    "C", "Ring1", "Ring2", "Branch1", "=Branch1", "#Branch1", "Branch2", "=Branch2", "#Branch2", "O", "N", "=N", "=C",
    "#C", "S", "P",
];

/// Most digits of a number.
pub(super) const MOST_DIGITS: usize = 3;

/// The value of a symbol as a digit.
pub(super) fn digit(body: &str) -> usize {
    DIGITS.iter().position(|digit| *digit == body).unwrap_or(0)
}

/// How many digits a number takes.
pub(super) fn digit_count(number: usize) -> usize {
    number.checked_ilog(16).map_or(1, |log| log as usize + 1)
}

/// Appends a number as symbols, the highest digit first.
pub(super) fn push_number(number: usize, text: &mut String) {
    for place in (0..digit_count(number)).rev() {
        text.push('[');
        text.push_str(DIGITS[(number >> (4 * place)) & 0xF]);
        text.push(']');
    }
}

/// What a symbol does to the molecule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A branch, whose length stands in the next `digits` symbols.
    Branch { order: Order, digits: usize },
    /// A ring bond, with the marks at its earlier and its later atom.
    Ring { order: Order, digits: usize, stereo: (Option<Stereo>, Option<Stereo>) },
    /// The end of the chain.
    End,
    /// An atom and the bond to the one before.
    Atom { order: Order, stereo: Option<Stereo>, atom: Atom },
}

impl Symbol {
    /// The meaning of what stands between brackets, if it has one.
    pub fn read(body: &str) -> Option<Symbol> {
        match body.as_bytes() {
            [.., b'c', b'h', digit] => {
                let order = plain_order(body[..body.len() - 1].strip_suffix("Branch")?)?;
                Some(Symbol::Branch { order, digits: digit_number(*digit)? })
            }
            [.., b'n', b'g', digit] => {
                let (order, stereo) = ring_bond(body[..body.len() - 1].strip_suffix("Ring")?)?;
                Some(Symbol::Ring { order, digits: digit_number(*digit)?, stereo })
            }
            _ if body.contains("eps") => Some(Symbol::End),
            _ => {
                let (order, stereo, rest) = match body.as_bytes() {
                    [b'=', ..] => (Order::Double, None, &body[1..]),
                    [b'#', ..] => (Order::Triple, None, &body[1..]),
                    [b'/', ..] => (Order::Single, Some(Stereo::Up), &body[1..]),
                    [b'\\', ..] => (Order::Single, Some(Stereo::Down), &body[1..]),
                    _ => (Order::Single, None, body),
                };
                Atom::from_selfies(rest).map(|atom| Symbol::Atom { order, stereo, atom })
            }
        }
    }
}

fn digit_number(byte: u8) -> Option<usize> {
    matches!(byte, b'1'..=b'3').then(|| usize::from(byte - b'0'))
}

fn plain_order(sign: &str) -> Option<Order> {
    match sign {
        "" => Some(Order::Single),
        "=" => Some(Order::Double),
        "#" => Some(Order::Triple),
        _ => None,
    }
}

type RingBond = (Order, (Option<Stereo>, Option<Stereo>));

fn ring_bond(signs: &str) -> Option<RingBond> {
    let mark = |sign| match sign {
        b'/' => Some(Some(Stereo::Up)),
        b'\\' => Some(Some(Stereo::Down)),
        b'-' => Some(None),
        _ => None,
    };
    match signs.as_bytes() {
        // Two signs without a mark are no way to write a plain single bond.
        b"--" => None,
        [earlier, later] => Some((Order::Single, (mark(*earlier)?, mark(*later)?))),
        _ => plain_order(signs).map(|order| (order, (None, None))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_base_sixteen_and_read_back() {
        for (number, written) in [
            (0, "[C]"),
            (1, "[Ring1]"),
            (15, "[P]"),
            (16, "[Ring1][C]"),
            (255, "[P][P]"),
            (256, "[Ring1][C][C]"),
            (4095, "[P][P][P]"),
        ] {
            let mut text = String::new();
            push_number(number, &mut text);
            assert_eq!(text, written);
            let value = tokens(&text).fold(0, |value, token| match token.unwrap() {
                Token::Symbol { body, .. } => value * 16 + digit(body),
                Token::Dot => panic!("no dot was written"),
            });
            assert_eq!(value, number);
        }
    }

    #[test]
    fn a_text_is_split_or_refused_at_its_place() {
        let split = |text| tokens(text).collect::<Result<Vec<_>, _>>();
        let dotted = split("[C].[=O]").unwrap();
        assert_eq!(dotted[1], Token::Dot);
        assert_eq!(dotted[2], Token::Symbol { body: "=O", position: 4 });
        for (text, kind, position) in [
            ("[C][N", SelfiesErrorKind::Unclosed, 3),
            ("[C.N]", SelfiesErrorKind::Unclosed, 0),
            ("CCO", SelfiesErrorKind::OutsideBrackets, 0),
            ("[C] [N]", SelfiesErrorKind::OutsideBrackets, 3),
            ("[C]]", SelfiesErrorKind::OutsideBrackets, 3),
        ] {
            assert_eq!(split(text), Err(kind.at(position)), "{text}");
        }
    }
}
