use serde_json::Value;

use super::file::all_fields;
use super::*;
use crate::example::Split;
use crate::registry::task;

fn row(task: &Task, texts: &[&str], reference: &str) -> Example {
    let input = task.fields().iter().zip(texts).map(|(field, text)| (field.key.to_owned(), (*text).to_owned()));
    Example::new(task.id(), "test", Split::Train, 0, input.collect(), reference, BTreeMap::new())
}

fn refused(text: &str) -> String {
    Prompts::parse(text, "mine.toml").err().map(|error| error.to_string()).unwrap_or_default()
}

/// The fixture holds the prompts that models of earlier versions were trained with: rows of every task, plain ones, such with line breaks and braces, and such without a
/// field.
#[test]
fn the_programs_prompts_keep_every_byte() {
    let mut lines = include_str!("../../tests/fixtures/prompts.jsonl")
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).unwrap() });
    let same = lines.next().unwrap();
    let mut asked = Vec::new();
    for line in lines {
        let task = task(line["task"].as_str().unwrap()).unwrap();
        let input: BTreeMap<String, String> = serde_json::from_value(line["input"].clone()).unwrap();
        let row = Example::new(task.id(), "test", Split::Train, 0, input, "", BTreeMap::new());
        let prompt = task.question(&row);
        let user = format!("{}{}", same["envelope"].as_str().unwrap(), line["user"].as_str().unwrap());
        assert_eq!((prompt.system.as_str(), prompt.user), (same["system"].as_str().unwrap(), user), "{}", task.id());
        asked.push(task.id());
    }
    asked.dedup();
    assert_eq!(asked.len(), 83);
    let free = Prompts::builtin().free("Why {line}?");
    assert_eq!(free.user, format!("{}\nWhy {{line}}?", same["envelope"].as_str().unwrap()));
}

#[test]
fn the_programs_file_has_every_task_and_label() {
    let file = Prompts::default().overlaid(Prompts::DEFAULT_FILE, "prompts.toml").unwrap();
    assert_eq!(&file, Prompts::builtin());
    for key in Key::ALL.into_iter().filter(|key| key.is_general()) {
        assert!(file.top.texts.contains_key(&key), "{}", key.name());
    }
    for task in tasks() {
        assert!(!file.line(task).is_empty(), "data/prompts.toml has no line for {}", task.id());
        assert!(file.shows_shots(task), "{}", task.id());
    }
    for field in all_fields() {
        assert!(file.top.labels.contains_key(field), "data/prompts.toml has no label for {field}");
    }
}

#[test]
fn a_file_changes_what_it_says() {
    let text = r#"
system = "You are {not} a variable."
output = "Reply"
[labels]
smiles = "Molecule"
[tasks.retrosynthesis]
line = "Take it apart."
output = "From"
user = "{line} {product}{{}}{shots}"
[tasks."tomg.add"]
envelope = ""
labels = { add = "Plus" }
"#;
    let prompts = Prompts::parse(text, "mine.toml").unwrap();
    let (retro, add) = (task("retrosynthesis").unwrap(), task("tomg.add").unwrap());
    let prompt = prompts.question(retro, &row(retro, &["C{line}"], ""));
    assert_eq!(
        (prompt.system.as_str(), prompt.user.as_str()),
        ("You are {not} a variable.", "Take it apart. C{line}{}")
    );
    let line = Prompts::builtin().line(add);
    assert_eq!(
        prompts.question(add, &row(add, &["C", "nitro"], "")).user,
        format!("\n{line}\nMolecule: C\nPlus: nitro")
    );
    // The top of the file comes before the program's own table of a task.
    let formula = task("name.smiles_to_formula").unwrap();
    let shot = row(formula, &["CC"], "C2H6");
    let prompt = prompts.question_after(formula, &row(formula, &["C"], ""), &[&shot, &shot]);
    assert!(
        prompt.user.ends_with("\nMolecule: CC\nReply: C2H6\nMolecule: CC\nReply: C2H6\nMolecule: C"),
        "{}",
        prompt.user
    );
    assert_eq!(prompts.template(retro, Key::Output).source(), "From");
    assert_eq!(prompts.free("a {b}").system, "You are {not} a variable.");
    let choice = task("choice.mmlu").unwrap();
    let asked = row(choice, &["Which?", "a\nb"], "");
    let lettered = Prompts::parse("[tasks.\"choice.mmlu\"]\nuser = \"{question}{options}\"", "").unwrap();
    assert_eq!(lettered.question(choice, &asked).user, "Which?\nA. a\nB. b");
    assert!(!lettered.shows_shots(choice) && lettered.shows_shots(retro));
}

#[test]
fn written_prompts_are_the_same_read_again() {
    let text = "user = \"{fields}\\n\\t{shots}\"\n[labels]\nsmiles = \"é\\\"\"\n[tasks.retrosynthesis]\nline = \"\"\"a\nb\"\"\"\n";
    let builtin = Prompts::builtin();
    let mine = Prompts::parse(text, "").unwrap();
    assert_ne!(mine.sha256(), builtin.sha256());
    for prompts in [builtin, &mine] {
        // Also over other templates than the program's: a stored file does not depend on them.
        for base in [builtin, &mine, &Prompts::default()] {
            assert_eq!(&base.overlaid(&prompts.to_toml(), "").unwrap(), prompts);
        }
        assert_eq!(Prompts::parse(&prompts.to_toml(), "").unwrap().sha256(), prompts.sha256());
        for task in tasks() {
            let own = prompts.to_toml_of(task);
            let quoted = format!(
                "[tasks.\"{}\"]\n{}",
                task.id(),
                own.replace("[labels]", &format!("[tasks.\"{}\".labels]", task.id()))
            );
            let alone = Prompts::parse(&quoted, "").unwrap();
            assert_eq!(alone.question(task, &sample(task)), prompts.question(task, &sample(task)));
        }
    }
    assert_eq!(Prompts::parse(Prompts::DEFAULT_FILE, "").unwrap().sha256(), builtin.sha256());
    assert_eq!(Prompts::parse("", "").unwrap().sha256(), builtin.sha256());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, wanted) in [
        ("sytem = \"\"", "mine.toml:1: unknown key `sytem`; did you mean `system`?"),
        ("\n\nline = \"\"", "mine.toml:3: unknown key `line`; it stands in the table of a task"),
        (
            "[tasks.retrosynthesi]\nline = \"\"",
            "mine.toml:1: unknown task `retrosynthesi`; did you mean `retrosynthesis`?",
        ),
        ("[tasks.\"tomg.ad\"]", "did you mean `tomg.add`?"),
        (
            "[tasks.retrosynthesis]\nlines = \"\"",
            "mine.toml:2: unknown key `tasks.\"retrosynthesis\".lines`; did you mean `line`?",
        ),
        (
            "[tasks.retrosynthesis]\nfree = \"\"",
            "mine.toml:2: unknown key `tasks.\"retrosynthesis\".free`; it stands at the top",
        ),
        ("[labels]\nsmile = \"\"", "mine.toml:2: unknown field `smile`; did you mean `smiles`?"),
        (
            "[tasks.retrosynthesis.labels]\nsmiles = \"\"",
            "mine.toml:2: unknown field `smiles` of retrosynthesis; known here: product",
        ),
        ("user = \"{field}\"", "mine.toml:1: user: unknown variable `{field}`; did you mean `fields`?"),
        ("user = \"{line}\"", "mine.toml:1: user: it must show {fields}"),
        ("user = \"{product}\"", "mine.toml:1: user: unknown variable `{product}`"),
        (
            "[tasks.\"tomg.add\"]\n\nuser = \"{smiles}\"",
            "mine.toml:3: tasks.\"tomg.add\".user: it must show {fields} or {add}",
        ),
        ("shot = \"{reference}\"", "shot: it must show {fields}"),
        ("field = \"{value\"", "field: a `{` is never closed"),
        ("free = \"{envelope}\"", "free: it must show {question}"),
        ("shots = \"\"", "shots: it must show {examples}"),
        ("system = 3", "mine.toml:1: system: a text is wanted, found integer"),
        ("tasks = 3", "mine.toml:1: tasks: a table is wanted"),
        ("[tasks]\nretrosynthesis = 3", "mine.toml:2: tasks.\"retrosynthesis\": a table is wanted"),
        ("labels = []", "labels: a table is wanted"),
        ("system = \"a\nb\"", "mine.toml:"),
        ("system = \"\"\nsystem = \"\"", "mine.toml:2: duplicate key"),
        ("\u{0}", "mine.toml:1: "),
    ] {
        let message = refused(text);
        assert!(message.contains(wanted), "{text}: {message}");
    }
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(refused(&deep).starts_with("mine.toml:1: "));
    let missing = Prompts::load(Path::new("no-such.toml")).unwrap_err().to_string();
    assert!(missing.contains("no-such.toml") && missing.contains("chemr prompts --default"), "{missing}");
}
