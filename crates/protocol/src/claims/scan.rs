//! Reads a completion from left to right: who is spoken of, which sentences match, which SMILES stand alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use chemr_tasks::formula::Formula;
use chemr_tasks::{Example, MAX_COMPLETION_BYTES, Mode, extract};

use super::context::{Context, Family, Subject};
use super::judge::{Sink, judge, smiles_claim};
use super::{Claim, ClaimKind, Truth};
use crate::grammar::Rule;
use crate::grammar::lexer::{Lexeme, lex};
use crate::grammar::lexicon::{is_hedge, number};
use crate::grammar::pattern::patterns;
use crate::grammar::slots::{Item, bond, is_prose, is_smiles_text};
use crate::steps::steps;

/// Reasoning beyond this length is not read, bytes.
const MAX_CHECKED_BYTES: usize = 16 * 1024;
/// Claims beyond this number are not made.
const MAX_CLAIMS: usize = 1000;
/// How far back a hedge is looked for, words.
const HEDGE_REACH: usize = 6;

/// Finds the claims of a completion and decides each.
///
/// Reads the think block, or the text before the answer block when there is none. Never fails: text without claims (or
/// an answer alone) gives an empty list. A claim that is repeated (same kind, subject and value) is listed once, at its
/// first place and with its worst truth. Linear in the length of the text; at most 16 KiB and 1,000 claims.
pub fn check_claims(example: &Example, completion: &str) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut known: BTreeMap<(ClaimKind, String, String), usize> = BTreeMap::new();
    for Found { claim, .. } in every_claim(example, completion) {
        match known.entry((claim.kind, claim.subject.clone(), claim.value.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(claims.len());
                claims.push(claim);
            }
            Entry::Occupied(entry) => {
                let first = &mut claims[*entry.get()];
                if severity(claim.truth) > severity(first.truth) {
                    *first = claim;
                }
            }
        }
    }
    claims.sort_by_key(|claim| claim.span.start);
    claims
}

/// A false repetition counts more than a true one, and both more than a guess.
fn severity(truth: Truth) -> u8 {
    match truth {
        Truth::False => 2,
        Truth::True => 1,
        Truth::Unverifiable => 0,
    }
}

/// A claim and whether it stands as a guess, wish or condition.
pub(crate) struct Found {
    pub claim: Claim,
    pub hedged: bool,
}

/// [`check_claims`] with the repetitions, in the order of the text.
pub(crate) fn every_claim(example: &Example, completion: &str) -> Vec<Found> {
    let mut claims = Vec::new();
    if completion.len() > MAX_COMPLETION_BYTES {
        return claims;
    }
    let mut context = Context::new(example, completion);
    for (step, range) in regions(completion) {
        let mut lexemes = Vec::new();
        lex(&completion[range.clone()], range.start, &mut lexemes);
        Scanner { lexemes: &lexemes, subject: Subject::Main, made: Vec::new() }.run(&mut context, step, &mut claims);
        if claims.len() >= MAX_CLAIMS {
            claims.truncate(MAX_CLAIMS);
            break;
        }
    }
    claims
}

/// The stretches of reasoning with their step numbers; headings left out.
fn regions(completion: &str) -> Vec<(usize, Range<usize>)> {
    let think = extract(completion, Mode::Loose).think;
    let mut whole = think.unwrap_or_else(|| 0..completion.find("<answer>").unwrap_or(completion.len()));
    if whole.len() > MAX_CHECKED_BYTES {
        let mut end = whole.start + MAX_CHECKED_BYTES;
        while !completion.is_char_boundary(end) {
            end -= 1;
        }
        whole.end = end;
    }
    let mut regions = Vec::new();
    let mut from = (0, whole.start);
    for (place, step) in steps(completion).into_iter().enumerate() {
        if step.heading.start >= whole.start && step.text.start <= whole.end {
            regions.push((from.0, from.1..step.heading.start));
            from = (place + 1, step.text.start);
        }
    }
    regions.push((from.0, from.1..whole.end));
    regions.retain(|(_, range)| range.start < range.end);
    regions
}

struct Scanner<'l, 't> {
    lexemes: &'l [Lexeme<'t>],
    subject: Subject,
    /// The claims of one sentence, before it is known how they stand.
    made: Vec<Claim>,
}

impl Scanner<'_, '_> {
    fn run(mut self, context: &mut Context<'_>, step: usize, found_claims: &mut Vec<Found>) {
        let mut at = 0;
        while at < self.lexemes.len() && found_claims.len() < MAX_CLAIMS {
            let lexeme = self.lexemes[at];
            if lexeme.mark {
                at += 1;
                continue;
            }
            if let Some(found) = patterns().longest(self.lexemes, at) {
                let range = found.lexemes.clone();
                let span = lexeme.start..self.lexemes[range.end - 1].end();
                let stated = context.stated_reaction.clone();
                judge(context, &found, &self.subject, span, &mut Sink { claims: &mut self.made, step });
                // "Should contain" is how a request is restated; elsewhere a guess is nothing to be decided.
                let hedged = found.rule != Rule::Constraint && self.hedged(at);
                if hedged {
                    self.made.iter_mut().for_each(|claim| claim.truth = Truth::Unverifiable);
                    context.stated_reaction = stated;
                }
                found_claims.extend(self.made.drain(..).map(|claim| Found { claim, hedged }));
                at = range.end;
                continue;
            }
            self.mention(context, at);
            if stands_as_smiles(lexeme.text) {
                let item = Item { text: lexeme.text.to_string(), start: lexeme.start, end: lexeme.end() };
                smiles_claim(context, &item, &mut Sink { claims: &mut self.made, step });
                found_claims.extend(self.made.drain(..).map(|claim| Found { claim, hedged: false }));
            }
            at += 1;
        }
    }

    /// A guess, wish or condition in the words before.
    fn hedged(&self, at: usize) -> bool {
        self.lexemes[..at]
            .iter()
            .rev()
            .take(HEDGE_REACH)
            .take_while(|lexeme| !lexeme.is_stop())
            .any(|lexeme| is_hedge(lexeme.text))
    }

    /// Follows who is spoken of.
    fn mention(&mut self, context: &Context<'_>, at: usize) {
        let word = |place: usize| self.lexemes.get(place).filter(|lexeme| !lexeme.mark).map(|lexeme| lexeme.text);
        let before = |back: usize| at.checked_sub(back).and_then(word).unwrap_or("");
        let Some(text) = word(at) else { return };
        // "ketone (CC(C)=O)" gives an example and changes nobody's subject.
        let bracketed = at > 0 && self.lexemes[at - 1].text == "(";
        let numbered = word(at + 1).and_then(number);
        let reaction = matches!(context.family, Family::Forward | Family::Retro);
        let lower = text.to_ascii_lowercase();
        let subject = match lower.as_str() {
            "reactant" | "reactants" if reaction => match (numbered, before(1).to_ascii_lowercase().as_str()) {
                (Some(number), _) => Subject::Reactant(number),
                (None, "first") => Subject::Reactant(1),
                (None, "second") => Subject::Reactant(2),
                (None, "third") => Subject::Reactant(3),
                (None, "one" | "other" | "another" | "each") => Subject::Unknown,
                _ => Subject::Reactants,
            },
            "product" | "target" => Subject::Product,
            "molecule" | "compound" | "structure" | "result"
                if matches!(before(1), "The" | "the" | "This" | "this") =>
            {
                if context.family == Family::Forward {
                    Subject::Unknown
                } else {
                    Subject::Main
                }
            }
            "one" | "other" | "another" | "fragment" | "fragments" | "precursor" | "precursors" | "intermediate"
            | "reagent" | "group" | "groups" | "moiety" | "ring" | "rings" | "substituent" | "part" | "portion"
            | "side" | "compound" | "compounds" | "component" | "derivative" | "material" | "which" | "that" => {
                Subject::Unknown
            }
            _ if names_molecule(text) && !bracketed => Subject::Smiles(text.to_string()),
            _ => return,
        };
        self.subject = subject;
    }
}

/// Whether a word can be the subject of a sentence as a SMILES; short strings such as `CCO` too.
fn names_molecule(text: &str) -> bool {
    stands_as_smiles(text)
        || (text.len() == 3 && is_smiles_text(text) && text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// Whether a word outside any pattern is meant as a SMILES: not a bond, a formula, a condensed group or an English word.
fn stands_as_smiles(text: &str) -> bool {
    let boc = text.contains("Boc") || text.contains("BOC)2");
    if boc || bond(text).is_some() || is_prose(text) || is_numbered_bond(text) {
        return false;
    }
    let structure = text.contains(['(', '=', '#', '[']);
    if !is_smiles_text(text) {
        // An atom in brackets with a configuration, never closed or with more in it than an atom.
        return text.contains("[C@") || text.contains("[N@") || text.contains("[S@");
    }
    if text.len() < 4 {
        return text.len() == 3 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.contains(['(', ')']);
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let aromatic = text.bytes().any(|byte| matches!(byte, b'c' | b'n' | b'o' | b's' | b'p' | b'b'));
    let shorthand = Formula::parse(text).is_some() || has_counts(text) || (digits % 2 == 1 && !has_ring_digit(text));
    if !structure && shorthand {
        return false;
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if plain { !aromatic && text.bytes().filter(u8::is_ascii_uppercase).count() >= 4 } else { !aromatic || digits > 0 }
}

/// Whether a digit stands on a carbon or nitrogen, as ring numbers do and the count of `CO2` does not.
fn has_ring_digit(text: &str) -> bool {
    let on_atom = |pair: &[u8]| matches!(pair[0], b'C' | b'N' | b'c' | b'n' | b']') && pair[1].is_ascii_digit();
    text.as_bytes().windows(2).any(on_atom)
}

/// Whether a word is a bond or a position in a chain of numbered atoms: `C4-Cl`, `C3-N`, `C2-C3`, `C2-C3-C4`.
fn is_numbered_bond(text: &str) -> bool {
    let symbol = |atom: &str| {
        let letters = atom.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(letters, "Cl" | "Br") || letters.len() == 1 && "BCNOPSFIH".contains(letters)
    };
    let atoms: Vec<&str> = text.split(['-', '=', '#']).collect();
    let numbered = atoms.iter().filter(|atom| atom.ends_with(|c: char| c.is_ascii_digit())).count();
    atoms.len() > 1 && atoms.iter().all(|atom| symbol(atom)) && (atoms.len() == 2 || numbered == atoms.len())
}

/// Whether a digit counts halogens, as in `CF3CO2`, or the text holds a Boc group.
fn has_counts(text: &str) -> bool {
    let halogens = |pair: &[u8]| matches!(pair[0], b'F' | b'l' | b'r' | b'I') && pair[1].is_ascii_digit();
    text.as_bytes().windows(2).any(halogens) || text.contains("BOC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_as_smiles() {
        for text in
            ["CC(=O)O", "c1ccccc1", "CCCO", "C[NH]C", "C1CCCC", "CC(", "C[C@@H(O)C", "C1CCCCC1", "CC.OC(C)C", "C1-C-C1"]
        {
            assert!(stands_as_smiles(text), "{text}");
        }
        for text in [
            "soon",
            "Boc",
            "CO2",
            "NO2",
            "C-O",
            "C=O",
            "SCN",
            "C8H10N4O2",
            "CH3",
            "Spoon",
            "N",
            "sp3",
            "CF3",
            "(s)",
            "2-propanol",
            "pH",
            "C-N",
            "[12]",
            "CCl4",
            "C2",
            "N,N-dimethyl",
            "CF3CO2",
            "R-COOH",
            "sp2-C",
            "4-(methylsulfanyl)benzonitrile",
            "(2R)-2-amino",
            "BBr3",
            "PPh3",
            "10",
            "-78",
            "C10H8",
            "LiAlH4",
            "Pd/C",
            "H2O2",
            "no",
            "pro-S",
            "C4-Cl",
            "C2-Br",
            "C3-N",
            "C2-C3",
            "C2=C3",
            "N1-C2",
            "C2-C3-C4",
            "BOC2O",
            "(BOC)2O",
            "(Boc)2O",
        ] {
            assert!(!stands_as_smiles(text), "{text}");
        }
    }
}
