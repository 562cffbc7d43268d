//! SELFIES to SMILES.

use std::borrow::Cow;

use super::constraints::Constraints;
use super::error::{SelfiesError, SelfiesErrorKind, check_text};
use super::graph::{Bond, Graph, Order, Stereo};
use super::old::modern;
use super::symbol::{Symbol, Token, digit, tokens};
use super::write::smiles;

/// Longest SELFIES that is read, in bytes.
pub const MAX_SELFIES_CHARS: usize = 1 << 20;

/// Longest part of an unknown symbol that an error shows.
const SHOWN: usize = 40;

/// How SELFIES are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoding {
    /// Bonds that an atom may have.
    pub constraints: Constraints,
    /// Also reads symbols of SELFIES before 2.0: `[Branch1_2]`, `[Expl=Ring1]`, `[C@Hexpl]`. Lengths are read by today's
    /// digits, so that an old text may stand for another molecule than it was written for.
    pub compatible: bool,
}

/// The SMILES that a SELFIES stands for, with [`Constraints::Default`].
///
/// # Errors
/// As [`decode_with`].
pub fn decode(selfies: &str) -> Result<String, SelfiesError> {
    decode_with(selfies, &Decoding::default())
}

/// The SMILES that a SELFIES stands for: in Kekulé form, in the order of the symbols, empty when they make no atom. Takes
/// time in proportion to the text.
///
/// # Errors
/// `TooLong`, `NonAscii`, `OutsideBrackets`, `Unclosed` for the text; `UnknownSymbol`, `OldSymbol` or `TooManyHydrogens` for the
/// first symbol that is not known. Symbols after the end of the derivation are not looked at.
pub fn decode_with(selfies: &str, options: &Decoding) -> Result<String, SelfiesError> {
    check_text(selfies, MAX_SELFIES_CHARS)?;
    let mut derivation =
        Derivation { options, graph: Graph::default(), rings: Vec::new(), symbols: Vec::new(), next: 0 };
    for token in tokens(selfies) {
        match token? {
            Token::Dot => derivation.run()?,
            Token::Symbol { body: "nop", .. } => {}
            Token::Symbol { body, position } => {
                let old = if options.compatible { modern(body) } else { None };
                derivation.symbols.push((old.map_or(Cow::Borrowed(body), Cow::Owned), position));
            }
        }
    }
    derivation.run()?;
    derivation.form_rings();
    Ok(smiles(&derivation.graph))
}

/// The state of a chain: how many bonds its last atom has left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No atom yet.
    Start,
    /// At least one.
    Open(u8),
    /// The chain has ended; symbols are passed over.
    Ended,
}

impl State {
    fn left(bonds: u8) -> State {
        if bonds == 0 { State::Ended } else { State::Open(bonds) }
    }
}

/// A chain that is being derived: the main one or a branch.
struct Chain {
    state: State,
    /// The last atom; that of the chain above at the start of a branch.
    last: usize,
    /// Symbols taken so far, those of branches included.
    taken: usize,
    /// Symbols that belong to the chain.
    length: usize,
}

struct RingBond {
    earlier: usize,
    later: usize,
    order: Order,
    stereo: (Option<Stereo>, Option<Stereo>),
}

struct Derivation<'a> {
    options: &'a Decoding,
    graph: Graph,
    /// Ring bonds, made when every atom is there.
    rings: Vec<RingBond>,
    /// Bodies and positions of the symbols up to the next dot.
    symbols: Vec<(Cow<'a, str>, usize)>,
    /// The symbol to be read next.
    next: usize,
}

impl Derivation<'_> {
    /// Derives the molecule whose symbols have been collected.
    fn run(&mut self) -> Result<(), SelfiesError> {
        self.next = 0;
        let mut open = vec![Chain { state: State::Start, last: 0, taken: 0, length: usize::MAX }];
        while let Some(chain) = open.last_mut() {
            let ended = chain.state == State::Ended || chain.taken >= chain.length;
            if !ended && self.next < self.symbols.len() {
                chain.taken += 1;
                if let Some(branch) = self.step(chain)? {
                    open.push(branch);
                }
                continue;
            }
            // Symbols that the chain had no use for.
            let unused = chain.length.saturating_sub(chain.taken).min(self.symbols.len() - self.next);
            self.next += unused;
            let taken = chain.taken + unused;
            open.pop();
            if let Some(above) = open.last_mut() {
                above.taken += taken;
            }
        }
        self.symbols.clear();
        Ok(())
    }

    /// Takes one symbol; the branch that it opens, if it opens one.
    fn step(&mut self, chain: &mut Chain) -> Result<Option<Chain>, SelfiesError> {
        let (body, position) = &self.symbols[self.next];
        let symbol = Symbol::read(body).ok_or_else(|| unknown(body).at(*position))?;
        let place = self.next;
        self.next += 1;
        match symbol {
            Symbol::Branch { order, digits } => {
                let State::Open(left @ 2..) = chain.state else { return Ok(None) };
                let inner = order.pairs().min(left - 1);
                chain.state = State::Open(left - inner);
                chain.taken += digits;
                let length = self.number(digits) + 1;
                return Ok(Some(Chain { state: State::Open(inner), last: chain.last, taken: 0, length }));
            }
            Symbol::Ring { order, digits, stereo } => {
                let State::Open(left) = chain.state else { return Ok(None) };
                let pairs = order.pairs().min(left);
                chain.state = State::left(left - pairs);
                chain.taken += digits;
                let later = chain.last;
                let earlier = later.saturating_sub(self.number(digits) + 1);
                if let Some(order) = Order::of_pairs(pairs) {
                    self.rings.push(RingBond { earlier, later, order, stereo });
                }
            }
            Symbol::End => {
                if chain.state != State::Start {
                    chain.state = State::Ended;
                }
            }
            Symbol::Atom { order, stereo, atom } => {
                let Ok(capacity) = u8::try_from(atom.capacity(self.options.constraints)) else {
                    let (body, position) = &self.symbols[place];
                    return Err(SelfiesErrorKind::TooManyHydrogens { symbol: shown(body) }.at(*position));
                };
                let bond = match chain.state {
                    State::Open(left) => order.pairs().min(left).min(capacity),
                    _ => 0,
                };
                let previous = chain.last;
                if let Some(order) = Order::of_pairs(bond) {
                    chain.last = self.graph.add(atom);
                    self.graph.bond(previous, chain.last, order, stereo);
                } else if chain.state == State::Start {
                    chain.last = self.graph.add(atom);
                    self.graph.roots.push(chain.last);
                }
                chain.state = State::left(capacity - bond);
            }
        }
        Ok(None)
    }

    /// Reads a number of this many digits; those missing at the end of the text are zero.
    fn number(&mut self, digits: usize) -> usize {
        let mut number = 0;
        for _ in 0..digits {
            number *= 16;
            if let Some((body, _)) = self.symbols.get(self.next) {
                number += digit(body);
                self.next += 1;
            }
        }
        number
    }

    /// Makes the ring bonds, in the order of their symbols, as far as both atoms have bonds left.
    fn form_rings(&mut self) {
        let mut written = vec![0; self.graph.atoms.len()];
        for RingBond { earlier, later, order, stereo } in std::mem::take(&mut self.rings) {
            if earlier == later {
                continue;
            }
            let free = self.free(earlier).min(self.free(later));
            let Some(order) = Order::of_pairs(order.pairs().min(free)) else { continue };
            if let Some(bond) = self.graph.between(earlier, later) {
                // Beside a bond that exists already the ring bond raises its order.
                if let Some(sum) = Order::of_pairs(bond.order.pairs() + order.pairs()) {
                    self.graph.set_order(earlier, later, sum);
                }
                continue;
            }
            let ring = Some(self.graph.rings);
            self.graph.rings += 1;
            self.graph.count(earlier, later, order);
            for (from, to, stereo) in [(earlier, later, stereo.0), (later, earlier, stereo.1)] {
                self.graph.bonds[from].insert(written[from], Bond { to, order, stereo, ring });
                written[from] += 1;
            }
        }
    }

    /// Bonds that an atom has left.
    fn free(&self, atom: usize) -> u8 {
        let capacity = self.graph.atoms[atom].capacity(self.options.constraints);
        u8::try_from(i64::from(capacity) - i64::from(self.graph.pairs(atom))).unwrap_or(0)
    }
}

fn shown(body: &str) -> String {
    body.chars().take(SHOWN).collect()
}

fn unknown(body: &str) -> SelfiesErrorKind {
    let symbol = shown(body);
    if modern(body).is_some() {
        SelfiesErrorKind::OldSymbol { symbol }
    } else {
        SelfiesErrorKind::UnknownSymbol { symbol }
    }
}
