//! An adapter as a user trains it, asks it, merges it; and a run whose numbers are not finite.

use std::path::Path;

use serde_json::Value;

use super::{finish, recipe_in, refused, start, works};

/// What a model answered to every held-out question, with its scores.
fn answers(folder: &Path, out: &str, model: &[&str]) -> Value {
    works(folder, &[&["eval", "--recipe", "tiny.toml", "--out", out], model].concat());
    let record: Value =
        serde_json::from_slice(&std::fs::read(folder.join(out).join("eval/model.json")).unwrap()).unwrap();
    record["scores"].clone()
}

#[test]
fn an_adapter_is_trained_asked_evaluated_and_merged() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    let recipe = recipe_in(folder);
    // Tasks whose examples are made in no time.
    let text = std::fs::read_to_string(&recipe).unwrap();
    let tasks = "[data]\ntasks = [\"property.polarity_rule\", \"name.smiles_to_formula\"]\n";
    std::fs::write(&recipe, text.replace("[data]\n", tasks)).unwrap();
    // Long enough that it says something.
    let base = ["grpo.enabled=false", "distill.steps=80", "distill.learning_rate=1e-2", "run.checkpoint_every=0"];
    let base: Vec<&str> = base.into_iter().flat_map(|change| ["--set", change]).collect();
    finish(start(&recipe, &folder.join("base"), &base));
    let train = ["train", "distill", "--recipe", "tiny.toml", "--out", "adapter"];
    let how = ["--set", "adapter.rank=2", "--set", "distill.learning_rate=0.05"];
    assert!(refused(folder, &[&train[..], &how].concat()).contains("--from FOLDER"));
    let said = works(folder, &[&train[..], &how, &["--from", "base"]].concat());
    assert!(said.contains("merge adapter/checkpoints/distill/step-000008 --out"), "{said}");
    let summary: Value = serde_json::from_slice(&std::fs::read(folder.join("adapter/summary.json")).unwrap()).unwrap();
    assert_eq!(summary["model"]["adapter"]["rank"], 2);
    let report = std::fs::read_to_string(folder.join("adapter/report.html")).unwrap();
    assert!(report.contains("adapter of rank 2"));

    // On a base in int8 it learns, too, and is evaluated as it was trained.
    let packed = ["--set", "adapter.base=int8", "--from", "base", "--out", "packed"];
    works(folder, &[&train[..4], &how, &packed].concat());
    let of_run = std::fs::read(folder.join("packed/eval/distill.json")).unwrap();
    let of_run: Value = serde_json::from_slice(&of_run).unwrap();
    assert_eq!(answers(folder, "packed-answers", &["--model", "packed"]), of_run["scores"]);

    // The merged model answers as the adapter does, the base does not.
    works(folder, &["merge", "adapter", "--out", "merged"]);
    assert!(folder.join("merged/config.json").is_file() && !folder.join("merged/adapter_config.json").exists());
    for precision in ["fp32", "bf16", "int8"] {
        let of = |model: &str| {
            let model = ["--model", model, "--precision", precision];
            answers(folder, &format!("{}-{precision}", model[1]), &model)
        };
        let adapter = of("adapter");
        assert!(adapter == of("merged") && adapter != of("base"), "{precision}");
    }
    let ask = ["ask", "What is the formula of CCO?", "--json", "--model"];
    let asked =
        |model: &[&str]| -> Value { serde_json::from_str(&works(folder, &[&ask[..], model].concat())).unwrap() };
    let adapter = asked(&["adapter"]);
    assert_eq!(adapter["completion"], asked(&["merged"])["completion"]);
    assert_eq!(adapter["base"], "base/checkpoints/distill/step-000080");
    assert_eq!(adapter["trained_for"].as_array().unwrap().len(), 2);

    // Elsewhere the base is not found, unless it is named or lies where the adapter's folder says.
    let elsewhere = tempfile::tempdir().unwrap();
    let adapter = folder.join("adapter");
    let ask_it = [&ask[..], &[adapter.to_str().unwrap()]].concat();
    let lost = refused(elsewhere.path(), &ask_it);
    assert!(lost.contains("base/checkpoints/distill/step-000080") && lost.contains("--base"), "{lost}");
    let base = folder.join("base");
    works(elsewhere.path(), &[&ask_it[..], &["--base", base.to_str().unwrap()]].concat());
    let newest = adapter.join("checkpoints/distill/step-000008");
    let settings = newest.join("adapter_config.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("base/checkpoints/distill/step-000080", "../../../../merged")).unwrap();
    works(elsewhere.path(), &ask_it);
    std::fs::write(&settings, text.replace("base/checkpoints/distill/step-000080", "")).unwrap();
    assert!(refused(folder, &ask_it).contains("--base"));

    let cases: [(&[&str], &str); 6] = [
        (&["merge", "adapter", "--base", "base", "--out", "merged"], "exists already"),
        (&["merge", "base", "--out", "new"], "is a whole model"),
        (&["merge", "nothing", "--out", "new"], "adapter folder (adapter_config.json)"),
        (&["merge", "adapter", "--base", "adapter", "--out", "new"], "is an adapter itself"),
        (&["ask", "CCO", "--plain", "--model", "merged", "--base", "base"], "--base is for adapters"),
        (&["train", "grpo", "--from", "adapter", "--recipe", "tiny.toml", "--out", "new"], "chemr merge"),
    ];
    for (arguments, wanted) in cases {
        let message = refused(folder, arguments);
        assert!(message.contains(wanted), "{arguments:?}: {message}");
    }
    assert!(!folder.join("new/config.json").exists());
}

#[test]
fn a_failed_step_names_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    recipe_in(folder.path());
    let absurd = ["run", "tiny.toml", "--set", "foundation.learning_rate=1e30", "--out", "run"];
    let message = refused(folder.path(), &absurd);
    let dump = std::fs::read_dir(folder.path().join("run/failures")).unwrap().next().unwrap().unwrap().path();
    assert!(dump.join("batch.json").is_file());
    let place = Path::new("run/failures").join(dump.file_name().unwrap()).join("batch.json");
    assert!(message.contains(&place.display().to_string()), "{message}");
}
