//! The generated pages of the manual: they must say what the code says. `CHEMR_BLESS=1 cargo test --release` writes them.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn check(name: &str, wanted: &str) {
    let path = page(name);
    if std::env::var_os("CHEMR_BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == wanted, "docs/{name} is out of date: CHEMR_BLESS=1 cargo test --release -p chemr --test manual");
}

#[test]
fn tasks_page() {
    let mut text = String::from("# Tasks\n\nWritten from the comments of the task files.\n");
    let tasks = chemr_tasks::tasks();
    for (number, task) in tasks.iter().enumerate() {
        let family = task.family();
        let _ = write!(text, "\n## `{}`\n\nFamily `{family}`, input field `{}`.\n\n", task.id(), task.input_key());
        // Tasks of one file share its text.
        if let Some(first) = tasks[..number].iter().find(|first| first.source() == task.source()) {
            let _ = writeln!(text, "See [`{}`](#{}).", first.id(), first.id().replace('.', ""));
            continue;
        }
        // Headings of the files move below the task's own heading.
        for line in chemr_tasks::documentation(task).lines() {
            let deeper = if line.starts_with('#') { "##" } else { "" };
            let _ = writeln!(text, "{deeper}{line}");
        }
    }
    check("tasks.md", &text);
}

/// What strict and loose extraction make of completions picked by hand.
#[test]
fn answers_page() {
    let picked = include_str!("../../tasks/tests/fixtures/completions.json");
    let picked: Vec<(String, String, String)> = serde_json::from_str(picked).unwrap();
    let mut text = String::from(
        "# Strict and loose answers\n\nWhat the verifiers say about completions picked by hand: strictly, as rewards read them, and loosely, as evaluation does. Line breaks are \
         shown as `⏎`. The options of the multiple choice are ethane, ethanol and acetone.\n\n| task | reference | completion | strict | loose | loose answer |\n|---|---|---|---|---|---|\n",
    );
    for (id, reference, completion) in &picked {
        let task = chemr_tasks::task(id).unwrap();
        let columns = std::collections::BTreeMap::from([("options".to_owned(), "ethane\nethanol\nacetone".to_owned())]);
        let row = task.row(&columns, reference);
        let [strict, loose] =
            [chemr_tasks::Mode::Strict, chemr_tasks::Mode::Loose].map(|mode| task.verify(&row, completion, mode));
        let code = |text: &str| match text {
            "" => String::new(),
            text => format!("`` {} ``", text.replace('\n', "⏎")),
        };
        let _ = writeln!(
            text,
            "| `{id}` | `{reference}` | {} | {} | {} | {} |",
            code(completion),
            strict.reason,
            loose.reason,
            code(loose.answer.as_deref().unwrap_or_default())
        );
    }
    check("answers.md", &text);
}

#[test]
fn metrics_page() {
    let mut text = String::from(
        "# Metrics\n\nWritten from the comments of the metric files. `chemr score` computes them with a 95 % bootstrap interval; an id keeps its \
         meaning, and its version goes up when a value can change.\n\n## By kind of answer\n\n| task | metrics |\n|---|---|\n",
    );
    for task in chemr_tasks::tasks() {
        let ids: Vec<String> = task.metrics().map(|metric| format!("`{}`", metric.id)).collect();
        let _ = writeln!(text, "| `{}` | {} |", task.id(), ids.join(", "));
    }
    let _ = write!(text, "\n## Suites\n\n");
    for suite in chemr_tasks::suites::suites() {
        let _ = writeln!(
            text,
            "* `{}`: {} Tasks: `{}`. Decoding: {}.",
            suite.id,
            suite.about,
            suite.tasks.join("`, `"),
            suite.decoding
        );
    }
    text.push_str(
        "\n## Scores that others report\n\nNone was computed here; prompts and decoding differ, and the metric named is the nearest one.\n\n\
         | suite | task | metric | model | printed | as | source |\n|---|---|---|---|---|---|---|\n",
    );
    for suite in chemr_tasks::suites::suites() {
        for score in suite.published {
            let chemr_tasks::suites::Published { model, task, metric, name, value, source } = score;
            let _ = writeln!(text, "| {} | `{task}` | `{metric}` | {model} | {value} | {name} | {source} |", suite.id);
        }
    }
    let _ = write!(text, "\n## Papers (`--as`)\n\n");
    for paper in chemr_tasks::suites::papers() {
        let _ = writeln!(text, "* `{}`: {}.", paper.id, paper.title);
    }
    let mut seen = std::collections::BTreeSet::new();
    for metric in chemr_tasks::metrics::metrics() {
        let comment = metric.documentation();
        // Definitions of one file share its text.
        if seen.insert(comment.clone()) {
            let (title, rest) = comment.split_once('\n').unwrap();
            let _ = write!(text, "\n## {}\n", title.trim_start_matches("# ").trim_end_matches('.'));
            for line in rest.lines() {
                let deeper = if line.starts_with('#') { "##" } else { "" };
                let _ = writeln!(text, "{deeper}{line}");
            }
        }
    }
    check("metrics.md", &text);
}

#[test]
fn recipe_page() {
    let recipe = chemr_train::Recipe::default().to_documented_toml();
    let text = format!(
        "# Recipe keys\n\nEvery key with its default. A recipe names only what differs; `--set section.key=value` changes \
         single keys; a key that does not exist is an error that names the nearest one.\n\n```toml\n{}\n```\n",
        recipe.trim_end()
    );
    check("recipe-keys.md", &text);
}

#[test]
fn commands_page() {
    let mut text = String::from("# Commands\n\nThe help of every command.\n");
    for command in [
        "quickstart",
        "run",
        "train",
        "eval",
        "score",
        "serve",
        "report",
        "data list",
        "data info",
        "data fetch",
        "data import",
        "data audit",
        "data prepare",
        "data export",
        "ask",
        "merge",
        "mol",
        "prompts",
        "doctor",
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_chemr"))
            .args(command.split(' '))
            .arg("--help")
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let _ = write!(text, "\n## `chemr {command}`\n\n```text\n{}\n```\n", help.trim_end());
    }
    check("commands.md", &text);
}

#[test]
fn datasets_page() {
    let text = std::fs::read_to_string(page("datasets.md")).unwrap();
    for shown in [&["data", "list"][..], &["data", "info", "pubchem-captions"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_chemr")).args(shown).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(output.trim_end()),
            "docs/datasets.md does not show what `chemr {}` says",
            shown.join(" ")
        );
    }
}

#[test]
fn data_page() {
    let text = std::fs::read_to_string(page("data.md")).unwrap();
    for importer in chemr_data::import::importers() {
        for name in [importer.name, importer.folder] {
            assert!(text.contains(&format!("`{name}`")), "docs/data.md does not name {name}");
        }
    }
}

/// The end of the page is what the folders themselves say.
#[test]
fn export_page() {
    const HEADING: &str = "\n## How to load\n";
    let stored = std::fs::read_to_string(page("export.md")).unwrap();
    let (head, _) = stored.split_once(HEADING).unwrap();
    let mut text = format!("{head}{HEADING}");
    for target in chemr_data::export::targets() {
        assert!(head.contains(&format!("| `{}` |", target.id)), "docs/export.md does not name {}", target.id);
        for stage in target.stages {
            let _ = write!(text, "\n### {} (`{}`, {stage})\n\n", target.title, target.id);
            text.push_str(&target.loading(*stage, ["train", "valid"], "name.smiles_to_formula"));
        }
    }
    check("export.md", &text);
}

#[test]
fn import_page() {
    let mut text = String::from(
        "# Formats of `chemr data import`\n\nWritten from the importers. A file is offered to the formats in this order; `--format` overrides. Column names count \
         without letter case and signs in tables, as written in JSON; `--map FIELD=COLUMN` overrides. Molecules are \
         written without atom maps; `--keep-maps` keeps a mapped reaction in `meta.mapped`, for [prepare.md](prepare.md#other-spellings).\n",
    );
    for format in chemr_data::import::formats() {
        let _ = write!(text, "\n## `{}`\n\n{}.\n\n", format.name, format.about);
        let _ = writeln!(text, "* Told by: {}.", format.told_by);
        let _ = writeln!(text, "* Tasks: `{}`.", format.tasks.join("`, `"));
        if format.is_evaluation_only {
            let _ = writeln!(text, "* For evaluation only: its rows are always test.");
        }
        // Each endpoint of a property is a field of its own, named as its task.
        let fields: Vec<String> = format
            .columns(None)
            .iter()
            .filter(|column| !column.field.starts_with("property."))
            .map(|column| {
                let needed = if column.is_required { " (needed)" } else { "" };
                match column.names.as_slice() {
                    [] => format!("`{}`{needed} by `--map` alone", column.field),
                    names => format!("`{}`{needed} from `{}`", column.field, names.join("`, `")),
                }
            })
            .collect();
        if !fields.is_empty() {
            let _ = writeln!(text, "* Fields: {}.", fields.join("; "));
        }
    }
    let _ = write!(text, "\n## Reasons for rejects\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in chemr_data::import::RejectReason::CODES {
        let _ = writeln!(text, "| `{code}` | {meaning} |");
    }
    check("import.md", &text);
}
