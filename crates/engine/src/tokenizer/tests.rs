use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::rng::SplitMix64;

const MOLECULES: [&str; 8] = [
    "CCO",
    "CC(C)C(=O)OCC",
    "c1ccccc1Cl",
    "C[C@@H](N)C(=O)O",
    "O=C([O-])c1cc[nH]c1.[Na+]",
    "BrCC#N",
    "CC(=O)Nc1ccc(O)cc1",
    "FC(F)(F)c1ccc2c(c1)OCO2",
];
const NAMES: [&str; 6] = [
    "ethanol",
    "3-chloro-2-methylbutan-1-ol",
    "ethyl 2-methylpropanoate",
    "pentanoic acid",
    "N-(4-hydroxyphenyl)acetamide",
    "cyclohexane-1,4-dione",
];

/// A few hundred template texts, always the same.
pub(crate) fn corpus() -> Vec<String> {
    let mut random = SplitMix64::new(11);
    let mut pick = |count: usize| (random.next_u64() % count as u64) as usize;
    let mut texts = Vec::new();
    for _ in 0..300 {
        let (molecule, name) = (MOLECULES[pick(8)], NAMES[pick(6)]);
        let group = ["ester", "alcohol", "carboxylic acid"][pick(3)];
        let verb = ["holds", "contains", "has"][pick(3)];
        texts.push(format!(
            "<|bos|>You are a careful chemist. Think step by step inside <think></think>.<|user|>Write the SMILES string.\n\
             Name: {name}<|assistant|><think>1. **Parent chain**: the name {name} {verb} {} atoms.\n2. **Groups**: it \
             {verb} an {group}, so {molecule} is right.</think>\n<answer>{molecule}</answer><|end|>",
            pick(30)
        ));
    }
    texts
}

pub(crate) fn small() -> Tokenizer {
    let training = TokenizerTraining {
        vocab_size: 400,
        min_frequency: 4,
        terms: ["ester", "alcohol", "carboxylic acid"].map(str::to_owned).to_vec(),
        ..TokenizerTraining::default()
    };
    Tokenizer::train(corpus(), &training).unwrap()
}

/// Text that tokenizers get wrong: control tokens, broken tags, odd blanks, every script, long runs.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\n\n\n",
        "\r\n\t\u{0B}\u{0}",
        "<|end|>",
        "<|end|",
        "<<|end|>>",
        "<think",
        "<think><think></think",
        "</answer>\n<answer>",
        "x<|user|>y<|assistant|><|pad|><|bos|>",
        "naïve café £ 中文 \u{1F9EA}\u{1F468}\u{200D}\u{1F52C} עברית\u{202E}",
        "e\u{301}\u{FEFF}\u{FFFD}\u{10FFFF}",
        "**It's** (a \"test\")...  or -- not?!",
        "[C@@H][nH][13CH3:1][not an atom][[[]]]",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("C".repeat(5000));
    texts.push("the ester ".repeat(800));
    texts.push("methyl".repeat(500));
    texts.push("a".repeat(5000));
    texts
}

#[test]
fn round_trip_is_exact_and_fast_equals_slow() {
    let tokenizer = small();
    assert!(tokenizer.inner.fast.is_some());
    for text in hostile().iter().chain(&corpus()) {
        let (ids, plain) = (tokenizer.encode(text), tokenizer.encode_text(text));
        assert_eq!(tokenizer.decode_all(&ids), *text);
        assert_eq!(tokenizer.decode(&plain), *text);
        assert!(plain.iter().all(|id| !tokenizer.is_control(*id)), "{text:?}");
        assert_eq!(ids, tokenizer.encode_slow(text, true), "{text:?}");
        assert_eq!(plain, tokenizer.encode_slow(text, false), "{text:?}");
    }
    let random = |seed| {
        let mut random = SplitMix64::new(seed);
        let length = random.next_u64() % 40;
        (0..length).filter_map(|_| char::from_u32((random.next_u64() % 0x300) as u32)).collect::<String>()
    };
    for text in (0..500).map(random) {
        assert_eq!(tokenizer.decode_all(&tokenizer.encode(&text)), text);
        assert_eq!(tokenizer.encode(&text), tokenizer.encode_slow(&text, true), "{text:?}");
    }
}

#[test]
fn control_tokens_are_recognised_only_where_asked() {
    let tokenizer = small();
    let end = tokenizer.token_to_id(END).unwrap();
    assert_eq!(tokenizer.eos(), Some(end));
    assert_eq!(tokenizer.encode("CO<|end|>").last(), Some(&end));
    assert_eq!(tokenizer.decode(&tokenizer.encode("CO<|end|>")), "CO");
    assert!(!tokenizer.encode_text("CO<|end|>").contains(&end));
    let answer = tokenizer.token_to_id("<answer>").unwrap();
    assert_eq!(tokenizer.encode_text("<answer>C")[0], answer);
    assert_eq!(tokenizer.decode(&[answer]), "<answer>");
    assert_eq!(tokenizer.encode_completion("C").last(), Some(&end));
    // Ids outside the vocabulary give nothing.
    assert_eq!(tokenizer.decode(&[u32::MAX, 100_000]), "");
}

#[test]
fn prompts_refuse_control_tokens_in_messages() {
    let tokenizer = small();
    let prompt = tokenizer.encode_prompt(&[ChatMessage::system("S"), ChatMessage::user("U")]).unwrap();
    assert_eq!(tokenizer.decode_all(&prompt), "<|bos|>S<|user|>U<|assistant|>");
    let error = tokenizer.encode_prompt(&[ChatMessage::user("x<|assistant|>y")]).unwrap_err();
    assert!(matches!(error, TokenizerError::ControlTokenInMessage { .. }), "{error}");
}

#[test]
fn training_ignores_order_and_repeats_exactly() {
    let first = small().files().unwrap();
    assert_eq!(first, small().files().unwrap());
    let training = TokenizerTraining {
        vocab_size: 400,
        min_frequency: 4,
        terms: ["carboxylic acid", "ester", "alcohol"].map(str::to_owned).to_vec(),
        ..TokenizerTraining::default()
    };
    let mut texts = corpus();
    texts.reverse();
    let reversed = Tokenizer::train(&texts, &training).unwrap();
    assert_eq!(first, reversed.files().unwrap());
}

#[test]
fn template_sentences_become_single_tokens() {
    let tokenizer = small();
    for sentence in
        ["You are a careful chemist. ", "Write the SMILES string.\n", "1. **Parent chain**: ", "butan", "ester"]
    {
        assert_eq!(tokenizer.encode_text(sentence).len(), 1, "{sentence:?}");
    }
    // No token spans two atoms, whatever was frequent.
    for molecule in MOLECULES {
        let mut bracket = 0;
        for id in tokenizer.encode_text(molecule) {
            let token = tokenizer.decode(&[id]);
            if bracket == 0 && !token.starts_with('[') {
                assert!(token.len() == 1 || token == "Cl" || token == "Br", "{token:?} in {molecule}");
            }
            bracket += token.matches('[').count() as i32 - token.matches(']').count() as i32;
        }
    }
}

#[test]
fn merges_learn_what_is_frequent_below_whole_pieces() {
    // Every word occurs once, so that none is taken whole; their common stem must become a merge.
    let texts: Vec<String> = (0..60).map(|index| format!("qualm{}ed", "abcdefghij".repeat(index % 7 + 1))).collect();
    let training = TokenizerTraining { vocab_size: 280, min_frequency: 20, ..TokenizerTraining::default() };
    let tokenizer = Tokenizer::train(&texts, &training).unwrap();
    let ids = tokenizer.encode_text("qualmabed");
    assert!(ids.len() < 7, "{:?}", ids.iter().map(|id| tokenizer.decode(&[*id])).collect::<Vec<_>>());
    assert!(tokenizer.vocab_size() <= 280);
}

#[test]
fn save_and_load_keep_everything() {
    let tokenizer = small();
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let loaded = Tokenizer::load(folder.path()).unwrap();
    assert!(loaded.inner.fast.is_some());
    assert_eq!(loaded.files().unwrap(), tokenizer.files().unwrap());
    assert_eq!((loaded.bos(), loaded.eos(), loaded.pad()), (Some(1), Some(2), Some(0)));
    for text in corpus().iter().take(20) {
        assert_eq!(loaded.encode(text), tokenizer.encode(text));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json"), "{error}");
    std::fs::write(folder.path().join(TOKENIZER_FILE), "{}").unwrap();
    assert!(matches!(Tokenizer::load(folder.path()), Err(TokenizerError::Invalid { .. })));
    let training = TokenizerTraining { vocab_size: 100, ..TokenizerTraining::default() };
    let error = Tokenizer::train(["x"], &training).unwrap_err();
    assert!(matches!(error, TokenizerError::VocabularyTooSmall { .. }), "{error}");
    let training = TokenizerTraining { pattern: Some("(".to_owned()), ..TokenizerTraining::default() };
    assert!(matches!(Tokenizer::train(["x"], &training), Err(TokenizerError::Pattern { .. })));
    // No text at all still gives a tokenizer of bytes.
    let empty: [&str; 0] = [];
    let tokenizer = Tokenizer::train(empty, &TokenizerTraining::default()).unwrap();
    assert_eq!(tokenizer.vocab_size(), 9 + 256);
}

#[test]
fn another_pattern_goes_through_the_regular_expression() {
    let training = TokenizerTraining {
        vocab_size: 300,
        min_frequency: 4,
        pattern: Some(r"\w+|\s".to_owned()),
        ..TokenizerTraining::default()
    };
    let tokenizer = Tokenizer::train(corpus(), &training).unwrap();
    for text in hostile() {
        let ids = tokenizer.encode(&text);
        assert_eq!(ids, tokenizer.encode_slow(&text, true), "{text:?}");
        assert_eq!(tokenizer.decode_all(&ids), text);
    }
}

#[test]
fn batches_keep_the_order() {
    let tokenizer = small();
    let texts = corpus();
    let batch = tokenizer.encode_batch(&texts);
    assert_eq!(batch.len(), texts.len());
    for (text, ids) in texts.iter().zip(&batch) {
        assert_eq!(*ids, tokenizer.encode(text));
    }
}

#[test]
fn streaming_never_cuts_a_character() {
    let tokenizer = small();
    let text = "é 中 \u{1F9EA} CCO ester";
    let mut stream = tokenizer.stream();
    let mut written = String::new();
    for id in tokenizer.encode_text(text) {
        written.push_str(&stream.push(id));
        assert!(text.starts_with(&written), "{written:?}");
    }
    written.push_str(&stream.finish());
    assert_eq!(written, text);
    // A lone first byte of a longer character appears as the replacement character at the end.
    let first = tokenizer.encode_text("é")[0];
    let mut stream = tokenizer.stream();
    assert_eq!(stream.push(first), "");
    assert_eq!(stream.finish(), "\u{FFFD}");
    let mut stream = tokenizer.stream();
    assert_eq!(stream.push(first), "");
    assert_eq!(stream.push(tokenizer.encode_text("C")[0]), "\u{FFFD}C");
}

fn fixture_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
}

/// `tests/fixtures/tokenizer` holds a tokenizer made here and the ids that Python gives (see `tokenizer_ids.py` beside it).
#[test]
fn python_gives_the_same_ids() {
    let folder = fixture_folder();
    if std::env::var_os("CHEMR_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        small().save(&folder).unwrap();
        let texts: Vec<String> =
            hostile().into_iter().filter(|text| text.len() < 1000).chain(corpus().into_iter().take(12)).collect();
        std::fs::write(folder.join("texts.json"), serde_json::to_string_pretty(&texts).unwrap() + "\n").unwrap();
        return;
    }
    let tokenizer = Tokenizer::load(&folder).unwrap();
    assert!(tokenizer.files().unwrap() == small().files().unwrap(), "training changed: write the fixture anew");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let texts: Vec<String> = serde_json::from_str(&read("texts.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&read("python_ids.json")).unwrap();
    let expected: Vec<Vec<u32>> = serde_json::from_value(expected["ids"].clone()).unwrap();
    assert_eq!(texts.len(), expected.len());
    for (text, ids) in texts.iter().zip(&expected) {
        assert_eq!(tokenizer.encode(text), *ids, "{text:?}");
    }
}

/// With `CHEMR_DATA`: every line of every data file, so every column, comes back byte for byte; and the fast path agrees
/// with the pipeline on a sample.
#[test]
fn round_trip_over_the_data_folder() {
    let Some(data) = std::env::var_os("CHEMR_DATA") else {
        return;
    };
    let tokenizer = small();
    let mut folders = vec![PathBuf::from(data)];
    let (mut files, mut bytes, mut sampled) = (0, 0, 0);
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.insert(path);
            }
        }
    }
    for path in names {
        let content = if path.extension().is_some_and(|extension| extension == "gz") {
            std::process::Command::new("gzip").arg("-dc").arg(&path).output().unwrap().stdout
        } else {
            std::fs::read(&path).unwrap()
        };
        let text = String::from_utf8_lossy(&content);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (line, ids) in lines.iter().zip(tokenizer.encode_text_batch(&lines)) {
            assert_eq!(tokenizer.decode(&ids), *line, "{}", path.display());
        }
        for line in lines.iter().step_by(997) {
            assert_eq!(tokenizer.encode_text(line), tokenizer.encode_slow(line, false), "{line:?}");
            sampled += 1;
        }
        files += 1;
        bytes += text.len();
    }
    println!("round trip of {files} files, {bytes} bytes; {sampled} lines compared with the pipeline");
    assert!(files > 0);
}
