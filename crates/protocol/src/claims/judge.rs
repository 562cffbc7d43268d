//! From a matched sentence to claims with their truth: molecules, counts, formulas, groups.

use std::collections::BTreeMap;
use std::ops::Range;

use chemr_chem::{Mol, groups};
use chemr_tasks::{group_request, polarity};

use super::context::{Context, Family, Subject};
use super::{Claim, ClaimKind, Truth, judge_name, judge_reaction};
use crate::grammar::Rule;
use crate::grammar::pattern::Match;
use crate::grammar::slots::{GroupItem, Item, Value, element_symbol};
use crate::grammar::synonyms::{benzene_rings, is_countable};
use crate::grammar::walk;

/// Where the claims of one sentence go.
pub(super) struct Sink<'c> {
    pub claims: &'c mut Vec<Claim>,
    pub step: usize,
}

impl Sink<'_> {
    pub(super) fn add(&mut self, kind: ClaimKind, span: Range<usize>, subject: &str, value: &str, truth: Truth) {
        let (subject, value) = (subject.to_string(), value.to_string());
        self.claims.push(Claim { kind, span, subject, value, truth, step: self.step });
    }

    pub(super) fn item(&mut self, kind: ClaimKind, item: &Item, subject: &str, truth: Truth) {
        self.add(kind, item.start..item.end, subject, &item.text, truth);
    }
}

/// `None` (cannot be decided) becomes unverifiable.
pub(super) fn truth(decided: Option<bool>) -> Truth {
    match decided {
        Some(true) => Truth::True,
        Some(false) => Truth::False,
        None => Truth::Unverifiable,
    }
}

/// The claims of one matched sentence.
pub(super) fn judge(
    context: &mut Context<'_>,
    found: &Match,
    subject: &Subject,
    span: Range<usize>,
    sink: &mut Sink<'_>,
) {
    let sum = |context: &mut Context<'_>, of: Count| {
        context.molecules(subject).map(|mols| mols.iter().map(of).sum::<usize>())
    };
    match (found.rule, found.values.as_slice()) {
        (Rule::Elements, [Value::Items(items)]) => {
            elements(items, main_counts(context), sink);
        }
        (Rule::AtomWalk, [Value::Items(items)]) => {
            let expected = main(context).map(|mol| walk::atom_items(&mol));
            sequence(ClaimKind::RunningCount, items, expected, sink);
        }
        (Rule::Totals, [Value::Items(items)]) => {
            let expected = main_counts(context).map(|counts| walk::total_items(&counts));
            sequence(ClaimKind::ElementCount, items, expected, sink);
        }
        (Rule::CarbonWalk, [Value::Items(items)]) => {
            let expected = main(context).map(|mol| walk::carbon_items(polarity::count(&mol).carbons));
            sequence(ClaimKind::RunningCount, items, expected, sink);
        }
        (Rule::PolarWalk, [Value::Items(items)]) => {
            let expected = main(context).map(|mol| walk::polar_items(&mol));
            sequence(ClaimKind::RunningCount, items, expected, sink);
        }
        (Rule::NoPolarAtoms, _) => {
            let decided = main(context).map(|mol| walk::polar_items(&mol).is_empty());
            sink.add(ClaimKind::RunningCount, span, "polar atoms", "absent", truth(decided));
        }
        (Rule::Formula, [Value::Text(item)]) => {
            let decided = context.molecules(subject).and_then(|mols| match mols.as_slice() {
                [mol] => Some(same_formula(&mol.formula(), &item.text)),
                _ => None,
            });
            sink.item(ClaimKind::Formula, item, &subject.label(context.family), truth(decided));
        }
        (Rule::ElementCount, [Value::Number(number, _), Value::Text(element)])
        | (Rule::ElementCount, [Value::Text(element), Value::Number(number, _)]) => {
            let symbol = element_symbol(&element.text).unwrap_or("");
            let decided = context.molecules(subject).map(|mols| {
                mols.iter().map(|mol| mol.element_counts().get(symbol).copied().unwrap_or(0)).sum::<usize>() == *number
            });
            sink.add(
                ClaimKind::ElementCount,
                span,
                &subject.label(context.family),
                &format!("{symbol}{number}"),
                truth(decided),
            );
        }
        (Rule::RingSystems, [Value::Number(number, _)]) => {
            let counts = context.molecules(subject).map(|mols| mols.iter().map(ring_systems).collect::<Vec<_>>());
            // Rings that share one atom only are one system to some and two to others.
            let decided = counts.and_then(|counts| {
                let sums = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
                let known = sums.0 == sums.1 || (*number != sums.0 && *number != sums.1);
                known.then_some(*number == sums.0)
            });
            sink.add(
                ClaimKind::RingCount,
                span,
                &subject.label(context.family),
                &format!("{number} systems"),
                truth(decided),
            );
        }
        (rule, [Value::Number(number, _)]) if counted(rule).is_some() => {
            if let Some((kind, of, unit)) = counted(rule) {
                let decided = sum(context, of).map(|count| count == *number);
                sink.add(kind, span, &subject.label(context.family), &format!("{number}{unit}"), truth(decided));
            }
        }
        (Rule::Acyclic, _) => {
            let decided = sum(context, Mol::rings).map(|count| count == 0);
            sink.add(ClaimKind::RingCount, span, &subject.label(context.family), "0", truth(decided));
        }
        (Rule::PolarSurface | Rule::LogP | Rule::Weight, [Value::Decimal(value, digits, item)]) => {
            let of: fn(&Mol) -> f64 = match found.rule {
                Rule::PolarSurface => Mol::tpsa,
                Rule::LogP => Mol::logp,
                _ => Mol::average_mass,
            };
            let decided = context.molecules(subject).and_then(|mols| match mols.as_slice() {
                [mol] => Some((of(mol) - value).abs() <= 0.5 * 0.1f64.powi(i32::try_from(*digits).ok()?) + 1e-6),
                _ => None,
            });
            sink.add(ClaimKind::Descriptor, span, &subject.label(context.family), &item.text, truth(decided));
        }
        (Rule::Scaffold, [Value::Text(item)]) => {
            let written = context.mol(&item.text);
            let decided = context.molecules(subject).and_then(|mols| match mols.as_slice() {
                [mol] => {
                    // A scaffold's own string may read back as another tautomer, so equal strings come first.
                    let scaffold = mol.scaffold();
                    Some(scaffold == item.text || written.is_some_and(|written| written.canonical() == scaffold))
                }
                _ => None,
            });
            sink.item(ClaimKind::Scaffold, item, &subject.label(context.family), truth(decided));
        }
        (
            Rule::AtLeast | Rule::Below,
            [Value::Number(points, first), Value::Number(double, second), Value::Number(bound, third)],
        ) => {
            let counts = main(context).map(|mol| polarity::count(&mol));
            let sums = *double == 2 * points && counts.is_none_or(|counts| counts.points() == *points);
            sink.add(ClaimKind::Arithmetic, first.start..second.end, &first.text, &second.text, truth(Some(sums)));
            let side = (double >= bound) == (found.rule == Rule::AtLeast);
            let compares = side && counts.is_none_or(|counts| counts.carbons == *bound);
            sink.add(ClaimKind::Comparison, second.start..third.end, &second.text, &third.text, truth(Some(compares)));
        }
        (Rule::Verdict, [Value::Text(item)]) => {
            let rule = context.example.task == "property.polarity_rule";
            let label = if rule { main(context).map(|mol| polarity::count(&mol).label()) } else { None };
            let decided = label.map(|label| item.text.eq_ignore_ascii_case(label));
            sink.item(ClaimKind::Verdict, item, &subject.label(context.family), truth(decided));
        }
        (Rule::Written, [Value::Text(item)]) => smiles_claim(context, item, sink),
        (Rule::Groups | Rule::GroupsPresent, [Value::Groups(items)]) => {
            for item in items {
                group_claim(context, item, subject, item.negated, sink);
            }
        }
        (Rule::NoGroups | Rule::GroupsAbsent, [Value::Groups(items)]) => {
            for item in items {
                group_claim(context, item, subject, true, sink);
            }
        }
        (Rule::NoKnownGroup, _) => {
            let decided = context.molecules(subject).and_then(|mols| {
                mols.iter()
                    .map(|mol| context.groups_of(mol).map(|counts| counts.is_empty()))
                    .collect::<Option<Vec<bool>>>()
            });
            let decided = decided.map(|empty| empty.iter().all(|empty| *empty));
            sink.add(ClaimKind::GroupAbsent, span, &subject.label(context.family), "all", truth(decided));
        }
        (Rule::Constraint, [Value::Groups(items)]) => constraint(context, items, sink),
        (Rule::ChainParent | Rule::RingParent | Rule::ChainLength | Rule::Substituents | Rule::NoSubstituents, _)
        | (Rule::Stereodescriptors | Rule::Stereocentres | Rule::DefinedStereocentres | Rule::Positions, _) => {
            judge_name::judge(context, found, subject, span, sink);
        }
        _ => judge_reaction::judge(context, found, span, sink),
    }
}

type Count = fn(&Mol) -> usize;

/// Rules that state one count of the subject, with what the claim's value adds to the number.
fn counted(rule: Rule) -> Option<(ClaimKind, Count, &'static str)> {
    Some(match rule {
        Rule::HeavyAtoms => (ClaimKind::HeavyAtoms, Mol::heavy_atoms, ""),
        Rule::Rings => (ClaimKind::RingCount, Mol::rings, ""),
        Rule::AromaticRings => (ClaimKind::AromaticRings, Mol::aromatic_rings, ""),
        Rule::BenzeneRings => (ClaimKind::AromaticRings, benzene_rings, " benzene"),
        Rule::Donors => (ClaimKind::Donors, Mol::hbd, ""),
        Rule::Acceptors => (ClaimKind::Acceptors, Mol::hba, ""),
        Rule::RotatableBonds => (ClaimKind::RotatableBonds, Mol::rotatable_bonds, ""),
        _ => return None,
    })
}

/// Number of ring systems when rings that share a bond belong together, and when a shared atom is enough.
fn ring_systems(mol: &Mol) -> (usize, usize) {
    let rings = mol.ring_atoms();
    let count = |least: usize| {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for ring in &rings {
            let touches = |group: &Vec<usize>| ring.iter().filter(|atom| group.contains(atom)).count() >= least;
            let (joined, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(touches);
            groups = rest;
            groups.push(joined.into_iter().flatten().chain(ring.iter().copied()).collect());
        }
        groups.len()
    };
    (count(2), count(1))
}

/// The molecule of the question, where it is a single one.
fn main(context: &mut Context<'_>) -> Option<Mol> {
    match context.molecules(&Subject::Main)?.as_slice() {
        [mol] => Some(mol.clone()),
        _ => None,
    }
}

fn main_counts(context: &mut Context<'_>) -> Option<BTreeMap<String, usize>> {
    main(context).map(|mol| mol.element_counts())
}

/// The elements of a molecule in any order, each once; hydrogen may be left out. A list that lacks one makes its last item
/// false.
fn elements(items: &[Item], counts: Option<BTreeMap<String, usize>>, sink: &mut Sink<'_>) {
    let listed = |symbol: &str, among: &[Item]| among.iter().any(|item| item.text == symbol);
    for (place, item) in items.iter().enumerate() {
        let decided = counts.as_ref().map(|counts| {
            let complete = counts.keys().all(|symbol| symbol == "H" || listed(symbol, items));
            let last = place + 1 == items.len();
            counts.contains_key(&item.text) && !listed(&item.text, &items[..place]) && (complete || !last)
        });
        sink.add(ClaimKind::Elements, item.start..item.end, "elements", &item.text, truth(decided));
    }
}

/// A list that must be exactly the expected one: each item against its place; a list that stops early makes its last
/// item false.
fn sequence(kind: ClaimKind, items: &[Item], expected: Option<Vec<String>>, sink: &mut Sink<'_>) {
    for (place, item) in items.iter().enumerate() {
        let decided = expected.as_ref().map(|expected| {
            let ends_early = place + 1 == items.len() && items.len() < expected.len();
            expected.get(place) == Some(&item.text) && !ends_early
        });
        sink.item(kind, item, &(place + 1).to_string(), truth(decided));
    }
}

fn same_formula(left: &str, right: &str) -> bool {
    use chemr_tasks::formula::Formula;
    left == right || matches!((Formula::parse(left), Formula::parse(right)), (Some(left), Some(right)) if left == right)
}

/// The claim that a string is a valid SMILES.
pub(super) fn smiles_claim(context: &mut Context<'_>, item: &Item, sink: &mut Sink<'_>) {
    let decided = context.is_valid(&item.text);
    sink.item(ClaimKind::Smiles, item, &item.text, truth(decided));
}

fn group_claim(context: &mut Context<'_>, item: &GroupItem, subject: &Subject, absent: bool, sink: &mut Sink<'_>) {
    let ids = item.mention.ids;
    let count = context.count_groups(subject, ids);
    // The registry has names of their own for fused systems; in words their benzene rings count too, present or not.
    let fused = match ids {
        ["benzene_ring"] => context.count_groups(subject, &["benzene_rings"]),
        _ => None,
    };
    let start = if item.count.is_some() { item.start } else { item.item.start };
    // One name for one group, however it is written; a broad word keeps its own.
    let name = match ids {
        [id] => groups().get(id).map(|group| group.name.clone()),
        _ => None,
    };
    let name = name.unwrap_or_else(|| item.item.text.to_lowercase());
    let most = count.map(|count| count.max(fused.unwrap_or(0)));
    let (kind, value, decided) = match item.count {
        _ if absent => (ClaimKind::GroupAbsent, name, most.map(|count| count == 0)),
        Some(number) => {
            let exact = is_countable(ids) || most == Some(0);
            let decided = count.filter(|_| exact).map(|count| count == number || fused == Some(number));
            (ClaimKind::GroupCount, format!("{number} {name}"), decided)
        }
        None => (ClaimKind::GroupPresent, name, most.map(|count| count > 0)),
    };
    sink.add(kind, start..item.item.end, &subject.label(context.family), &value, truth(decided));
}

/// The request restated: every item asked for, each as often as it is asked for, and none left out.
fn constraint(context: &Context<'_>, items: &[GroupItem], sink: &mut Sink<'_>) {
    let mut left = match context.family {
        Family::Custom => group_request::parse(context.example.field("groups")).ok(),
        _ => None,
    };
    for (place, item) in items.iter().enumerate() {
        let decided = left.as_mut().map(|left| {
            let asked = left.iter().position(|(count, group)| {
                item.mention.ids == [group.id.as_str()] && item.count.unwrap_or(1) == *count
            });
            if let Some(asked) = asked {
                left.remove(asked);
            }
            asked.is_some() && (place + 1 < items.len() || left.is_empty())
        });
        let value = format!("{} {}", item.count.unwrap_or(1), item.item.text);
        let subject = format!("request {}", place + 1);
        sink.add(ClaimKind::Constraint, item.start..item.item.end, &subject, &value, truth(decided));
    }
}
