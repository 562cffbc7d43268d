//! The two fingerprints made here against the toolkit's own, which repeat RDKit's searches step by step.

use super::*;

/// Molecules that take unusual turns: hydrogens as atoms, metals, bonds that are no ring bonds, cages, large rings, mixtures.
const ODD: [&str; 44] = [
    "*",
    "[H+]",
    "[H][H]",
    "[2H]O[2H]",
    "[2H]C([2H])([2H])C",
    "[2H]C([2H])CC[2H]",
    "C",
    "CC",
    "C1CC1",
    "C1CC1C1CC1",
    "OC1CC1",
    "C1CC2CC12",
    "C12C3C4C1C5C2C3C45",
    "C1CC2CCC1CC2",
    "C1C2CC3CC1CC(C2)C3",
    "C1CCCCCC1",
    "C1CCCCCCC1",
    "C1CCCCCCCCCCCCC1",
    "C1CCCCCCCCCCCCCC1",
    "O1CCCOCCCOCCC1",
    "c1ccc2ccccc2c1",
    "c1ccc(cc1)-c1ccccc1",
    "C1=CC=CC=C1",
    "C1=CC=CC=CC=C1",
    "C1CC=CCC1",
    "N1C=CC=C1",
    "O=O",
    "O=C=O",
    "O=S(=O)(O)O",
    "OS(=O)(=O)c1ccc(N)cc1",
    "C[N+](C)(C)C",
    "CN(=O)=O",
    "[Na+].[Cl-]",
    "[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1",
    "[Fe]1234(C5=C1C2C3=C45)",
    "Cl[Pt](Cl)(N)N",
    "[NH3]->[Cu]1<-[NH2]CC[NH2]->1",
    "C[Si](C)(C)C",
    "[Si]1CCCC1",
    "F[P-](F)(F)(F)(F)F",
    "FC(F)(F)C(Cl)(Br)I",
    "OCC1OC(O)C(O)C(O)C1O",
    "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O",
    "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]34C)[C@@H]1CC[C@@H]2O",
];

fn assert_same(mol: &Mol) {
    let toolkit = mol.toolkit();
    let keys: Vec<usize> =
        toolkit.fingerprint_maccs().unwrap().on_bits().into_iter().map(|bit| bit as usize + 1).collect();
    assert_eq!(mol.maccs().on_bits(), keys, "MACCS keys of {}", mol.input());
    if let Some(found) = mol.rdk() {
        assert_eq!(found, bits_of(&toolkit.fingerprint_topological().unwrap(), 2048), "paths of {}", mol.input());
    }
}

#[test]
fn keys_and_paths_are_the_toolkits() {
    let fixture = include_str!("../../tests/fixtures/molecules.csv");
    let read: Vec<&str> = fixture.lines().filter_map(|line| line.split(',').nth(1)).collect();
    let mols: Vec<Mol> =
        ODD.iter().chain(&read).filter_map(|text| Mol::parse_with(text, &crate::Gate::DATA).ok()).collect();
    assert!(mols.len() > ODD.len() + 100, "{} molecules", mols.len());
    mols.iter().for_each(assert_same);
}

/// Every word of the data folder's tables that reads as a molecule, to a bound.
#[test]
fn keys_and_paths_are_the_toolkits_on_real_data() {
    let Some(data) = std::env::var_os("CHEMR_DATA").map(std::path::PathBuf::from) else { return };
    let mut count = 0;
    for file in [
        "sample-predictions/chebi20_design_molt5_small_public.csv",
        "rdkit-expected/tpsa_nci5k_public.csv",
        "rdkit-expected/aromaticity_public.csv",
        "rdkit-expected/canon_input_public.csv",
        "uspto-50k/test_public.csv",
    ] {
        let text = std::fs::read_to_string(data.join(file)).unwrap();
        let words = text.split([',', '\n', '"', ' ']).filter(|word| word.len() > 1);
        for mol in words.filter_map(|word| Mol::parse_with(word, &crate::Gate::DATA).ok()) {
            assert_same(&mol);
            count += 1;
        }
    }
    eprintln!("{count} molecules");
    assert!(count > 10_000);
}

/// Pentagonal bipyramids, three at an atom: no ring of more than seven atoms, and paths without number.
#[test]
fn the_search_for_large_rings_ends() {
    const CAGES: usize = 9;
    let mut bonds = Vec::new();
    for cage in 0..CAGES {
        let ring: Vec<usize> = (1..=5).map(|place| 6 * cage + place).collect();
        let (top, tip) = (if cage < 3 { 0 } else { 6 * ((cage - 3) / 2) + 6 }, 6 * cage + 6);
        for (place, atom) in ring.iter().enumerate() {
            bonds.extend([(top, *atom), (tip, *atom), (*atom, ring[(place + 1) % 5])]);
        }
    }
    let mut marks = vec![String::new(); 6 * CAGES + 1];
    for (number, (begin, end)) in bonds.into_iter().enumerate() {
        for atom in [begin, end] {
            marks[atom].push_str(&format!("%({number})"));
        }
    }
    let text = marks.iter().map(|mark| format!("[U]{mark}")).collect::<Vec<_>>().join(".");
    let mol = Mol::parse_with(&text, &crate::Gate { max_chars: 10_000, ..crate::Gate::DATA }).unwrap();
    let start = std::time::Instant::now();
    let keys = mol.maccs();
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(keys.has(19) && !keys.has(101));
}
