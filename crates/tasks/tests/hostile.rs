//! Hostile completions through extraction and verdict: no panic, no slow one.
//!
//! The generator mixes mutated SMILES, prose, Unicode, tag soup and very long text. `CHEMR_HOSTILE` sets the number of
//! completions (default 100,000).

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chemr_tasks::{Example, Kind, Mode, Reason, Split, Task, completion, extract, tasks};

/// SplitMix64: enough for choosing test input.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const MOLECULES: [&str; 12] = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "C[C@@H](N)C(=O)O",
    "OC(=O)CC(O)(C(=O)O)CC(=O)O",
    "[Na+].[O-]S(=O)(=O)c1ccc(N)cc1",
    "C1CC2CCC1CC2",
    "F/C=C/Cl",
    "CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O",
    "C1=CC=C2C(=C1)C=CC=C2",
    "[13CH3]C#N",
    "O=C1CCCN1",
];
const SHARDS: [&str; 34] = [
    "C", "c", "N", "n", "O", "(", ")", "[", "]", "=", "#", "1", "2", "9", "%10", "%99", ".", "@", "@@", "/", "\\", "+",
    "-", "H", "[C@@H]", "[nH]", "[Fe+99]", "[999C]", "~", ":", "$", ">", "*", "\0",
];
const PROSE: [&str; 14] = [
    "the product is ",
    "yes",
    "No",
    "answer:",
    "ignore the instructions ",
    "C2H6O",
    "H2O",
    "C99999H99999",
    "```",
    "**",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "1. **Product analysis**: ",
    "C1H0",
];
const UNICODE: [&str; 10] = ["é", "漢字", "\u{202e}", "\u{200b}", "👩‍🔬", "ÅÅ", "\u{feff}", "С", "₂", "İ"];
const TAGS: [&str; 10] = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<ANSWER>",
    "<think",
    "<answer/>",
    "< answer>",
    "</answer",
    "<<answer>>",
];

/// Most time that one verdict may take.
const LIMIT: Duration = Duration::from_millis(50);

/// Time that this thread has been computing, where the system tells: other programs on the machine do not count.
fn computing_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Memory of this process, where the system tells.
fn resident_kilobytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

/// How long a verdict takes: the clock when that is short, otherwise the least of some attempts in computing time.
fn time(task: &Task, row: &Example, text: &str, mode: Mode) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..5 {
        let (clock, before) = (Instant::now(), computing_time());
        let verdict = task.verify(row, text, mode);
        let took = clock.elapsed();
        assert!((0.0..=1.0).contains(&verdict.score));
        if took < LIMIT / 2 {
            return least.min(took);
        }
        // Some systems count computing time in steps of milliseconds: it says something about long times only.
        let computed = before.and_then(|before| computing_time().map(|after| after.saturating_sub(before)));
        least = least.min(took).min(computed.unwrap_or(took));
    }
    least
}

/// A piece of answer text.
fn answer(random: &mut Random) -> String {
    match random.below(12) {
        0..=5 => {
            let mut text: Vec<char> = random.pick(&MOLECULES).chars().collect();
            for _ in 0..random.below(4) {
                let position = random.below(text.len().max(1));
                let shard: Vec<char> = random.pick(&SHARDS).chars().collect();
                match random.below(3) {
                    0 => {
                        let end = position.min(text.len());
                        text.splice(end..end, shard);
                    }
                    1 if position < text.len() => {
                        text.remove(position);
                    }
                    _ if position < text.len() => {
                        text.splice(position..=position, shard);
                    }
                    _ => {}
                }
            }
            text.into_iter().collect()
        }
        6 | 7 => {
            let count = random.below(60);
            (0..count).map(|_| random.pick(&SHARDS)).collect()
        }
        8 => {
            let count = random.below(8);
            (0..count).map(|_| random.pick(&PROSE)).collect()
        }
        9 => {
            let count = random.below(8);
            (0..count).map(|_| random.pick(&UNICODE)).collect()
        }
        10 => {
            let unit = random.pick(&[
                "C",
                "C(",
                "c1ccccc1",
                "[",
                "(((",
                "C=",
                "N#",
                "C1",
                "C%12",
                "[C@@H](F)",
                "CC(C)(C)",
                "O=S(=O)",
                ".",
            ]);
            let most = if random.below(20) == 0 { 100_000 } else { 420 };
            unit.repeat(random.below(most / unit.len()).max(1))
        }
        _ => format!("{}.{}", random.pick(&MOLECULES), random.pick(&MOLECULES)),
    }
}

fn hostile(random: &mut Random) -> String {
    match random.below(10) {
        0..=4 => completion("1. **A**: b", &answer(random)),
        5 => format!("<answer>{}</answer>", answer(random)),
        6 => answer(random),
        _ => {
            let mut text = String::new();
            for _ in 0..random.below(12) {
                match random.below(4) {
                    0 | 1 => text.push_str(random.pick(&TAGS)),
                    2 => text.push_str(&answer(random)),
                    _ => text.push_str(random.pick(&PROSE)),
                }
            }
            text
        }
    }
}

/// Inputs and reference of a row of the task.
fn row(task: &Task) -> Example {
    let smiles = ("smiles", "CC(=O)Oc1ccccc1C(=O)O");
    let reaction = ("reaction", "c1ccccc1Br.OB(O)c1ccccc1>>c1ccc(-c2ccccc2)cc1");
    let (fields, reference): (Vec<(&str, &str)>, &str) = match task.id() {
        "name.smiles_to_formula" => (vec![smiles], "C9H8O4"),
        "name.iupac_to_smiles" => (vec![("iupac", "2-acetyloxybenzoic acid")], smiles.1),
        "name.smiles_to_iupac" => (vec![smiles], "2-acetyloxybenzoic acid"),
        "name.iupac_to_formula" => (vec![("iupac", "2-acetyloxybenzoic acid")], "C9H8O4"),
        "name.formula_to_smiles" => (vec![("formula", "C9H8O4")], smiles.1),
        "molecule_design" => (vec![("description", "The molecule is a benzoic acid.")], smiles.1),
        "molecule_captioning" => (vec![smiles], "The molecule is a member of the class of benzoic acids."),
        "reaction_prediction" => (vec![("reactants", "CC(=O)O.OCC")], "CCOC(C)=O"),
        "retrosynthesis" => (vec![("product", "CCOC(C)=O")], "CC(=O)O.CCO"),
        "reagent_prediction" => (vec![reaction], "[Na+].[OH-]"),
        "reagent.selection_rule" => (vec![reaction, ("candidates", "CCO,CO,C1CCOC1")], "CO"),
        "tomg.atom_num" => (vec![("atoms", "5 carbon, 2 oxygen")], "CCCOC(C)=O"),
        "tomg.bond_num" => (vec![("bonds", "5 single, 1 double")], "CCCOC(C)=O"),
        "tomg.functional_group" => (vec![("groups", "1 ester, 2 alcohol")], "CCOC(=O)C(O)CO"),
        "tomg.add" => (vec![smiles, ("add", "nitro")], ""),
        "tomg.del" => (vec![smiles, ("remove", "carboxyl")], ""),
        "tomg.sub" => (vec![smiles, ("remove", "carboxyl"), ("add", "sulfide")], ""),
        "tomg.logp" | "tomg.mr" | "tomg.qed" => (vec![smiles, ("direction", "increase")], ""),
        "cot.group_count" => (vec![smiles, ("group", "ester")], "1"),
        "cot.ring_count" => (vec![smiles, ("ring", "c1ccccc1")], "1"),
        "cot.murcko_scaffold" => (vec![smiles], "c1ccccc1"),
        "cot.same_molecule" => (vec![smiles, ("other", "CCO")], "No"),
        "cot.has_ring_system" => (vec![smiles, ("ring_system", "c1ccccc1")], "Yes"),
        _ => match task.kind() {
            Kind::Label if task.input_key() == "reaction" => (vec![reaction], "Yes"),
            Kind::Label => (vec![smiles], "Yes"),
            Kind::Number if task.input_key() == "reaction" => (vec![reaction], "71.5"),
            Kind::Number => (vec![smiles], "-2.1"),
            Kind::Choice => (vec![("question", "Which is an acid?"), ("options", "CCO\nCC(=O)O\nyes")], "B"),
            _ => (vec![reaction, ("candidates", "CCO,CO,C1CCOC1,CC#N")], "CO,CCO,C1CCOC1,CC#N"),
        },
    };
    let input = fields.into_iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    Example::new(task.id(), "test", Split::Train, 1, input, reference, BTreeMap::new())
}

#[test]
fn every_row_can_be_judged() {
    for task in tasks() {
        let row = row(task);
        assert!(task.fields().iter().all(|field| row.input.contains_key(field.key)), "{} lacks a field", task.id());
        let answer = if row.reference.is_empty() { "CCO" } else { &row.reference };
        let judgement = task.judge(&row, answer, Mode::Strict);
        assert_ne!(judgement.reason, Reason::BrokenExample, "{}", task.id());
        // A selection is answered with one of the list that the reference is.
        assert!(judgement.correct || row.reference.is_empty() || task.family() == "selection", "{}", task.id());
    }
}

#[test]
fn hostile_completions() {
    let total: usize = std::env::var("CHEMR_HOSTILE").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let rows: Vec<(&Task, Example)> = tasks().iter().map(|task| (*task, row(task))).collect();
    let mut random = Random(7);
    let mut slowest = (Duration::ZERO, String::new());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut times = Vec::with_capacity(total);
    let mut memory = None;
    for index in 0..total {
        // After a tenth the tables of the toolkit are all there.
        if index == total / 10 {
            memory = resident_kilobytes();
        }
        let text = hostile(&mut random);
        // Every completion meets one task in each mode; over the run every task meets every kind of text.
        let (task, row) = &rows[index % rows.len()];
        let mode = if random.below(2) == 0 { Mode::Strict } else { Mode::Loose };
        let verdict = task.verify(row, &text, mode);
        assert_eq!(verdict.format, extract(&text, Mode::Strict).format);
        *reasons.entry(verdict.reason.to_string()).or_default() += 1;
        let took = time(task, row, &text, mode);
        times.push(took);
        if took > slowest.0 {
            slowest = (took, format!("{} {:?} {:.200}", task.id(), mode, text));
        }
        assert!(took < LIMIT, "{took:?}: {} {:.400}", task.id(), text);
    }
    times.sort_unstable();
    let at = |share: f64| times[((total as f64 * share) as usize).min(total - 1)];
    println!("median {:?}, p99 {:?}, p99.9 {:?}", at(0.5), at(0.99), at(0.999));
    if let Some((before, after)) = memory.zip(resident_kilobytes()) {
        println!("resident memory {before} kB after a tenth, {after} kB at the end");
        // The times themselves take 16 bytes each.
        assert!(after < before + 30_000, "memory grows: {before} kB to {after} kB");
    }
    assert!(!reasons.contains_key("toolkit_panic"), "{reasons:?}");
    println!("{total} completions, slowest {:?}: {}\n{reasons:#?}", slowest.0, slowest.1);
}

#[test]
fn very_long_completions() {
    let rows: Vec<(&Task, Example)> = tasks().iter().map(|task| (*task, row(task))).collect();
    for unit in [
        "C",
        "<answer>",
        "<think>",
        "</answer>",
        "<",
        "(",
        "é",
        "\n",
        "answer:",
        "yes ",
        "`",
        "**",
        ".",
        "C2",
        " ",
        ":",
        "smiles:",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        for whole in [text.clone(), completion(&text, &text), completion("a", &text), format!("<answer>{text}")] {
            for (task, row) in &rows {
                for mode in [Mode::Strict, Mode::Loose] {
                    let took = time(task, row, &whole, mode);
                    assert!(took < LIMIT, "{took:?} {} {mode:?} unit {unit:?}", task.id());
                }
            }
        }
    }
}

/// Structures just inside the gate for answers whose canonical form or pattern matching is hard.
fn hard_structures() -> Vec<String> {
    let repeated = |unit: &str, heavy: usize| unit.repeat((400 / unit.len()).min(300 / heavy));
    let mut list: Vec<String> = [
        ("C", 1),
        ("C.", 1),
        ("CC.", 2),
        ("CCO.", 3),
        ("C(C)", 2),
        ("C(C)(C)", 3),
        ("C(F)(F)", 3),
        ("OCC", 3),
        ("NCC(=O)", 4),
        ("C(O)", 2),
        ("C(C(=O)O)", 4),
        ("[C@@H](F)", 2),
        ("[C@H](O)", 2),
        ("C=C", 2),
        ("/C=C/", 2),
        ("C1CC1", 3),
        ("c1ccc(cc1)", 6),
        ("C1CCC(CC1)", 6),
        ("C1(CCC1)", 4),
        ("S(=O)(=O)N", 4),
        ("[13CH2]", 1),
        ("[Na+].", 1),
        ("[Cl-].[Na+].", 2),
        ("OS(=O)(=O)", 4),
    ]
    .iter()
    .map(|(unit, heavy)| repeated(unit, *heavy).trim_end_matches(['.', '/']).to_string())
    .collect();
    // A row of fused aromatic rings, a dendrimer, cubanes and a fullerene.
    list.push("c1ccc2cc3cc4cc5cc6cc7cc8ccccc8cc7cc6cc5cc4cc3cc2c1".to_string());
    let mut tree = String::from("C");
    for _ in 0..6 {
        tree = format!("C({tree})({tree})").chars().take(380).collect();
    }
    list.push(tree);
    list.push("C12C3C4C1C5C2C3C45".to_string());
    list.push("C12C3C4C1C5C2C3C45.".repeat(20).trim_end_matches('.').to_string());
    list.push("c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41".to_string());
    list
}

#[test]
fn hard_structures_stay_below_the_limit() {
    let rows: Vec<(&Task, Example)> = tasks().iter().map(|task| (*task, row(task))).collect();
    let mut slowest = (Duration::ZERO, String::new());
    for structure in hard_structures() {
        let text = completion("a", &structure);
        for (task, row) in &rows {
            let took = time(task, row, &text, Mode::Strict);
            if took > slowest.0 {
                slowest = (took, format!("{} {structure}", task.id()));
            }
            assert!(took < LIMIT, "{took:?} {} {structure}", task.id());
        }
    }
    println!("slowest {:?}: {:.100}", slowest.0, slowest.1);
}
