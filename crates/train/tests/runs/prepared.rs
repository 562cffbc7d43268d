//! Runs on the rows of a prepared folder.

use super::*;
use chemr_data::prepare::{Options, prepare};
use chemr_tasks::{Example, Split};
use std::collections::BTreeMap;

/// A prepared folder with polarity questions, of which one row holds a completion.
fn prepared(base: &Path) -> PathBuf {
    let row = |number: usize, split| {
        let smiles = format!("{}O", "C".repeat(number + 1));
        let input = BTreeMap::from([("smiles".to_string(), smiles)]);
        Example::new("property.polarity_rule", "test", split, 0, input, "No", BTreeMap::new())
    };
    let mut lines: Vec<String> = (0..30)
        .map(|number| row(number, if number < 24 { Split::Train } else { Split::Test }))
        .map(|row| serde_json::to_string(&row).unwrap())
        .collect();
    lines[3].insert_str(1, "\"completion\": \"<answer>perhaps</answer>\", ");
    let (input, out) = (base.join("rows.jsonl"), base.join("prepared"));
    fs::write(&input, lines.join("\n")).unwrap();
    prepare(&Options { inputs: vec![input], ..Options::default() }, None, &out).unwrap();
    out
}

#[test]
fn prepared_rows_train_and_resume_to_the_same_bytes() {
    let base = tempfile::tempdir().unwrap();
    let folder = prepared(base.path());
    let root = format!("data.root={}", folder.display());
    let set = ["data.source=prepared", &root, "distill.enabled=false", "grpo.enabled=false", "foundation.steps=12"];
    let recipe = tiny().with_overrides(&set).unwrap();
    let source = Source::open(&recipe).unwrap();
    assert_eq!((source.task_ids(), source.rows(0)), (vec!["property.polarity_rule"], Some(24)));
    // An epoch has every row once, the next has them in another order.
    let ids = |from: u64| -> Vec<String> {
        (from..from + 24).map(|place| source.example(PhaseKind::Foundation, 0, place).unwrap().id).collect()
    };
    let (first, second) = (ids(0), ids(24));
    assert_ne!(first, second);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids.dedup();
        ids
    };
    assert_eq!(sorted(first.clone()).len(), 24);
    assert_eq!(sorted(first), sorted(second));
    assert_eq!(source.held_out(&recipe.data, Split::Test, 4).unwrap()[0].len(), 4);
    assert!(source.held_out(&recipe.data, Split::Valid, 4).unwrap_err().to_string().contains("valid.jsonl"));

    let (whole, broken) = (base.path().join("whole"), base.path().join("broken"));
    let never = AtomicBool::new(false);
    assert_eq!(go(&recipe, &whole, false, &Silent, &never), RunStatus::Finished);
    disturbed(&recipe, &broken, &[("foundation", 5, false), ("foundation", 9, true)], "model.safetensors");
    let weights = "checkpoints/foundation/step-000012/model.safetensors";
    assert!(fs::read(whole.join(weights)).unwrap() == fs::read(broken.join(weights)).unwrap());

    let set = [
        "data.source=prepared",
        &root,
        "data.tasks=[]",
        "foundation.enabled=false",
        "grpo.enabled=false",
        "distill.steps=2",
    ];
    let distill = tiny().with_overrides(&set).unwrap();
    // A protocol writes the traces that rows do not hold.
    assert_eq!(go(&distill, &base.path().join("distilled"), false, &Silent, &never), RunStatus::Finished);

    // Other rows in the folder are other data: a run that was stopped is not gone on with.
    let (stopped, stop) = (base.path().join("stopped"), AtomicBool::new(false));
    let progress = At { phase: "foundation", step: 5, stop: Some(&stop) };
    assert_eq!(go(&recipe, &stopped, false, &progress, &stop), RunStatus::Stopped);
    let train = folder.join("train.jsonl");
    let text = fs::read_to_string(&train).unwrap();
    fs::write(&train, text.split_once('\n').unwrap().1).unwrap();
    assert!(quietly(&recipe, &stopped, true, &mut NoHook).is_err());
    let set = ["data.source=prepared", "data.root=/nowhere"];
    let message = Source::open(&tiny().with_overrides(&set).unwrap()).unwrap_err().to_string();
    assert!(message.contains("no folder of `chemr data prepare`") && message.contains("train.jsonl"), "{message}");
}

#[test]
fn a_task_without_a_protocol_is_distilled_from_stored_completions_alone() {
    let base = tempfile::tempdir().unwrap();
    let with = |name: &str, completion: &str| {
        let row = |number: usize, split: &str| {
            let smiles = "C".repeat(number + 1);
            format!(
                "{{\"task\": \"name.smiles_to_iupac\", \"split\": \"{split}\", \"input\": {{\"smiles\": \"{smiles}\"}}, \
                 \"reference\": \"name {number}\"{completion}}}\n"
            )
        };
        let rows: String = (0..12).map(|number| row(number, if number < 8 { "train" } else { "test" })).collect();
        let input = base.path().join(format!("{name}.jsonl"));
        fs::write(&input, rows).unwrap();
        prepare(&Options { inputs: vec![input], ..Options::default() }, None, &base.path().join(name)).unwrap();
        let root = format!("data.root={}", base.path().join(name).display());
        let off = ["foundation.enabled=false", "grpo.enabled=false", "distill.steps=2"];
        let set = [&["data.source=prepared", root.as_str(), "data.tasks=[]"][..], &off].concat();
        quietly(&tiny().with_overrides(&set).unwrap(), &base.path().join(format!("run-{name}")), false, &mut NoHook)
    };
    with("told", ", \"completion\": \"<think>a</think><answer>b</answer>\"").unwrap();
    let message = with("untold", "").unwrap_err().to_string();
    assert!(message.contains("name.smiles_to_iupac has no protocol"), "{message}");
}
