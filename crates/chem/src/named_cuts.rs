//! Named reactions backwards: the ways to make a product, and which of them the registry prefers.

use super::{Compiled, NamedReactions, Substrate};
use crate::mol::Mol;
use crate::named_data::NamedReaction;

impl Compiled {
    /// What the retro template makes of the product.
    fn apart(&self, target: &Substrate) -> Vec<Vec<Mol>> {
        if self.product.places(target.mol, &target.features) == 0 {
            return Vec::new();
        }
        self.retro.apply(&[target.mol]).unwrap_or_default()
    }

    /// Whether the forward template makes the product of these reactants.
    fn joins(&self, set: &[Mol], product: &Mol) -> bool {
        self.forward.makes(&set.iter().collect::<Vec<&Mol>>(), product)
    }
}

impl NamedReactions {
    /// The ways to make a product: each reaction whose retro template fits, with the reactants in
    /// the order of [`NamedReaction::reactant_groups`]. Only reactants that give the product back by
    /// the forward template are listed. In the order of the data file; a reaction that cuts the
    /// molecule in several places is listed once for each.
    pub fn disconnections(&self, product: &Mol) -> Vec<(&NamedReaction, Vec<Mol>)> {
        let target = Substrate::new(product);
        (0..self.reactions.len()).flat_map(|place| self.cuts(place, &target)).collect()
    }

    /// The disconnections of the lowest [`NamedReaction::rank`] that fit: ring formations before
    /// carbon-carbon bonds, acyl and heteroatom bonds, and last mere changes of a functional group.
    pub fn preferred_disconnections(&self, product: &Mol) -> Vec<(&NamedReaction, Vec<Mol>)> {
        let target = Substrate::new(product);
        for places in &self.by_rank {
            let found: Vec<_> = places.iter().flat_map(|place| self.cuts(*place, &target)).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Whether `reaction` is the only preferred disconnection of the product, each time into reactants that `expected` takes: what
    /// [`NamedReactions::preferred_disconnections`] says, and done at the first cut that is another. Where there is one place to cut, the
    /// reactants need not be those that made the product: an azide made from a mesylate is cut to the bromide. `expected` takes only what
    /// is known to make the product, because the forward template is not run on it.
    pub fn is_preferred(&self, reaction: &NamedReaction, product: &Mol, expected: impl Fn(&[Mol]) -> bool) -> bool {
        let target = Substrate::new(product);
        for places in &self.by_rank {
            let is_own = |place: &&usize| self.all().get(**place).is_some_and(|known| known.id == reaction.id);
            // The others first: most of them are refused by their pattern, but the product was made to be cut by its own reaction.
            if places.iter().filter(|place| !is_own(place)).any(|place| !self.cuts(*place, &target).is_empty()) {
                return false;
            }
            if let Some(compiled) = places.iter().find(is_own).and_then(|place| self.compiled_at(*place)) {
                let sets = compiled.apart(&target);
                let (taken, refused): (Vec<_>, Vec<_>) = sets.iter().partition(|set| expected(set));
                return !taken.is_empty() && !refused.iter().any(|set| compiled.joins(set, product));
            }
        }
        false
    }

    fn cuts(&self, place: usize, target: &Substrate) -> Vec<(&NamedReaction, Vec<Mol>)> {
        let (Some(reaction), Some(compiled)) = (self.all().get(place), self.compiled_at(place)) else {
            return Vec::new();
        };
        let sets = compiled.apart(target).into_iter();
        sets.filter(|set| compiled.joins(set, target.mol)).map(|set| (reaction, set)).collect()
    }
}
