//! Amino acids by their retained names: the acids, simple derivatives, and peptides.

use super::Drawn;
use super::ring::{draw_alkyl, plain};
use crate::rng::Rng;

/// An alpha-amino acid: name, name as an acyl group, name of the anion, and SMILES of what is on the alpha carbon in the L form.
struct AminoAcid {
    name: &'static str,
    acyl: &'static str,
    anion: &'static str,
    amide: &'static str,
    side: &'static str,
    /// Lowest level; the acids with a second acid group have acyl names of their own and are left out.
    level: u8,
}

const fn acid(
    name: &'static str,
    acyl: &'static str,
    anion: &'static str,
    amide: &'static str,
    side: &'static str,
    level: u8,
) -> AminoAcid {
    AminoAcid { name, acyl, anion, amide, side, level }
}

const ACIDS: &[AminoAcid] = &[
    acid("glycine", "glycyl", "glycinate", "glycinamide", "", 4),
    acid("alanine", "alanyl", "alaninate", "alaninamide", "C", 4),
    acid("valine", "valyl", "valinate", "valinamide", "C(C)C", 4),
    acid("leucine", "leucyl", "leucinate", "leucinamide", "CC(C)C", 4),
    acid("phenylalanine", "phenylalanyl", "phenylalaninate", "phenylalaninamide", "Cc1ccccc1", 4),
    acid("serine", "seryl", "serinate", "serinamide", "CO", 4),
    acid("proline", "prolyl", "prolinate", "prolinamide", "CCC", 4),
    acid("tyrosine", "tyrosyl", "tyrosinate", "tyrosinamide", "Cc1ccc(O)cc1", 4),
    acid("methionine", "methionyl", "methioninate", "methioninamide", "CCSC", 4),
    acid("isoleucine", "isoleucyl", "isoleucinate", "isoleucinamide", "[C@@H](C)CC", 5),
    acid("threonine", "threonyl", "threoninate", "threoninamide", "[C@H](O)C", 5),
    acid("cysteine", "cysteinyl", "cysteinate", "cysteinamide", "CS", 5),
    acid("lysine", "lysyl", "lysinate", "lysinamide", "CCCCN", 5),
    acid("tryptophan", "tryptophyl", "tryptophanate", "tryptophanamide", "Cc1c[nH]c2ccccc12", 5),
    acid("asparagine", "asparaginyl", "asparaginate", "asparaginamide", "CC(N)=O", 5),
    acid("glutamine", "glutaminyl", "glutaminate", "glutaminamide", "CCC(N)=O", 5),
    acid("histidine", "histidyl", "histidinate", "histidinamide", "Cc1c[nH]cn1", 5),
    acid("arginine", "arginyl", "argininate", "argininamide", "CCCNC(=N)N", 5),
];

/// A residue with its configuration.
#[derive(Clone, Copy)]
struct Residue {
    acid: &'static AminoAcid,
    /// The mirror image of the natural form.
    is_d: bool,
}

impl Residue {
    fn draw(rng: &mut Rng, level: u8) -> Option<Residue> {
        let known = ACIDS.iter().filter(|acid| acid.level <= level).count();
        let acid = ACIDS.get(rng.below(known))?;
        // Both centres of threonine and isoleucine would turn.
        let is_d = !acid.side.starts_with('[') && !acid.side.is_empty() && rng.chance(1, 5);
        Some(Residue { acid, is_d })
    }

    fn form(&self) -> &'static str {
        match (self.acid.side, self.is_d) {
            ("", _) => "",
            (_, true) => "D-",
            _ => "L-",
        }
    }

    fn name(&self) -> String {
        format!("{}{}", self.form(), self.acid.name)
    }

    /// The residue from nitrogen to carbonyl carbon, `head` in front of the nitrogen: `N[C@@H](C)C(=O)`.
    fn text(&self, head: &str) -> String {
        let turn = if self.is_d { "@" } else { "@@" };
        match self.acid.name {
            "glycine" => format!("{head}NCC(=O)"),
            // The other neighbours of the centre stand the other way round.
            "proline" => format!("{head}N1CCC[C{}H]1C(=O)", if self.is_d { "@@" } else { "@" }),
            _ => format!("{head}N[C{turn}H]({})C(=O)", self.acid.side),
        }
    }
}

pub(super) fn draw(rng: &mut Rng, level: u8) -> Option<Drawn> {
    let residue = Residue::draw(rng, level)?;
    let name = residue.name();
    let (written, smiles, sentence) = match rng.weighted(&[2, 4, 3, 3, if level >= 5 { 12 } else { 4 }]) {
        0 => (name.clone(), format!("{}O", residue.text("")), format!("The molecule is the amino acid {name}.")),
        1 => {
            let alkyl = draw_alkyl(rng, level)?;
            let word = plain(&alkyl.written);
            (
                format!("{word} {}{}", residue.form(), residue.acid.anion),
                format!("{}O{}", residue.text(""), alkyl.smiles),
                format!("The molecule is the {word} ester of {name}."),
            )
        }
        2 => {
            let acyl = rng.pick(&[("acetyl", "CC(=O)"), ("benzoyl", "c1ccccc1C(=O)"), ("formyl", "O=C")])?;
            (
                format!("N-{}{}{name}", acyl.0, if residue.form().is_empty() { "" } else { "-" }),
                format!("{}O", residue.text(acyl.1)),
                format!("The molecule is the N-{} derivative of {name}.", acyl.0),
            )
        }
        3 => (
            format!("{}{}", residue.form(), residue.acid.amide),
            format!("{}N", residue.text("")),
            format!("The molecule is the primary amide of {name}."),
        ),
        _ => return peptide(rng, level, residue),
    };
    Some(Drawn::whole(written, smiles, "amino acid", sentence))
}

/// Two residues at level 4, two or three at level 5.
fn peptide(rng: &mut Rng, level: u8, first: Residue) -> Option<Drawn> {
    let count = if level >= 5 { rng.range(2, 3) } else { 2 };
    let mut residues = vec![first];
    while residues.len() < count {
        residues.push(Residue::draw(rng, level)?);
    }
    let mut name = String::new();
    let mut smiles = String::new();
    for (place, residue) in residues.iter().enumerate() {
        let word = if place + 1 == count { residue.acid.name } else { residue.acid.acyl };
        let joint = if place > 0 && !residue.form().is_empty() { "-" } else { "" };
        name.push_str(&format!("{joint}{}{word}", residue.form()));
        smiles.push_str(&residue.text(""));
    }
    smiles.push('O');
    let listed: Vec<String> = residues.iter().map(Residue::name).collect();
    let kind = if count == 2 { "dipeptide" } else { "tripeptide" };
    let sentence = format!("The molecule is a {kind} of the residues {}, named from the amino end.", listed.join(", "));
    Some(Drawn::whole(name, smiles, "peptide", sentence))
}
