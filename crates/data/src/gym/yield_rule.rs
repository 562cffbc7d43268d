//! The synthetic yield rule of `chemr_tasks::yield_rule`, asked half of the time about a reaction with a high yield.

use std::sync::LazyLock;

use chemr_chem::{FragmentKind, Mol};
use chemr_tasks::Example;
use chemr_tasks::yield_rule::{BaseClass, CarbonClass, HIGH, LeavingClass, YieldCounts, count};

use super::fragment::{Fragment, smallest};
use super::reaction::remembered;
use super::selective;
use super::{ATTEMPTS, Draw, finish, list, molecule};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::Sketch;

/// Electron-withdrawing groups on an aromatic ring, with a name.
const WITHDRAWING: [(&str, &str); 5] = [
    ("nitro", "[N+](=O)[O-]"),
    ("cyano", "C#N"),
    ("trifluoromethyl", "C(F)(F)F"),
    ("acetyl", "C(C)=O"),
    ("methylsulfonyl", "S(C)(=O)=O"),
];

const BASES: [(BaseClass, &[&str]); 3] = [
    (BaseClass::Strong, &["[H-].[Na+]", "CC(C)(C)[O-].[K+]", "[Na+].[OH-]", "CC(C)[N-]C(C)C.[Li+]"]),
    (
        BaseClass::Medium,
        &["O=C([O-])[O-].[K+].[K+]", "O=C([O-])[O-].[Cs+].[Cs+]", "O=P([O-])([O-])[O-].[K+].[K+].[K+]"],
    ),
    (BaseClass::Weak, &["CCN(CC)CC", "c1ccncc1", "CCN(C(C)C)C(C)C"]),
];

const SOLVENTS: [&str; 5] = ["CN(C)C=O", "CC#N", "C1CCOC1", "CS(C)=O", "CC(C)=O"];

/// Leaving groups as text behind the carbon.
const LEAVING: [(LeavingClass, &[&str]); 4] = [
    (LeavingClass::Iodide, &["I"]),
    (LeavingClass::Sulfonate, &["OS(C)(=O)=O", "OS(=O)(=O)c9ccc(C)cc9"]),
    (LeavingClass::Bromide, &["Br"]),
    (LeavingClass::Chloride, &["Cl"]),
];

/// A nucleophile, `{R}` a drawn aryl group.
struct Nucleophile {
    text: &'static str,
    /// A withdrawing group that it always has on the aryl group.
    withdrawing: Option<&'static str>,
    /// Lowest level.
    level: u8,
}

impl Nucleophile {
    /// Whether a drawn aryl group belongs to it.
    fn has_aryl(&self) -> bool {
        self.text.contains("{R}")
    }

    /// What becomes of it behind the carbon.
    fn product(&self) -> String {
        self.text.replace("[nH]", "n")
    }
}

const NUCLEOPHILES: [Nucleophile; 6] = [
    Nucleophile { text: "O{R}", withdrawing: None, level: 1 },
    Nucleophile { text: "S{R}", withdrawing: None, level: 2 },
    Nucleophile { text: "OC(=O){R}", withdrawing: Some("carboxyl"), level: 3 },
    Nucleophile { text: "N9CCOCC9", withdrawing: None, level: 3 },
    Nucleophile { text: "N9CCCCC9", withdrawing: None, level: 3 },
    Nucleophile { text: "[nH]9ccnc9", withdrawing: None, level: 3 },
];

/// The facts of the rule, drawn before the molecules.
struct Facts {
    carbon: CarbonClass,
    leaving: (LeavingClass, &'static str),
    base: (BaseClass, &'static str),
    /// Name and text of the withdrawing groups that are put on the aryl group.
    withdrawing: Vec<(&'static str, &'static str)>,
    nucleophile: &'static Nucleophile,
}

impl Facts {
    fn draw(rng: &mut Rng, level: u8) -> Option<Facts> {
        let carbons = [CarbonClass::Methyl, CarbonClass::Activated, CarbonClass::Primary, CarbonClass::Secondary];
        // There is only one methyl group, so it comes less often.
        let carbon = *carbons.get(rng.weighted(&[1, 3, 4, 4]))?;
        let (class, texts) = rng.pick(if level >= 2 { &LEAVING } else { &[LEAVING[0], LEAVING[2], LEAVING[3]] })?;
        let leaving = (*class, *rng.pick(texts)?);
        let (class, texts) = rng.pick(&BASES)?;
        let base = (*class, *rng.pick(texts)?);
        let known: Vec<&'static Nucleophile> = NUCLEOPHILES.iter().filter(|known| known.level <= level).collect();
        let nucleophile = *rng.pick(&known)?;
        let mut withdrawing = WITHDRAWING.to_vec();
        rng.shuffle(&mut withdrawing);
        let most = match level {
            0 | 1 => 1,
            2..=4 => 2,
            _ => 3,
        };
        withdrawing.truncate(if nucleophile.has_aryl() { rng.range(0, most) } else { 0 });
        Some(Facts { carbon, leaving, base, withdrawing, nucleophile })
    }

    fn counts(&self) -> YieldCounts {
        let withdrawing = self.withdrawing_names().count();
        YieldCounts { carbon: self.carbon, leaving: self.leaving.0, base: self.base.0, withdrawing }
    }

    fn withdrawing_names(&self) -> impl Iterator<Item = &'static str> {
        self.nucleophile.withdrawing.into_iter().chain(self.withdrawing.iter().map(|(name, _)| *name))
    }

    fn kind(&self) -> FragmentKind {
        match self.carbon {
            CarbonClass::Methyl => FragmentKind::Methyl,
            CarbonClass::Activated => FragmentKind::Benzyl,
            CarbonClass::Primary => FragmentKind::Primary,
            CarbonClass::Secondary | CarbonClass::Tertiary => FragmentKind::Secondary,
        }
    }
}

/// Most heavy atoms of the electrophile's fragment; the distractors of levels 4 and 5 come on top.
fn room(level: u8) -> usize {
    match level {
        0 | 1 => 9,
        2 => 10,
        3 => 11,
        _ => 10,
    }
}

pub(super) fn example(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    // The label is drawn first and kept through all attempts: that is what balances the stream.
    let high = draw.rng.chance(1, 2);
    for _ in 0..ATTEMPTS {
        let Some(facts) = Facts::draw(draw.rng, draw.level) else { continue };
        if facts.counts().is_high() != high {
            continue;
        }
        if let Some(example) = attempt(&mut draw, &facts)? {
            return Ok(Some(example));
        }
    }
    Ok(None)
}

fn attempt(draw: &mut Draw<'_>, facts: &Facts) -> Result<Option<Example>, DataError> {
    let level = draw.level;
    let Some(mut left) = Fragment::plain(draw.rng, facts.kind(), room(level)) else { return Ok(None) };
    let mut right = None;
    if facts.nucleophile.has_aryl() {
        let size = draw.rng.range(smallest(FragmentKind::Aryl), smallest(FragmentKind::Aryl) + 2);
        right = Fragment::plain(draw.rng, FragmentKind::Aryl, size);
        let Some(aryl) = &mut right else { return Ok(None) };
        let skeleton = aryl.heavy_atoms();
        for (_, text) in &facts.withdrawing {
            if !aryl.bind(draw.rng, None, Sketch::parse(text).as_ref(), skeleton) {
                return Ok(None);
            }
        }
    }
    let mut distractors = Vec::new();
    if level >= 4 {
        let skeleton = left.heavy_atoms();
        for _ in 0..usize::from(level - 3) {
            let Some((name, chain, ring)) = draw.rng.pick(&BYSTANDERS) else { return Ok(None) };
            if distractors.contains(name) || !left.bind(draw.rng, chain.as_ref(), ring.as_ref(), skeleton) {
                return Ok(None);
            }
            distractors.push(*name);
        }
    }
    let left = left.left(draw.rng, level);
    let right = right.map_or(String::new(), |aryl| aryl.right(draw.rng, level));
    let nucleophile = facts.nucleophile.text.replace("{R}", &right);
    let electrophile = format!("{left}{}", facts.leaving.1);
    let aligned_product = format!("{left}{}", facts.nucleophile.product().replace("{R}", &right));
    let product = molecule("product of the yield rule", &aligned_product)?;
    if !draw.wants(product.canonical()) {
        return Ok(None);
    }
    let reactants = [remembered("electrophile", &electrophile)?, remembered("nucleophile", &nucleophile)?];
    let mut agents = vec![facts.base.1];
    if level >= 3 {
        agents.extend(draw.rng.pick(&SOLVENTS));
    }
    if level >= 5 {
        draw.rng.shuffle(&mut agents);
    }
    let agent_molecules =
        agents.iter().map(|text| remembered("agent", text)).collect::<Result<Vec<Mol>, DataError>>()?;
    // The molecules decide, not the plan: a drawn decoration may be withdrawing too.
    let Some(counts) = count(&reactants, &agent_molecules).filter(|counts| *counts == facts.counts()) else {
        return Ok(None);
    };
    let mut texts: Vec<&str> =
        if level >= 3 { reactants.iter().map(Mol::canonical).collect() } else { vec![&electrophile, &nucleophile] };
    if level >= 2 {
        draw.rng.shuffle(&mut texts);
    }
    let shown = if level >= 3 { product.canonical() } else { &aligned_product };
    let reaction = format!("{}>{}>{shown}", texts.join("."), agents.join("."));
    let meta = [
        ("key", product.canonical().to_string()),
        ("electrophile", reactants[0].canonical().to_string()),
        ("nucleophile", reactants[1].canonical().to_string()),
        ("carbon", counts.carbon.as_str().to_string()),
        ("carbon_points", counts.carbon.points().to_string()),
        ("leaving", counts.leaving.as_str().to_string()),
        ("leaving_points", counts.leaving.points().to_string()),
        ("base", counts.base.as_str().to_string()),
        ("base_points", counts.base.points().to_string()),
        ("withdrawing", counts.withdrawing.to_string()),
        ("withdrawing_groups", list(facts.withdrawing_names())),
        ("points", counts.points().to_string()),
        ("high_from", HIGH.to_string()),
        ("distractors", distractors.join(";")),
    ];
    Ok(Some(finish("yield.rule", draw, ("reaction", reaction), counts.label().to_string(), meta)))
}

type Bystander = (&'static str, Option<Sketch>, Option<Sketch>);

/// Groups that survive the alkylation with a strong base, and so all others here.
static BYSTANDERS: LazyLock<Vec<Bystander>> = LazyLock::new(|| {
    selective::survivors("williamson_ether")
        .into_iter()
        .map(|group| {
            let (chain, ring) = group.pieces();
            (group.id.as_str(), chain, ring)
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_balance_and_bases_are_what_they_say() {
        for (class, texts) in BASES {
            for text in texts {
                let reaction = format!("CBr.Oc1ccccc1>{text}>");
                assert_eq!(chemr_tasks::yield_rule::count_reaction(&reaction).unwrap().base, class, "{text}");
            }
        }
        for level in 1..=5u8 {
            let mut rng = Rng::new(u64::from(level));
            let high = (0..400).filter(|_| Facts::draw(&mut rng, level).unwrap().counts().is_high()).count();
            // Both labels come often enough that drawing until one fits is cheap.
            assert!((80..320).contains(&high), "level {level}: {high}");
        }
        assert!(BYSTANDERS.len() >= 5);
    }
}
