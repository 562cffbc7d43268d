//! Choosing and filling the wordings of the sentence table.

use std::cell::Cell;

use chemr_chem::{Mol, groups};

use crate::grammar::{Rule, wordings};

/// Chooses wordings, as the seed says.
pub(super) struct Speaker {
    state: Cell<u64>,
}

impl Speaker {
    /// The same seed gives different wordings for different examples. The hash and the generator are this module's own,
    /// smaller than those of the data crate: recipes are tuned on the wordings that they choose.
    pub(super) fn new(seed: u64, id: &str) -> Speaker {
        // FNV-1a over the id.
        let hash = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Speaker { state: Cell::new(seed ^ hash) }
    }

    /// SplitMix64.
    fn next(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub(super) fn pick(&self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    /// One wording of a rule with its slots filled from left to right, without a full stop.
    pub(super) fn say(&self, rule: Rule, values: &[&str]) -> String {
        self.say_as(self.pick(wordings(rule).len()), rule, values)
    }

    /// The wording with a given number.
    pub(super) fn say_as(&self, style: usize, rule: Rule, values: &[&str]) -> String {
        let Some(choice) = wordings(rule).get(style) else { return String::new() };
        let mut text = String::with_capacity(choice.len() + 32);
        let mut rest = *choice;
        let mut values = values.iter();
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            text.push_str(values.next().copied().unwrap_or(""));
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
        text.push_str(rest);
        text
    }

    /// [`Speaker::say`] as a sentence.
    pub(super) fn sentence(&self, rule: Rule, values: &[&str]) -> String {
        let mut text = self.say(rule, values);
        text.push('.');
        text
    }
}

/// "an ester", "a ketone".
pub(super) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// "an ester, a ketone and an amide"
pub(super) fn listed(names: &[&str]) -> String {
    let items: Vec<String> = names.iter().map(|name| with_article(name)).collect();
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// Names of the functional groups of a molecule, at most `limit`, in the order of the registry.
pub(super) fn group_names(mol: &Mol, limit: usize) -> Vec<&'static str> {
    let counts = groups().counts(mol);
    groups()
        .all()
        .iter()
        .filter(|group| counts.contains_key(group.id.as_str()))
        .map(|group| group.name.as_str())
        .take(limit)
        .collect()
}

/// The groups of a molecule as a sentence, at most `limit` of them.
pub(super) fn described_groups(speaker: &Speaker, mol: &Mol, limit: usize) -> String {
    let names = group_names(mol, limit);
    if names.is_empty() {
        speaker.sentence(Rule::NoKnownGroup, &[])
    } else {
        format!("It {}", speaker.sentence(Rule::Groups, &[&listed(&names)]))
    }
}

/// A molecule for which no rule of a task says more: size and rings, then its groups.
pub(super) fn described_size(speaker: &Speaker, mol: &Mol) -> (String, String) {
    const MOST_GROUPS: usize = 6;
    let groups = described_groups(speaker, mol, MOST_GROUPS);
    let size = speaker.sentence(Rule::HeavyAtoms, &[&mol.heavy_atoms().to_string()]);
    (format!("{size} Ring count: {}.", mol.rings()), groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_slots_and_varies() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let text = Speaker::new(seed, "id").sentence(Rule::Formula, &["CH4"]);
            assert!(text.ends_with("CH4."), "{text}");
            seen.insert(text);
        }
        assert_eq!(seen.len(), wordings(Rule::Formula).len());
        assert_eq!(Speaker::new(1, "a").say(Rule::Formula, &["C"]), Speaker::new(1, "a").say(Rule::Formula, &["C"]));
    }

    #[test]
    fn lists() {
        assert_eq!(listed(&["ester", "ketone", "urea"]), "an ester, a ketone and a urea");
        assert_eq!(listed(&["ester"]), "an ester");
        assert_eq!(listed(&[]), "");
    }
}
