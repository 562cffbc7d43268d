//! The selectivity rules: `data/selectivity.toml` and `data/assemblies.toml`, whose heads say what the fields mean.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_chem::{Assembly, FragmentKind, Mol};
use serde::Deserialize;

use super::super::smarts::Smarts;
use crate::sketch::Sketch;

const SELECTIVITY: &str = include_str!("../../../data/selectivity.toml");
const ASSEMBLIES: &str = include_str!("../../../data/assemblies.toml");

/// A second functional group of a substrate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gym) struct Group {
    pub id: String,
    pub name: String,
    pub kind: GroupKind,
    chain: Option<String>,
    ring: Option<String>,
    /// Finds the group.
    pub smarts: Smarts,
    #[serde(default)]
    avoid: Vec<String>,
}

/// Why a group stands beside the reacting one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gym) enum GroupKind {
    Protecting,
    Functional,
}

impl GroupKind {
    /// `protecting` or `functional`.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupKind::Protecting => "protecting",
            GroupKind::Functional => "functional",
        }
    }
}

impl Group {
    /// The group as it is bound to an sp3 carbon, and to a benzene ring.
    pub fn pieces(&self) -> (Option<Sketch>, Option<Sketch>) {
        let read = |text: &Option<String>| text.as_deref().and_then(Sketch::parse);
        (read(&self.chain), read(&self.ring))
    }

    /// Whether the group can be in one molecule with what an assembly string holds.
    pub fn goes_with(&self, reactant: &str) -> bool {
        !self.avoid.iter().any(|part| reactant.contains(part.as_str()))
    }
}

/// Reactions that run under one set of conditions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gym) struct Conditions {
    pub id: String,
    pub name: String,
    pub reactions: Vec<String>,
    /// SMILES of solvents, bases and catalysts.
    pub spectators: Vec<String>,
    /// What the conditions may take away wherever it stands.
    may_cleave: Option<Smarts>,
}

impl Conditions {
    /// Whether the molecule has something that the conditions may take away, so that it is not certain to be their product.
    pub fn may_cleave(&self, mol: &Mol) -> bool {
        self.may_cleave.as_ref().is_some_and(|pattern| pattern.is_match(mol))
    }
}

/// Groups that survive some conditions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gym) struct Rule {
    pub id: String,
    pub conditions: Vec<String>,
    pub survives: Vec<String>,
    /// Reactions of the registry that the rule decides against.
    pub over: Vec<String>,
    /// The reactions that the rule is about; all of its conditions where there are none.
    #[serde(default)]
    reactions: Vec<String>,
    /// In a molecule that has this as well as the group, the rule does not hold.
    unless: Option<Smarts>,
    pub why: String,
}

impl Rule {
    /// Whether a molecule has one of the groups of the rule together with what the rule makes an exception of.
    pub fn excepts(&self, group: &Group, mol: &Mol) -> bool {
        self.unless.as_ref().is_some_and(|unless| unless.is_match(mol) && group.smarts.is_match(mol))
    }
}

/// What happens to a centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gym) enum Outcome {
    Inversion,
    Retention,
}

impl Outcome {
    /// `inversion` or `retention`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Inversion => "inversion",
            Outcome::Retention => "retention",
        }
    }
}

/// An assembly with a configured centre at the place of reaction.
#[derive(Clone, Debug)]
pub(in crate::gym) struct Stereo {
    pub id: String,
    pub outcome: Outcome,
    pub why: String,
}

/// A way to write a reaction at levels 4 and 5.
#[derive(Clone, Debug)]
pub(in crate::gym) struct Writing {
    pub assembly: Assembly,
    pub stereo: Option<Stereo>,
    /// The mirror image, for assemblies with a configured centre.
    pub mirrored: Option<Assembly>,
}

/// Texts of a primary fragment with a stereocentre.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gym) struct Arm {
    pub right: String,
    pub left: String,
    pub inner: Vec<FragmentKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectivityFile {
    group: Vec<Group>,
    conditions: Vec<Conditions>,
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssemblyFile {
    assembly: Vec<Row>,
    stereo: Vec<Row>,
    arm: Vec<Arm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    reaction: String,
    reactants: Vec<String>,
    product: String,
    #[serde(default)]
    left: Vec<FragmentKind>,
    #[serde(default)]
    right: Vec<FragmentKind>,
    id: Option<String>,
    outcome: Option<Outcome>,
    why: Option<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(in crate::gym) struct Rules {
    groups: Vec<Group>,
    conditions: Vec<Conditions>,
    rules: Vec<Rule>,
    writings: BTreeMap<String, Vec<Writing>>,
    arms: Vec<Arm>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    // The data is part of the program and a test reads it, so a failure cannot get this far.
    Rules::load().unwrap_or_default()
});

/// The rules that come with the program.
pub(in crate::gym) fn rules() -> &'static Rules {
    &RULES
}

impl Rules {
    fn load() -> Result<Rules, toml::de::Error> {
        let SelectivityFile { group: groups, conditions, rule: rules } = toml::from_str(SELECTIVITY)?;
        let AssemblyFile { assembly, stereo, arm: arms } = toml::from_str(ASSEMBLIES)?;
        let mut writings: BTreeMap<String, Vec<Writing>> = BTreeMap::new();
        for Row { reaction, reactants, product, left, right, id, outcome, why } in assembly.into_iter().chain(stereo) {
            let assembly = Assembly { reactants, product, left, right };
            let stereo = match (id, outcome, why) {
                (Some(id), Some(outcome), Some(why)) => Some(Stereo { id, outcome, why }),
                _ => None,
            };
            let mirrored = stereo.is_some().then(|| mirror_assembly(&assembly));
            writings.entry(reaction).or_default().push(Writing { assembly, stereo, mirrored });
        }
        Ok(Rules { groups, conditions, rules, writings, arms })
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The conditions of a reaction.
    pub fn conditions(&self, reaction: &str) -> Option<&Conditions> {
        self.conditions.iter().find(|known| known.reactions.iter().any(|id| id == reaction))
    }

    /// The groups that survive a reaction, each with the rule that says so.
    pub fn survivors(&self, reaction: &str) -> Vec<(&Group, &Rule)> {
        let Some(conditions) = self.conditions(reaction) else { return Vec::new() };
        let about = |rule: &&Rule| {
            rule.conditions.contains(&conditions.id)
                && (rule.reactions.is_empty() || rule.reactions.iter().any(|id| id == reaction))
        };
        self.rules
            .iter()
            .filter(about)
            .flat_map(|rule| rule.survives.iter().filter_map(move |id| Some((self.group(id)?, rule))))
            .collect()
    }

    /// All rules, in the order of the file.
    #[cfg(test)]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The strings of a reaction beside those of the registry.
    pub fn writings(&self, reaction: &str) -> &[Writing] {
        self.writings.get(reaction).map_or(&[], Vec::as_slice)
    }

    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }
}

/// The mirror image of a text: `@` for `@@` and the other way round.
pub(in crate::gym) fn mirror(text: &str) -> String {
    text.replace("@@", "\u{1}").replace('@', "@@").replace('\u{1}', "@")
}

fn mirror_assembly(assembly: &Assembly) -> Assembly {
    Assembly {
        reactants: assembly.reactants.iter().map(|text| mirror(text)).collect(),
        product: mirror(&assembly.product),
        left: assembly.left.clone(),
        right: assembly.right.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use chemr_chem::named_reactions;

    #[test]
    fn the_data_is_sound() {
        let rules = Rules::load().unwrap();
        for group in &rules.groups {
            let pattern = &group.smarts;
            let (chain, ring) = group.pieces();
            assert!(chain.is_some() == group.chain.is_some() && ring.is_some() == group.ring.is_some());
            assert!(chain.is_some() || ring.is_some(), "{} can stand nowhere", group.id);
            for text in [
                group.chain.as_ref().map(|text| format!("CCC{text}")),
                group.ring.as_ref().map(|text| format!("c1ccccc1{text}")),
            ] {
                let Some(text) = text else { continue };
                assert_eq!(pattern.count(&Mol::parse(&text).unwrap()), 1, "{text}");
            }
        }
        let unique = |ids: Vec<&String>| ids.iter().collect::<BTreeSet<_>>().len() == ids.len();
        assert!(unique(rules.groups.iter().map(|group| &group.id).collect()));
        assert!(unique(rules.rules.iter().map(|rule| &rule.id).collect()));
        assert!(unique(rules.conditions.iter().flat_map(|known| &known.reactions).collect()));
        for rule in &rules.rules {
            assert!(!rule.why.is_empty());
            assert!(rule.survives.iter().all(|id| rules.group(id).is_some()), "{}", rule.id);
            assert!(rule.over.iter().all(|id| named_reactions().get(id).is_some()), "{}", rule.id);
            let known = |id: &String| rules.conditions.iter().any(|conditions| conditions.id == *id);
            assert!(rule.conditions.iter().all(known), "{}", rule.id);
        }
        for conditions in &rules.conditions {
            for spectator in &conditions.spectators {
                assert_eq!(Mol::parse(spectator).unwrap().canonical(), spectator, "{}", conditions.id);
            }
            for reaction in &conditions.reactions {
                assert!(named_reactions().get(reaction).is_some(), "{reaction}");
                // No group is spoken of twice.
                let survivors = rules.survivors(reaction);
                assert!(!survivors.is_empty(), "{reaction}");
                let ids: BTreeSet<&str> = survivors.iter().map(|(group, _)| group.id.as_str()).collect();
                assert_eq!(ids.len(), survivors.len(), "{reaction}");
            }
        }
    }

    /// Hydrogenation may take benzylic groups and ring chlorine away, wherever they come from.
    #[test]
    fn what_hydrogenation_may_cleave() {
        let conditions = rules().conditions("debenzylation").unwrap();
        for (smiles, may_cleave) in [
            ("CC(=O)OCc1ccccc1", true),
            ("CC(=O)OCCc1ccccc1", false),
            ("CC(C)(C)OC(=O)NC(C)c1ccccc1", true),
            ("c1ccc(C2OCCO2)cc1", true),
            ("c1ccc(CC2OCCO2)cc1", false),
            ("Clc1ccccc1", true),
            ("FC(F)(F)c1ccccc1F", false),
        ] {
            assert_eq!(conditions.may_cleave(&Mol::parse(smiles).unwrap()), may_cleave, "{smiles}");
        }
        assert!(!rules().conditions("williamson_ether").unwrap().may_cleave(&Mol::parse("Clc1ccccc1").unwrap()));
    }

    /// Each with a molecule to which the rule does not apply, and a like one to which it does.
    #[test]
    fn rules_have_exceptions() {
        for (reaction, id, excepted, kept) in [
            // A secondary bromide does not go first, and a thiol or an acid would take the chloride of its own molecule.
            ("thioether_alkylation", "alkyl_chloride", "ClCCCC(C)Br", "ClCCCCBr"),
            ("thioether_alkylation", "alkyl_chloride", "ClCCc1ccc(S)cc1", "ClCCc1ccc(OC)cc1"),
            ("carboxylate_alkylation", "alkyl_chloride", "ClCCc1ccc(C(=O)O)cc1", "ClCCc1ccc(C(=O)OC)cc1"),
            // The alcohol would close a lactone of five or six members.
            ("ketone_reduction", "methyl_ester", "CC(=O)CCC(=O)OC", "CC(=O)CCCCC(=O)OC"),
            ("ketone_reduction", "tert_butyl_ester", "CC(=O)CCCC(=O)OC(C)(C)C", "CC(=O)CCCCC(=O)OC(C)(C)C"),
            ("aldehyde_reduction", "carboxylic_acid", "O=CCCC(=O)O", "O=Cc1ccc(C(=O)O)cc1"),
            ("aldehyde_reduction", "methyl_ester", "O=Cc1ccccc1C(=O)OC", "O=Cc1cccc(C(=O)OC)c1"),
            ("aldehyde_reduction", "methyl_ester", "O=Cc1ccccc1CC(=O)OC", "O=Cc1ccc(CC(=O)OC)cc1"),
            // The amine would close a lactam, on the chain of the carbonyl compound or on its own.
            ("reductive_amination", "methyl_ester", "CC(=O)CCC(=O)OC", "COC(=O)c1ccc(C=O)cc1"),
            ("reductive_amination", "methyl_ester", "NCCCC(=O)OC", "NCCCCCC(=O)OC"),
            ("reductive_amination", "methyl_ester", "NCCCCC(=O)OC", "Nc1cccc(C(=O)OC)c1"),
            ("reductive_amination", "methyl_ester", "Nc1ccccc1CC(=O)OC", "Nc1ccc(CC(=O)OC)cc1"),
            // So would the aniline, and an indole on a ketone.
            ("nitro_reduction", "methyl_ester", "O=[N+]([O-])c1ccccc1CC(=O)OC", "O=[N+]([O-])c1ccc(CC(=O)OC)cc1"),
            ("nitro_reduction", "methyl_ester", "O=[N+]([O-])c1ccccc1CCC(=O)OC", "O=[N+]([O-])c1ccccc1CCCC(=O)OC"),
            ("nitro_reduction", "ketone", "O=[N+]([O-])c1ccccc1CC(C)=O", "O=[N+]([O-])c1cccc(C(C)=O)c1"),
        ] {
            let survivors = rules().survivors(reaction);
            let (group, rule) = survivors.iter().find(|(group, _)| group.id == id).unwrap();
            for (smiles, is_excepted) in [(excepted, true), (kept, false)] {
                let mol = Mol::parse(smiles).unwrap();
                assert!(group.smarts.is_match(&mol), "{smiles}");
                assert_eq!(rule.excepts(group, &mol), is_excepted, "{reaction} {smiles}");
            }
        }
    }

    /// A chloride is no bystander of an amine, which would take it once the bromide is gone.
    #[test]
    fn an_amine_takes_bromide_and_chloride() {
        let survives = |reaction| rules().survivors(reaction).iter().any(|(group, _)| group.id == "alkyl_chloride");
        assert!(survives("azide_substitution") && !survives("n_alkylation"));
    }

    #[test]
    fn mirrors() {
        assert_eq!(mirror("C[C@H](N)[C@@H](C)O"), "C[C@@H](N)[C@H](C)O");
        assert_eq!(mirror("CCO"), "CCO");
    }
}
