//! The yield rule: a synthetic yes/no property of a substitution with an explicit rule.
//!
//! It is no measured quantity and stands for none. It exists so that a question about yields can be generated without limit and every step of
//! the reasoning about it can be checked. The task `yield.rule` says what the rule is.

use std::sync::LazyLock;

use chemr_chem::{Mol, Pattern, ReactionSmiles, Role};

/// Points from which a yield counts as high.
pub const HIGH: i32 = 4;

/// The carbon that bears the leaving group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CarbonClass {
    /// CH3.
    Methyl,
    /// CH2 beside an aromatic ring or a double bond.
    Activated,
    /// Other CH2.
    Primary,
    /// CH.
    Secondary,
    /// C.
    Tertiary,
}

/// What leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeavingClass {
    /// Iodide.
    Iodide,
    /// Mesylate, tosylate, triflate.
    Sulfonate,
    /// Bromide.
    Bromide,
    /// Chloride.
    Chloride,
}

/// The strongest base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaseClass {
    /// Hydride, hydroxide, alkoxide, amide anion.
    Strong,
    /// Carbonate, phosphate.
    Medium,
    /// Amine, carboxylate, or none.
    Weak,
}

impl CarbonClass {
    /// Name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            CarbonClass::Methyl => "methyl",
            CarbonClass::Activated => "activated",
            CarbonClass::Primary => "primary",
            CarbonClass::Secondary => "secondary",
            CarbonClass::Tertiary => "tertiary",
        }
    }

    /// Points.
    pub fn points(self) -> i32 {
        match self {
            CarbonClass::Methyl | CarbonClass::Activated => 3,
            CarbonClass::Primary => 2,
            CarbonClass::Secondary => 1,
            CarbonClass::Tertiary => 0,
        }
    }
}

impl LeavingClass {
    /// Name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            LeavingClass::Iodide => "iodide",
            LeavingClass::Sulfonate => "sulfonate",
            LeavingClass::Bromide => "bromide",
            LeavingClass::Chloride => "chloride",
        }
    }

    /// Points.
    pub fn points(self) -> i32 {
        match self {
            LeavingClass::Iodide | LeavingClass::Sulfonate => 2,
            LeavingClass::Bromide => 1,
            LeavingClass::Chloride => 0,
        }
    }
}

impl BaseClass {
    /// Name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            BaseClass::Strong => "strong",
            BaseClass::Medium => "medium",
            BaseClass::Weak => "weak",
        }
    }

    /// Points.
    pub fn points(self) -> i32 {
        match self {
            BaseClass::Strong => 2,
            BaseClass::Medium => 1,
            BaseClass::Weak => 0,
        }
    }
}

/// What the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YieldCounts {
    pub carbon: CarbonClass,
    pub leaving: LeavingClass,
    pub base: BaseClass,
    /// Electron-withdrawing groups on aromatic rings of the nucleophile.
    pub withdrawing: usize,
}

impl YieldCounts {
    /// The sum.
    pub fn points(&self) -> i32 {
        let withdrawing = i32::try_from(self.withdrawing).unwrap_or(i32::MAX);
        (self.carbon.points() + self.leaving.points() + self.base.points()).saturating_sub(withdrawing)
    }

    /// Whether the yield is high under the rule.
    pub fn is_high(&self) -> bool {
        self.points() >= HIGH
    }

    /// `Yes` or `No`, as references spell it.
    pub fn label(&self) -> &'static str {
        if self.is_high() { "Yes" } else { "No" }
    }
}

macro_rules! leaving {
    ($before:literal, $after:literal) => {
        concat!($before, "[Cl,Br,I,$([OX2]S(=O)(=O)[#6])]", $after)
    };
}

/// SMARTS of electrophiles by the carbon, of leaving groups, of bases, and of withdrawing groups; the first that fits counts. The
/// independent check has its own copy.
const CARBONS: [(CarbonClass, &str); 5] = [
    (CarbonClass::Methyl, leaving!("[CX4;H3]", "")),
    (CarbonClass::Activated, leaving!("[CX4;H2;$(Cc),$(C[CX3]=[CX3])]", "")),
    (CarbonClass::Primary, leaving!("[CX4;H2]", "")),
    (CarbonClass::Secondary, leaving!("[CX4;H1]", "")),
    (CarbonClass::Tertiary, leaving!("[CX4;H0]", "")),
];
const LEAVING: [(LeavingClass, &str); 4] = [
    (LeavingClass::Iodide, "[CX4]I"),
    (LeavingClass::Sulfonate, "[CX4][OX2]S(=O)(=O)[#6]"),
    (LeavingClass::Bromide, "[CX4]Br"),
    (LeavingClass::Chloride, "[CX4]Cl"),
];
const BASES: [(BaseClass, &str); 2] = [
    (BaseClass::Strong, "[#1-,$([OX1-;H1]),$([OX1-][CX4]),$([NX2-])]"),
    (BaseClass::Medium, "[OX1-;$(OC(=O)[O-]),$(OP(=O)[O-])]"),
];
const WITHDRAWING: &str = "[c;$(c[N+](=O)[O-]),$(cC#N),$(cC(F)(F)F),$(c[CX3]=[OX1]),$(cS(=O)=O)]";

type Compiled<T> = Vec<(T, Pattern)>;

struct Patterns {
    carbons: Compiled<CarbonClass>,
    leaving: Compiled<LeavingClass>,
    bases: Compiled<BaseClass>,
    withdrawing: Option<Pattern>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // The patterns are constants and a test compiles them, so none is lost.
    fn all<T: Copy>(list: &[(T, &str)]) -> Compiled<T> {
        list.iter().filter_map(|(class, smarts)| Some((*class, Pattern::compile(smarts).ok()?))).collect()
    }
    Patterns {
        carbons: all(&CARBONS),
        leaving: all(&LEAVING),
        bases: all(&BASES),
        withdrawing: Pattern::compile(WITHDRAWING).ok(),
    }
});

fn first<T: Copy>(list: &[(T, Pattern)], mol: &Mol) -> Option<T> {
    list.iter().find(|(_, pattern)| pattern.is_match(mol)).map(|(class, _)| *class)
}

/// Counts for molecules that were read; `None` unless just one reactant is an electrophile and there is another.
pub fn count(reactants: &[Mol], agents: &[Mol]) -> Option<YieldCounts> {
    let patterns = &*PATTERNS;
    let mut electrophile = None;
    let mut withdrawing = 0;
    let mut nucleophiles = 0;
    for mol in reactants {
        match first(&patterns.carbons, mol) {
            Some(carbon) if electrophile.is_none() => electrophile = Some((carbon, first(&patterns.leaving, mol)?)),
            Some(_) => return None,
            None => {
                nucleophiles += 1;
                withdrawing += patterns.withdrawing.as_ref().map_or(0, |pattern| pattern.count(mol));
            }
        }
    }
    let (carbon, leaving) = electrophile.filter(|_| nucleophiles > 0)?;
    let base = agents.iter().filter_map(|mol| first(&patterns.bases, mol)).min().unwrap_or(BaseClass::Weak);
    Some(YieldCounts { carbon, leaving, base, withdrawing })
}

/// Counts for a reaction SMILES; `None` for what cannot be read or is no such substitution.
pub fn count_reaction(reaction: &str) -> Option<YieldCounts> {
    let reaction = ReactionSmiles::parse(reaction).ok()?;
    count(&reaction.molecules(Role::Reactant).ok()?, &reaction.molecules(Role::Agent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile() {
        let patterns = &*PATTERNS;
        assert_eq!(patterns.carbons.len(), CARBONS.len());
        assert_eq!(patterns.leaving.len(), LEAVING.len());
        assert_eq!(patterns.bases.len(), BASES.len());
        assert!(patterns.withdrawing.is_some());
    }

    #[test]
    fn rule_on_known_reactions() {
        use {BaseClass::*, CarbonClass::*, LeavingClass::*};
        for (reaction, carbon, leaving, base, withdrawing, label) in [
            ("CI.Oc1ccccc1>[H-].[Na+]>COc1ccccc1", Methyl, Iodide, Strong, 0, "Yes"),
            ("CCBr.Oc1ccccc1>O=C([O-])[O-].[K+].[K+]>CCOc1ccccc1", Primary, Bromide, Medium, 0, "Yes"),
            ("CCCl.Oc1ccccc1>CCN(CC)CC>CCOc1ccccc1", Primary, Chloride, Weak, 0, "No"),
            ("Oc1ccc([N+](=O)[O-])cc1.ClCc1ccccc1>CC(C)(C)[O-].[K+]>x", Activated, Chloride, Strong, 1, "Yes"),
            (
                "CC(C)OS(C)(=O)=O.N#Cc1cc(O)cc(C(F)(F)F)c1>O=C([O-])[O-].[Cs+].[Cs+].CN(C)C=O>",
                Secondary,
                Sulfonate,
                Medium,
                2,
                "No",
            ),
        ] {
            let reaction = reaction.replace(">x", ">");
            let counts = count_reaction(&reaction).unwrap_or_else(|| panic!("{reaction}"));
            assert_eq!(counts, YieldCounts { carbon, leaving, base, withdrawing }, "{reaction}");
            assert_eq!(counts.label(), label, "{reaction}");
        }
        for reaction in ["CCO.CO>>", "CBr>>", "CBr.CCI.Oc1ccccc1>>", "not a reaction", "CBr.O"] {
            assert!(count_reaction(reaction).is_none(), "{reaction}");
        }
    }
}
