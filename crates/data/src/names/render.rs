//! Writing a [`Name`].

use super::vocabulary::{COMPOUND_MULTIPLIERS, MULTIPLIERS};
use super::{Locant, Name, Skeleton, Suffix, Unsaturation};

impl Name {
    /// The name as text, e.g. `3-chloro-2-methylbutan-1-ol`.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Some(alkyl) = self.ester_alkyl {
            text.push_str(alkyl.name);
            text.push(' ');
        }
        text.push_str(&self.prefixes());
        text.push_str(&self.ending());
        text
    }

    /// Whether positions go without saying: on methane, and when a single group sits on ethane or on a ring.
    pub(super) fn omits_locants(&self) -> bool {
        let numbered_suffixes =
            if self.suffix.is_terminal() && !self.parent.is_cyclic() { 0 } else { self.suffix_locants.len() };
        let prefixes = self.substituents.iter().filter(|(locant, _)| locant.position().is_some()).count();
        let groups = numbered_suffixes + prefixes + usize::from(self.unsaturation.is_some());
        match self.parent.skeleton {
            Skeleton::Pyridine => false,
            // The locant of a prefix beside a terminal suffix says that it is not on position 1.
            Skeleton::Chain if self.suffix.is_terminal() && prefixes > 0 => false,
            Skeleton::Chain => self.parent.length == 1 || (self.parent.length == 2 && groups == 1),
            Skeleton::Ring | Skeleton::Benzene => groups == 1,
        }
    }

    fn prefixes(&self) -> String {
        let mut text = String::new();
        let mut rest = self.substituents.as_slice();
        while let Some((_, substituent)) = rest.first() {
            let count = rest.iter().take_while(|(_, other)| other.name == substituent.name).count();
            let (group, others) = rest.split_at(count);
            rest = others;
            let locants: Vec<String> = group
                .iter()
                .filter_map(|(locant, _)| match locant {
                    Locant::Nitrogen => Some("N".to_string()),
                    Locant::Position(_) if self.omits_locants() => None,
                    Locant::Position(number) => Some(number.to_string()),
                })
                .collect();
            if !locants.is_empty() {
                if !text.is_empty() {
                    text.push('-');
                }
                text.push_str(&locants.join(","));
                text.push('-');
            }
            let words: &[&str] = if substituent.compound { &COMPOUND_MULTIPLIERS } else { &MULTIPLIERS };
            text.push_str(words.get(count - 1).copied().unwrap_or(""));
            if substituent.compound {
                text.push('(');
                text.push_str(substituent.name);
                text.push(')');
            } else {
                text.push_str(substituent.name);
            }
        }
        text
    }

    /// Parent with multiple bond and suffix.
    fn ending(&self) -> String {
        let cyclic = self.parent.is_cyclic();
        let mut text = self.parent.stem();
        if self.parent.skeleton == Skeleton::Benzene
            && self.suffix_locants.len() == 1
            && let Some(retained) = self.suffix.on_benzene()
        {
            return retained.to_string();
        }
        if self.parent.is_aromatic() {
            // `benzen`, `pyridin`: the final e returns below where it is wanted.
            text.pop();
        } else {
            match self.unsaturation {
                None => text.push_str("an"),
                Some((position, kind)) => {
                    let word = if kind == Unsaturation::Double { "en" } else { "yn" };
                    if self.omits_locants() {
                        text.push_str(word);
                    } else {
                        text.push_str(&format!("-{position}-{word}"));
                    }
                }
            }
        }
        let ending = self.suffix.ending(cyclic);
        let multiplier = MULTIPLIERS.get(self.suffix_locants.len().saturating_sub(1)).copied().unwrap_or("");
        let word = format!("{multiplier}{ending}");
        if !word.starts_with(['a', 'e', 'i', 'o', 'u']) {
            text.push('e');
        }
        let silent = (self.suffix.is_terminal() && !cyclic) || self.omits_locants() || self.suffix == Suffix::None;
        if !silent {
            let locants: Vec<String> = self.suffix_locants.iter().map(u8::to_string).collect();
            text.push_str(&format!("-{}-", locants.join(",")));
        }
        text.push_str(&word);
        text
    }
}
