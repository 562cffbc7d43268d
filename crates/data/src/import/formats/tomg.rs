//! TOMG-Bench: the tables of its open generation tasks. Evaluation only.

use std::borrow::Cow;

use chemr_tasks::{Example, task};

use super::super::convert::{Rejection, number, one, question};
use super::super::format::{Column, Format, Record, normalised};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

const ATOMS: [&str; 17] = [
    "carbon",
    "oxygen",
    "nitrogen",
    "sulfur",
    "fluorine",
    "chlorine",
    "bromine",
    "iodine",
    "phosphorus",
    "boron",
    "silicon",
    "selenium",
    "tellurium",
    "arsenic",
    "antimony",
    "bismuth",
    "polonium",
];
const BONDS: [&str; 5] = ["single", "double", "triple", "aromatic", "rotatable"];
const GROUPS: [&str; 18] = [
    "benzene rings",
    "hydroxyl",
    "anhydride",
    "aldehyde",
    "ketone",
    "carboxyl",
    "ester",
    "amide",
    "amine",
    "nitro",
    "halo",
    "nitrile",
    "thiol",
    "sulfide",
    "disulfide",
    "sulfoxide",
    "sulfone",
    "borane",
];

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "tomg-bench",
        about: "TOMG-Bench open generation: AtomNum, BondNum, FunctionalGroup, MolEdit, MolOpt (test.csv of each)",
        told_by: "a table with Instruction beside columns of atoms, bonds or groups, or beside molecule (MolOpt: below a folder logp, mr or qed)",
        tasks: &["tomg.*"],
        is_evaluation_only: true,
        columns: |_| {
            let plain = ["Instruction", "molecule", "added_group", "removed_group"];
            let all = plain.into_iter().chain(ATOMS).chain(BONDS).chain(GROUPS);
            all.map(|name| Column::optional(name, &[name])).collect()
        },
        recognise,
        convert: |record| one(demand(record)),
    }]
}

fn recognise(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| normalised(name) == normalised(wanted));
    let counted = has("carbon") || (has("single") && has("rotatable")) || has("benzene rings");
    let edited = has("molecule") && (has("added_group") || has("removed_group"));
    let optimised = has("molecule") && (sample.is_named(&["molopt", "logp", "qed"]) || sample.folder_name() == "mr");
    (has("Instruction") && !has("SubTask") && (counted || edited || optimised)).then_some(Shape::Columns)
}

fn demand(record: &Record<'_>) -> Result<Example, Rejection> {
    if record.get("carbon").is_some() {
        return counted(record, "tomg.atom_num", "atoms", &ATOMS, false);
    }
    if record.get("rotatable").is_some() {
        // The benchmark compares the kinds with the number zero as well.
        return counted(record, "tomg.bond_num", "bonds", &BONDS, true);
    }
    if record.get("benzene rings").is_some() {
        return counted(record, "tomg.functional_group", "groups", &GROUPS, false);
    }
    let smiles = record.need("molecule")?;
    let (added, removed) = (record.get("added_group"), record.get("removed_group"));
    let mut given = vec![("smiles", smiles)];
    let id = match (removed, added) {
        (Some(removed), Some(added)) => {
            given.extend([("remove", removed), ("add", added)]);
            "tomg.sub"
        }
        (Some(removed), None) => {
            given.push(("remove", removed));
            "tomg.del"
        }
        (None, Some(added)) => {
            given.push(("add", added));
            "tomg.add"
        }
        (None, None) => {
            let instruction = record.need("Instruction")?;
            let is_less = ["lower", "decrease"].iter().any(|word| instruction.contains(word));
            given.push(("direction", Cow::Borrowed(if is_less { "decrease" } else { "increase" })));
            optimised(record.path, &instruction)?
        }
    };
    asked(record, id, &given)
}

/// The property of a file of MolOpt: by its folder, or by the words of the instruction.
fn optimised(path: &str, instruction: &str) -> Result<&'static str, Rejection> {
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    let instruction = instruction.to_lowercase();
    let is = |name: &str, words: &str| folder == name || instruction.contains(words);
    let known = [("logp", "logp", "tomg.logp"), ("qed", "qed", "tomg.qed"), ("mr", "refractivity", "tomg.mr")];
    let found = known.into_iter().find(|(name, words, _)| is(name, words)).map(|(.., id)| id);
    found.ok_or_else(|| Rejection::new(RejectReason::UnknownWording, "the instruction names no known property"))
}

/// A list of counts and names of the columns that hold one; zero is listed where the task compares it.
fn counted(
    record: &Record<'_>,
    id: &str,
    field: &'static str,
    names: &[&'static str],
    with_zero: bool,
) -> Result<Example, Rejection> {
    let mut items = Vec::new();
    for name in names {
        let Some(text) = record.get(name) else { continue };
        let count = number(&text)?;
        if count < 0.0 || count.fract() != 0.0 || count > 999.0 {
            return Err(Rejection::new(RejectReason::OutOfRange, format!("{name}: `{text}` is no count")));
        }
        if count > 0.0 || with_zero {
            items.push(format!("{count} {name}"));
        }
    }
    if items.is_empty() {
        return Err(Rejection::new(RejectReason::Missing(field), "all counts are zero"));
    }
    asked(record, id, &[(field, Cow::Owned(items.join(", ")))])
}

fn asked(record: &Record<'_>, id: &str, given: &[(&'static str, Cow<'_, str>)]) -> Result<Example, Rejection> {
    let task = task(id).ok_or_else(|| Rejection::new(RejectReason::NoTask, id))?;
    question(record, task, given, "")
}
