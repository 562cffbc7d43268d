//! Files that are broken or meant to break the reader.

use chemr_tasks::Split;

use super::super::*;
use super::support::{Folder, imported, packed, plainly, refused};

const HEADER: &str = "cid,smiles,description\n";

#[test]
fn a_gzip_that_ends_early_leaves_nothing() {
    let mut text = HEADER.to_owned();
    for number in 0..30_000u64 {
        // Digits that do not pack well.
        text.push_str(&format!("{number},CCO,alcohol {}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    }
    let whole = packed(text.as_bytes());
    for share in [10, 2] {
        let folder = Folder::new();
        // Not packed a second time: the name does not say what the bytes do.
        let folder = folder.bytes("train.csv", &whole[..whole.len() - whole.len() / share]);
        let message = refused(&folder, "train.csv", Request::default());
        assert!(message.contains("train.csv") && message.contains("nothing was imported"), "{message}");
        assert!(!folder.path().join("imported").exists());
    }
    let folder = Folder::new().bytes("train.csv", &whole);
    assert_eq!(plainly(&folder, "train.csv").summary.counts.rows, 30_000);
}

#[test]
fn encodings() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEADER.bytes().flat_map(|byte| [byte, 0])).collect();
    let folder = Folder::new()
        .bytes("a_train.csv", &utf16)
        .file("b_train.csv", &format!("\u{feff}{HEADER}1,CCO,an alcohol\n"))
        .bytes("c_train.csv", b"cid,smiles,description\n1,CCO,caf\xe9\n2,CCC,a\0b\n3,C,methane\n");
    let message = refused(&folder, "a_train.csv", Request::default());
    assert!(message.contains("UTF-16") && message.contains("iconv"), "{message}");
    let bom = plainly(&folder, "b_train.csv");
    assert_eq!(bom.asked()[0], ("molecule_design", "an alcohol", "CCO"));
    assert_eq!(bom.examples[0].meta["cid"], "1");
    let mixed = plainly(&folder, "c_train.csv");
    assert_eq!(mixed.reasons(), [(2, "not_utf8"), (3, "nul_byte")]);
    assert_eq!(mixed.summary.counts.kept, 1);
    assert!(mixed.rejects[0]["row"].as_str().unwrap().starts_with("1,CCO,caf"));
}

#[test]
fn files_without_rows_or_form() {
    let folder = Folder::new()
        .file("empty_train.csv", "")
        .file("blank_train.csv", " \n\n")
        .file("header_train.csv", HEADER)
        .file("other_train.csv", "a,b\n1,2\n")
        .bytes("zip_train.csv", b"PK\x03\x04....")
        .bytes("parquet_train.csv", b"PAR1....")
        .file("lfs_train.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        .file("sub/notes.md", "text");
    for (name, said) in [
        ("empty_train.csv", "the file is empty"),
        ("blank_train.csv", "the file is empty"),
        ("header_train.csv", "the file has no rows"),
        ("other_train.csv", "no format fits: its columns are a, b"),
        ("zip_train.csv", "zip archive"),
        ("parquet_train.csv", "the Parquet file cannot be read"),
        ("lfs_train.csv", "git lfs pull"),
        ("no_such_file.csv", "no_such_file.csv"),
        ("sub", "no file of a known format"),
    ] {
        let message = refused(&folder, name, Request::default());
        assert!(message.contains(said), "{name}: {message}");
        assert!(!folder.path().join("imported").exists());
        let hidden = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(hidden.filter(|name| name.to_string_lossy().ends_with(".partial")).count(), 0);
    }
}

#[test]
fn files_of_a_folder_that_have_no_rows_are_passed_over() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEADER.bytes().flat_map(|byte| [byte, 0])).collect();
    let folder = Folder::new()
        .file("set/empty_train.csv", "")
        .file("set/header_train.csv", HEADER)
        .file("set/lfs_train.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        .file("set/train.csv", &format!("{HEADER}1,CCO,ethanol\n"))
        .bytes("set/utf16_train.csv", &utf16);
    let written = plainly(&folder, "set");
    assert_eq!(written.summary.counts.kept, 1);
    let skipped: Vec<&str> = written.summary.skipped.iter().map(|file| file.file.as_str()).collect();
    assert_eq!(skipped, ["empty_train.csv", "header_train.csv", "lfs_train.csv", "utf16_train.csv"]);
    assert_eq!(written.summary.skipped[0].reason, "the file is empty");
    assert_eq!(written.summary.skipped[1].reason, "the file has no rows");
    assert!(written.summary.skipped[3].reason.contains("iconv"));
}

#[test]
fn columns_that_are_missing_or_doubled() {
    let folder = Folder::new()
        .file("train.csv", "smile,descriptions\nCCO,x\n")
        .file("double_train.csv", "smiles,description,smiles\nCCO,x,CCO\n");
    let request = || Request { format: Some("chebi20".into()), ..Request::default() };
    let message = refused(&folder, "train.csv", request());
    assert!(message.contains("no column `smiles` or `SMILES`; did you mean `smile`?"), "{message}");
    let message = refused(&folder, "double_train.csv", request());
    assert!(message.contains("the column `smiles` stands twice, as number 1 and 3"), "{message}");
    let map = vec![("smiles".to_owned(), "smile".to_owned()), ("description".to_owned(), "descriptions".to_owned())];
    let written = imported(&folder, "train.csv", Request { map, ..request() }).unwrap();
    assert_eq!(written.asked()[1], ("molecule_captioning", "CCO", "x"));
    let map = vec![("smilse".to_owned(), "smile".to_owned())];
    let message = refused(&folder, "train.csv", Request { map, ..request() });
    assert!(message.contains("a field `smilse`; did you mean `smiles`?"), "{message}");
    let message = refused(&folder, "train.csv", Request { format: Some("chebi".into()), ..Request::default() });
    assert!(message.contains("no format `chebi`; did you mean `chebi20`?"), "{message}");
}

#[test]
fn ragged_and_long_rows_are_rejects() {
    let long = "x".repeat(10 << 20);
    let folder = Folder::new().file(
        "train.csv",
        &format!("{HEADER}1,CCO\n2,CCO,\"an, \"\"old\"\"\",alcohol\n3,CCO,{long}\n4,CCO,ethanol\n5,CCO,\"open\n6,C,x\n7,CC,\"two\nlines\"\n"),
    );
    let written = plainly(&folder, "train.csv");
    assert_eq!(written.reasons(), [(2, "ragged"), (3, "ragged"), (4, "row_too_long"), (6, "unclosed_quote")]);
    // The open quote costs the rows behind it nothing.
    assert_eq!((written.summary.counts.rows, written.summary.counts.kept), (7, 3));
    assert_eq!(written.asked()[5], ("molecule_captioning", "CC", "two\nlines"));
    assert!(written.rejects[2]["row"].as_str().unwrap().len() < 5000, "only the start of a long row is kept");
    assert!(written.rejects[0]["detail"].as_str().unwrap().contains("2 fields, the header has 3"));
    assert_eq!(written.rejects[1]["row"], "2,CCO,\"an, \"\"old\"\"\",alcohol", "as in the file");
    assert_eq!(written.rejects[3]["row"], "5,CCO,\"open");
    let detail = written.rejects[3]["detail"].as_str().unwrap();
    assert!(
        detail.contains("not closed before the quote in line 8") && detail.contains("nothing of its line is used"),
        "{detail}"
    );
}

#[test]
fn answers_that_verifiers_do_not_read_are_rejects() {
    let (fits, chars, atoms) = ("C(Cl)(Cl)".repeat(44), "C(Cl)(Cl)".repeat(45), "C".repeat(301));
    let name = "x".repeat(2_001);
    let folder = Folder::new()
        .file("train.csv", &format!("{HEADER}1,C{fits},a\n2,C{chars},b\n3,{atoms},c\n"))
        .file("names_train.csv", &format!("cid,smiles,iupac\n1,{atoms},longane\n2,C,{name}\n"))
        .file(
            "uspto_50k_train.csv",
            &format!("id,class,product,reactants\n1,1,CCO,{chars}.CC=O\n2,1,{atoms},C.{}\n", "C".repeat(299)),
        );
    let written = plainly(&folder, "train.csv");
    assert_eq!(written.reasons(), [(3, "unanswerable.too_long"), (4, "unanswerable.gate")]);
    assert_eq!(written.rejects[0]["task"], "molecule_design");
    assert_eq!(written.rejects[0]["detail"], "the answer has 404 characters, at most 400 are read");
    assert_eq!(written.rejects[1]["detail"], "the answer has 301 heavy atoms, at most 300 are read");
    // A question may be as large as files may be.
    let counts = &written.summary.counts;
    assert_eq!((counts.kept, counts.example_count(), counts.examples["molecule_captioning"]), (3, 4, 3));
    // Asked for that task alone, the row gives nothing.
    let only = Request { task: Some("molecule_design"), ..Request::default() };
    let written = imported(&folder, "train.csv", only).unwrap();
    assert_eq!((written.summary.counts.kept, written.summary.counts.rejected["unanswerable.gate"]), (1, 1));
    let written = plainly(&folder, "names_train.csv");
    let tasks: Vec<&str> = written.rejects.iter().map(|row| row["task"].as_str().unwrap()).collect();
    assert_eq!(tasks, ["name.iupac_to_smiles", "name.formula_to_smiles", "name.smiles_to_iupac"]);
    assert_eq!(written.reasons(), [(2, "unanswerable.gate"), (2, "unanswerable.gate"), (3, "unanswerable.too_long")]);
    // A reaction may serve one direction.
    let written = plainly(&folder, "uspto_50k_train.csv");
    let tasks: Vec<&str> = written.rejects.iter().map(|row| row["task"].as_str().unwrap()).collect();
    assert_eq!((written.summary.counts.kept, tasks), (2, vec!["retrosynthesis", "reaction_prediction"]));
}

#[test]
fn molecules_that_are_bombs() {
    let folder = Folder::new().file(
        "train.csv",
        &format!(
            "{HEADER}1,{},chain\n2,{},deep\n3,{},rings\n4,CCO the product,words\n5,C(C,open\n6,C~C,any\n7,,none\n8,CCO,ethanol\n",
            "C".repeat(100_000),
            "C(".repeat(900),
            "c1ccc2c(c1)".repeat(180),
        ),
    );
    let started = std::time::Instant::now();
    let written = plainly(&folder, "train.csv");
    assert!(started.elapsed().as_secs() < 20);
    let reasons: Vec<&str> = written.reasons().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons[0], "unparsable.too_long");
    assert_eq!(
        reasons[3..],
        [
            "unparsable.inner_whitespace",
            "unparsable.unbalanced_parentheses",
            "unparsable.forbidden_character",
            "missing.smiles"
        ]
    );
    assert!(reasons[1..3].iter().all(|reason| reason.starts_with("unparsable.")), "{reasons:?}");
    assert_eq!(written.summary.counts.kept, 1);
}

#[test]
fn what_is_there_is_not_overwritten() {
    let folder = Folder::new().file("train.csv", &format!("{HEADER}1,CCO,ethanol\n"));
    let out = folder.path().join("out");
    let request = Request { paths: vec![folder.path().join("train.csv")], ..Request::default() };
    // What another import left, or is about to write.
    let other = folder.path().join("out.partial");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join(EXAMPLES_FILE), "half a li").unwrap();
    let begun = folder.path().join(".out.1.partial");
    std::fs::create_dir_all(&begun).unwrap();
    import_files(&request, &out).unwrap();
    assert!(other.join(EXAMPLES_FILE).exists() && begun.exists());
    let message = import_files(&request, &out).unwrap_err().to_string();
    assert!(message.contains("already there"), "{message}");
}

#[test]
fn splits_tasks_and_benchmarks() {
    let mcq = r#"{"id": "1", "question": "Which?", "choices": ["a", "b"], "answer_index": 1, "subject": "s"}"#;
    let folder = Folder::new().file("captions.csv", &format!("{HEADER}1,CCO,ethanol\n")).file("mcq.jsonl", mcq);
    let message = refused(&folder, "captions.csv", Request::default());
    assert!(message.contains("--split"), "{message}");
    let valid = Request { split: Some(Split::Valid), task: Some("molecule_design"), ..Request::default() };
    let written = imported(&folder, "captions.csv", valid).unwrap();
    assert_eq!(written.asked(), [("molecule_design", "ethanol", "CCO")]);
    assert_eq!(written.examples[0].split, Split::Valid);
    let stored = std::fs::read_to_string(folder.path().join("imported").join(SUMMARY_FILE)).unwrap();
    let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let options =
        serde_json::json!({"format": null, "task": "molecule_design", "split": "valid", "map": {}, "keep_maps": false});
    assert_eq!(stored["options"], options);
    let message = refused(&folder, "captions.csv", Request { task: Some("choice.mmlu"), ..Request::default() });
    assert!(message.contains("chebi20 has no rows for choice.mmlu"), "{message}");
    let message = refused(&folder, "mcq.jsonl", Request { split: Some(Split::Train), ..Request::default() });
    assert!(message.contains("evaluation only"), "{message}");
    let written = plainly(&folder, "mcq.jsonl");
    assert_eq!((written.examples[0].split, written.asked()[0]), (Split::Test, ("choice.mmlu", "Which?", "B")));
}
