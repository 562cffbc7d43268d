//! Whole preparations in temporary folders.

mod hostile;
mod shards;
mod splits;
mod variants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chemr_chem::Mol;
use chemr_tasks::{Example, Split};

use super::*;

/// A folder with a file of examples.
pub(super) struct Bench {
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub fn new(rows: &[Example]) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap() };
        let lines: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        std::fs::write(bench.input(), lines.join("\n")).unwrap();
        bench
    }

    pub fn input(&self) -> PathBuf {
        self.folder.path().join("rows.jsonl")
    }

    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn options(&self) -> Options {
        Options { inputs: vec![self.input()], ..Options::default() }
    }

    pub fn prepare(&self, name: &str, options: &Options) -> Manifest {
        prepare(options, None, &self.out(name)).unwrap()
    }

    pub fn rows(&self, name: &str, split: Split) -> Vec<Example> {
        let rows = PreparedRows::open(&self.out(name).join(format!("{split}.jsonl"))).unwrap();
        let row = |number| rows.get(number, serde_json::from_value::<String>).unwrap().unwrap().0;
        (0..rows.len() as u64).map(row).collect()
    }
}

pub(super) fn row(task: &str, split: Split, input: &[(&str, &str)], reference: &str, meta: &[(&str, &str)]) -> Example {
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    Example::new(task, "test", split, 0, map(input), reference, map(meta))
}

/// Molecules that are all different, with and without rings.
pub(super) fn molecules(count: usize) -> Vec<String> {
    let tails = ["c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CC1", "N", "O", "c1ccc2ccccc2c1", "S"];
    (0..count)
        .map(|number| format!("{}{}", "C".repeat(number / tails.len() + 1), tails[number % tails.len()]))
        .collect()
}

/// Two tasks on the same molecules, each written in its own way; the years go up.
pub(super) fn pairs(count: usize, split: impl Fn(usize) -> Split) -> Vec<Example> {
    let mut rows = Vec::new();
    for (number, smiles) in molecules(count).iter().enumerate() {
        let mol = Mol::parse(smiles).unwrap();
        let year = (1980 + number % 40).to_string();
        let other = mol.random_smiles(number as u64);
        let meta = [("year", year.as_str())];
        rows.push(row("name.smiles_to_formula", split(number), &[("smiles", smiles)], &mol.formula(), &meta));
        rows.push(row("name.smiles_to_iupac", split(number), &[("smiles", &other)], &format!("name {number}"), &meta));
    }
    rows
}

pub(super) fn canonical(text: &str) -> String {
    Mol::parse(text).unwrap().canonical().to_owned()
}

/// Letters as tokens: the question, a stop, the reference, a stop.
pub(super) fn letters(example: &Example, completion: Option<&str>) -> Result<Tokens, String> {
    let letters = |text: &str| text.bytes().map(u32::from).chain([0]).collect::<Vec<_>>();
    let prompt = letters(&example.input.values().cloned().collect::<Vec<_>>().join(" "));
    let answer = letters(completion.unwrap_or(&example.reference));
    Ok(Tokens { prompt: prompt.len(), ids: [prompt, answer].concat() })
}

pub(super) fn tokeniser() -> Tokeniser<'static> {
    Tokeniser { encode: &letters, vocab_size: 256, sha256: "ab".repeat(32), prompts_sha256: String::new() }
}

/// Every file of a folder, the manifest without what may differ between runs.
pub(super) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (name, mut bytes) = (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
        if name == "prepare.json" {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            for member in ["threads", "seconds", "peak_memory_bytes"] {
                manifest.as_object_mut().unwrap().remove(member).unwrap();
            }
            bytes = serde_json::to_vec(&manifest).unwrap();
        }
        files.insert(name, bytes);
    }
    files
}

#[test]
fn the_same_bytes_again_and_on_any_number_of_threads() {
    let given = Bench::new(&pairs(120, |number| if number % 11 == 0 { Split::Test } else { Split::Train }));
    // Given test rows would keep all that is like them out of training.
    let open = Bench::new(&pairs(120, |_| Split::Train));
    for split in [SplitBy::Given, SplitBy::Cluster, SplitBy::Scaffold, SplitBy::Random] {
        let bench = if split == SplitBy::Given { &given } else { &open };
        let options = Options {
            split,
            similarity: 0.6,
            augment: Some("random:2".parse().unwrap()),
            caps: BTreeMap::from([("name.smiles_to_iupac".to_owned(), 40)]),
            temperature: 2.0,
            packing: Packing { length: 64, window: 50, shard_tokens: 500, ..Packing::default() },
            ..bench.options()
        };
        let run = |threads: usize, name: &str| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let out = bench.out(name);
            let manifest = pool.install(|| prepare(&options, Some(&tokeniser()), &out)).unwrap();
            assert_eq!(manifest.threads, threads);
            let found = contents(&out);
            std::fs::remove_dir_all(out).unwrap();
            found
        };
        let first = run(1, "one");
        assert!(first.contains_key("train-00001.tokens") && !first.contains_key("rows.spool"), "{:?}", first.keys());
        assert!(first == run(2, "two") && first == run(1, "one-again"), "{split:?}");
    }
}

#[test]
fn shares_of_tasks_are_what_was_asked() {
    let bench = Bench::new(&pairs(100, |_| Split::Train));
    let caps = |pairs: &[(&str, usize)]| pairs.iter().map(|(task, count)| (task.to_string(), *count)).collect();
    let mixture = |name: &str, options: Options| {
        let manifest = bench.prepare(name, &options);
        let of = |task: &str| manifest.counts[task]["train"].mixture;
        (of("name.smiles_to_formula"), of("name.smiles_to_iupac"))
    };
    assert_eq!(mixture("all", bench.options()), (100, 100));
    let capped = Options { caps: caps(&[("*", 30), ("name.smiles_to_iupac", 10)]), ..bench.options() };
    assert_eq!(mixture("capped", capped.clone()), (30, 10));
    // The square roots of 100 and 25 are as 2 to 1.
    let even = Options { caps: caps(&[("name.smiles_to_iupac", 25)]), temperature: 2.0, rows: 90, ..bench.options() };
    assert_eq!(mixture("even", even), (60, 30));
    let weights = BTreeMap::from([("name.smiles_to_formula".to_owned(), 0.0)]);
    let manifest = bench.prepare("one", &Options { weights, ..bench.options() });
    assert_eq!(manifest.counts["name.smiles_to_formula"]["train"].mixture, 0);
    // The other task fills its share with repetitions.
    let rows = bench.rows("one", Split::Train);
    assert_eq!((rows.len(), rows.iter().filter(|row| row.id == rows[0].id).count()), (200, 2));
    // The same rows are chosen when other tasks stand beside them.
    let of_task = |name: &str| {
        let rows = bench.rows(name, Split::Train).into_iter().filter(|row| row.task == "name.smiles_to_iupac");
        let mut ids: Vec<String> = rows.map(|row| row.id).collect();
        ids.sort();
        ids
    };
    bench.prepare("fewer", &Options { caps: caps(&[("*", 3), ("name.smiles_to_iupac", 10)]), ..bench.options() });
    assert_eq!(of_task("capped"), of_task("fewer"));
}

#[test]
fn training_rows_are_shuffled_and_held_out_ones_are_not() {
    let given = pairs(60, |number| if number < 20 { Split::Valid } else { Split::Train });
    let bench = Bench::new(&given);
    bench.prepare("shuffled", &bench.options());
    bench.prepare("seeded", &Options { seed: 2, ..bench.options() });
    bench.prepare("kept", &Options { keep_order: true, ..bench.options() });
    let ids = |name: &str, split| bench.rows(name, split).into_iter().map(|row| row.id).collect::<Vec<_>>();
    let wanted: Vec<String> = given.iter().filter(|row| row.split == Split::Train).map(|row| row.id.clone()).collect();
    assert_eq!(ids("kept", Split::Train), wanted);
    let mut shuffled = ids("shuffled", Split::Train);
    assert!(shuffled != wanted && shuffled != ids("seeded", Split::Train));
    shuffled.sort();
    assert_eq!(shuffled, {
        let mut sorted = wanted;
        sorted.sort();
        sorted
    });
    assert_eq!(ids("shuffled", Split::Valid), given[..40].iter().map(|row| row.id.clone()).collect::<Vec<_>>());
}
