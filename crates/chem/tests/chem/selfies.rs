//! SELFIES against the Python package `selfies` 2.2.0 (`tests/fixtures/selfies.csv`), properties, and hostile text.

use std::time::{Duration, Instant};

use chemr_chem::selfies::{
    Constraints, Decoding, MAX_SELFIES_CHARS, MAX_SMILES_CHARS, SelfiesErrorKind, Token, decode, decode_with, encode,
    encode_with, tokens,
};
use chemr_chem::{ErrorClass, Gate, Mol};
use proptest::prelude::*;

use crate::support::{Random, data, fixture};

/// What reading or writing one text of the largest size may take.
const LIMIT: Duration = Duration::from_secs(2);

fn table(option: &str) -> Constraints {
    Constraints::ALL.into_iter().find(|table| table.name() == option).unwrap_or_default()
}

#[test]
fn results_are_those_of_the_package() {
    let rows = fixture("selfies.csv");
    assert!(rows.len() > 250);
    for row in rows {
        let (option, input) = (row["option"].as_str(), row["input"].as_str());
        let result = match row["operation"].as_str() {
            "encode" => encode_with(input, (option != "unchecked").then_some(table(option))),
            _ => decode_with(input, &Decoding { constraints: table(option), compatible: option == "compatible" }),
        };
        if row["refused"] == "yes" {
            assert!(result.is_err(), "{option} {input}: {result:?}");
        } else {
            assert_eq!(result.as_deref(), Ok(row["result"].as_str()), "{option} {input}");
        }
    }
}

#[test]
fn errors_name_the_place_and_the_reason() {
    use SelfiesErrorKind::{
        Capacity, Kekulize, NonAscii, OldSymbol, OutsideBrackets, Smiles, TooManyHydrogens, Unclosed, UnknownSymbol,
    };
    let text = |text: &str| text.to_string();
    for (selfies, kind, position) in [
        ("CCO", OutsideBrackets, Some(0)),
        ("[C][C", Unclosed, Some(3)),
        ("[C][é]", NonAscii, Some(4)),
        ("[C][foo]", UnknownSymbol { symbol: text("foo") }, Some(3)),
        ("[C][Branch1_1]", OldSymbol { symbol: text("Branch1_1") }, Some(3)),
        ("[C].[CH9]", TooManyHydrogens { symbol: text("CH9") }, Some(4)),
    ] {
        let error = decode(selfies).unwrap_err();
        assert_eq!((error.kind, error.position), (kind, position), "{selfies}");
    }
    for (smiles, position) in
        [("C*", 1), ("CC(", 2), ("C1CC", 1), ("C=", 1), ("C11", 2), ("C1.C1", 1), ("C$C", 1), ("CC[Ts]", 2)]
    {
        let error = encode(smiles).unwrap_err();
        assert!(matches!(error.kind, Smiles { .. }), "{smiles}: {error}");
        assert_eq!(error.position, Some(position), "{smiles}: {error}");
    }
    let error = encode("CCI(=O)=O").unwrap_err();
    assert_eq!(error.kind, Capacity { atom: text("I"), bonds: 5, capacity: 1 });
    assert_eq!(error.position, Some(2));
    let error = encode("OCc1cccc1").unwrap_err();
    assert_eq!((error.kind, error.position), (Kekulize, Some(2)));
    for error in [decode("[C][Branch1_1]").unwrap_err(), decode("x").unwrap_err(), encode("c1cccc1").unwrap_err()] {
        assert!(error.to_string().contains(": "), "no remedy in {error}");
    }
}

#[test]
fn texts_that_the_package_misreads_are_refused_or_written_correctly() {
    // The package skips what stands before the first bracket, writes `%100`, and `[Branch4]`, which it cannot read.
    assert!(decode("the molecule [C][C]").is_err());
    let cage = format!("[C]{}", "[C][=C][C][Ring1][Ring2][C]".repeat(120));
    let smiles = decode(&cage).unwrap();
    assert!(smiles.contains("%(120)") && !smiles.contains("%1000"), "{smiles}");
    assert!(Mol::parse_with(&smiles, &Gate::DATA).is_ok());
    let branch = format!("C({}){}", "C".repeat(4_096), "O");
    assert!(encode(&branch).unwrap().starts_with("[C][Branch3][P][P][P][C]"));
    let branch = format!("C({}){}", "C".repeat(4_097), "O");
    assert_eq!(encode(&branch).unwrap_err().kind, SelfiesErrorKind::Span { span: 4_097 });
    let ring = format!("C1{}1", "C".repeat(4_097));
    assert_eq!(encode(&ring).unwrap_err().kind, SelfiesErrorKind::Span { span: 4_097 });
}

#[test]
fn known_molecules_come_back_as_they_were() {
    let mut written = 0;
    for row in fixture("molecules.csv") {
        let mol = Mol::parse(&row["smiles"]).unwrap();
        let Ok(selfies) = mol.selfies() else { continue };
        written += 1;
        let again = Mol::parse_selfies(&selfies, &Decoding::default(), &Gate::ANSWER).unwrap();
        // SELFIES has no atom map numbers.
        if !mol.canonical().contains(':') {
            assert_eq!(again.canonical(), mol.canonical());
        }
    }
    assert!(written > 125, "{written}");
}

#[test]
fn molecules_are_read_with_positions_of_the_text_as_given() {
    let read = |text: &str| Mol::parse_selfies(text, &Decoding::default(), &Gate::ANSWER);
    assert_eq!(read(" [C][C][O]\n").unwrap().canonical(), "CCO");
    let error = read("  [C][foo]").unwrap_err();
    assert_eq!((error.class, error.position), (ErrorClass::Syntax, Some(5)));
    assert_eq!(read("").unwrap_err().class, ErrorClass::Empty);
    assert_eq!(read("[epsilon]").unwrap_err().class, ErrorClass::Empty);
    // Within the constraints of SELFIES, not within RDKit's.
    let error = read("[Si][Branch1][C][C][Branch1][C][C][Branch1][C][C][Branch1][C][C][C]").unwrap_err();
    assert_eq!((error.class, error.position), (ErrorClass::Valence, None));
    let long = "[C]".repeat(500);
    assert_eq!(read(&long).unwrap_err().class, ErrorClass::TooLong);
}

/// A row of symbols drawn from these.
fn row(random: &mut Random, alphabet: &[String], longest: usize) -> String {
    (0..=random.below(longest)).map(|_| random.pick(alphabet)).collect()
}

#[test]
fn every_row_of_robust_symbols_is_a_molecule_within_the_constraints() {
    let mut random = Random::new(3);
    for constraints in Constraints::ALL {
        let alphabet = constraints.robust_alphabet();
        for _ in 0..2_000 {
            let selfies = row(&mut random, &alphabet, 80);
            let smiles = decode_with(&selfies, &Decoding { constraints, compatible: false }).unwrap();
            assert_eq!(smiles.is_empty(), !selfies.contains_atom(), "{selfies}");
            if smiles.is_empty() {
                continue;
            }
            // Encoding reads the SMILES and checks the bonds of every atom.
            let again = encode_with(&smiles, Some(constraints)).unwrap_or_else(|error| panic!("{selfies}: {error}"));
            let decoded = decode_with(&again, &Decoding { constraints, compatible: false });
            assert_eq!(decoded.as_deref(), Ok(smiles.as_str()), "{selfies} {again}");
        }
    }
}

trait Symbols {
    fn contains_atom(&self) -> bool;
}

impl Symbols for String {
    fn contains_atom(&self) -> bool {
        tokens(self).any(|token| match token.unwrap() {
            Token::Symbol { body, .. } => !body.contains("Ring") && !body.contains("Branch"),
            Token::Dot => false,
        })
    }
}

#[test]
fn every_row_of_uncharged_symbols_is_read_by_the_toolkit() {
    let alphabet: Vec<String> =
        Constraints::Default.robust_alphabet().into_iter().filter(|symbol| !symbol.contains(['+', '-'])).collect();
    let mut random = Random::new(4);
    let mut atoms = 0;
    for _ in 0..1_000 {
        let selfies = row(&mut random, &alphabet, 40);
        match Mol::parse_selfies(&selfies, &Decoding::default(), &Gate::DATA) {
            Ok(mol) => atoms += mol.heavy_atoms(),
            Err(error) => assert_eq!(error.class, ErrorClass::Empty, "{selfies}: {error}"),
        }
    }
    assert!(atoms > 3_000, "{atoms}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", symbols in "(\\[[=#/\\\\BranchRigCNOH@+0-9_expl-]{0,12}\\]|\\.){0,12}") {
        for text in [&text, &symbols] {
            for compatible in [false, true] {
                if let Ok(smiles) = decode_with(text, &Decoding { compatible, ..Decoding::default() }) {
                    // Ring bonds across a dot are read, not written.
                    let written = smiles.is_empty() || smiles.contains('.') || encode_with(&smiles, None).is_ok();
                    prop_assert!(written, "{text} {smiles}");
                }
            }
            let _ = encode(text);
        }
    }

    #[test]
    fn no_row_of_smiles_characters_panics(text in "[CNOcns()\\[\\]=#/\\\\12%.@H+:-]{0,30}") {
        if let Ok(selfies) = encode(&text) {
            prop_assert!(decode(&selfies).is_ok(), "{text} {selfies}");
        }
    }
}

#[test]
fn a_megabyte_is_read_in_time_and_more_is_refused() {
    let full = |symbols: &str| symbols.repeat(MAX_SELFIES_CHARS / symbols.len());
    for symbols in [
        "[C]",
        "[C][Branch1][C]",
        "[C][#Branch3][P][P][P]",
        "[C][=Branch1][C][=C][Ring1][Ring1]",
        "[C][C][C][Ring3][P][P][P]",
        "[Fe][Branch1][P]",
        "[nop]",
        "[Branch3]",
        ".",
        "[C].",
    ] {
        let text = full(symbols);
        let start = Instant::now();
        let smiles = decode(&text).unwrap_or_else(|error| panic!("{symbols}: {error}"));
        assert!(start.elapsed() < LIMIT, "{symbols}: {:?}", start.elapsed());
        assert!(smiles.len() < 4 * text.len());
    }
    let error = decode(&"[C]".repeat(MAX_SELFIES_CHARS)).unwrap_err();
    assert!(matches!(error.kind, SelfiesErrorKind::TooLong { .. }));
    for text in ["[", "[C", "]"] {
        assert!(decode(&text.repeat(MAX_SELFIES_CHARS / text.len())).is_err());
    }
}

#[test]
fn a_long_smiles_is_written_or_refused_in_time() {
    let full = |piece: &str, close: &str| {
        let count = MAX_SMILES_CHARS / (piece.len() + close.len());
        format!("{}{}", piece.repeat(count), close.repeat(count))
    };
    for (piece, close) in [
        ("C", ""),
        ("C(", "C)"),
        ("(", ")"),
        ("C(C)", ""),
        ("c", ""),
        ("c1ccccc1", ""),
        ("cc(c)c", ""),
        ("c1c(c2cccc2)c1", ""),
        ("C%11CC%11", ""),
        ("C1CC(C)1", ""),
        ("[C@]", ""),
        ("[", ""),
        ("C1", ""),
        ("C.", ""),
    ] {
        for head in ["", "C", "[C@@]12CCC1C2"] {
            let text = format!("{head}{}", full(piece, close));
            let start = Instant::now();
            let _ = encode(&text[..MAX_SMILES_CHARS.min(text.len())]);
            assert!(start.elapsed() < LIMIT, "{head} {piece}: {:?}", start.elapsed());
        }
    }
    // One atom with every other bonded to it, and its ring number opened and closed again and again.
    for (count, written) in [(2_000, true), (20_000, false)] {
        let star = format!("[C@]{}", "1(CC1)".repeat(count));
        let start = Instant::now();
        assert_eq!(encode_with(&star, None).is_ok(), written);
        assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    }
    let error = encode(&"C".repeat(MAX_SMILES_CHARS + 1)).unwrap_err();
    assert!(matches!(error.kind, SelfiesErrorKind::TooLong { .. }));
}

#[test]
fn mol_instructions_reads_as_its_authors_read_it() {
    let Some(data) = data() else { return };
    let folder = data.join("mol-instructions-sample");
    let (mut rows, mut differ) = (0, Vec::new());
    for task in
        ["description_guided_molecule_design", "forward_reaction_prediction", "reagent_prediction", "retrosynthesis"]
    {
        for part in ["train", "test_public"] {
            let text = std::fs::read_to_string(folder.join(format!("{task}_{part}.jsonl"))).unwrap();
            for line in text.lines() {
                // The molecules hold nothing that JSON escapes except the backslash.
                let field = |name: &str| {
                    let start = line.rfind(&format!("\"{name}\": \"")).unwrap() + name.len() + 5;
                    let end = start + line[start..].find('"').unwrap();
                    line[start..end].replace("\\\\", "\\")
                };
                rows += 1;
                // Its molecules were decoded one by one, so that ring numbers begin anew.
                let parts: Result<Vec<String>, _> = field("answer").split('.').map(decode).collect();
                if parts.as_ref().map(|parts| parts.join(".")) != Ok(field("answer_smiles")) {
                    differ.push(parts);
                }
            }
        }
    }
    println!("mol-instructions: {rows} answers, {} differ", differ.len());
    assert!(rows > 6_000 && differ.is_empty(), "{:?}", differ.first());
}

#[test]
fn real_molecules_come_back_as_they_were() {
    let Some(data) = data() else { return };
    let (mut molecules, mut refused, mut differ) = (0, 0, Vec::new());
    for (name, columns) in [
        ("chebi20/valid.csv.gz", &["smiles"][..]),
        ("uspto-50k/valid.csv.gz", &["product", "reactants"]),
        ("pubchem-iupac/train.csv.gz", &["smiles"]),
    ] {
        for row in crate::support::table(&data.join(name)) {
            for column in columns {
                let Ok(mol) = Mol::parse_with(&row[*column], &Gate::DATA) else { continue };
                molecules += 1;
                let Ok(selfies) = mol.selfies() else {
                    refused += 1;
                    continue;
                };
                // The Kekulé form is longer.
                let gate = Gate { max_chars: 4_000, ..Gate::DATA };
                match Mol::parse_selfies(&selfies, &Decoding::default(), &gate) {
                    Ok(again) if again.is_same(&mol) => {}
                    other => differ.push((mol, other)),
                }
            }
        }
    }
    println!("round trip: {molecules} molecules, {refused} without SELFIES, {} differ", differ.len());
    assert!(molecules > 20_000 && refused * 100 < molecules && differ.is_empty(), "{:?}", differ.first());
}
