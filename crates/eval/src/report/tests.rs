use std::collections::BTreeMap;
use std::fmt::Write as _;

use chemr_protocol::{ClaimTally, Truth};
use chemr_tasks::{Example, Mode, Split, task};

use super::*;
use crate::records::{ClaimRecord, PhaseScores, Sample, TaskDetail, TaskScore};
use crate::statistics::wilson;
use crate::summary::{AdapterFacts, ModelFacts};
use crate::write_phase;

/// Rows of the made-up run: task, field, reference, a reasoning with claims (`{text|kind|subject|value|truth}`), a wrong
/// answer.
const ROWS: [(&str, &str, &str, &str, &str); 6] = [
    (
        "name.smiles_to_formula",
        "CC(C)CO",
        "C4H10O",
        "1. **Read the atoms**: The molecule {has 5 heavy atoms|heavy_atoms|CC(C)CO|5|t}.\n2. **Count the elements**: \
         {C1H3=3 C2H4=4 C3H7=7|running_count|CC(C)CO|7|t}.\n3. **Add hydrogens**: That {gives 10 hydrogens|element_count|CC(C)CO|10|t}.\n\
         4. **Write the formula**: In Hill order {C4H10O|formula|CC(C)CO|C4H10O|t}.",
        "C4H8O",
    ),
    (
        "name.iupac_to_smiles",
        "3-chloro-2-methylbutan-1-ol",
        "CC(Cl)C(C)CO",
        "1. **Parent chain**: The parent is butane, {a chain of 4 carbons|chain_length|butane|4|t}.\n2. **Substituents**: \
         {3-chloro|substituent|3|chloro|t}, {2-methyl|substituent|2|methyl|t}, {1-ol|substituent|1|ol|t}.\n3. **Positions**: \
         {1:C(O)|position|1|C(O)|t} {2:C(C)|position|2|C(C)|t} {3:C(Cl)|position|3|C(Cl)|t} 4:C.\n\
         4. **Assemble**: {C(O)C(C)C(Cl)C|smiles||C(O)C(C)C(Cl)C|t} joins the positions.",
        "C(O)C(C)CCCl",
    ),
    (
        "property.polarity_rule",
        "NCC(=O)OCC",
        "Yes",
        "1. **List polar atoms**: {One nitrogen and two oxygens|element_count|NCC(=O)OCC|3|t}.\n2. **Count**: There {are 2 donors|donors|NCC(=O)OCC|2|f} \
         and {4 carbons|element_count|NCC(=O)OCC|4|t}.\n3. **Apply the rule**: {Twice 5 is 10|arithmetic|2*5|10|t}, which {is at least 4|comparison|10|4|t}.\n\
         4. **Verdict**: The molecule is polar under the rule.",
        "No",
    ),
    (
        "reaction_prediction",
        "CC(C)C(=O)O.OCC",
        "CCOC(=O)C(C)C",
        "1. **Reactant analysis**: There are {two reactants|reactant_count|reactants|2|t}.\n2. **Reactive groups**: The first {carries a carboxylic \
         acid|group_present|CC(C)C(=O)O|carboxylic acid|t}, the second {an amine|group_present|OCC|amine|f}.\n3. **Reaction type**: This is \
         {an esterification|reaction_type|reaction|esterification|t}; it {forms C-O|bond_formed|reaction|C-O|t}.\n\
         4. **Product**: Joining gives {CC(C)C(=O)OCC|smiles||CC(C)C(=O)OCC|t}.",
        "CC(C)C(=O)NCC",
    ),
    (
        "retrosynthesis",
        "O=C(Nc1ccccc1)C1CC1",
        "Nc1ccccc1.O=C(O)C1CC1",
        "1. **Product analysis**: The product has {2 rings|ring_count|product|2|t} and, <b>so it says</b>, {no stereocentre|stereo|product|0|u}.\n2. **Functional \
         groups**: It holds {an amide|group_present|product|amide|t}.\n3. **Reaction type**: {Amide coupling|reaction_type|reaction|amide coupling|t} \
         {breaks C-N|bond_broken|reaction|C-N|t}.\n4. **Reactants**: {O=C(O)C1CC1|smiles||O=C(O)C1CC1|t} and {Nc1ccccc1|smiles||Nc1ccccc1|t}.",
        "O=C(Cl)C1CC1",
    ),
    (
        "tomg.functional_group",
        "1 ester, 2 alcohol",
        "CCOC(=O)C(O)CO",
        "1. **Constraints**: The molecule needs {one ester and two alcohols|constraint|groups|1 ester, 2 alcohol|t}.\n2. **Core**: Start from \
         {C(=O)OCC|group_fragment|C(=O)OCC|ester|t}.\n3. **Assemble**: Adding the alcohols gives {OCC(O)C(=O)OCC|smiles||OCC(O)C(=O)OCC|t}.\n\
         4. **Validate**: It {has 2 alcohols|group_count|OCC(O)C(=O)OCC|2|t}.",
        "CCOC(=O)CO",
    ),
];

/// Text hostile to a page that forgets to escape.
const HOSTILE: &str =
    "<script>alert('model')</script><img src=x onerror=alert(1)>\u{202e}]]><!-- \" ' & </bdi></pre>{{ 7*7 }}";

/// The plain text and its claims.
fn unmark(marked: &str, offset: usize) -> (String, Vec<ClaimRecord>) {
    let (mut text, mut claims) = (String::new(), Vec::new());
    for (index, piece) in marked.split(['{', '}']).enumerate() {
        if index % 2 == 0 {
            text.push_str(piece);
            continue;
        }
        let fields: Vec<&str> = piece.split('|').collect();
        let start = offset + text.len();
        text.push_str(fields[0]);
        claims.push(ClaimRecord {
            start,
            end: offset + text.len(),
            kind: fields[1].into(),
            subject: fields[2].into(),
            value: fields[3].into(),
            truth: match fields[4] {
                "t" => Truth::True,
                "f" => Truth::False,
                _ => Truth::Unverifiable,
            },
            step: 1,
        });
    }
    (text, claims)
}

fn made_up_sample(row: usize, variant: usize, phase: &str) -> Sample {
    let (id, field, reference, reasoning, wrong) = ROWS[row];
    let known = task(id).unwrap();
    let input = BTreeMap::from([(known.input_key().to_string(), field.to_string())]);
    let meta = BTreeMap::from([("variant".to_string(), variant.to_string())]);
    let example = Example::new(id, "gym", Split::Test, 1, input, reference, meta);
    let right = !(row + variant).is_multiple_of(3) && (phase != "foundation" || row.is_multiple_of(2));
    let answer = if right { reference } else { wrong };
    let (completion, claims) = match (phase, variant) {
        ("foundation", _) => (chemr_tasks::answer_block(answer), Vec::new()),
        (_, 2) => {
            (format!("<think>{HOSTILE}\n1. **{HOSTILE}**: {HOSTILE}</think>\n<answer>{HOSTILE}</answer>"), Vec::new())
        }
        _ => {
            let (text, claims) = unmark(reasoning, "<think>".len());
            (chemr_tasks::completion(&text, answer), claims)
        }
    };
    let verdict = known.verify(&example, &completion, Mode::Loose);
    Sample {
        task: id.into(),
        id: format!("{}{variant}", example.id),
        level: 1,
        input_key: known.input_key().into(),
        input: if variant == 2 { HOSTILE.into() } else { field.into() },
        question: known.question(&example).user.lines().nth(1).unwrap().into(),
        tokens: completion.len() / 3,
        truncated: variant == 2,
        correct: verdict.correct,
        format: verdict.format,
        valid: verdict.valid,
        reason: verdict.reason.to_string(),
        answer: verdict.answer,
        reference: reference.into(),
        completion,
        claims,
    }
}

fn made_up_phase(name: &str, level: f64) -> PhaseRecord {
    let n = 200;
    let tasks = ROWS
        .iter()
        .enumerate()
        .map(|(index, (id, ..))| {
            let right = ((level - 0.06 * index as f64) * n as f64) as usize;
            let (low, high) = wilson(right, n);
            TaskDetail {
                task: (*id).into(),
                score: TaskScore {
                    accuracy: right as f64 / n as f64,
                    low,
                    high,
                    n,
                    baseline: if id.starts_with("property") { 0.5 } else { 0.01 * index as f64 },
                    valid: 0.97,
                    format: if name == "foundation" { 0.0 } else { 0.99 },
                },
                baseline_kind: task(id).unwrap().baseline().title().into(),
                reasons: BTreeMap::from([("correct".into(), right), ("wrong_answer".into(), n - right)]),
                parts: BTreeMap::new(),
                claims: match name {
                    "foundation" => ClaimTally::default(),
                    _ => ClaimTally { right: 1180, wrong: 12 + index, unverifiable: 20 },
                },
                mean_tokens: 60.0,
                truncated: index,
                unasked: 0,
                outcomes: (0..n).map(|row| if row < right { '1' } else { '0' }).collect(),
            }
        })
        .collect();
    let samples = (0..ROWS.len()).flat_map(|row| (0..3).map(move |variant| (row, variant)));
    PhaseRecord {
        name: name.into(),
        seconds: 321.0,
        tokens: 2_345_678,
        evaluation_seconds: 31.0,
        asked: None,
        scores: PhaseScores {
            tasks,
            samples: samples.map(|(row, variant)| made_up_sample(row, variant, name)).collect(),
        },
    }
}

fn made_up_metrics() -> String {
    let mut text = String::from("{\"phase\":\"tokenizer\",\"step\":0,\"vocab_size\":1200}\n");
    for (phase, steps) in [("foundation", 600), ("distill", 400), ("grpo", 60)] {
        for step in 1..=steps {
            let share = f64::from(step) / f64::from(steps);
            let noise = (f64::from(step) * 12.9898).sin() * 0.08;
            let values = |task: usize| {
                let place = task as f64 * 0.07;
                match phase {
                    "grpo" => format!(
                        "\"reward\":{:.3},\"accuracy\":{:.3},\"format\":0.99,\"entropy\":{:.3},\"length\":{:.1},\"groups\":8,\"zero_variance_groups\":{}",
                        0.5 + 0.3 * share - place + noise / 2.0,
                        0.45 + 0.35 * share - place + noise / 2.0,
                        0.3 - 0.2 * share + place / 5.0,
                        70.0 + 20.0 * place - 5.0 * share,
                        (4.0 + 3.0 * share) as usize
                    ),
                    _ => format!(
                        "\"loss\":{:.4},\"entropy\":{:.4}",
                        3.0 * (-4.0 * share).exp() + 0.3 + place + noise,
                        2.5 * (-4.0 * share).exp() + 0.2
                    ),
                }
            };
            let tasks: Vec<String> =
                ROWS.iter().enumerate().map(|(index, row)| format!("\"{}\":{{{}}}", row.0, values(index))).collect();
            let _ = writeln!(
                text,
                "{{\"phase\":\"{phase}\",\"step\":{step},{},\"tasks\":{{{}}}}}",
                values(3),
                tasks.join(",")
            );
        }
    }
    text
}

/// Writes the made-up run into a folder.
fn made_up_run(run: &Path) {
    for (name, level) in [("foundation", 0.52), ("distill", 0.81), ("grpo", 0.86)] {
        write_phase(run, &made_up_phase(name, level)).unwrap();
    }
    let model = ModelFacts {
        parameters: 1_458_240,
        vocabulary: 1200,
        hidden_size: 128,
        layers: 6,
        attention_heads: 4,
        key_value_heads: 2,
        max_positions: 512,
        adapter: Some(AdapterFacts { rank: 8, parameters: 36_864 }),
    };
    Summary::build(&read_phases(run).unwrap(), model, 7).write(run).unwrap();
    fs::write(run.join("metrics.jsonl"), made_up_metrics()).unwrap();
    fs::write(run.join("config.toml"), "[run]\nname = \"first <try>\"\nseed = 7\n").unwrap();
    fs::write(run.join("manifest.json"), "{\"version\": \"0.1.0\", \"note\": \"</pre><script>\"}").unwrap();
}

#[test]
fn the_report_is_one_file_and_escapes_model_text() {
    let folder = tempfile::tempdir().unwrap();
    made_up_run(folder.path());
    let path = report(folder.path()).unwrap();
    let html = fs::read_to_string(&path).unwrap();
    if let Some(copy) = std::env::var_os("CHEMR_REPORT_COPY") {
        fs::write(copy, &html).unwrap();
    }
    assert_eq!(html.matches("<script>").count(), 1, "only the page's own script");
    assert!(!html.contains("alert('model')") || html.contains("&lt;script&gt;"));
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains("<b>so it says"));
    assert!(html.contains("{{ 7*7 }}") || html.contains("{{ 7*7 }}".replace('{', "&#123;").as_str()));
    // Nothing is fetched: no address outside the drawings' name space.
    for part in html.split("http").skip(1) {
        assert!(part.starts_with("://www.w3.org/") || part.starts_with("-equiv"), "{:.60}", part);
    }
    for word in [
        "Foundation",
        "Distillation",
        "GRPO",
        "adapter of rank 8: 36,864 values (2.53 %)",
        "Retrosynthesis",
        "claim false",
        "claim true",
        "polyline",
        "<use href=\"#m0\"",
    ] {
        assert!(html.contains(word), "{word}");
    }
    assert!(html.matches("class=\"sample\"").count() == 54);
    // The run's own name, and the folder beside it.
    let name = folder.path().file_name().unwrap().to_string_lossy();
    assert!(html.contains("<h1><bdi>first &lt;try&gt;</bdi></h1>") && html.contains(&format!("<dd>{name}</dd>")));
    // The same folder gives the same bytes.
    assert_eq!(render(folder.path()).unwrap(), html);
}

#[test]
fn the_summary_has_the_agreed_shape() {
    let folder = tempfile::tempdir().unwrap();
    made_up_run(folder.path());
    let text = fs::read_to_string(folder.path().join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&summary), ["phases", "model", "seed", "peak_rss_mb"]);
    let phase = &summary["phases"][2];
    assert_eq!(keys(phase), ["name", "tasks", "mean", "worst", "claims", "seconds", "tokens"]);
    assert_eq!(phase["name"], "grpo");
    let score = &phase["tasks"]["retrosynthesis"];
    assert_eq!(keys(score), ["accuracy", "low", "high", "n", "baseline", "valid", "format"]);
    assert_eq!(keys(&phase["claims"]), ["checked", "false"]);
    assert!(phase["worst"].is_number() && summary["model"]["parameters"].is_u64());
    let lowest =
        phase["tasks"].as_object().unwrap().values().map(|task| task["accuracy"].as_f64().unwrap()).fold(1.0, f64::min);
    assert_eq!(phase["worst"].as_f64().unwrap(), lowest);
}

#[test]
fn a_folder_without_evaluation_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let message = report(folder.path()).unwrap_err().to_string();
    assert!(message.contains("chemr eval"), "{message}");
}

#[test]
fn a_report_without_the_optional_files() {
    let folder = tempfile::tempdir().unwrap();
    write_phase(folder.path(), &made_up_phase("evaluation", 0.4)).unwrap();
    let html = render(folder.path()).unwrap();
    assert!(html.contains("evaluation") && !html.contains("id=\"training\""));
    let name = folder.path().file_name().unwrap().to_string_lossy();
    assert!(html.contains(&format!("<h1><bdi>{name}</bdi></h1>")), "a run without a name has its folder's");
}

#[test]
fn findings_say_what_did_not_improve() {
    let phases = [made_up_phase("distill", 0.8), made_up_phase("grpo", 0.7)];
    let text = serde_json::to_string(&figures::findings(&phases)).unwrap();
    assert!(text.contains("falls") && text.contains("Worse") && text.contains("\"bad\""), "{text}");
    let level = [made_up_phase("distill", 0.8), made_up_phase("grpo", 0.81)];
    let text = serde_json::to_string(&figures::findings(&level)).unwrap();
    assert!(text.contains("No clear change"), "{text}");
    // The same answers right in another order of rows: sums that differ in the last bit must not be called a rise.
    let mut turned = made_up_phase("grpo", 0.8);
    for task in &mut turned.scores.tasks {
        task.outcomes = task.outcomes.chars().rev().collect();
        task.score.accuracy += f64::EPSILON;
    }
    let text = serde_json::to_string(&figures::findings(&[made_up_phase("distill", 0.8), turned])).unwrap();
    assert!(text.contains("does not change") && !text.contains("rises") && text.contains("p = 1.000"), "{text}");
}
