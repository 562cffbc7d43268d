//! Other names and broad words of model text, as registry ids.
//!
//! Besides the ids of the functional-group registry there are, for words that models use like groups: `element:Cl` (atoms
//! of an element), `smarts:…` (matches of a pattern) and `aromatic_ring`, `heteroaromatic_ring`, `benzene_rings` (rings,
//! fused ones included).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chemr_chem::{Mol, Pattern};

/// How often something is in a molecule.
pub(crate) enum Counted {
    Exactly(usize),
    Unknown,
}

/// Whether an id is none of the registry's.
pub(crate) fn is_special(id: &str) -> bool {
    id.contains(':') || matches!(id, "aromatic_ring" | "heteroaromatic_ring" | "benzene_rings")
}

/// Whether a number of these ids means something: one id, or atoms of several elements. Broad words over several groups
/// overlap, so that they can be present or absent but not counted.
pub(crate) fn is_countable(ids: &[&str]) -> bool {
    ids.len() == 1 || ids.iter().all(|id| id.starts_with("element:"))
}

/// Counts a special id.
pub(crate) fn count(id: &'static str, mol: &Mol) -> Counted {
    if let Some(symbol) = id.strip_prefix("element:") {
        return Counted::Exactly(mol.element_counts().get(symbol).copied().unwrap_or(0));
    }
    if let Some(smarts) = id.strip_prefix("smarts:") {
        return pattern(smarts).map_or(Counted::Unknown, |pattern| Counted::Exactly(pattern.count(mol)));
    }
    match id {
        "aromatic_ring" => Counted::Exactly(mol.aromatic_rings()),
        "heteroaromatic_ring" => Counted::Exactly(aromatic_rings(mol, |elements| elements.iter().any(|e| *e != "C"))),
        "benzene_rings" => Counted::Exactly(benzene_rings(mol)),
        _ => Counted::Unknown,
    }
}

/// Six-membered aromatic rings of carbon, those of fused systems included.
pub(crate) fn benzene_rings(mol: &Mol) -> usize {
    aromatic_rings(mol, |elements| elements.len() == 6 && elements.iter().all(|element| *element == "C"))
}

/// Rings whose bonds are all aromatic and whose elements fit.
fn aromatic_rings(mol: &Mol, fits: impl Fn(&[&str]) -> bool) -> usize {
    let atoms = mol.atoms();
    let rings = mol.ring_atoms();
    let aromatic = rings.iter().filter(|ring| {
        let elements: Vec<&str> = ring
            .iter()
            .filter_map(|index| atoms.get(*index))
            .filter(|a| a.aromatic)
            .map(|a| a.element.as_str())
            .collect();
        elements.len() == ring.len() && fits(&elements)
    });
    aromatic.count()
}

/// Compiled patterns of the table below.
fn pattern(smarts: &'static str) -> Option<&'static Pattern> {
    static COMPILED: OnceLock<BTreeMap<&'static str, Option<Pattern>>> = OnceLock::new();
    let all = COMPILED.get_or_init(|| {
        let ids = GROUP_SYNONYMS.iter().flat_map(|(_, ids)| ids.iter());
        ids.filter_map(|id| id.strip_prefix("smarts:")).map(|text| (text, Pattern::compile(text).ok())).collect()
    });
    all.get(smarts)?.as_ref()
}

/// Words for functional groups. Several ids: one of them makes the statement true; only atoms of several elements can be
/// counted, see [`is_countable`].
pub(super) const GROUP_SYNONYMS: &[(&str, &[&str])] = &[
    ("carbonyl", CARBONYL),
    ("carbonyl group", CARBONYL),
    ("amine", AMINE),
    ("amino", AMINE),
    ("hydroxyl", HYDROXYL),
    ("hydroxyl group", HYDROXYL),
    ("hydroxy", HYDROXYL),
    ("carboxylic acid group", &["carboxylic_acid"]),
    ("carboxy", &["carboxylic_acid"]),
    ("primary amide", &["smarts:[CX3;$(C[#6]),$([CH1])](=[OX1])[NX3H2]"]),
    ("secondary amide", &["smarts:[CX3;$(C[#6]),$([CH1])](=[OX1])[NX3H1;!$(N(C=O)C=O);$(N([#6])[#6])]"]),
    ("tertiary amide", &["smarts:[CX3;$(C[#6]),$([CH1])](=[OX1])[NX3H0;!$(N(C=O)C=O);$(N([#6])([#6])[#6])]"]),
    ("aniline", &["smarts:[NX3;$(N-c1ccccc1);!$(N~[!#6;!#1]);!$(N[CX3]=[!#6]);!$(NC#N)]"]),
    ("methoxy", &["smarts:[CX4H3][OX2H0]"]),
    ("ethoxy", &["smarts:[CX4H3][CX4H2][OX2H0]"]),
    ("alkoxy", &["smarts:[OX2H0;$(O[CX4])]"]),
    ("aryl ether", &["smarts:[OX2;$(O(c)[#6;!$(C=[O,S,N])])]"]),
    ("isonitrile", &["isocyanide"]),
    ("mercapto", &["thiol"]),
    ("sulfhydryl", &["thiol"]),
    ("phosphoric ester", &["phosphate"]),
    ("carbon-carbon double bond", &["smarts:[#6X3,#6X2]=[#6X3,#6X2]"]),
    ("carbon-carbon triple bond", &["alkyne"]),
    ("boronate ester", &["boronic_ester"]),
    ("halogen", HALOGEN),
    ("halide", HALOGEN),
    ("fluorine", &["element:F"]),
    ("fluoro", &["element:F"]),
    ("fluoride", &["element:F"]),
    ("chlorine", &["element:Cl"]),
    ("chloro", &["element:Cl"]),
    ("chloride", &["element:Cl"]),
    ("bromine", &["element:Br"]),
    ("bromo", &["element:Br"]),
    ("bromide", &["element:Br"]),
    ("iodine", &["element:I"]),
    ("iodo", &["element:I"]),
    ("iodide", &["element:I"]),
    ("sulfur", &["element:S"]),
    ("phosphorus", &["element:P"]),
    ("aromatic ring", &["aromatic_ring"]),
    ("heteroaromatic ring", &["heteroaromatic_ring"]),
    ("phenyl ring", PHENYL),
    ("phenyl group", PHENYL),
    ("benzene", PHENYL),
    ("phenyl", PHENYL),
];

/// Every carbon-oxygen double bond, so that an imide has two.
const CARBONYL: &[&str] = &["smarts:[#6X3,#6X2]=[OX1]"];
const AMINE: &[&str] =
    &["primary_amine", "secondary_amine", "tertiary_amine", "aromatic_amine", "enamine", "ammonium", "hydrazine"];
const HYDROXYL: &[&str] = &["alcohol", "phenol", "enol", "hemiacetal", "carboxylic_acid", "hydroxamic_acid", "oxime"];
const HALOGEN: &[&str] = &["element:F", "element:Cl", "element:Br", "element:I"];
const PHENYL: &[&str] = &["benzene_rings"];

/// Words for reaction types.
pub(super) const REACTION_SYNONYMS: &[(&str, &[&str])] = &[
    ("esterification", &["fischer_esterification", "acyl_chloride_esterification"]),
    ("esterification reaction", &["fischer_esterification", "acyl_chloride_esterification"]),
    ("amidation", &["amide_coupling", "acyl_chloride_amidation"]),
    ("amide bond formation", &["amide_coupling", "acyl_chloride_amidation"]),
    ("amide formation", &["amide_coupling", "acyl_chloride_amidation"]),
    ("peptide coupling", &["amide_coupling"]),
    ("Williamson ether formation", &["williamson_ether"]),
    ("Mitsunobu reaction", &["mitsunobu_ether"]),
    ("N-alkylation", &["n_alkylation"]),
    ("Suzuki-Miyaura coupling", &["suzuki_coupling"]),
    ("Suzuki reaction", &["suzuki_coupling"]),
    ("Suzuki cross-coupling", &["suzuki_coupling"]),
    ("Heck coupling", &["heck_reaction"]),
    ("Buchwald-Hartwig coupling", &["buchwald_hartwig"]),
    ("Grignard reaction", &["grignard_ketone", "grignard_aldehyde"]),
    ("Grignard addition", &["grignard_ketone", "grignard_aldehyde"]),
    ("Wittig reaction", &["wittig_methylenation", "wittig_ester"]),
    ("aldol condensation", &["claisen_schmidt"]),
    ("click reaction", &["click_triazole"]),
    ("Diels-Alder cycloaddition", &["diels_alder"]),
    ("hydrolysis", &["ester_hydrolysis", "nitrile_hydrolysis", "nitrile_hydration"]),
    ("saponification", &["ester_hydrolysis"]),
    ("Staudinger reaction", &["azide_reduction"]),
    ("hydrogenation", &["alkene_hydrogenation", "nitro_reduction", "debenzylation", "nitrile_reduction"]),
    ("epoxidation", &["alkene_epoxidation"]),
];
