//! Properties that hold for every molecule.

use std::collections::BTreeMap;

use chemr_chem::{BondOrder, Gate, Mol, Pattern};
use proptest::prelude::*;

use crate::support::fixture;

/// The committed molecules and their fragments' SMILES.
fn smiles() -> Vec<String> {
    fixture("molecules.csv").into_iter().map(|row| row["smiles"].clone()).collect()
}

/// A molecule joined from small pieces, so that the set is not only well-known ones.
fn assembled() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "C",
        "CC",
        "C(C)",
        "C(=O)",
        "N",
        "O",
        "S",
        "c1ccc(cc1)",
        "C1CCC(CC1)",
        "C(F)",
        "C(Cl)",
        "[C@H](C)",
        "[C@@H](O)",
        "C(=O)N",
        "C(=O)O",
        "/C=C/",
        "C#C",
        "c1cnc(nc1)",
        "S(=O)(=O)",
        "[N+](C)(C)",
        "C(C(=O)[O-])",
        "[13CH2]",
        "[C@]1(C)CC[C@@H](C1)",
        "c1cc(c[nH]1)",
        "P(=O)(O)",
    ]);
    prop::collection::vec(piece, 1..7).prop_map(|pieces| format!("C{}C", pieces.concat()))
}

fn one_form(mol: &Mol) {
    for seed in 0..4 {
        let text = mol.random_smiles(seed);
        let again = Mol::parse_with(&text, &Gate::DATA).unwrap();
        assert_eq!(again.canonical(), mol.canonical(), "{text}");
    }
    let again = Mol::parse_with(mol.canonical(), &Gate::DATA).unwrap();
    assert_eq!(again.canonical(), mol.canonical());
    let ordered = mol.input_order_smiles();
    let again = Mol::parse_with(&ordered, &Gate::DATA).unwrap();
    assert!(again.is_same(mol), "{ordered}");
    for atom in 0..mol.atoms().len().min(6) {
        let rooted = mol.rooted_smiles(atom);
        let again = Mol::parse_with(&rooted, &Gate::DATA).unwrap();
        assert!(again.is_same(mol), "{rooted}");
    }
}

#[test]
fn every_way_of_writing_a_known_molecule_reads_as_the_same_one() {
    for text in smiles() {
        one_form(&Mol::parse(&text).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_way_of_writing_an_assembled_molecule_reads_as_the_same_one(text in assembled()) {
        if let Ok(mol) = Mol::parse(&text) {
            one_form(&mol);
            consistent(&mol);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        if let Ok(mol) = Mol::parse(&text) {
            consistent(&mol);
        }
    }
}

/// Relations between the numbers of one molecule.
fn consistent(mol: &Mol) {
    let atoms = mol.atoms();
    let bonds = mol.bonds();
    let heavy = atoms.iter().filter(|atom| atom.atomic_number > 1).count();
    assert_eq!(heavy, mol.heavy_atoms());
    assert_eq!(atoms.iter().map(|atom| atom.charge).sum::<i32>(), mol.charge());
    assert_eq!(atoms.iter().filter(|atom| atom.aromatic).count(), mol.aromatic_atoms());
    let mut degree = vec![0; atoms.len()];
    for bond in &bonds {
        degree[bond.begin] += 1;
        degree[bond.end] += 1;
        if bond.order == BondOrder::Aromatic {
            assert!(atoms[bond.begin].aromatic && atoms[bond.end].aromatic);
        }
        if bond.in_ring {
            assert!(atoms[bond.begin].in_ring && atoms[bond.end].in_ring);
        }
    }
    assert!(atoms.iter().all(|atom| atom.degree == degree[atom.index]));
    let rings = mol.ring_atoms();
    assert_eq!(rings.len(), mol.rings());
    for atom in &atoms {
        let member = rings.iter().any(|ring| ring.contains(&atom.index));
        assert_eq!(member, atom.in_ring, "{mol} atom {}", atom.index);
    }
    let counts = mol.element_counts();
    let formula = mol.formula();
    for (element, count) in &counts {
        if element != "*" {
            let written = if *count == 1 { element.clone() } else { format!("{element}{count}") };
            assert!(formula.contains(&written), "{formula} lacks {written}");
        }
    }
    for value in
        [mol.exact_mass(), mol.average_mass(), mol.logp(), mol.mr(), mol.tpsa(), mol.qed(), mol.fraction_csp3()]
    {
        assert!(value.is_finite(), "{mol}");
    }
    assert_eq!(mol.morgan(2, 2048).tanimoto(&mol.morgan(2, 2048)), 1.0);
    assert_eq!(mol.morgan_counts(2).tanimoto(&mol.morgan_counts(2)), 1.0);
    assert!(mol.maccs().on_bits().iter().all(|bit| (1..=166).contains(bit)));
    let parts = mol.fragments();
    assert_eq!(parts.iter().map(Mol::heavy_atoms).sum::<usize>(), mol.heavy_atoms());
}

#[test]
fn the_numbers_of_known_molecules_are_consistent() {
    for text in smiles() {
        consistent(&Mol::parse(&text).unwrap());
    }
}

#[test]
fn fragments_are_the_parts_of_the_text() {
    let mol = Mol::parse("[Na+].CC(=O)[O-].O").unwrap();
    let parts: Vec<String> = mol.fragments().iter().map(Mol::to_string).collect();
    assert_eq!(parts, ["[Na+]", "CC(=O)[O-]", "O"]);
    assert_eq!(Mol::parse("CCO").unwrap().fragments().len(), 1);
}

#[test]
fn element_counts_include_hydrogen_and_merge_isotopes() {
    let counts = Mol::parse("[13CH3]C(=O)[O-].[2H]O").unwrap().element_counts();
    let expected: BTreeMap<String, usize> =
        [("C", 2), ("H", 5), ("O", 3)].into_iter().map(|(element, count)| (element.to_string(), count)).collect();
    assert_eq!(counts, expected);
}

#[test]
fn molecules_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Mol>();
    shared::<Pattern>();
}

#[test]
fn patterns_match_uniquely_and_report_their_errors() {
    let mol = Mol::parse("OC(=O)c1ccccc1C(=O)O").unwrap();
    let acid = Pattern::compile("[CX3](=O)[OX2H1]").unwrap();
    assert_eq!(acid.count(&mol), 2);
    assert_eq!(acid.matches(&mol), vec![vec![1, 2, 0], vec![9, 10, 11]]);
    let ring = Pattern::compile("c1ccccc1").unwrap();
    assert_eq!(ring.count(&mol), 1);
    assert!(!Pattern::compile("[N;R]").unwrap().is_match(&mol));
    assert_eq!(Pattern::compile("[C").unwrap_err().class, chemr_chem::ErrorClass::Pattern);
}
