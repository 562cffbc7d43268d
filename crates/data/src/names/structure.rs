//! The structure of a [`Name`]: SMILES position by position, and the checks that make it a sound molecule whose parent
//! is the one the rules choose.

use super::{Locant, Name, Shape, Skeleton, Substituent, Suffix, Unsaturation};

impl Name {
    /// SMILES text of each parent position, from position 1. Their concatenation is [`Name::smiles`].
    ///
    /// A position is its atom, a ring digit on the first and last position of a ring, then each group in parentheses:
    /// the suffix first, then the prefixes in the order of citation. The very last group needs no parentheses.
    pub fn positions(&self) -> Vec<String> {
        let length = self.parent.length;
        let cyclic = self.parent.is_cyclic();
        (1..=length)
            .map(|position| {
                let mut text = String::new();
                if let Some((first, kind)) = self.unsaturation
                    && position == first + 1
                {
                    text.push(if kind == Unsaturation::Double { '=' } else { '#' });
                }
                text.push_str(match self.parent.skeleton {
                    Skeleton::Chain | Skeleton::Ring => "C",
                    Skeleton::Pyridine if position == 1 => "n",
                    Skeleton::Benzene | Skeleton::Pyridine => "c",
                });
                if cyclic && (position == 1 || position == length) {
                    text.push('1');
                }
                let branches = self.branches(position);
                for (place, branch) in branches.iter().enumerate() {
                    if position == length && place + 1 == branches.len() {
                        text.push_str(branch);
                    } else {
                        text.push_str(&format!("({branch})"));
                    }
                }
                text
            })
            .collect()
    }

    /// SMILES along the parent from position 1.
    pub fn smiles(&self) -> String {
        self.positions().concat()
    }

    /// Texts of the groups on one position, bond signs included.
    fn branches(&self, position: u8) -> Vec<String> {
        let mut branches = Vec::new();
        if self.suffix_locants.contains(&position) {
            branches.extend(self.suffix_branches());
        }
        for (locant, substituent) in &self.substituents {
            if *locant == Locant::Position(position) {
                branches.push(self.substituent_text(substituent));
            }
        }
        branches
    }

    /// Ring digits of a prefix must not meet the digit of a ring parent, which is still open.
    fn substituent_text(&self, substituent: &Substituent) -> String {
        let text =
            if self.parent.is_cyclic() { substituent.smiles.replace('1', "2") } else { substituent.smiles.to_string() };
        if substituent.shape == Shape::Oxo { format!("={text}") } else { text }
    }

    /// The nitrogen of an amine or amide with what sits on it: `N`, `NC`, `N(C)CC`.
    fn nitrogen(&self) -> String {
        let groups: Vec<String> = self
            .substituents
            .iter()
            .filter(|(locant, _)| *locant == Locant::Nitrogen)
            .map(|(_, substituent)| self.substituent_text(substituent))
            .collect();
        match groups.split_last() {
            None => "N".to_string(),
            Some((last, first)) => {
                let inner: String = first.iter().map(|group| format!("({group})")).collect();
                format!("N{inner}{last}")
            }
        }
    }

    fn suffix_branches(&self) -> Vec<String> {
        let chain = !self.parent.is_cyclic();
        let ester = || format!("O{}", self.ester_alkyl.map_or("C", |alkyl| alkyl.smiles));
        let own = |text: &str| vec![text.to_string()];
        match self.suffix {
            Suffix::None => Vec::new(),
            Suffix::Alcohol => own("O"),
            Suffix::Amine => vec![self.nitrogen()],
            Suffix::Ketone => own("=O"),
            // On a chain the carbon is the position itself; on a ring it is one more atom.
            Suffix::Acid if chain => vec!["=O".to_string(), "O".to_string()],
            Suffix::Ester if chain => vec!["=O".to_string(), ester()],
            Suffix::Amide if chain => vec!["=O".to_string(), self.nitrogen()],
            Suffix::Aldehyde if chain => own("=O"),
            Suffix::Nitrile if chain => own("#N"),
            Suffix::Acid => own("C(=O)O"),
            Suffix::Ester => vec![format!("C(=O){}", ester())],
            Suffix::Amide => vec![format!("C(=O){}", self.nitrogen())],
            Suffix::Aldehyde => own("C=O"),
            Suffix::Nitrile => own("C#N"),
        }
    }

    /// Number of heavy atoms.
    pub fn heavy_atoms(&self) -> usize {
        let chain = !self.parent.is_cyclic();
        let per_suffix = match self.suffix {
            Suffix::None => 0,
            Suffix::Alcohol | Suffix::Amine | Suffix::Ketone => 1,
            Suffix::Aldehyde | Suffix::Nitrile => 1 + usize::from(!chain),
            Suffix::Acid | Suffix::Ester | Suffix::Amide => 2 + usize::from(!chain),
        };
        usize::from(self.parent.length)
            + per_suffix * self.suffix_locants.len()
            + self.substituents.iter().map(|(_, substituent)| usize::from(substituent.heavy)).sum::<usize>()
            + self.ester_alkyl.map_or(0, |alkyl| usize::from(alkyl.heavy))
    }

    /// Whether the structure is sound and the parent the one that the rules choose: valences, one kind of heteroatom
    /// group on a carbon, no group on a multiple bond, prefixes junior to the suffix, no longer chain.
    pub fn is_sound(&self) -> bool {
        let flat = |position| self.multiple_bond_has_no_stereo(position, self.groups_on(position));
        self.is_sound_with_geometry() && (1..=self.parent.length).all(flat)
    }

    /// As [`Name::is_sound`], with double bonds that have E and Z forms.
    pub(super) fn is_sound_with_geometry(&self) -> bool {
        self.locants_fit()
            && self.prefixes_are_junior()
            && (1..=self.parent.length).all(|position| self.position_is_sound(position))
            && self.nitrogen_is_sound()
            && self.is_principal_chain()
    }

    fn locants_fit(&self) -> bool {
        let length = self.parent.length;
        let inside = |position: u8| (1..=length).contains(&position);
        let size = match self.parent.skeleton {
            Skeleton::Chain => (1..=10).contains(&length),
            Skeleton::Ring => (3..=8).contains(&length),
            Skeleton::Benzene | Skeleton::Pyridine => length == 6 && self.unsaturation.is_none(),
        };
        let ends = !self.suffix.is_terminal()
            || self.parent.is_cyclic()
            || self.suffix_locants.iter().all(|&position| position == 1 || position == length);
        size && ends
            && (self.suffix == Suffix::None) == self.suffix_locants.is_empty()
            && (self.suffix == Suffix::Ester) == self.ester_alkyl.is_some()
            && self.suffix_locants.iter().all(|&position| inside(position))
            && self.suffix_locants.windows(2).all(|pair| pair[0] < pair[1])
            && self.substituents.iter().all(|(locant, _)| locant.position().is_none_or(inside))
            && self.unsaturation.is_none_or(|(position, _)| inside(position) && position < length)
    }

    fn prefixes_are_junior(&self) -> bool {
        self.substituents.iter().all(|(_, substituent)| match substituent.name {
            "oxo" => self.suffix < Suffix::Ketone,
            "hydroxy" | "hydroxymethyl" => self.suffix < Suffix::Alcohol,
            "amino" | "methylamino" | "dimethylamino" => self.suffix < Suffix::Amine,
            "cyano" => self.suffix < Suffix::Nitrile,
            _ => true,
        })
    }

    fn on(&self, position: u8) -> impl Iterator<Item = &'static Substituent> + '_ {
        self.substituents
            .iter()
            .filter(move |(locant, _)| *locant == Locant::Position(position))
            .map(|(_, entry)| *entry)
    }

    fn position_is_sound(&self, position: u8) -> bool {
        let length = self.parent.length;
        let chain = !self.parent.is_cyclic();
        let end = chain && (position == 1 || position == length);
        let has_suffix = self.suffix_locants.contains(&position);
        let unsaturated = self.unsaturation.is_some_and(|(first, _)| position == first || position == first + 1);
        let (mut bonds, mut polar, mut halogens, mut oxo, mut groups) = (0u8, 0u8, 0u8, false, 0u8);
        for entry in self.on(position) {
            groups += 1;
            bonds += 1 + u8::from(entry.shape == Shape::Oxo);
            match entry.shape {
                Shape::Halogen => halogens += 1,
                Shape::Hetero | Shape::Withdrawing => polar += 1,
                Shape::Oxo => {
                    polar += 1;
                    oxo = true;
                }
                Shape::Alkyl(_) | Shape::Branched(_) | Shape::Ring => {}
            }
        }
        if self.parent.is_aromatic() {
            let nitrogen = self.parent.skeleton == Skeleton::Pyridine && position == 1;
            return !oxo && groups + u8::from(has_suffix) <= u8::from(!nitrogen) && self.suffix != Suffix::Ketone;
        }
        bonds += match length {
            1 => 0,
            _ if end => 1,
            _ => 2,
        };
        if let Some((first, kind)) = self.unsaturation
            && (position == first || position == first + 1)
        {
            bonds += if kind == Unsaturation::Double { 1 } else { 2 };
        }
        if has_suffix {
            match self.suffix {
                Suffix::None => {}
                Suffix::Alcohol | Suffix::Amine => {
                    bonds += 1;
                    polar += 1;
                }
                Suffix::Ketone => {
                    bonds += 2;
                    polar += 1;
                    oxo = true;
                }
                Suffix::Aldehyde if chain => bonds += 2,
                _ if chain => bonds += 3,
                _ => bonds += 1,
            }
        }
        // A terminal C=O of a chain is an aldehyde, not a ketone, and has a name of its own.
        let terminal_oxo = oxo && end;
        let carbonyl_group = has_suffix && self.suffix.is_terminal() && chain && groups > 0;
        let on_multiple_bond = unsaturated && (polar > 0 || halogens > 0);
        bonds <= 4
            && polar <= 1
            && (polar == 0 || halogens == 0)
            && !terminal_oxo
            && !carbonyl_group
            && !on_multiple_bond
    }

    fn groups_on(&self, position: u8) -> usize {
        self.on(position).count()
    }

    /// A double bond of a chain must end in an unsubstituted CH2, so that there are no E and Z forms.
    fn multiple_bond_has_no_stereo(&self, position: u8, groups: usize) -> bool {
        let Some((first, kind)) = self.unsaturation else { return true };
        let unsaturated = position == first || position == first + 1;
        if self.parent.is_cyclic() {
            // Small rings hold only a cis double bond, and no triple bond.
            return kind == Unsaturation::Double && self.parent.length <= 7;
        }
        let last = self.parent.length;
        let end_atom = position == 1 || position == last;
        let reaches_end = first == 1 || first + 1 == last;
        match kind {
            Unsaturation::Double => reaches_end && !(unsaturated && end_atom && groups > 0),
            Unsaturation::Triple => !(unsaturated && groups > 0),
        }
    }

    fn nitrogen_is_sound(&self) -> bool {
        let groups: Vec<_> = self
            .substituents
            .iter()
            .filter(|(locant, _)| *locant == Locant::Nitrogen)
            .map(|(_, entry)| *entry)
            .collect();
        if groups.is_empty() {
            return true;
        }
        let carries = matches!(self.suffix, Suffix::Amine | Suffix::Amide) && self.suffix_locants.len() == 1;
        // On an amine the parent is the largest group on the nitrogen.
        let smaller = groups.iter().all(|entry| match entry.shape {
            Shape::Alkyl(carbons) => {
                self.suffix == Suffix::Amide || self.parent.is_cyclic() || carbons < self.parent.length
            }
            _ => false,
        });
        carries && smaller && groups.len() <= 2
    }

    /// No chain through an alkyl prefix may be longer than the parent, or as long with more prefixes.
    fn is_principal_chain(&self) -> bool {
        let rings =
            self.substituents.iter().any(|(locant, entry)| entry.shape == Shape::Ring && locant.position().is_some());
        if self.parent.is_cyclic() {
            // Two rings: which one is the parent would need more rules than this grammar has.
            return !rings || self.suffix != Suffix::None;
        }
        if rings && self.suffix == Suffix::None {
            return false;
        }
        let length = self.parent.length;
        self.substituents.iter().all(|(locant, entry)| {
            let Some(position) = locant.position() else { return true };
            let (carbons, plain) = match entry.shape {
                Shape::Alkyl(carbons) => (carbons, true),
                Shape::Branched(carbons) => (carbons, false),
                // The larger side of an ether is the parent.
                Shape::Hetero => return self.suffix != Suffix::None || entry.heavy <= length + 1,
                _ => return true,
            };
            let forward = self.suffix_locants.iter().all(|&suffix| suffix <= position);
            let backward = self.suffix_locants.iter().all(|&suffix| suffix >= position);
            let fits = |reach: u8| if plain { reach <= length } else { reach < length };
            (!forward || fits(position + carbons)) && (!backward || fits(length + 1 - position + carbons))
        })
    }
}
