//! Files of predictions from the file to the figures.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;

use chemr_data::predictions::{self, Predictions};
use chemr_scoring::predictions::{PredictionsError, Subject, TaskResult};
use chemr_tasks::metrics::{Need, Resources};
use chemr_tasks::suites::{Paper, paper, suite};
use chemr_tasks::{Fault, task};

fn read(text: &str) -> Predictions {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    predictions::read(file.path()).unwrap()
}

/// Scores without files of others.
fn score_predictions(
    subject: Subject,
    paper: Option<&'static Paper>,
    file: &Predictions,
) -> Result<Vec<TaskResult>, PredictionsError> {
    chemr_scoring::predictions::score_predictions(subject, paper, &Resources::default(), file)
}

fn value(result: &TaskResult, id: &str) -> f64 {
    result.metrics.iter().find(|(_, metric, _)| metric.id == id).unwrap().2.value.unwrap()
}

#[test]
fn rows_of_a_suite_find_their_tasks() {
    let suite = Subject::Suite(suite("chebi20").unwrap());
    let file = read(
        "description,ground_truth,output\na,CCO,OCC\nb,CC,C(\nc,C,\nd,CO,CO methanol\ne,CN,<think>x</think><answer>NC</answer>\n",
    );
    let results = score_predictions(suite, None, &file).unwrap();
    let [design] = &results[..] else { panic!("{} tasks", results.len()) };
    assert_eq!(
        (design.task.id(), design.rows.len(), &design.told_by[..]),
        ("molecule_design", 5, &["description".to_owned()][..])
    );
    assert_eq!([Fault::Missing, Fault::Unparsable, Fault::Invalid].map(|fault| design.count(fault)), [1, 1, 1]);
    assert_eq!([value(design, "validity"), value(design, "exact.inchi")], [0.4, 0.4]);
    let json = design.json();
    assert_eq!(
        json["counts"],
        serde_json::json!({"missing": 1, "unparsable": 1, "invalid": 1, "without_reference": 0})
    );
    assert_eq!(
        (&json["n"], &json["metrics"]["fts.maccs"]["n"], &json["metrics"]["validity"]["version"]),
        (&5.into(), &2.into(), &1.into())
    );
    assert_eq!(design.row_json(&design.rows[1])["fault"], "invalid");

    let lines = "{\"task\": \"molecule_captioning\", \"reference\": \"an acid\", \"output\": \"an acid\"}\n\
                 {\"task\": \"molecule_design\", \"reference\": \"CC\", \"output\": \"CC\"}\n";
    let results = score_predictions(suite, None, &read(lines)).unwrap();
    let ids: Vec<&str> = results.iter().map(|result| result.task.id()).collect();
    assert_eq!(ids, ["molecule_captioning", "molecule_design"]);
    assert!(results.iter().all(|result| result.told_by.is_empty()));
}

#[test]
fn what_does_not_fit_is_said() {
    let suite = Subject::Suite(suite("chebi20").unwrap());
    let message = |text: &str| score_predictions(suite, None, &read(text)).unwrap_err().to_string();
    assert!(message("x,ground_truth,output\na,CC,CC\n").contains("name it with --task"));
    let unknown = message("task,ground_truth,output\nretrosynthesis,CC,CC\n");
    assert!(unknown.contains("row 1: \"retrosynthesis\" is no task of the suite chebi20"), "{unknown}");
    let both = "{\"description\": \"a\", \"reference\": \"C\", \"output\": \"C\"}\n{\"smiles\": \"C\", \"reference\": \"an acid\", \"output\": \"an acid\"}";
    assert!(message(both).contains("the columns do not tell"));
    let task = Subject::Task(task("property.esol").unwrap());
    let other =
        score_predictions(task, None, &read("task,ground_truth,output\n,1,2\nretrosynthesis,CC,CC\n")).unwrap_err();
    assert!(other.to_string().contains("row 2: it is of the task \"retrosynthesis\", not of property.esol"), "{other}");
    let error = score_predictions(task, paper("ether0"), &read("ground_truth,output\n1,2\n")).unwrap_err().to_string();
    assert_eq!(error, "ether0 reports no metric for property.esol; leave out --as ether0");
}

#[test]
fn ranked_predictions_add_places() {
    let task = Subject::Task(task("retrosynthesis").unwrap());
    let ids = |text: &str| -> Vec<&str> {
        let results = score_predictions(task, None, &read(text)).unwrap();
        results[0].metrics.iter().map(|(_, metric, _)| metric.id).filter(|id| id.starts_with("topk")).collect()
    };
    assert_eq!(ids("{\"reference\": \"CC\", \"output\": \"CC\"}"), ["topk.1"]);
    assert_eq!(ids("{\"reference\": \"CC\", \"output\": [\"C\", \"CC\", \"O\"]}"), ["topk.1", "topk.3"]);
    assert_eq!(
        ids("{\"reference\": \"CC\", \"output\": [\"C\", \"N\", \"O\", \"CC\"]}"),
        ["topk.1", "topk.3", "topk.5"]
    );
}

#[test]
fn a_row_without_a_reference_enters_nothing_and_is_counted() {
    let design = Subject::Task(task("molecule_design").unwrap());
    let found = &score_predictions(design, None, &read("ground_truth,output\nC(,C(\n,\nCC,CC\n")).unwrap()[0];
    assert_eq!((found.without_reference(), value(found, "exact.string"), value(found, "validity")), (2, 1.0, 1.0));
    assert!(found.metrics.iter().all(|(_, _, aggregate)| aggregate.n <= 1));
    let label = Subject::Task(task("property.bbbp").unwrap());
    let found = &score_predictions(label, None, &read("ground_truth,output\n\"Yes, it does\",Yes\n")).unwrap()[0];
    assert_eq!(found.without_reference(), 1);
}

#[test]
fn a_blank_prediction_is_missing_in_every_shape() {
    for task in ["molecule_captioning", "molecule_design"] {
        for output in ["\"\"", "null", "[]", "[\"\"]", "[null]", "[\" \", \"CC\"]"] {
            let file = read(&format!("{{\"reference\": \"CC\", \"output\": {output}}}"));
            let found = &score_predictions(Subject::Task(chemr_tasks::task(task).unwrap()), None, &file).unwrap()[0];
            assert_eq!(found.rows[0].fault, Some(Fault::Missing), "{task} {output}");
        }
    }
}

/// A paper's metrics under its names, and only for tasks that it scores.
#[test]
fn papers_choose_definitions() {
    let name = Subject::Task(task("name.iupac_to_smiles").unwrap());
    let file = read("ground_truth,output\nO=c1cccc[nH]1,Oc1ccccn1\n");
    let found = score_predictions(name, paper("chemllmbench"), &file).unwrap()[0].json();
    assert_eq!(found["as"], "chemllmbench");
    let metrics = found["metrics"].as_object().unwrap();
    assert_eq!(
        (metrics.len(), &metrics["exact.canonical"]["name"], &metrics["exact.canonical"]["value"]),
        (1, &"Accuracy".into(), &0.0.into())
    );
    let design = Subject::Task(task("molecule_design").unwrap());
    let found = score_predictions(design, paper("molt5"), &file).unwrap()[0].json();
    assert_eq!(found["metrics"]["exact.inchi"]["value"], 1.0);
}

/// What needs a file or a column is named as absent, and nothing takes its place.
#[test]
fn metrics_that_need_more_are_absent_without_it() {
    let caption = Subject::Task(task("molecule_captioning").unwrap());
    let file = read("ground_truth,output\nan acid,an acid\n");
    let found = &score_predictions(caption, paper("molt5"), &file).unwrap()[0];
    let absent: Vec<(&str, &[Need])> = found.absent.iter().map(|absent| (absent.id, absent.needs.as_slice())).collect();
    assert_eq!(
        absent,
        [
            ("bleu2.wordpiece", [Need::Vocabulary].as_slice()),
            ("bleu4.wordpiece", &[Need::Vocabulary]),
            ("meteor.wordpiece.wordnet", &[Need::Vocabulary, Need::WordNet]),
            ("meteor.wordpiece", &[Need::Vocabulary]),
        ]
    );
    assert_eq!(found.metrics.len(), 3);

    let vocabulary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(vocabulary.path(), "[UNK]\nan\nacid\n").unwrap();
    let resources = Resources::read(Some(vocabulary.path()), None).unwrap();
    let found = &chemr_scoring::predictions::score_predictions(caption, paper("molt5"), &resources, &file).unwrap()[0];
    assert_eq!((value(found, "bleu2.wordpiece"), value(found, "meteor.wordpiece")), (1.0, 1.0 - 0.5 / 8.0));
    assert_eq!(found.absent.len(), 1);
}

#[test]
fn probabilities_stand_in_a_column() {
    let label = Subject::Task(task("property.bbbp").unwrap());
    let area = |text: &str| {
        let found = &score_predictions(label, None, &read(text)).unwrap()[0];
        let aggregate = found.metrics.iter().find(|(_, metric, _)| metric.id == "roc_auc").map(|found| found.2);
        assert_eq!(aggregate.is_none(), found.absent.iter().any(|absent| absent.id == "roc_auc"));
        aggregate.map(|aggregate| (aggregate.value, aggregate.n))
    };
    let rows = "Yes,Yes,0.9\nNo,Yes,0.2\nYes,,0.2\nNo,No,\n";
    assert_eq!(area(&format!("ground_truth,output,probability\n{rows}")), Some((Some(0.75), 3)));
    assert_eq!(area(&format!("ground_truth,output,score\n{rows}")), None, "perhaps the confidence in the answer");
    assert_eq!(area("ground_truth,output\nYes,Yes\nNo,No\n"), None);
    assert_eq!(area("ground_truth,output,probability\nYes,Yes,1\nNo,No,0.0\n"), None, "these are labels");
    assert_eq!(area("ground_truth,output,probability\nYes,Yes,high\nNo,No,nan\n"), None);
    assert_eq!(area("ground_truth,output,probability\nYes,Yes,0.9\n"), Some((None, 1)), "one class only");
}

/// Text that would hang a careless metric: each row takes a fraction of a second.
#[test]
fn hostile_predictions_are_scored_in_time() {
    let star = format!("[U]{}", "(C)".repeat(600));
    let long = format!("{}ational", "y".repeat(100_000));
    let letters = "<answer>".repeat(10_000);
    for (task, reference) in [
        ("molecule_design", "CCO"),
        ("molecule_captioning", "an acid"),
        ("retrosynthesis", "CCO"),
        ("property.bbbp", "Yes"),
    ] {
        let rows = [&star, &long, &letters]
            .map(|text| serde_json::json!({"reference": reference, "output": [text, text]}).to_string());
        let begin = std::time::Instant::now();
        let results =
            score_predictions(Subject::Task(chemr_tasks::task(task).unwrap()), None, &read(&rows.join("\n"))).unwrap();
        assert_eq!(results[0].rows.len(), 3);
        assert!(begin.elapsed().as_secs() < 20, "{task}: {:?}", begin.elapsed());
    }
}

#[test]
fn the_same_for_any_number_of_threads() {
    let design = Subject::Task(task("molecule_design").unwrap());
    let rows: String = (1..60).map(|n| format!("{},{}\n", "C".repeat(n), "CO".repeat(n % 7))).collect();
    let file = read(&format!("ground_truth,output\n{rows}"));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| score_predictions(design, None, &file).unwrap()[0].json().to_string())
    };
    assert_eq!(on(1), on(3));
}

/// The stored outputs of MolT5-small on the public half of ChEBI-20 with the figures of RDKit 2026.9.1, nltk and rouge-score.
#[test]
fn stored_outputs_have_the_figures_of_the_reference_tools() {
    let Some(data) = std::env::var_os("CHEMR_DATA") else { return };
    let folder = Path::new(&data).join("sample-predictions");
    let suite = Subject::Suite(suite("chebi20").unwrap());
    let names = [
        ("validity_output_parses", "validity"),
        ("exact_inchi", "exact.inchi"),
        ("exact_canonical_smiles", "exact.canonical"),
        ("exact_string", "exact.string"),
        ("maccs_fts", "fts.maccs"),
        ("rdk_fts", "fts.rdk"),
        ("morgan_count_fts", "fts.morgan_count"),
        ("morgan2_2048bit_fts", "fts.morgan_2048"),
        ("levenshtein_mean", "levenshtein"),
        ("bleu_char_nltk", "bleu.char"),
        ("bleu2_nltk", "bleu2.whitespace"),
        ("bleu4_nltk", "bleu4.whitespace"),
        ("rouge1_f", "rouge1"),
        ("rouge2_f", "rouge2"),
        ("rougeL_f", "rougeL"),
    ];
    let mut compared = 0;
    for line in std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap().lines() {
        let stored: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = stored["file"].as_str().unwrap();
        let path = [name.to_owned(), format!("{name}.gz")]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|path| path.exists());
        let results = score_predictions(suite, None, &predictions::read(&path.unwrap()).unwrap()).unwrap();
        for (theirs, ours) in names {
            if let Some(expected) = stored["computed"][theirs].as_f64() {
                let found = value(&results[0], ours);
                assert!((found - expected).abs() <= 1e-6, "{name}: {ours} is {found}, {theirs} {expected}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, names.len());
}
