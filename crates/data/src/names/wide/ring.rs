//! Substituted rings of levels 4 and 5: what is drawn, and how it is numbered and written.

use std::collections::BTreeMap;

use super::Drawn;
use super::prefix::{Kind, PREFIXES, Prefix, with_digits_above};
use super::rings::{RINGS, Ring};
use super::stereo::{self, descriptor};
use crate::names::Suffix;
use crate::names::vocabulary::{COMPOUND_MULTIPLIERS, MULTIPLIERS};
use crate::rng::Rng;
use crate::sketch::heavy_atoms;

/// A suffix on a ring.
#[derive(Debug)]
struct Ending {
    text: &'static str,
    /// The name of benzene with it, where there is one.
    on_benzene: Option<&'static str>,
    class: &'static str,
    smiles: &'static str,
    /// Its place in the order of seniority.
    suffix: Suffix,
    weight: u32,
}

const fn ending(
    text: &'static str,
    on_benzene: Option<&'static str>,
    class: &'static str,
    smiles: &'static str,
    suffix: Suffix,
    weight: u32,
) -> Ending {
    Ending { text, on_benzene, class, smiles, suffix, weight }
}

/// In `smiles`, `%` stands for what is on the nitrogen, `&` for the alkyl group of an ester.
static ENDINGS: [Ending; 11] = [
    ending("carboxylic acid", Some("benzoic acid"), "a carboxylic acid", "C(=O)O", Suffix::Acid, 8),
    ending("carboxylate", Some("benzoate"), "an ester", "C(=O)O&", Suffix::Ester, 8),
    ending("carboxamide", Some("benzamide"), "an amide", "C(=O)N%", Suffix::Amide, 8),
    ending("sulfonamide", None, "a sulfonamide", "S(=O)(=O)N%", Suffix::Amide, 5),
    ending("carbonitrile", Some("benzonitrile"), "a nitrile", "C#N", Suffix::Nitrile, 4),
    ending("carbaldehyde", Some("benzaldehyde"), "an aldehyde", "C=O", Suffix::Aldehyde, 4),
    ending("one", None, "a carbonyl compound", "=O", Suffix::Ketone, 5),
    ending("ol", Some("phenol"), "a hydroxy compound", "O", Suffix::Alcohol, 7),
    ending("thiol", None, "a thiol", "S", Suffix::Alcohol, 2),
    ending("amine", Some("aniline"), "an amine", "N%", Suffix::Amine, 7),
    ending("", None, "", "", Suffix::None, 5),
];

/// A ring with its groups; atoms by their place in [`Ring::atoms`].
struct Substituted {
    ring: &'static Ring,
    ending: &'static Ending,
    /// Atom of the suffix.
    place: usize,
    ester_alkyl: Option<&'static Prefix>,
    /// On the nitrogen of the suffix.
    nitrogen: Vec<&'static Prefix>,
    /// On atoms of the ring.
    groups: Vec<(usize, &'static Prefix)>,
}

/// Draws a ring; `None` when the draw is not sound.
pub(super) fn draw(rng: &mut Rng, level: u8, largest: usize) -> Option<Drawn> {
    let weights: Vec<u32> = RINGS.iter().map(|ring| if ring.level <= level { ring.weight } else { 0 }).collect();
    let ring = RINGS.get(rng.weighted(&weights))?;
    let ending = draw_ending(rng, ring)?;
    let places: Vec<usize> = (0..ring.atoms.len()).filter(|&atom| takes_ending(ring, atom, ending, level)).collect();
    let place = if ending.suffix == Suffix::None { usize::MAX } else { *rng.pick(&places)? };
    let ester_alkyl = if ending.suffix == Suffix::Ester { Some(draw_alkyl(rng, level)?) } else { None };
    let mut made = Substituted { ring, ending, place, ester_alkyl, nitrogen: Vec::new(), groups: Vec::new() };
    let on_nitrogen = if ending.smiles.ends_with('%') && rng.chance(1, 3) { rng.range(1, 2) } else { 0 };
    for _ in 0..on_nitrogen {
        made.nitrogen.push(draw_alkyl(rng, level)?);
    }
    let count =
        rng.weighted(&[1, 5, 7, if level >= 5 { 6 } else { 3 }]).max(usize::from(ending.suffix == Suffix::None));
    for _ in 0..count {
        made.groups.push(draw_group(rng, &made, level)?);
    }
    let name = made.numbered();
    let (text, parent) = name.structure();
    if heavy_atoms(&text) > largest || !(5..).contains(&heavy_atoms(&text)) {
        return None;
    }
    let configured = stereo::configure(rng, &text, None, &parent)?;
    let labels = configured.labels;
    if !labels.is_empty() && made.is_symmetric(&name) {
        return None;
    }
    let (before, after) = name.words();
    Some(Drawn {
        name: format!("{before}{}{after}", descriptor(&labels)),
        smiles: configured.smiles,
        mol: Some(configured.mol),
        parent: name.parent_words(),
        kind: if ring.is_benzene() { "benzene" } else { "ring" },
        class: Some(ending.class).filter(|class| !class.is_empty()),
        prefixes: name.prefixes.iter().map(|(locant, prefix)| (locant_text(*locant), prefix.written.clone())).collect(),
        labels,
        sentence: None,
    })
}

fn draw_ending(rng: &mut Rng, ring: &Ring) -> Option<&'static Ending> {
    let fits = |ending: &Ending| match ending.text {
        "one" => !ring.is_aromatic(),
        // An aliphatic sulfonamide or thiol is rarer than its weight.
        "sulfonamide" | "thiol" => ring.is_aromatic(),
        "" => ring.is_aromatic() || ring.is_heterocycle(),
        _ => true,
    };
    let weights: Vec<u32> = ENDINGS.iter().map(|ending| if fits(ending) { ending.weight } else { 0 }).collect();
    ENDINGS.get(rng.weighted(&weights))
}

/// An alkyl group for an ester or a nitrogen.
pub(super) fn draw_alkyl(rng: &mut Rng, level: u8) -> Option<&'static Prefix> {
    let fits = |prefix: &Prefix| prefix.kind == Kind::Alkyl && prefix.level <= level;
    let weights: Vec<u32> = PREFIXES.iter().map(|prefix| if fits(prefix) { prefix.weight } else { 0 }).collect();
    PREFIXES.get(rng.weighted(&weights))
}

fn token(ring: &Ring, atom: usize) -> (u8, &'static str) {
    ring.atoms.get(atom).copied().unwrap_or((0, ""))
}

/// Whether the suffix may stand on the atom.
fn takes_ending(ring: &Ring, atom: usize, ending: &Ending, level: u8) -> bool {
    let (locant, token) = token(ring, atom);
    match token.as_bytes().first() {
        _ if locant == 0 => false,
        Some(b'c') => true,
        // Carbamates and ureas of cyclic amines.
        Some(b'N') => level >= 5 && matches!(ending.text, "carboxylate" | "carboxamide"),
        Some(b'C') => {
            let polar = matches!(ending.suffix, Suffix::Alcohol | Suffix::Amine) || ending.smiles.starts_with('S');
            // Proline and its derivatives have names of their own.
            let proline = ring.name == "pyrrolidine" && ending.suffix <= Suffix::Amide;
            !((polar || proline) && ring.is_beside_heteroatom(atom))
        }
        _ => false,
    }
}

/// A prefix and an atom for it.
fn draw_group(rng: &mut Rng, made: &Substituted, level: u8) -> Option<(usize, &'static Prefix)> {
    let suffix = made.ending.suffix;
    let fits = |prefix: &Prefix| {
        let ring = match prefix.kind {
            Kind::Ring => suffix != Suffix::None || made.ring.is_heterocycle(),
            Kind::HeteroRing => suffix != Suffix::None,
            _ => true,
        };
        prefix.level <= level && ring && prefix.may_stand_beside(suffix)
    };
    let weights: Vec<u32> = PREFIXES.iter().map(|prefix| if fits(prefix) { prefix.weight } else { 0 }).collect();
    let mut prefix = PREFIXES.get(rng.weighted(&weights))?;
    // The same again makes the names with di and bis.
    if let Some((_, last)) = made.groups.last()
        && rng.chance(1, 5)
    {
        prefix = *last;
    }
    let places: Vec<usize> = (0..made.ring.atoms.len()).filter(|&atom| made.takes_group(atom, prefix)).collect();
    Some((*rng.pick(&places)?, prefix))
}

impl Substituted {
    fn takes_group(&self, atom: usize, prefix: &Prefix) -> bool {
        let (locant, token) = token(self.ring, atom);
        let there: Vec<&Prefix> =
            self.groups.iter().filter(|(place, _)| *place == atom).map(|(_, prefix)| *prefix).collect();
        let used = there.len() + usize::from(self.place == atom);
        let kind = prefix.kind;
        match token.as_bytes().first() {
            _ if locant == 0 => false,
            Some(b'c') => used == 0,
            Some(b'[' | b'N') => {
                let carbon = kind == Kind::Alkyl || matches!(prefix.written.as_str(), "benzyl" | "phenyl" | "acetyl");
                used == 0 && carbon
            }
            Some(b'C') => {
                let polar = matches!(kind, Kind::Polar | Kind::Halogen);
                let twice = kind == Kind::Alkyl && there.iter().all(|other| other.written == prefix.written)
                    || prefix.written == "fluoro" && there.iter().all(|other| other.written == "fluoro");
                let alone =
                    if self.place == atom { kind == Kind::Alkyl && self.ending.text != "one" } else { used == 0 };
                let pair = used == 1 && self.place != atom && twice;
                (alone && used < 2 || pair) && !(polar && self.ring.is_beside_heteroatom(atom))
            }
            _ => false,
        }
    }

    /// The numbering of lowest locants: suffix, all prefixes together, prefixes in the order of citation.
    fn numbered(&self) -> Numbered<'_> {
        let candidates = self.ring.symmetries.iter().map(|symmetry| Numbered::new(self, symmetry));
        candidates.min_by(|one, other| one.rank().cmp(&other.rank())).unwrap_or_else(|| Numbered::new(self, &[]))
    }

    /// Whether another numbering gives the same name: then the ring's two halves are alike, its centres may be pseudo-asymmetric, and
    /// labels depend on each other.
    fn is_symmetric(&self, name: &Numbered<'_>) -> bool {
        let (rank, words) = (name.rank(), name.words());
        let same = self.ring.symmetries.iter().map(|symmetry| Numbered::new(self, symmetry));
        same.filter(|other| other.rank() == rank && other.words() == words).count() > 1
    }
}

/// A ring with its locants.
struct Numbered<'a> {
    of: &'a Substituted,
    symmetry: &'a [usize],
    suffix: Option<u8>,
    /// In the order of citation; `None` for the nitrogen of the suffix.
    prefixes: Vec<(Option<u8>, &'static Prefix)>,
}

fn locant_text(locant: Option<u8>) -> String {
    locant.map_or("N".to_string(), |locant| locant.to_string())
}

impl<'a> Numbered<'a> {
    fn new(of: &'a Substituted, symmetry: &'a [usize]) -> Numbered<'a> {
        let mut made = Numbered { of, symmetry, suffix: None, prefixes: Vec::new() };
        made.suffix = (of.place < of.ring.atoms.len()).then(|| made.locant(of.place));
        made.prefixes = of.nitrogen.iter().map(|prefix| (None, *prefix)).collect();
        for (atom, prefix) in &of.groups {
            let locant = made.locant(*atom);
            made.prefixes.push((Some(locant), *prefix));
        }
        made.prefixes.sort_by(|(first, left), (second, right)| {
            left.alphabet.cmp(&right.alphabet).then(left.written.cmp(&right.written)).then(first.cmp(second))
        });
        made
    }

    fn locant(&self, atom: usize) -> u8 {
        token(self.of.ring, self.symmetry.get(atom).copied().unwrap_or(atom)).0
    }

    fn rank(&self) -> (Option<u8>, Vec<u8>, Vec<u8>) {
        let cited: Vec<u8> = self.prefixes.iter().filter_map(|(locant, _)| *locant).collect();
        let mut sorted = cited.clone();
        sorted.sort_unstable();
        (self.suffix, sorted, cited)
    }

    /// A single group on a ring of like atoms needs no locant.
    fn omits_locants(&self) -> bool {
        let groups = self.of.groups.len() + usize::from(self.suffix.is_some());
        self.of.ring.is_homogeneous() && groups == 1
    }

    /// The name before and after the place of the stereodescriptors.
    fn words(&self) -> (String, String) {
        let alkyl = self.ester_word();
        let prefixes = self.prefix_words();
        let parent = self.body();
        // A locant at the head of the parent is set off from the prefixes.
        let joint =
            if !prefixes.is_empty() && parent.starts_with(|first: char| first.is_ascii_digit()) { "-" } else { "" };
        (alkyl, format!("{prefixes}{joint}{parent}"))
    }

    /// What the prefixes stand on: `ethyl benzoate`, `1H-indole`.
    fn parent_words(&self) -> String {
        format!("{}{}", self.ester_word(), self.body())
    }

    fn ester_word(&self) -> String {
        self.of.ester_alkyl.map_or(String::new(), |alkyl| format!("{} ", plain(&alkyl.written)))
    }

    fn prefix_words(&self) -> String {
        let mut text = String::new();
        let mut rest = self.prefixes.as_slice();
        while let Some((_, prefix)) = rest.first() {
            let count = rest.iter().take_while(|(_, other)| other.written == prefix.written).count();
            let (group, others) = rest.split_at(count);
            rest = others;
            let omitted = |locant: &Option<u8>| locant.is_some() && self.omits_locants();
            let locants: Vec<String> =
                group.iter().filter(|(locant, _)| !omitted(locant)).map(|(locant, _)| locant_text(*locant)).collect();
            if !locants.is_empty() {
                let joint = if text.is_empty() { "" } else { "-" };
                text.push_str(&format!("{joint}{}-", locants.join(",")));
            }
            let words: &[&str] = if prefix.is_compound() { &COMPOUND_MULTIPLIERS } else { &MULTIPLIERS };
            text.push_str(words.get(count - 1).copied().unwrap_or(""));
            text.push_str(&prefix.written);
        }
        text
    }

    /// Parent and suffix.
    fn body(&self) -> String {
        let (ring, ending) = (self.of.ring, self.of.ending);
        let Some(locant) = self.suffix else { return ring.name.to_string() };
        if let Some(retained) = ending.on_benzene.filter(|_| ring.is_benzene()) {
            return retained.to_string();
        }
        let vowel = ending.text.starts_with(['a', 'o']);
        let stem = if vowel { ring.name.strip_suffix('e').unwrap_or(ring.name) } else { ring.name };
        // Rings of three and more like atoms with one suffix alone.
        if self.omits_locants() { format!("{stem}{}", ending.text) } else { format!("{stem}-{locant}-{}", ending.text) }
    }

    /// SMILES along the ring, and the locants of the ring's atoms by their order in the text.
    fn structure(&self) -> (String, BTreeMap<usize, u8>) {
        let (mut text, mut parent, mut written) = (String::new(), BTreeMap::new(), 0);
        let last = self.of.ring.atoms.len().saturating_sub(1);
        for (atom, (_, token)) in self.of.ring.atoms.iter().enumerate() {
            let mut branches = Vec::new();
            if self.of.place == atom {
                branches.push(self.ending_text());
            }
            for (place, prefix) in &self.of.groups {
                if *place == atom {
                    branches.push(with_digits_above(prefix.smiles, 3));
                }
            }
            parent.insert(written, self.locant(atom));
            written += 1;
            text.push_str(&if branches.is_empty() { (*token).to_string() } else { token.replace("[nH]", "n") });
            let count = branches.len();
            for (place, branch) in branches.into_iter().enumerate() {
                written += heavy_atoms(&branch);
                text.push_str(&if atom == last && place + 1 == count { branch } else { format!("({branch})") });
            }
        }
        (text, parent)
    }

    fn ending_text(&self) -> String {
        let nitrogen: Vec<String> = self.of.nitrogen.iter().map(|prefix| with_digits_above(prefix.smiles, 3)).collect();
        let nitrogen = match nitrogen.split_last() {
            None => String::new(),
            Some((last, first)) => first.iter().map(|group| format!("({group})")).collect::<String>() + last,
        };
        let alkyl = self.of.ester_alkyl.map_or(String::new(), |alkyl| with_digits_above(alkyl.smiles, 3));
        self.of.ending.smiles.replace('%', &nitrogen).replace('&', &alkyl)
    }
}

/// A prefix without the brackets around it.
pub fn plain(written: &str) -> &str {
    let inner = |open, close| written.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inner('(', ')').or_else(|| inner('[', ']')).unwrap_or(written)
}
