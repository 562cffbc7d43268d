//! What a named reaction does to the atoms of a row: bonds formed and broken, and what leaves.
//!
//! The template of the reaction is run, and the origin of each atom of its product tells which atoms stay and which bonds
//! are new. Teacher and checker both read the outcome, so that neither takes a bond from the registry that the molecules
//! at hand do not have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Mutex, OnceLock, PoisonError};

use chemr_chem::{Atom, BondOrder, Gate, Mol, NamedReaction, Template, Trace, named_reactions};
use chemr_tasks::Example;

/// Most reactants among which the substrates are looked for; as in the registry's own search.
const MOST_REACTANTS: usize = 8;

/// What happens to the atoms in one run of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Changes {
    /// Elements in alphabetical order and the bond sign, hydrogen included, sorted: `C-N`, `C=O`, `H-O`.
    pub formed: Vec<String>,
    pub broken: Vec<String>,
    /// Canonical SMILES of the parts that are not in the product, open ends closed with hydrogen; sorted. `None` when a
    /// part makes no molecule.
    pub leaving: Option<Vec<String>>,
    /// Places of the reactants that the template takes, ascending.
    pub substrates: Vec<usize>,
}

/// What can be said of a reaction in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub formed: Vec<String>,
    pub broken: Vec<String>,
    /// SMILES of what leaves; `None` when nothing does or it is not determined.
    pub leaving: Option<String>,
}

/// The ways in which a reaction turns some of the reactants into the product; empty when it does not, or when the
/// molecules cannot be numbered. Remembered, as the completions of one question share their row.
pub(crate) fn changes(reaction: &NamedReaction, reactants: &[Mol], product: &Mol) -> Rc<Vec<Changes>> {
    const MAX_REMEMBERED: usize = 4096;
    type Key = (String, Vec<String>, String);
    static KNOWN: OnceLock<Mutex<HashMap<Key, Vec<Changes>>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Mutex::new(HashMap::new()));
    let texts = reactants.iter().map(|mol| mol.canonical().to_string()).collect();
    let key = (reaction.id.clone(), texts, product.canonical().to_string());
    if let Some(found) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Rc::new(found.clone());
    }
    let found = run(reaction, reactants, product).unwrap_or_default();
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MAX_REMEMBERED {
        known.clear();
    }
    known.insert(key, found.clone());
    Rc::new(found)
}

fn run(reaction: &NamedReaction, reactants: &[Mol], product: &Mol) -> Option<Vec<Changes>> {
    if reactants.len() > MOST_REACTANTS {
        return None;
    }
    let template = template(reaction)?;
    let mut found: BTreeSet<Changes> = BTreeSet::new();
    for choice in choices(reactants.len(), template.reactants()) {
        let substrates: Vec<&Mol> = choice.iter().map(|place| &reactants[*place]).collect();
        for trace in template.traces(&substrates, product).unwrap_or_default() {
            found.insert(compare(&substrates, &choice, &trace));
        }
    }
    Some(found.into_iter().collect())
}

/// The compiled forward template of a reaction of the registry.
fn template(reaction: &NamedReaction) -> Option<&'static Template> {
    static TEMPLATES: OnceLock<BTreeMap<&'static str, OnceLock<Option<Template>>>> = OnceLock::new();
    let all = TEMPLATES
        .get_or_init(|| named_reactions().all().iter().map(|known| (known.id.as_str(), OnceLock::new())).collect());
    all.get(reaction.id.as_str())?.get_or_init(|| Template::compile(&reaction.forward).ok()).as_ref()
}

/// Ordered choices of `size` of `count` places; no template takes more than two molecules.
fn choices(count: usize, size: usize) -> Vec<Vec<usize>> {
    match size {
        1 => (0..count).map(|place| vec![place]).collect(),
        2 => (0..count)
            .flat_map(|left| (0..count).filter(move |right| *right != left).map(move |right| vec![left, right]))
            .collect(),
        _ => Vec::new(),
    }
}

/// Place of a substrate and index of its atom.
type Place = (usize, usize);

/// The substrates as one graph.
#[derive(Default)]
struct Side {
    atoms: BTreeMap<Place, Atom>,
    /// By the places of their ends, lower first.
    bonds: BTreeMap<(Place, Place), BondOrder>,
}

impl Side {
    fn of(substrates: &[&Mol]) -> Side {
        let mut side = Side::default();
        for (number, mol) in substrates.iter().enumerate() {
            side.atoms.extend(mol.atoms().into_iter().map(|atom| ((number, atom.index), atom)));
            for bond in mol.bonds() {
                let ends = ((number, bond.begin.min(bond.end)), (number, bond.begin.max(bond.end)));
                side.bonds.insert(ends, bond.order);
            }
        }
        side
    }

    fn name(&self, ends: (Place, Place), order: BondOrder) -> Option<String> {
        Some(bond_name(&self.atoms.get(&ends.0)?.element, &self.atoms.get(&ends.1)?.element, order))
    }
}

/// `C-N`; an aromatic bond is written as a single one.
pub(crate) fn bond_name(left: &str, right: &str, order: BondOrder) -> String {
    let sign = match order {
        BondOrder::Double => '=',
        BondOrder::Triple => '#',
        BondOrder::Single | BondOrder::Aromatic | BondOrder::Other => '-',
    };
    format!("{}{sign}{}", left.min(right), left.max(right))
}

/// Electron pairs of a bond; an aromatic one counts as single.
fn pairs(order: BondOrder) -> i32 {
    match order {
        BondOrder::Double => 2,
        BondOrder::Triple => 3,
        BondOrder::Single | BondOrder::Aromatic | BondOrder::Other => 1,
    }
}

/// How many bonds more than without charge an atom has: a positive charge gives N, O, S and their like one and a negative
/// one takes one; B and Al, which lack a pair, do the opposite; C and Si lose a bond by any charge.
fn bonds_by_charge(element: &str, charge: i32) -> i32 {
    match element {
        "C" | "Si" => -charge.abs(),
        "B" | "Al" => -charge,
        _ => charge,
    }
}

/// What one bond of an atom becomes, as a change of its valence.
#[derive(Clone, Copy, Default)]
struct Shift {
    pairs: i32,
    /// A bond changes between aromatic and not, so that the pairs say nothing about hydrogen.
    unclear: bool,
}

/// Reads the changes off the origins of the atoms.
fn compare(substrates: &[&Mol], choice: &[usize], trace: &Trace) -> Changes {
    let before = Side::of(substrates);
    let origin = |place: usize| trace.atoms.get(place).and_then(|atom| atom.origin);
    let kept: BTreeMap<Place, i32> = trace.atoms.iter().filter_map(|atom| Some((atom.origin?, atom.charge))).collect();
    let mut shifts: BTreeMap<Place, Shift> = kept.keys().map(|place| (*place, Shift::default())).collect();
    let mut shift = |place: &Place, pairs: i32, unclear: bool| {
        if let Some(shift) = shifts.get_mut(place) {
            shift.pairs += pairs;
            shift.unclear |= unclear;
        }
    };
    let (mut formed, mut broken) = (Vec::new(), Vec::new());
    let mut after: BTreeSet<(Place, Place)> = BTreeSet::new();
    for bond in &trace.bonds {
        let order = bond.order;
        let ends = match (origin(bond.begin), origin(bond.end)) {
            (Some(begin), Some(end)) => (begin.min(end), begin.max(end)),
            // Bonds to atoms that the template brings in; those among themselves belong to the reagent.
            (Some(end), None) | (None, Some(end)) => {
                let fresh = if origin(bond.begin).is_none() { bond.begin } else { bond.end };
                if let (Some(atom), Some(fresh)) = (before.atoms.get(&end), trace.atoms.get(fresh)) {
                    formed.push(bond_name(&atom.element, &fresh.element, order));
                }
                shift(&end, pairs(order), order == BondOrder::Aromatic);
                continue;
            }
            (None, None) => continue,
        };
        after.insert(ends);
        let old = before.bonds.get(&ends).copied();
        let unclear = order != old.unwrap_or(BondOrder::Single)
            && (order == BondOrder::Aromatic || old == Some(BondOrder::Aromatic));
        let change = pairs(order) - old.map_or(0, pairs);
        shift(&ends.0, change, unclear);
        shift(&ends.1, change, unclear);
        match old {
            None => formed.extend(before.name(ends, order)),
            // A bond that becomes or was aromatic has no order of its own.
            Some(old) if old == BondOrder::Aromatic || order == BondOrder::Aromatic => {}
            Some(_) if change > 0 => formed.extend(before.name(ends, order)),
            Some(old) if change < 0 => broken.extend(before.name(ends, old)),
            Some(_) => {}
        }
    }
    for (ends, order) in before.bonds.iter().filter(|(ends, _)| !after.contains(ends)) {
        if kept.contains_key(&ends.0) || kept.contains_key(&ends.1) {
            broken.extend(before.name(*ends, *order));
            shift(&ends.0, -pairs(*order), *order == BondOrder::Aromatic);
            shift(&ends.1, -pairs(*order), *order == BondOrder::Aromatic);
        }
    }
    for (place, charge) in &kept {
        let (Some(atom), Some(shift)) = (before.atoms.get(place), shifts.get(place)) else { continue };
        if shift.unclear {
            continue;
        }
        let charged = |charge: i32| bonds_by_charge(&atom.element, charge);
        let change = charged(*charge) - charged(atom.charge) - shift.pairs;
        let name = bond_name(&atom.element, "H", BondOrder::Single);
        if change > 0 && !matches!(atom.element.as_str(), "S" | "P" | "Mg" | "Sn" | "Si" | "Zn" | "Li" | "B") {
            formed.extend((0..change).map(|_| name.clone()));
        } else {
            broken.extend((0..change.abs().min(i32::from(atom.hydrogens))).map(|_| name.clone()));
        }
    }
    formed.sort();
    broken.sort();
    let mut substrates = choice.to_vec();
    substrates.sort_unstable();
    Changes { formed, broken, leaving: leaving(&before, &kept), substrates }
}

/// The connected parts of the atoms that are not in the product.
fn leaving(before: &Side, kept: &BTreeMap<Place, i32>) -> Option<Vec<String>> {
    let lost = |place: &Place| !kept.contains_key(place);
    let mut neighbours: BTreeMap<Place, Vec<(Place, BondOrder)>> = BTreeMap::new();
    // Valences that the loss of the neighbour leaves open.
    let mut open: BTreeMap<Place, i32> = BTreeMap::new();
    for (ends, order) in &before.bonds {
        for (here, there) in [(ends.0, ends.1), (ends.1, ends.0)] {
            if !lost(&here) {
                continue;
            }
            if lost(&there) {
                neighbours.entry(here).or_default().push((there, *order));
            } else {
                *open.entry(here).or_default() += pairs(*order);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    for number in before.atoms.keys().filter(|number| lost(number)) {
        if seen.contains(number) {
            continue;
        }
        let text = Writer { side: before, neighbours: &neighbours, open: &open }.write(*number, &mut seen)?;
        parts.push(Mol::parse_with(&text, &Gate::DATA).ok()?.canonical().to_string());
    }
    parts.sort();
    Some(parts)
}

/// Writes one connected part as SMILES with every atom in brackets; geometry is left out.
struct Writer<'s> {
    side: &'s Side,
    neighbours: &'s BTreeMap<Place, Vec<(Place, BondOrder)>>,
    open: &'s BTreeMap<Place, i32>,
}

impl Writer<'_> {
    /// Depth first without recursion: tree edges become branches, every other edge a ring number.
    fn write(&self, start: Place, seen: &mut BTreeSet<Place>) -> Option<String> {
        let none = Vec::new();
        let around = |number: Place| self.neighbours.get(&number).unwrap_or(&none);
        let mut order: Vec<(Place, Option<(Place, BondOrder)>)> = Vec::new();
        let mut stack = vec![(start, None)];
        while let Some((number, from)) = stack.pop() {
            if !seen.insert(number) {
                continue;
            }
            order.push((number, from));
            stack.extend(around(number).iter().map(|(next, bond)| (*next, Some((number, *bond)))));
        }
        let parents: BTreeMap<Place, Place> =
            order.iter().filter_map(|(number, from)| Some((*number, from.as_ref()?.0))).collect();
        let mut rings: BTreeMap<(Place, Place), usize> = BTreeMap::new();
        for (number, _) in &order {
            for (next, _) in around(*number) {
                let tree = parents.get(number) == Some(next) || parents.get(next) == Some(number);
                let count = rings.len();
                if !tree {
                    rings.entry((*number.min(next), *number.max(next))).or_insert(count + 1);
                }
            }
        }
        if rings.len() > 99 {
            return None;
        }
        let mut texts: BTreeMap<Place, String> = BTreeMap::new();
        // Children come after their parents, so the way back finishes every branch before it is needed.
        for (number, from) in order.iter().rev() {
            let mut text = self.atom(*number)?;
            for (next, bond) in around(*number) {
                if let Some(ring) = rings.get(&(*number.min(next), *number.max(next))) {
                    let mark = if *ring < 10 { ring.to_string() } else { format!("%{ring}") };
                    text.push_str(&format!("{}{mark}", sign(*bond)));
                }
            }
            for (next, _) in around(*number) {
                if parents.get(next) == Some(number) {
                    text.push_str(&format!("({})", texts.remove(next)?));
                }
            }
            let bond = from.as_ref().map_or("", |(_, bond)| sign(*bond));
            texts.insert(*number, format!("{bond}{text}"));
        }
        texts.remove(&start)
    }

    fn atom(&self, number: Place) -> Option<String> {
        let atom = self.side.atoms.get(&number)?;
        let hydrogens = i32::from(atom.hydrogens) + self.open.get(&number).copied().unwrap_or(0);
        let hydrogens = match hydrogens {
            0 => String::new(),
            1 => "H".to_string(),
            more => format!("H{more}"),
        };
        let symbol = if atom.aromatic { atom.element.to_lowercase() } else { atom.element.clone() };
        let charge = if atom.charge == 0 { String::new() } else { format!("{:+}", atom.charge) };
        Some(format!("[{symbol}{hydrogens}{charge}]"))
    }
}

fn sign(order: BondOrder) -> &'static str {
    match order {
        BondOrder::Single | BondOrder::Other => "-",
        BondOrder::Double => "=",
        BondOrder::Triple => "#",
        BondOrder::Aromatic => ":",
    }
}

/// Elements that the reactants have more than the product; `None` when the product has more of one.
pub(crate) fn leaving_atoms(reactants: &[Mol], product: &Mol) -> Option<BTreeMap<String, usize>> {
    let mut left = element_sum(reactants);
    for (symbol, count) in product.element_counts() {
        let entry = left.entry(symbol).or_default();
        *entry = entry.checked_sub(count)?;
    }
    left.retain(|_, count| *count > 0);
    Some(left)
}

/// Atoms of each element in all molecules.
pub(crate) fn element_sum(mols: &[Mol]) -> BTreeMap<String, usize> {
    let mut sum: BTreeMap<String, usize> = BTreeMap::new();
    for (symbol, count) in mols.iter().flat_map(Mol::element_counts) {
        *sum.entry(symbol).or_default() += count;
    }
    sum
}

/// Whether something of these elements can be made of what is there, hydrogen not counted.
pub(crate) fn is_part_of(part: &BTreeMap<String, usize>, atoms: &BTreeMap<String, usize>) -> bool {
    part.iter().all(|(symbol, count)| symbol == "H" || atoms.get(symbol).copied().unwrap_or(0) >= *count)
}

/// What can be released: the parts that the template loses and whatever else stands beside the substrates.
fn at_hand(changes: &Changes, others: &[Mol]) -> BTreeMap<String, usize> {
    let lost: Vec<Mol> =
        changes.leaving.iter().flatten().filter_map(|text| Mol::parse_with(text, &Gate::DATA).ok()).collect();
    let mut atoms = element_sum(&lost);
    for (symbol, count) in element_sum(others) {
        *atoms.entry(symbol).or_default() += count;
    }
    atoms
}

/// What to say of a reaction in a row: the registry's own words where the row does what the registry's example does,
/// with the elements of the row where they differ.
pub(crate) fn statement(reaction: &NamedReaction, changes: &Changes, reactants: &[Mol], reagents: &[Mol]) -> Statement {
    let mut others = reagents.to_vec();
    others.extend(
        reactants
            .iter()
            .enumerate()
            .filter(|(place, _)| !changes.substrates.contains(place))
            .map(|(_, mol)| mol.clone()),
    );
    let usual = usual(reaction);
    let (formed, broken) = match &usual.changes {
        Some(example) => (
            adapted(&reaction.bonds_formed, &example.formed, &changes.formed),
            adapted(&reaction.bonds_broken, &example.broken, &changes.broken),
        ),
        None => (changes.formed.clone(), changes.broken.clone()),
    };
    Statement { formed, broken, leaving: leaving_text(reaction, usual, changes, &others) }
}

/// Reagents that the notes of a row name.
pub(crate) fn noted_reagents(example: &Example) -> Vec<Mol> {
    let text = example.meta.get("reagent_smiles").map_or("", String::as_str);
    text.split('.').filter_map(|part| Mol::parse(part).ok()).collect()
}

/// What the registry's example of a reaction does.
struct Usual {
    changes: Option<Changes>,
    /// What the registry says that leaves.
    byproduct: Option<Mol>,
    /// Whether that is just the parts that the template loses, closed with hydrogen.
    closed: bool,
}

/// Found out once for each reaction.
fn usual(reaction: &NamedReaction) -> &'static Usual {
    static ALL: OnceLock<BTreeMap<&'static str, OnceLock<Usual>>> = OnceLock::new();
    static UNKNOWN: Usual = Usual { changes: None, byproduct: None, closed: false };
    let all =
        ALL.get_or_init(|| named_reactions().all().iter().map(|known| (known.id.as_str(), OnceLock::new())).collect());
    let Some(cell) = all.get(reaction.id.as_str()) else { return &UNKNOWN };
    cell.get_or_init(|| {
        let reactants: Option<Vec<Mol>> = reaction.example_reactants.iter().map(|text| Mol::parse(text).ok()).collect();
        let changes = match (reactants, Mol::parse(&reaction.example_product)) {
            (Some(reactants), Ok(product)) => changes(reaction, &reactants, &product).first().cloned(),
            _ => None,
        };
        let byproduct = Mol::parse(&reaction.byproduct).ok();
        let lost = changes.as_ref().and_then(|changes| Mol::parse(&changes.leaving.as_ref()?.join(".")).ok());
        let closed = matches!((&lost, &byproduct), (Some(lost), Some(byproduct)) if lost.is_same(byproduct));
        Usual { changes, byproduct, closed }
    })
}

/// The registry's list with what the example has and the row lacks replaced by what the row has instead.
fn adapted(registry: &[String], example: &[String], row: &[String]) -> Vec<String> {
    let without = |from: &[String], other: &[String]| {
        let mut rest = from.to_vec();
        for bond in other {
            if let Some(place) = rest.iter().position(|known| known == bond) {
                rest.remove(place);
            }
        }
        rest
    };
    let mut list = registry.to_vec();
    let mut new = without(row, example).into_iter();
    for old in without(example, row) {
        let Some(place) = list.iter().position(|known| *known == old) else { return row.to_vec() };
        match new.next() {
            Some(bond) => list[place] = bond,
            None => {
                list.remove(place);
            }
        }
    }
    list.extend(new);
    list
}

fn leaving_text(reaction: &NamedReaction, usual: &Usual, changes: &Changes, others: &[Mol]) -> Option<String> {
    let lost = changes.leaving.as_ref()?;
    let byproduct = usual.byproduct.as_ref()?;
    if usual.changes.as_ref()?.leaving.as_ref() == Some(lost) {
        return (usual.closed || is_part_of(&byproduct.element_counts(), &at_hand(changes, others)))
            .then(|| reaction.byproduct.clone());
    }
    // Where the parts leave as they are, closed with hydrogen, so do those of this row.
    usual.closed.then(|| Mol::parse(&lost.join(".")).ok().map(|own| own.canonical().to_string())).flatten()
}

/// The reaction types that a row may have: the one of its notes, else all whose templates fit.
pub(crate) fn known_types(example: &Example, reactants: &[Mol], product: &Mol) -> Vec<&'static NamedReaction> {
    match noted_type(example) {
        Some(noted) => vec![noted],
        None => named_reactions().classify(reactants, product),
    }
}

/// The reaction type that the notes of a row name.
pub(crate) fn noted_type(example: &Example) -> Option<&'static NamedReaction> {
    named_reactions().get(example.meta.get("reaction")?)
}

/// Of the types that a row may have, those that can be followed and say most: by which the product is usually taken
/// apart, then of the lowest rank. Several when they are as good.
pub(crate) fn best_types(
    known: &[&'static NamedReaction],
    reactants: &[Mol],
    product: &Mol,
) -> Vec<&'static NamedReaction> {
    let mut fitting = known.to_vec();
    fitting.retain(|reaction| !changes(reaction, reactants, product).is_empty());
    if fitting.len() > 1 {
        let usual: BTreeSet<&str> =
            named_reactions().disconnections(product).iter().map(|(reaction, _)| reaction.id.as_str()).collect();
        let among: Vec<_> = fitting.iter().copied().filter(|reaction| usual.contains(reaction.id.as_str())).collect();
        if !among.is_empty() {
            fitting = among;
        }
        let lowest = fitting.iter().map(|reaction| reaction.rank).min();
        fitting.retain(|reaction| Some(reaction.rank) == lowest);
    }
    fitting
}

/// Places of the reactants that react, ascending, by the best types of a row: of several ways to the product the one
/// with the first places. `None` when no type can be followed, or types as good take other molecules. By this teacher
/// and checker count and number the reactants.
pub(crate) fn substrates(best: &[&'static NamedReaction], reactants: &[Mol], product: &Mol) -> Option<Vec<usize>> {
    let first =
        |reaction| changes(reaction, reactants, product).iter().map(|way: &Changes| way.substrates.clone()).min();
    let places: Option<Vec<Vec<usize>>> = best.iter().map(|reaction| first(reaction)).collect();
    agreed(&places?).cloned()
}

/// The one value that all have.
pub(crate) fn agreed<T: PartialEq>(values: &[T]) -> Option<&T> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(first)
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
