//! Committed reference values (`tests/fixtures`, Python RDKit 2026.9.1).

use chemr_chem::Mol;

use crate::support::{Differences, compare_descriptors, fixture};

#[test]
fn well_known_compounds_equal_rdkit_in_every_column() {
    let names: Vec<(&str, &str)> = [
        "canonical",
        "canonical_flat",
        "inchi",
        "inchikey",
        "formula",
        "exact_mass",
        "average_mass",
        "logp",
        "mr",
        "tpsa",
        "hbd",
        "hba",
        "rotatable_bonds",
        "rings",
        "aromatic_rings",
        "aromatic_atoms",
        "heavy_atoms",
        "charge",
        "stereocenters",
        "fraction_csp3",
        "qed",
        "scaffold",
        "morgan2_2048",
        "maccs",
        "rdk_count",
    ]
    .iter()
    .map(|name| (*name, *name))
    .collect();
    let mut found = Differences::default();
    for row in fixture("molecules.csv") {
        let mol = Mol::parse(&row["smiles"]).unwrap();
        found.row();
        compare_descriptors(&row, &names, &mol, &mut found);
    }
    found.finish("molecules.csv");
}

#[test]
fn similarities_equal_rdkit() {
    let mut found = Differences::default();
    for row in fixture("pairs.csv") {
        let (one, other) = (&row["smiles_a"], &row["smiles_b"]);
        let (left, right) = (Mol::parse(one).unwrap(), Mol::parse(other).unwrap());
        found.row();
        let key = format!("{one} {other}");
        found.number("morgan2_2048", &key, &row["morgan2_2048"], left.morgan(2, 2048).tanimoto(&right.morgan(2, 2048)));
        found.number(
            "morgan2_count",
            &key,
            &row["morgan2_count"],
            left.morgan_counts(2).tanimoto(&right.morgan_counts(2)),
        );
        found.number("maccs", &key, &row["maccs"], left.maccs().tanimoto(&right.maccs()));
        found.number("rdk", &key, &row["rdk"], left.rdk().unwrap().tanimoto(&right.rdk().unwrap()));
    }
    found.finish("pairs.csv");
}

#[test]
fn invalid_texts_have_the_class_and_place_that_rdkit_reports() {
    let mut found = Differences::default();
    for row in fixture("invalid.csv") {
        let error = Mol::parse(&row["smiles"]).unwrap_err();
        found.row();
        found.text("class", &row["smiles"], &row["class"], error.class.as_str());
        // RDKit gives no place for ring closures; ours is that of the ring number.
        if !row["position"].is_empty() {
            let ours = error.position.map_or(String::new(), |byte| byte.to_string());
            found.text("position", &row["smiles"], &row["position"], &ours);
        }
        assert!(error.position.is_some(), "{}", row["smiles"]);
    }
    found.finish("invalid.csv");
}

#[test]
fn positions_count_from_the_start_of_the_text_as_given() {
    assert_eq!(Mol::parse("  CC(").unwrap_err().position, Some(4));
    assert_eq!(Mol::parse("\tCC(C)(C)(C)C\n").unwrap_err().position, Some(2));
    assert_eq!(Mol::parse(" CC O").unwrap_err().position, Some(3));
}

#[test]
fn atoms_behind_merged_hydrogens_are_still_found() {
    // The second carbon has five bonds; two hydrogens are written as atoms before it.
    let error = Mol::parse("[H]C([H])([H])C(C)(C)(C)C").unwrap_err();
    assert_eq!(error.class.as_str(), "valence");
    assert_eq!(error.position, Some(14));
}
