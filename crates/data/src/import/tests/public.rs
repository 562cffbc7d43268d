//! Folders of public files below `CHEMR_DATA`: the numbers of docs/data.md. Folders that are not there are left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use chemr_tasks::Example;

use super::super::*;
use super::support::data_folder;

/// Rows of the files of each folder.
const FOLDERS: [(&str, &[u64]); 12] = [
    ("chebi20", &[1645, 3138]),
    ("chembench", &[1401]),
    ("chembench4k", &[1892]),
    ("chemcotbench", &[698]),
    ("chemllmbench", &[42, 45, 500, 49, 41, 57, 44, 44, 49, 48, 313, 49, 2287, 40, 1055, 45, 46, 53]),
    ("mmlu-chem", &[158]),
    ("mol-instructions-sample", &[432, 1178, 445, 1105, 432, 1180, 402, 1215, 445, 1105, 483, 1091]),
    ("moleculenet", &MOLECULENET),
    ("opsin-names", &[535]),
    ("pubchem-captions", &[1021, 940]),
    ("pubchem-iupac", &[5173, 1013, 10_898, 923]),
    ("yields", &[750, 601, 2703, 896, 3645]),
];
const MOLECULENET: [u64; 30] = [
    530, 7783, 920, 72, 1130, 141, 111, 1458, 174, 71, 1018, 123, 63, 855, 95, 37, 492, 61, 2110, 32_763, 4098, 206,
    3284, 409, 67, 1044, 119, 395, 6018, 707,
];

/// Folders that take minutes.
const REACTIONS: [(&str, &[u64]); 3] = [
    ("uspto-50k", &[2430, 2430, 38_068, 4743, 4748]),
    ("uspto-mit", &[20_041, 12_598, 29_174]),
    ("uspto-full-pool", &[174_356]),
];

#[test]
#[ignore = "wants the files that docs/data.md counts, below CHEMR_DATA"]
fn folders() {
    import_all(&FOLDERS);
}

#[test]
#[ignore = "wants the files that docs/data.md counts, below CHEMR_DATA; takes minutes"]
fn folders_of_reactions() {
    import_all(&REACTIONS);
}

/// Prints a row of the table of docs/data.md for each folder.
fn import_all(folders: &[(&str, &[u64])]) {
    let Some(data) = data_folder() else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    for (folder, rows) in folders.iter().filter(|(folder, _)| data.join(folder).is_dir()) {
        // Starts a new peak; where the system refuses, the figure is that of all folders so far.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let request = Request { paths: vec![data.join(folder)], ..Request::default() };
        let target = out.path().join(folder);
        let summary = import_files(&request, &target).unwrap();
        let counts = &summary.counts;
        let reasons = |map: &BTreeMap<String, u64>| {
            let items: Vec<String> = map.iter().map(|(reason, count)| format!("{count} `{reason}`")).collect();
            if items.is_empty() { "0".to_owned() } else { items.join(", ") }
        };
        let memory = summary.peak_memory_bytes.unwrap_or_default() >> 20;
        println!(
            "| `{folder}` | {} | {} | {} | {} | {:.1} | {memory} |",
            counts.rows,
            counts.kept,
            reasons(&counts.rejected),
            counts.example_count(),
            summary.seconds
        );
        for skipped in summary.skipped.iter().filter(|skipped| skipped.file != "README.md") {
            println!("  {folder}: {} passed over: {}", skipped.file, skipped.reason);
        }
        if !counts.partial.is_empty() {
            println!("  {folder}: of kept rows {}", reasons(&counts.partial));
        }
        assert_eq!(counts.rows, rows.iter().sum::<u64>(), "{folder}");
        assert_eq!(counts.rows, counts.kept + counts.rejected_rows(), "{folder}");
        judge(&target.join(EXAMPLES_FILE), folder);
    }
}

/// Every task calls the references of its rows right: a sample of the examples of each.
fn judge(examples: &Path, folder: &str) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    // Line by line: the memory of the next folder is measured as well.
    for line in BufReader::new(File::open(examples).unwrap()).lines() {
        let example: Example = serde_json::from_str(&line.unwrap()).unwrap();
        let number = seen.entry(example.task.clone()).or_default();
        *number += 1;
        if *number > 100 || example.reference.is_empty() {
            continue;
        }
        let task = chemr_tasks::task(&example.task).unwrap();
        let mut answer = task.reference_answer(&example);
        if task.family() == "selection" {
            answer.truncate(answer.find(',').unwrap_or(answer.len()));
        }
        let completion = chemr_tasks::completion("a", &answer);
        let verdict = task.verify(&example, &completion, chemr_tasks::Mode::Strict);
        // The edits of ChemCoTBench are a model's, and some are wrong.
        assert!(
            verdict.correct || task.family() == "edit",
            "{folder} {} {:?}: {} ({})",
            example.task,
            example.input,
            example.reference,
            verdict.reason
        );
    }
}
