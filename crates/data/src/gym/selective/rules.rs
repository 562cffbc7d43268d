//! The selectivity rules: `data/selectivity.toml` and `data/assemblies.toml`, whose heads say what the fields mean.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_chem::{Assembly, ChemError, FragmentKind, Mol, Pattern};
use serde::Deserialize;

use crate::sketch::Sketch;

const SELECTIVITY: &str = include_str!("../../../data/selectivity.toml");
const ASSEMBLIES: &str = include_str!("../../../data/assemblies.toml");

/// A pattern of a data file, compiled as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::gym) struct Smarts(pub Pattern);

impl TryFrom<String> for Smarts {
    type Error = ChemError;

    fn try_from(text: String) -> Result<Smarts, ChemError> {
        Pattern::compile(&text).map(Smarts)
    }
}

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
    /// SMILES of reagents without which the reactants mean nothing and which the registry leaves out, or empty.
    #[serde(default)]
    pub reagent_smiles: String,
    /// What the conditions take away wherever it stands.
    cleaves: Option<Smarts>,
}

impl Conditions {
    /// Whether the molecule has something that the conditions take away, and so is no product of theirs.
    pub fn cleave(&self, mol: &Mol) -> bool {
        self.cleaves.as_ref().is_some_and(|Smarts(pattern)| pattern.is_match(mol))
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
    pub unless: Option<Smarts>,
    pub why: String,
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
            let pattern = &group.smarts.0;
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
            let reagents = conditions.reagent_smiles.split('.').filter(|text| !text.is_empty());
            for spectator in conditions.spectators.iter().map(String::as_str).chain(reagents) {
                assert_eq!(Mol::parse(spectator).unwrap().canonical(), spectator, "{}", conditions.id);
            }
            for reaction in &conditions.reactions {
                let known = named_reactions().get(reaction).unwrap_or_else(|| panic!("{reaction}"));
                assert!(known.reagent_smiles.is_empty() || conditions.reagent_smiles.is_empty(), "{reaction}");
                // No group is spoken of twice.
                let survivors = rules.survivors(reaction);
                assert!(!survivors.is_empty(), "{reaction}");
                let ids: BTreeSet<&str> = survivors.iter().map(|(group, _)| group.id.as_str()).collect();
                assert_eq!(ids.len(), survivors.len(), "{reaction}");
            }
        }
    }

    /// Hydrogenation takes benzylic groups and ring chlorine away, wherever they come from.
    #[test]
    fn what_hydrogenation_cleaves() {
        let conditions = rules().conditions("debenzylation").unwrap();
        for (smiles, cleaved) in [
            ("CC(=O)OCc1ccccc1", true),
            ("CC(=O)OCCc1ccccc1", false),
            ("CC(C)(C)OC(=O)NC(C)c1ccccc1", true),
            ("c1ccc(C2OCCO2)cc1", true),
            ("c1ccc(CC2OCCO2)cc1", false),
            ("Clc1ccccc1", true),
            ("FC(F)(F)c1ccccc1F", false),
        ] {
            assert_eq!(conditions.cleave(&Mol::parse(smiles).unwrap()), cleaved, "{smiles}");
        }
        assert!(!rules().conditions("williamson_ether").unwrap().cleave(&Mol::parse("Clc1ccccc1").unwrap()));
    }

    /// Bromide goes before chloride, but a secondary bromide does not, and a thiol or an acid would take the chloride of its own molecule.
    #[test]
    fn where_bromide_does_not_go_first() {
        let survivors = rules().survivors("thioether_alkylation");
        let (group, rule) = survivors.iter().find(|(group, _)| group.id == "alkyl_chloride").unwrap();
        for (smiles, excepted) in [
            ("ClCCCCBr", false),
            ("ClCCCC(C)Br", true),
            ("ClCCc1ccc(S)cc1", true),
            ("ClCCc1ccc(C(=O)O)cc1", true),
            ("ClCCc1ccc(C(=O)OC)cc1", false),
        ] {
            let mol = Mol::parse(smiles).unwrap();
            assert!(group.smarts.0.is_match(&mol), "{smiles}");
            assert_eq!(rule.unless.as_ref().unwrap().0.is_match(&mol), excepted, "{smiles}");
        }
    }

    #[test]
    fn mirrors() {
        assert_eq!(mirror("C[C@H](N)[C@@H](C)O"), "C[C@@H](N)[C@H](C)O");
        assert_eq!(mirror("CCO"), "CCO");
    }
}
