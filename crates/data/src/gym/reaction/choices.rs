//! Which reactions of the registry, written how, a level draws from, and how large their products are.

use std::sync::LazyLock;

use chemr_chem::{Assembly, FragmentKind, NamedReaction, named_reactions};

use super::super::fragment::smallest;
use crate::sketch::heavy_atoms;

/// The reactions of level 1: the commonest, with short strings. Level 2 takes all without double-bond geometry and
/// without phosphorus ylides, level 3 all.
const LEVEL_ONE: &[&str] = &[
    "fischer_esterification",
    "acyl_chloride_esterification",
    "amide_coupling",
    "acyl_chloride_amidation",
    "sulfonamide_formation",
    "sulfonate_ester_formation",
    "urea_formation",
    "thiourea_formation",
    "carbamate_from_isocyanate",
    "williamson_ether",
    "thioether_alkylation",
    "reductive_amination",
    "epoxide_aminolysis",
    "suzuki_coupling",
    "sonogashira_coupling",
    "grignard_ketone",
    "grignard_aldehyde",
    "cyanide_alkylation",
    "click_triazole",
    "oxime_formation",
    "imine_formation",
    "acetal_protection",
    "ester_hydrolysis",
    "nitrile_hydration",
    "acyl_chloride_formation",
    "alcohol_bromination",
    "alcohol_chlorination",
    "azide_substitution",
    "nitro_reduction",
    "ketone_reduction",
    "nitrile_reduction",
    "alcohol_oxidation_ketone",
    "alcohol_oxidation_aldehyde",
    "sulfide_to_sulfone",
    "alkene_epoxidation",
    "alkene_bromination",
];

/// Largest product of a level, in heavy atoms; the distractors of levels 4 and 5 come on top.
pub(in crate::gym) fn largest(level: u8) -> usize {
    match level {
        0 | 1 => 13,
        2 => 17,
        4 => 15,
        5 => 18,
        _ => 22,
    }
}

/// A reaction with those of its assemblies that a level can use.
pub(in crate::gym) struct Choice {
    pub(super) reaction: &'static NamedReaction,
    pub(super) assemblies: Vec<&'static Assembly>,
    /// How often each assembly is taken: by the room that its fragments have to vary.
    pub(super) weights: Vec<u32>,
}

impl Choice {
    pub fn new(reaction: &'static NamedReaction, level: u8) -> Choice {
        let assemblies: Vec<&Assembly> = reaction.assemblies.iter().filter(|assembly| fits(assembly, level)).collect();
        let weights =
            assemblies.iter().map(|assembly| spare(assembly, level).map_or(0, |room| room.min(6) as u32)).collect();
        Choice { reaction, assemblies, weights }
    }

    /// Whether there is anything to draw.
    pub fn is_usable(&self) -> bool {
        !self.assemblies.is_empty()
    }
}

/// Heavy atoms that the fragments of an assembly may have beyond the smallest ones; `None` when not even these fit.
fn spare(assembly: &Assembly, level: u8) -> Option<usize> {
    largest(level).checked_sub(core(&assembly.product) + least(&assembly.left) + least(&assembly.right))
}

/// Size of the smallest of these kinds of fragment.
pub(in crate::gym) fn least(kinds: &[FragmentKind]) -> usize {
    kinds.iter().map(|&kind| smallest(kind)).min().unwrap_or(0)
}

/// Heavy atoms of an assembly string without its fragments.
pub(in crate::gym) fn core(text: &str) -> usize {
    heavy_atoms(&text.replace("{L}", "").replace("{R}", ""))
}

pub(in crate::gym) fn fits(assembly: &Assembly, level: u8) -> bool {
    let texts = || assembly.reactants.iter().chain([&assembly.product]);
    let plain = texts().all(|text| !text.contains('/') && !text.contains("=P("));
    let small = spare(assembly, level).is_some_and(|spare| spare >= 1);
    (level >= 3 || plain) && small && (level >= 2 || texts().all(|text| core(text) <= largest(level)))
}

/// The reactions of each level.
pub(super) fn of_level(level: u8) -> &'static [Choice] {
    static LEVELS: LazyLock<[Vec<Choice>; 3]> = LazyLock::new(|| {
        [1u8, 2, 3].map(|level| {
            named_reactions()
                .all()
                .iter()
                .filter(|reaction| level >= 2 || LEVEL_ONE.contains(&reaction.id.as_str()))
                .map(|reaction| Choice::new(reaction, level))
                .filter(Choice::is_usable)
                .collect()
        })
    });
    &LEVELS[usize::from(level.clamp(1, 3)) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_enough_reactions() {
        let ids = |level| of_level(level).iter().map(|choice| choice.reaction.id.as_str()).collect::<Vec<_>>();
        assert!(ids(1).len() >= 20, "{:?}", ids(1));
        assert!(ids(2).len() > ids(1).len() && ids(3).len() > ids(2).len());
        for id in LEVEL_ONE {
            assert!(named_reactions().get(id).is_some(), "{id} is not in the registry");
            assert!(ids(1).contains(id), "{id} has no assembly small enough for level 1");
        }
    }

    #[test]
    fn core_counts_without_fragments() {
        assert_eq!(core("{L}C(=O)O{R}"), 3);
        assert_eq!(core("{L}/C=C/C(=O)O{R}"), 5);
        assert_eq!(core("N9CCC({R})CC9"), 6);
    }
}
