//! Every reference row of the data folder; runs when `CHEMR_DATA` names it.
//!
//! What may differ and why is listed in `docs/chemistry.md`, "Agreement with RDKit 2026.9.1".

use chemr_chem::{ErrorClass, Gate, Mol};

use crate::support::{Differences, Row, compare_descriptors, data, table};

/// The table at this path of the data folder, or nothing when there is no data folder.
fn reference(path: &str) -> Option<Vec<Row>> {
    let folder = data()?;
    Some(table(&folder.join(path)))
}

fn read(smiles: &str) -> Result<Mol, chemr_chem::ChemError> {
    Mol::parse_with(smiles, &Gate::DATA)
}

#[test]
fn rdkit_reference_molecules() {
    let Some(rows) = reference("rdkit-reference/molecules_public.csv.gz") else {
        return;
    };
    let names = [
        ("canonical_isomeric", "canonical"),
        ("canonical_flat", "canonical_flat"),
        ("inchikey", "inchikey"),
        ("formula", "formula"),
        ("exact_mw", "exact_mass"),
        ("avg_mw", "average_mass"),
        ("crippen_logp", "logp"),
        ("crippen_mr", "mr"),
        ("tpsa", "tpsa"),
        ("hbd", "hbd"),
        ("hba", "hba"),
        ("rotatable_bonds", "rotatable_bonds"),
        ("ring_count", "rings"),
        ("aromatic_rings", "aromatic_rings"),
        ("aromatic_atoms", "aromatic_atoms"),
        ("heavy_atoms", "heavy_atoms"),
        ("formal_charge", "charge"),
        ("num_stereocenters", "stereocenters"),
        ("frac_csp3", "fraction_csp3"),
        ("qed", "qed"),
        ("murcko_scaffold", "scaffold"),
        ("morgan2_2048_on", "morgan2_2048"),
        ("maccs_on", "maccs"),
    ];
    let mut found = Differences::default();
    for row in rows {
        found.row();
        let mol = read(&row["input_smiles"]).unwrap();
        compare_descriptors(&row, &names, &mol, &mut found);
    }
    found.finish("rdkit-reference/molecules");
}

#[test]
fn rdkit_reference_invalid() {
    let Some(rows) = reference("rdkit-reference/invalid_smiles_public.csv") else {
        return;
    };
    let mut found = Differences::default();
    for row in rows {
        found.row();
        let smiles = &row["smiles"];
        // The gate refuses inner blanks; RDKit reads what stands before them.
        if smiles.contains(' ') {
            let error = read(smiles).unwrap_err();
            assert_eq!(error.class, ErrorClass::InnerWhitespace);
            assert_eq!(row["verdict"], "invalid");
            continue;
        }
        let (class, canonical) = match read(smiles) {
            Ok(mol) => ("none", mol.canonical().to_string()),
            Err(error) => (error.class.as_str(), String::new()),
        };
        let verdict = if class == "none" { "valid" } else { "invalid" };
        found.text("verdict", smiles, &row["verdict"], verdict);
        found.text("class", smiles, &row["error_class"], class);
        found.text("canonical", smiles, &row["canonical_if_valid"], &canonical);
    }
    found.finish("rdkit-reference/invalid_smiles");
}

#[test]
fn rdkit_reference_tanimoto() {
    let Some(rows) = reference("rdkit-reference/tanimoto_pairs_public.csv") else {
        return;
    };
    let mut found = Differences::default();
    for row in rows {
        found.row();
        let (left, right) = (read(&row["smiles_a"]).unwrap(), read(&row["smiles_b"]).unwrap());
        let key = format!("{} {}", row["smiles_a"], row["smiles_b"]);
        found.number(
            "morgan",
            &key,
            &row["tanimoto_morgan2_2048"],
            left.morgan(2, 2048).tanimoto(&right.morgan(2, 2048)),
        );
        found.number("maccs", &key, &row["tanimoto_maccs"], left.maccs().tanimoto(&right.maccs()));
        found.number("rdk", &key, &row["tanimoto_rdkfp"], left.rdk().unwrap().tanimoto(&right.rdk().unwrap()));
    }
    found.finish("rdkit-reference/tanimoto_pairs");
}

/// Compares the `rdkit_2026_09` column of a table of expectations.
fn expected(name: &str, compare: impl Fn(&Row, Option<&Mol>, &mut Differences)) {
    let Some(rows) = reference(&format!("rdkit-expected/{name}.csv")) else {
        return;
    };
    let mut found = Differences::default();
    for row in rows {
        found.row();
        let mol = read(&row["smiles"]).ok();
        compare(&row, mol.as_ref(), &mut found);
    }
    found.finish(name);
}

#[test]
fn rdkit_expected_aromaticity() {
    expected("aromaticity_public", |row, mol, found| {
        let ours = mol.map_or(String::new(), |mol| mol.aromatic_atoms().to_string());
        found.text("aromatic atoms", &row["smiles"], &row["rdkit_2026_09"], &ours);
    });
}

#[test]
fn rdkit_expected_lipinski() {
    expected("lipinski_counts_public", |row, mol, found| {
        let ours = mol.map_or(String::new(), |mol| {
            format!("{} {} {} {}", mol.hba(), mol.hbd(), mol.heteroatoms(), mol.rotatable_bonds())
        });
        found.text("counts", &row["smiles"], &row["rdkit_2026_09"], &ours);
    });
}

#[test]
fn rdkit_expected_qed() {
    expected("qed_public", |row, mol, found| match mol {
        Some(mol) => found.number("qed", &row["smiles"], &row["rdkit_2026_09"], mol.qed()),
        None => found.text("qed", &row["smiles"], &row["rdkit_2026_09"], ""),
    });
}

#[test]
fn rdkit_expected_tpsa() {
    expected("tpsa_nci5k_public", |row, mol, found| match mol {
        Some(mol) => found.number("tpsa", &row["smiles"], &row["rdkit_2026_09"], mol.tpsa()),
        None => found.text("tpsa", &row["smiles"], &row["rdkit_2026_09"], ""),
    });
}

#[test]
fn smiles_suites() {
    let Some(rows) = reference("smiles-suites/smiles_suites_public.csv") else {
        return;
    };
    let mut found = Differences::default();
    for row in rows {
        found.row();
        let smiles = &row["smiles"];
        let outcome = read(smiles);
        let yes = |value: bool| if value { "yes" } else { "no" };
        // Grammar and ring closures, without chemistry.
        let parses = match &outcome {
            Ok(_) => true,
            Err(error) => matches!(error.class.as_str(), "valence" | "kekulize" | "aromatic_atom_not_in_ring"),
        };
        found.text("parses", smiles, &row["rdkit_parses"], yes(parses));
        found.text("valid", smiles, &row["rdkit_valid"], yes(outcome.is_ok()));
        let canonical = outcome.map_or(String::new(), |mol| mol.canonical().to_string());
        found.text("canonical", smiles, &row["rdkit_canonical"], &canonical);
    }
    found.finish("smiles-suites");
}

#[test]
fn kekule_and_aromatic_forms_are_one_molecule() {
    let Some(rows) = reference("smiles-suites/kekule_vs_aromatic_public.csv.gz") else {
        return;
    };
    let mut found = Differences::default();
    for row in rows {
        // RDKit 2017.03 gave this iodine two hydrogen atoms, RDKit 2026.9.1 gives it none.
        if row["rdkit_2017_03"].contains("[IH2]") {
            continue;
        }
        found.row();
        let ours = read(&row["kekule"]).map_or(String::new(), |mol| mol.canonical().to_string());
        let theirs = read(&row["rdkit_2017_03"]).map_or(String::new(), |mol| mol.canonical().to_string());
        found.text("molecule", &row["kekule"], &theirs, &ours);
    }
    found.finish("smiles-suites/kekule_vs_aromatic");
}
