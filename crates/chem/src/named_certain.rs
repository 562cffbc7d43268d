//! What the registry can say of a mixture from its patterns alone, without running a template: most of what a generator of reactions asks.

use super::{Compiled, NamedReactions, Substrate, fragments, positions_without};
use crate::mol::Mol;
use crate::named_data::NamedReaction;

impl NamedReactions {
    /// Whether the reaction has one place in this mixture, in one order of the molecules, and no other reaction of those that `counts`
    /// takes fits: then it has one product at most. As [`NamedReactions::outcomes`] all reagents have to be there and nothing else.
    /// `false` says nothing: ask for the outcomes.
    pub fn has_one_place(
        &self,
        reaction: &NamedReaction,
        mixture: &[&Mol],
        counts: impl Fn(&NamedReaction) -> bool,
    ) -> bool {
        let fragments = fragments(mixture);
        let substrates: Vec<Substrate> = fragments.iter().map(Substrate::new).collect();
        let mut found = false;
        for (place, known) in self.all().iter().enumerate() {
            let own = known.id == reaction.id;
            let Some(compiled) = self.compiled_at(place) else {
                continue;
            };
            if substrates.len() != compiled.slots.len() + compiled.reagents.len() || !(own || counts(known)) {
                continue;
            }
            let Some(kept) = positions_without(&fragments, &compiled.reagents) else {
                continue;
            };
            let chosen: Vec<&Substrate> = kept.iter().map(|index| &substrates[*index]).collect();
            let ways = self.ways(compiled, &chosen);
            if ways > usize::from(own) {
                return false;
            }
            found |= ways == 1;
        }
        found
    }

    /// Ways to lay the reactant patterns on the substrates, in both orders. Ways to lie on the same atoms count once: the templates of
    /// the registry make the same of them, except a cycloaddition of a diene with two different ends, which no assembly has.
    fn ways(&self, compiled: &Compiled, substrates: &[&Substrate]) -> usize {
        let ordered = |order: &[&Substrate]| -> usize {
            let mut ways = 1usize;
            for (substrate, slot) in order.iter().zip(&compiled.slots) {
                ways = ways.saturating_mul(substrate.places(self, *slot));
                if ways == 0 {
                    break;
                }
            }
            ways
        };
        match substrates {
            [first, second] => ordered(substrates) + ordered(&[second, first]),
            _ => ordered(substrates),
        }
    }
}
