//! The findings of an audit in sentences.

use super::options::Check;
use super::report::{Finding, Report, SetLeakage, Severity};
use super::table::Relation;
use crate::wording::{counted, percent, thousands};

/// A label or mean that differs by more standard errors is told.
const MANY_ERRORS: f64 = 4.0;

/// A map number or first atom in the centre so much more often than chance gives it away.
const TELLING: f64 = 2.0;

/// One finding for each check that was made, in the order of [`Check::ALL`].
pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let made = Check::ALL.into_iter().filter(|check| report.options.checks.contains(check));
    made.flat_map(|check| match check {
        Check::Duplicates => vec![duplicates(report)],
        Check::Conflicts => conflicts(report),
        Check::Leakage => leakage(report),
        Check::Near => vec![alike(report, check)],
        Check::Scaffold => vec![alike(report, check)],
        Check::Maps => vec![maps(report)],
        Check::Selection => vec![selection(report)],
        Check::Balance => vec![balance(report)],
        Check::Length => vec![length(report)],
        Check::Atoms => vec![atoms(report)],
    })
    .collect()
}

/// Nothing where nothing was found.
fn graded(count: u64, severity: Severity) -> Severity {
    if count == 0 { Severity::None } else { severity }
}

fn duplicates(report: &Report) -> Finding {
    let exact = report.duplicates.iter().map(|set| set.exact).sum();
    let question: u64 = report.duplicates.iter().map(|set| set.question).sum();
    Finding {
        check: Check::Duplicates,
        severity: graded(exact, Severity::Warning),
        count: exact,
        of: report.rows,
        sentence: format!(
            "{} question and answer of an earlier row of the set, {} its question. Such rows weigh twice in training and in scores.",
            counted(exact, "row repeats", "rows repeat"),
            thousands(question)
        ),
    }
}

fn conflicts(report: &Report) -> Vec<Finding> {
    let questions = report.questions.unwrap_or_default();
    let sum = |is_conflict: bool, flat: bool| -> u64 {
        let tasks = report.conflicts.iter().filter(|task| task.is_conflict == is_conflict);
        tasks.map(|task| if flat { task.flat.questions } else { task.canonical.questions }).sum()
    };
    let (conflicts, several, flat) = (sum(true, false), sum(false, false), sum(true, true));
    vec![
        Finding {
            check: Check::Conflicts,
            severity: graded(conflicts, Severity::Serious),
            count: conflicts,
            of: questions.one_answer,
            sentence: format!(
                "{} two answers that cannot both be right: no model can learn or get both. {} once stereochemistry is left out.",
                counted(conflicts, "question has", "questions have"),
                counted(flat, "more has such answers", "more have such answers")
            ),
        },
        Finding {
            check: Check::Conflicts,
            severity: graded(several, Severity::Note),
            count: several,
            of: questions.several,
            sentence: format!(
                "{} several answers where several can be right (routes to a product, names, descriptions, isomers). A single reference makes scores too low there.",
                counted(several, "question has", "questions have")
            ),
        },
    ]
}

fn held_out(report: &Report, count: fn(&SetLeakage) -> u64) -> (u64, u64) {
    let sets = &report.leakage.held_out;
    (sets.iter().map(count).sum(), sets.iter().map(|set| set.rows).sum())
}

fn leakage(report: &Report) -> Vec<Finding> {
    let (same, of) = held_out(report, |set| set.same);
    let (elsewhere, _) = held_out(report, |set| set.elsewhere);
    let pairs = |relation| report.leakage.pairs.iter().filter(|pair| pair.relation == relation).count() as u64;
    let train: u64 = report.leakage.train.iter().map(|set| set.same).sum();
    vec![
        Finding {
            check: Check::Leakage,
            severity: graded(same, Severity::Serious),
            count: same,
            of,
            sentence: format!(
                "{} question, reaction, product or molecule (at any level) with {} of the same or a related task that may be trained on, \
                 in {} of sets. Such scores measure memory.",
                counted(same, "held-out row shares its", "held-out rows share their"),
                counted(train, "row", "rows"),
                counted(pairs(Relation::SameTask) + pairs(Relation::RelatedTask), "pair", "pairs")
            ),
        },
        Finding {
            check: Check::Leakage,
            severity: graded(elsewhere, Severity::Note),
            count: elsewhere,
            of,
            sentence: format!(
                "{} about a molecule or reaction that stands in another task's training rows. That gives no answer away by itself; \
                 a model that is trained on all tasks has seen the molecule.",
                counted(elsewhere, "held-out row is", "held-out rows are")
            ),
        },
    ]
}

fn alike(report: &Report, check: Check) -> Finding {
    let (near, of) = held_out(report, |set| set.near);
    let (scaffold, _) = held_out(report, |set| set.scaffold);
    let (count, sentence) = match check {
        Check::Near => (
            near,
            format!(
                "{} about a molecule with a similarity of at least {} to one of the same or a related task (Tanimoto, Morgan radius 2, 2,048 bits).",
                counted(near, "further held-out row is", "further held-out rows are"),
                report.leakage.near
            ),
        ),
        _ => (
            scaffold,
            format!(
                "{} a Murcko scaffold of the same or a related task's training rows: usual in random splits, not in scaffold splits.",
                counted(scaffold, "further held-out row has", "further held-out rows have")
            ),
        ),
    };
    let severity = if check == Check::Near { Severity::Warning } else { Severity::Note };
    Finding { check, severity: graded(count, severity), count, of, sentence }
}

fn maps(report: &Report) -> Finding {
    let count = report.maps.iter().map(|map| map.mapped_rows).sum();
    let telling = |map: &&super::MapReport| {
        map.reactions > 0 && map.one_in_centre.max(map.first_in_centre) > TELLING * map.expected
    };
    let worst: Vec<String> = report
        .maps
        .iter()
        .filter(telling)
        .map(|map| {
            format!(
                "{}: map number 1 is in the reaction centre in {} %, the first product atom in {} %, by chance {} %",
                map.name,
                percent(map.one_in_centre),
                percent(map.first_in_centre),
                percent(map.expected)
            )
        })
        .collect();
    let severity = if worst.is_empty() { Severity::Note } else { Severity::Serious };
    let sentence = match (count, worst.as_slice()) {
        (0, _) => "No row shows atom maps.".to_owned(),
        (_, []) => format!(
            "{} atom maps; neither their numbers nor the order of atoms tells the reaction centre.",
            counted(count, "row has", "rows have")
        ),
        (_, worst) => format!(
            "{} atom maps that give the reaction centre away. {}.",
            counted(count, "row has", "rows have"),
            worst.join("; ")
        ),
    };
    Finding { check: Check::Maps, severity: graded(count, severity), count, of: count.max(report.rows), sentence }
}

fn selection(report: &Report) -> Finding {
    let count = report.selection.iter().map(|task| task.any).sum();
    let of = report.selection.iter().map(|task| task.questions).sum();
    let rows: u64 = report.selection.iter().map(|task| task.rows).sum();
    let sentence = match of {
        0 => "There are no questions of reagent selection beside yields.".to_owned(),
        _ => format!(
            "Of {} of reagent selection {} the yield of a candidate in a table that may be trained on, in {}.",
            counted(of, "held-out question", "held-out questions"),
            counted(count, "has", "have"),
            counted(rows, "row", "rows")
        ),
    };
    Finding { check: Check::Selection, severity: graded(count, Severity::Serious), count, of, sentence }
}

fn balance(report: &Report) -> Finding {
    let is_other = |set: &&super::Balance| set.standard_errors.is_some_and(|errors| errors.abs() > MANY_ERRORS);
    let count = report.balance.iter().filter(is_other).count() as u64;
    Finding {
        check: Check::Balance,
        severity: graded(count, Severity::Note),
        count,
        of: report.balance.len() as u64,
        sentence: format!(
            "{} a share of labels or a mean that differs from the training rows by more than {MANY_ERRORS} standard errors.",
            counted(count, "held-out set has", "held-out sets have")
        ),
    }
}

fn length(report: &Report) -> Finding {
    let longest =
        report.lengths.iter().flat_map(|set| &set.lengths).filter(|length| length.what.ends_with("characters"));
    let count = u64::from(longest.map(|length| length.greatest).max().unwrap_or(0));
    Finding {
        check: Check::Length,
        severity: graded(count, Severity::Note),
        count,
        of: count,
        sentence: format!("The longest question or answer has {}.", counted(count, "character", "characters")),
    }
}

fn atoms(report: &Report) -> Finding {
    let count = report.atoms.iter().map(|set| set.unbalanced).sum();
    let of = report.atoms.iter().map(|set| set.checked).sum();
    let same: u64 = report.atoms.iter().map(|set| set.product_is_reactant).sum();
    Finding {
        check: Check::Atoms,
        severity: graded(count + same, Severity::Warning),
        count: count + same,
        of,
        sentence: format!(
            "{} atoms of an element that the reactants lack, in {} the product is a reactant: reactants are missing or wrong there.",
            counted(count, "reaction has a product with", "reactions have products with"),
            thousands(same)
        ),
    }
}
