use std::path::Path;

use super::super::*;
use super::support::{Folder, data_folder};

fn one(name: &str, data: &Path, split: Split) -> Result<Imported, DataError> {
    Ok(import(&[name], data, split)?.remove(0))
}

fn reasons(imported: &Imported) -> Vec<(usize, String)> {
    imported.rejects.iter().map(|reject| (reject.row, reject.reason.to_string())).collect()
}

fn reactions() -> Folder {
    Folder::new()
        .file(
            "uspto-50k/train.csv.gz",
            "id,rxn_class,product,reactants,year,template\n\
             A,1,CC(=O)OCC,OCC.OC(C)=O,2001,\n\
             B,1,CC(=O)OCC,CCO.CC(=O)O,2002,\n\
             C,1,CCOC(C)=O,CCO.CC(=O)Cl,2003,\n\
             D,1,CCO,CCO.O,2003,\n\
             E,1,C(C,CCO,2003,\n\
             F,1,,CCO,2003,\n\
             G,1,CCN,CC=O.N,2003,\n\
             H,1,C[C@H](N)O,CC=O.N,2003,\n",
        )
        .file("uspto-50k/valid.csv", "id,rxn_class,product,reactants\nV,2,NCC,N.CC=O\n")
        .file(
            "uspto-50k/test_public.csv",
            "id,rxn_class,product,reactants\nT,2,C[C@@H](N)O,N.CC=O\nU,2,C[C@@H](N)O,N.CC=O\n",
        )
}

#[test]
fn reactions_in_both_directions() {
    let folder = reactions();
    let retro = one("uspto50k_retro", folder.path(), Split::Train).unwrap();
    assert_eq!(retro.rows(), 8);
    let first = &retro.examples[0];
    assert_eq!(first.field("product"), "CCOC(C)=O");
    assert_eq!(first.reference, "CC(=O)O.CCO");
    assert_eq!((first.task.as_str(), first.meta["patent"].as_str()), ("retrosynthesis", "A"));
    // Two ways to one product are two rows; the same way twice is one; stereo does not hide a held-out product.
    assert_eq!(retro.examples.len(), 2);
    assert_eq!(retro.examples[1].reference, "CC(=O)Cl.CCO");
    assert_eq!(
        reasons(&retro),
        [
            (2, "duplicate".to_string()),
            (4, "product_is_reactant".to_string()),
            (5, "unparsable.unbalanced_parentheses".to_string()),
            (6, "missing.product".to_string()),
            (7, "held_out".to_string()),
            (8, "held_out".to_string()),
        ]
    );
    assert_eq!(retro.reject_counts()["held_out"], 2);
    let forward = one("uspto50k_forward", folder.path(), Split::Train).unwrap();
    assert_eq!(forward.examples[0].field("reactants"), "CC(=O)O.CCO");
    assert_eq!(forward.examples[0].reference, "CCOC(C)=O");
    assert_eq!(forward.examples[0].task, "reaction_prediction");
}

#[test]
fn held_out_rows_stay_as_published() {
    let folder = reactions();
    let test = one("uspto50k_retro", folder.path(), Split::Test).unwrap();
    assert_eq!((test.examples.len(), test.rejects.len()), (2, 0));
    assert!(test.examples.iter().all(|example| example.split == Split::Test));
}

#[test]
fn names_and_formulas() {
    let folder = Folder::new()
        .file(
            "pubchem-iupac/train.csv",
            "cid,smiles,iupac\n1,OCC,ethanol\n2,C1=CC=CC=C1,benzene\n3,CC,\n4,CN,\"a,b\"\n\
             5,CCCCO,butanol\n6,CCC(C)O,butanol\n",
        )
        .file("pubchem-iupac/simple_names_train.csv", "smiles,iupac,inchikey\nCCO,ethanol,X\nCCC,propane,Y\n")
        .file("pubchem-iupac/valid.csv", "cid,smiles,iupac\n9,NC,methanamine\n")
        .file("pubchem-iupac/test_public.csv", "cid,smiles,iupac\n8,[NH4+],azanium\n");
    let names = one("pubchem_iupac", folder.path(), Split::Train).unwrap();
    let pairs: Vec<(&str, &str)> =
        names.examples.iter().map(|row| (row.field("iupac"), row.reference.as_str())).collect();
    assert_eq!(pairs, [("ethanol", "CCO"), ("benzene", "c1ccccc1"), ("propane", "CCC")]);
    assert_eq!(
        reasons(&names),
        [
            (3, "missing.iupac".to_string()),
            (4, "held_out".to_string()),
            (5, "contradiction".to_string()),
            (6, "contradiction".to_string()),
            (1, "duplicate".to_string()),
        ]
    );
    let formulas = one("pubchem_formula", folder.path(), Split::Test).unwrap();
    assert_eq!(formulas.examples[0].reference, "H4N+");
    let formulas = one("pubchem_formula", folder.path(), Split::Train).unwrap();
    assert_eq!(formulas.examples[1].reference, "C6H6");
    // A name with two structures says nothing against their formulas.
    assert_eq!(formulas.reject_counts().get("contradiction"), None);
    assert_eq!(formulas.examples[1].field("smiles"), "c1ccccc1");
}

#[test]
fn labels() {
    let folder = Folder::new()
        .file("moleculenet/BBBP_train.csv", "smiles,p_np\nCCO,1\nOCC,0\nCCC,1\nCCC,1\nCCN,0\nCN,x\nCO,\nC(C,1\n")
        .file("moleculenet/BBBP_valid.csv", "smiles,p_np\nNCC,1\n")
        .file("moleculenet/BBBP_test_public.csv", "smiles,p_np\nCCCC,0.0\nCCCC,1\n");
    let train = one("moleculenet_bbbp", folder.path(), Split::Train).unwrap();
    assert_eq!(train.examples.len(), 1);
    assert_eq!((train.examples[0].field("smiles"), train.examples[0].reference.as_str()), ("CCC", "Yes"));
    assert_eq!(
        reasons(&train).into_iter().map(|(_, reason)| reason).collect::<Vec<_>>(),
        [
            "contradiction",
            "contradiction",
            "duplicate",
            "held_out",
            "bad_label",
            "missing.p_np",
            "unparsable.unbalanced_parentheses"
        ]
    );
    let test = one("moleculenet_bbbp", folder.path(), Split::Test).unwrap();
    assert_eq!(test.examples.iter().map(|row| row.reference.as_str()).collect::<Vec<_>>(), ["No", "Yes"]);
}

#[test]
fn errors_name_file_and_column() {
    let folder = Folder::new().file("moleculenet/BBBP_test_public.csv", "smiles,label\nC,1\n");
    let message = one("moleculenet_bbbp", folder.path(), Split::Test).unwrap_err().to_string();
    assert!(message.contains("BBBP_test_public.csv") && message.contains("p_np"), "{message}");
    let message = one("uspto50k_retro", folder.path(), Split::Test).unwrap_err().to_string();
    assert!(message.contains("test_public.csv"), "{message}");
}

#[test]
fn shared_files_give_each_importer_its_own_rows() {
    let folder = reactions();
    let both = import(&["uspto50k_forward", "uspto50k_retro"], folder.path(), Split::Train).unwrap();
    assert_eq!(both[0].examples, one("uspto50k_forward", folder.path(), Split::Train).unwrap().examples);
    assert_eq!(both[1].examples, one("uspto50k_retro", folder.path(), Split::Train).unwrap().examples);
    let message = one("nonsense", folder.path(), Split::Train).unwrap_err().to_string();
    assert!(message.contains("nonsense") && message.contains("pubchem_formula"), "{message}");
}

/// Row counts of the public files, and that every reference is right under its own task. Runs when `CHEMR_DATA` is set.
#[test]
fn public_files() {
    let Some(data) = data_folder() else {
        return;
    };
    let rows = [
        ("uspto50k_retro", [38_068, 4_743, 2_430]),
        ("uspto50k_forward", [38_068, 4_743, 2_430]),
        ("pubchem_iupac", [10_898 + 5_173, 923, 1_013]),
        ("pubchem_formula", [10_898 + 5_173, 923, 1_013]),
        ("moleculenet_bbbp", [1_458, 174, 111]),
    ];
    for (name, expected) in rows {
        for (split, expected) in [Split::Train, Split::Valid, Split::Test].into_iter().zip(expected) {
            let imported = one(name, &data, split).unwrap();
            println!("{name} {split}: {} examples, rejects {:?}", imported.examples.len(), imported.reject_counts());
            assert_eq!(imported.rows(), expected, "{name} {split}");
            for example in imported.examples.iter().take(200) {
                let task = chemr_tasks::task(&example.task).unwrap();
                let completion = chemr_tasks::completion("a", &task.reference_answer(example));
                let verdict = task.verify(example, &completion, chemr_tasks::Mode::Strict);
                // Only what does not pass the gate for answers may fail here.
                assert!(
                    verdict.correct || example.reference.len() > 400,
                    "{name} {split} {}: {}",
                    example.reference,
                    verdict.reason
                );
            }
        }
    }
}
