//! Named reactions backwards: the ways to make a product, and which of them the registry prefers.

use super::{Compiled, NamedReactions, Substrate};
use crate::gate::Gate;
use crate::mol::Mol;
use crate::named_data::NamedReaction;

/// The molecules of a set, where all its texts are such.
fn read(set: &[String]) -> Option<Vec<Mol>> {
    set.iter().map(|text| Mol::parse_with(text, &Gate::DATA).ok()).collect()
}

impl Compiled {
    /// What the retro template makes of the product.
    fn apart(&self, target: &Substrate) -> Vec<Vec<Mol>> {
        if self.product.places(target.mol, &target.features) == 0 {
            return Vec::new();
        }
        self.retro.apply(&[target.mol]).unwrap_or_default()
    }

    /// Whether a cut of the retro template gives the product back; done at the first that does.
    fn is_cut(&self, target: &Substrate) -> bool {
        self.product.places(target.mol, &target.features) > 0
            && self.retro.texts(&[target.mol]).is_ok_and(|sets| sets.iter().any(|set| self.rejoins(set, target.mol)))
    }

    /// Whether these texts are molecules of which the forward template makes the product.
    fn rejoins(&self, set: &[String], product: &Mol) -> bool {
        read(set).is_some_and(|set| self.joins(&set, product))
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

    /// Whether `reaction` is the only preferred disconnection of the product, each time into its own reactants: what
    /// [`NamedReactions::preferred_disconnections`] says, and done at the first cut that is another.
    ///
    /// `is_own` says of a set that the retro template gives, as SMILES that are mostly canonical and perhaps no molecules, whether the
    /// product was made from it. Where there is one place to cut it need not be: an azide made from a mesylate is cut to the bromide. An
    /// own set counts without a run of the forward template, so that it is for the caller to know that the reaction makes the product of
    /// it. The caller may leave configuration out of the comparison, because the templates know of no inversion; any other set refuses
    /// the reaction if the forward template makes the product of it.
    pub fn is_preferred(&self, reaction: &NamedReaction, product: &Mol, is_own: impl Fn(&[String]) -> bool) -> bool {
        let Some(own) = self.all().iter().position(|known| known.id == reaction.id) else {
            return false;
        };
        let target = Substrate::new(product);
        for places in &self.by_rank {
            // The others first: most of them are refused by their pattern, but the product was made to be cut by its own reaction.
            let mut others = places.iter().filter(|place| **place != own).filter_map(|place| self.compiled_at(*place));
            if others.any(|other| other.is_cut(&target)) {
                return false;
            }
            if places.contains(&own) {
                let Some(compiled) = self.compiled_at(own) else {
                    return false;
                };
                let mut found = false;
                // Without a search for the pattern beforehand: it is hardly ever missing.
                for set in compiled.retro.texts(&[product]).unwrap_or_default() {
                    if is_own(&set) {
                        found = true;
                    } else if compiled.rejoins(&set, product) {
                        return false;
                    }
                }
                return found;
            }
        }
        false
    }

    /// The disconnections by one reaction, each found when it is asked for.
    fn cuts<'r, 't>(
        &'r self,
        place: usize,
        target: &'t Substrate<'t>,
    ) -> impl Iterator<Item = (&'r NamedReaction, Vec<Mol>)> + use<'r, 't> {
        let known = self.all().get(place).zip(self.compiled_at(place));
        known.into_iter().flat_map(move |(reaction, compiled)| {
            let sets = compiled.apart(target).into_iter();
            sets.filter(move |set| compiled.joins(set, target.mol)).map(move |set| (reaction, set))
        })
    }
}
