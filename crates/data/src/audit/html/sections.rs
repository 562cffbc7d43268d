//! A section for each check.

use std::fmt::Write;

use super::super::leakage::Shared;
use super::super::options::{Check, Level};
use super::super::report::{Place, Report, SetName};
use super::super::table::Relation;
use super::super::{CLEAN_FILE, REMOVED_FILE, out_of};
use super::builder::{MOST_LINES, Page, escaped};
use crate::wording::{counted, percent, thousands};

pub(super) fn summary(page: &mut Page, report: &Report) {
    page.section(
        "summary",
        "Summary",
        "One line for each check. Serious: scores on held-out rows cannot be trusted, or labels contradict each other.",
    );
    page.raw("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Found</th><th scope=\"col\">How much it matters</th><th scope=\"col\">What it means</th></tr></thead><tbody>\n");
    for finding in &report.summary {
        let count =
            if finding.check == Check::Length { thousands(finding.count) } else { out_of(finding.count, finding.of) };
        let _ = writeln!(
            page.0,
            "<tr><td>{}</td><td class=\"number\">{}</td><td><span class=\"severity {2}\">{2}</span></td><td>{3}</td></tr>",
            escaped(finding.check.name()),
            escaped(&count),
            finding.severity.name(),
            escaped(&finding.sentence)
        );
    }
    page.raw("</tbody></table></div>\n");
    page.end();
}

pub(super) fn fix(page: &mut Page, report: &Report) {
    let Some(fix) = &report.fix else { return };
    page.section(
        "clean",
        "Cleaning",
        &format!("{CLEAN_FILE} has the rows that stay, {REMOVED_FILE} the others with the reason and the row that each collides with. Test rows always stay."),
    );
    page.paragraph(&format!("{}, {} went.", counted(fix.kept, "row stays", "rows stay"), thousands(fix.removed)));
    let rows: Vec<Vec<String>> =
        fix.reasons.iter().map(|(reason, count)| vec![reason.clone(), thousands(*count)]).collect();
    page.table(&["Reason", "Rows"], &rows);
    let changed = fix.sets.iter().filter(|set| set.before != set.after);
    let rows: Vec<Vec<String>> = changed
        .map(|set| {
            let mut cells = name(&set.set);
            cells.extend([thousands(set.before), thousands(set.after)]);
            cells
        })
        .collect();
    page.table(&["Task", "Source", "Split", "Rows before", "after"], &rows);
    page.end();
}

fn name(set: &SetName) -> Vec<String> {
    vec![set.task.clone(), set.source.clone(), set.split.as_str().to_owned()]
}

pub(super) fn leakage(page: &mut Page, report: &Report) {
    let leakage = &report.leakage;
    if leakage.held_out.is_empty() && leakage.pairs.is_empty() {
        return;
    }
    page.section(
        "leakage",
        "Leakage",
        "Held-out rows (validation and test) that share something with rows that may be trained on. Related tasks ask for the same facts in another way, such as a reaction \
         forwards and backwards. The molecule of a reaction is its product. Each row is counted once, in the first column that fits; `other tasks` counts apart.",
    );
    let rows: Vec<Vec<String>> = leakage
        .held_out
        .iter()
        .map(|set| {
            let mut cells = name(&set.set);
            let share =
                |count: u64| format!("{} ({} %)", thousands(count), percent(count as f64 / set.rows.max(1) as f64));
            cells.extend([
                thousands(set.rows),
                share(set.same),
                share(set.near),
                share(set.scaffold),
                share(set.elsewhere),
            ]);
            cells
        })
        .collect();
    page.table(&["Task", "Source", "Split", "Rows", "same", "near", "same scaffold", "in other tasks"], &rows);
    for (relation, title) in [
        (Relation::SameTask, "The same task"),
        (Relation::RelatedTask, "Related tasks"),
        (Relation::OtherTask, "Other tasks"),
    ] {
        let pairs: Vec<_> = leakage.pairs.iter().filter(|pair| pair.relation == relation).collect();
        let _ = write!(
            page.0,
            "<h3>{}</h3>\n<p>Rows of the training set / rows of the held-out set that share it.</p>\n",
            escaped(title)
        );
        let kinds: Vec<Shared> = Shared::ALL
            .into_iter()
            .filter(|kind| pairs.iter().any(|pair| pair.shared.contains_key(kind.name())))
            .collect();
        let mut heads = vec!["Held out", "Trained on"];
        heads.extend(kinds.iter().map(|kind| kind.name()));
        let rows: Vec<Vec<String>> = pairs
            .iter()
            .map(|pair| {
                let mut cells = vec![name(&pair.held_out).join(", "), name(&pair.train).join(", ")];
                cells.extend(kinds.iter().map(|kind| {
                    let hit = pair.shared.get(kind.name());
                    hit.map_or("0".to_owned(), |hit| {
                        format!("{} / {}", thousands(hit.train_rows), thousands(hit.held_out_rows))
                    })
                }));
                cells
            })
            .collect();
        page.table(&heads, &rows);
        if relation != Relation::OtherTask {
            for pair in pairs.iter().take(MOST_LINES / 4) {
                let title = format!("{} in {}", name(&pair.held_out).join(", "), name(&pair.train).join(", "));
                page.examples(&title, &pair.examples.iter().collect::<Vec<_>>());
            }
        }
    }
    page.end();
}

pub(super) fn conflicts(page: &mut Page, report: &Report) {
    if !report.options.checks.contains(&Check::Conflicts) {
        return;
    }
    page.section(
        "conflicts",
        "Conflicting answers",
        "Questions with several answers. Where only one can be right, no model gets both; where several can (routes, names, descriptions), one reference makes scores too low. \
         `flat`: questions that differ in stereochemistry or isotopes alone.",
    );
    let rows: Vec<Vec<String>> = report
        .conflicts
        .iter()
        .map(|task| {
            let counts = &task.canonical;
            let kind = if task.is_conflict { "conflict" } else { "several right answers" };
            let mut cells = vec![task.task.clone(), kind.to_owned()];
            let numbers =
                [counts.questions, counts.train_rows, counts.valid_rows, counts.test_rows, counts.between_splits];
            cells.extend(numbers.map(thousands));
            cells.push(thousands(task.flat.questions));
            cells
        })
        .collect();
    let heads =
        ["Task", "Kind", "Questions", "Train rows", "Valid rows", "Test rows", "Between splits alone", "Flat, beyond"];
    page.table(&heads, &rows);
    for task in &report.conflicts {
        page.examples(&task.task, &task.examples.iter().collect::<Vec<_>>());
    }
    page.end();
}

pub(super) fn duplicates(page: &mut Page, report: &Report) {
    if !report.options.checks.contains(&Check::Duplicates) {
        return;
    }
    page.section(
        "duplicates",
        "Duplicates",
        "Rows of a set beyond the first of their kind: with the same question and answer, the same question, the same molecule (of a reaction its product). InChIKey: also tautomers as far as InChI \
         moves hydrogens; flat: without stereochemistry and isotopes; skeleton: the first block of the InChIKey.",
    );
    let found: Vec<_> = report
        .duplicates
        .iter()
        .filter(|set| set.exact + set.question_flat > 0 || set.molecule.values().any(|count| *count > 0))
        .collect();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|set| {
            let mut cells = name(&set.set);
            cells.extend([set.rows, set.exact, set.question, set.question_flat].map(thousands));
            cells.extend(Level::ALL.map(|level| thousands(set.molecule.get(level.name()).copied().unwrap_or(0))));
            cells
        })
        .collect();
    let heads = [
        "Task",
        "Source",
        "Split",
        "Rows",
        "exact",
        "question",
        "question, flat",
        "molecule",
        "InChIKey",
        "flat",
        "skeleton",
    ];
    page.table(&heads, &rows);
    for set in found {
        page.examples(&name(&set.set).join(", "), &set.examples.iter().collect::<Vec<_>>());
    }
    page.end();
}

pub(super) fn maps(page: &mut Page, report: &Report) {
    if report.maps.is_empty() {
        return;
    }
    page.section(
        "maps",
        "Atom maps",
        "Where map numbers or the order of atoms tell the reaction centre, a model reads the answer off the question. An atom of the product is in the centre when its bonds (with order and \
         other end) are not those it has in the reactants. By chance an atom is in it as often as the mean share of atoms in the centre.",
    );
    let rows: Vec<Vec<String>> = report
        .maps
        .iter()
        .map(|map| {
            let share = |share: f64| format!("{} %", percent(share));
            vec![
                map.name.clone(),
                thousands(map.mapped_rows),
                thousands(map.reactions),
                share(map.one_in_centre),
                share(map.first_in_centre),
                share(map.expected),
            ]
        })
        .collect();
    page.table(
        &["File or set", "Rows", "Reactions read", "map number 1 in centre", "first atom in centre", "by chance"],
        &rows,
    );
    page.places("First rows", &report.maps.iter().filter_map(|map| map.first.as_ref()).collect::<Vec<_>>());
    page.end();
}

pub(super) fn selection(page: &mut Page, report: &Report) {
    if report.selection.is_empty() {
        return;
    }
    page.section(
        "selection",
        "Reagent selection",
        "A row of a yield table answers a question when its reaction has every component of the question and of a candidate. The table then tells the candidate's yield.",
    );
    let rows: Vec<Vec<String>> = report
        .selection
        .iter()
        .map(|task| {
            let mut cells = vec![task.task.clone(), task.split.as_str().to_owned()];
            cells.extend([task.questions, task.any, task.best, task.all, task.rows].map(thousands));
            cells
        })
        .collect();
    let heads = ["Task", "Split", "Questions", "any candidate", "the best", "all", "Yield rows"];
    page.table(&heads, &rows);
    for task in &report.selection {
        page.examples(&task.task, &task.examples.iter().collect::<Vec<_>>());
    }
    page.end();
}

pub(super) fn atoms(page: &mut Page, report: &Report) {
    if report.atoms.is_empty() {
        return;
    }
    page.section(
        "atoms",
        "Atom balance",
        "A product cannot have more atoms of an element than all reactants and reagents together, if each takes part once. Hydrogens are not counted.",
    );
    let rows: Vec<Vec<String>> = report
        .atoms
        .iter()
        .map(|set| {
            let mut missing: Vec<(&String, &u64)> = set.missing.iter().collect();
            missing.sort_by_key(|(element, count)| (std::cmp::Reverse(**count), *element));
            let missing: Vec<String> =
                missing.iter().take(6).map(|(element, count)| format!("{element} {}", thousands(**count))).collect();
            let mut cells = name(&set.set);
            let share = percent(set.unbalanced as f64 / set.checked.max(1) as f64);
            cells.extend([thousands(set.checked), format!("{} ({share} %)", thousands(set.unbalanced))]);
            cells.push(format!(" {}", missing.join(", ")));
            cells.extend([thousands(set.product_is_reactant), thousands(set.unchecked)]);
            cells
        })
        .collect();
    let heads =
        ["Task", "Source", "Split", "Checked", "Atoms missing", "Elements", "Product is a reactant", "Not checkable"];
    page.table(&heads, &rows);
    for set in &report.atoms {
        let places: Vec<&Place> = set.examples.iter().chain(&set.reactant_examples).collect();
        page.places(&name(&set.set).join(", "), &places);
    }
    page.end();
}

pub(super) fn balance(page: &mut Page, report: &Report) {
    if report.balance.is_empty() {
        return;
    }
    page.section(
        "balance",
        "Balance",
        "The share of `Yes`, or the quartiles of numbers; the difference is that to the training rows of the task, in standard errors too. Accuracy has to be read beside the share of the frequent label.",
    );
    let rows: Vec<Vec<String>> = report
        .balance
        .iter()
        .map(|set| {
            let mut cells = name(&set.set);
            cells.push(thousands(set.rows));
            cells.push(match (set.labels.get("Yes"), &set.numbers) {
                (Some(yes), _) => format!("{} % Yes", percent(*yes as f64 / set.rows.max(1) as f64)),
                (None, Some([least, low, middle, high, most, mean])) => {
                    format!("{least:.2} | {low:.2} | {middle:.2} | {high:.2} | {most:.2}, mean {mean:.2}")
                }
                (None, None) => String::new(),
            });
            cells.push(set.difference.map_or(String::new(), |value| match set.labels.is_empty() {
                true => format!("{value:+.2}"),
                false => format!("{:+.1} points", value * 100.0),
            }));
            cells.push(set.standard_errors.map_or(String::new(), |value| format!("{value:+.1}")));
            cells
        })
        .collect();
    page.table(&["Task", "Source", "Split", "Rows", "Labels or numbers", "Difference", "Standard errors"], &rows);
    page.end();
}

pub(super) fn lengths(page: &mut Page, report: &Report) {
    if report.lengths.is_empty() {
        return;
    }
    page.section(
        "lengths",
        "Lengths",
        "Median | 95 % | 99 % | longest. Tokens are atoms, bonds and brackets of SMILES as reaction models split them, words of other texts. Questions are counted by their fields, without the words \
         around them; tokens of a model's tokenizer with them.",
    );
    let mut rows = Vec::new();
    let mut longest: Vec<&Place> = Vec::new();
    for set in &report.lengths {
        for length in &set.lengths {
            let mut cells = name(&set.set);
            cells.push(length.what.replace('_', " "));
            cells.extend(
                [length.median, length.p95, length.p99, length.greatest].map(|value| thousands(u64::from(value))),
            );
            rows.push(cells);
        }
        longest.extend(set.lengths.iter().filter_map(|length| length.longest.as_ref()).take(1));
    }
    page.table(&["Task", "Source", "Split", "Length", "median", "95 %", "99 %", "longest"], &rows);
    page.places("The longest question of each set", &longest);
    page.end();
}

pub(super) fn inputs(page: &mut Page, report: &Report) {
    page.section("inputs", "Inputs", "What was read, and what could not be.");
    let rows: Vec<Vec<String>> = report
        .files
        .iter()
        .map(|file| {
            vec![
                file.file.clone(),
                file.taken_as.unwrap_or("as the rows say").to_owned(),
                thousands(file.lines),
                format!(" {}", file.sha256),
            ]
        })
        .collect();
    page.table(&["File", "Split", "Lines", "SHA-256 of its content"], &rows);
    let unreadable = &report.unreadable;
    page.paragraph(&format!(
        "{} no example. {} {} that cannot be read; such are compared as texts.",
        counted(unreadable.lines, "line is", "lines are"),
        counted(unreadable.rows, "row holds", "rows hold"),
        counted(unreadable.components, "molecule", "molecules")
    ));
    let rows: Vec<Vec<String>> =
        unreadable.first_lines.iter().map(|line| vec![line.place.clone(), line.message.clone()]).collect();
    if !rows.is_empty() {
        page.table(&["Line", "Why it is no example"], &rows);
    }
    if !unreadable.unknown_tasks.is_empty() {
        let rows: Vec<Vec<String>> =
            unreadable.unknown_tasks.iter().map(|(task, rows)| vec![task.clone(), thousands(*rows)]).collect();
        page.table(&["Unknown task", "Rows"], &rows);
    }
    page.places("Rows with molecules that cannot be read", &unreadable.first_rows.iter().collect::<Vec<_>>());
    let checks: Vec<&str> = report.options.checks.iter().map(|check| check.name()).collect();
    let memory =
        report.peak_memory_bytes.map_or(String::new(), |bytes| format!(" Peak memory {} MiB.", thousands(bytes >> 20)));
    page.paragraph(&format!("chem-r {}. Checks: {}.{memory}", report.version, checks.join(", ")));
    page.end();
}
