use super::*;
use crate::rng::Rng;

fn smiles(name: &str) -> String {
    parse(name).unwrap_or_else(|| panic!("{name} is not in the grammar")).smiles()
}

#[test]
fn aligned_smiles_of_known_names() {
    let cases = [
        ("3-chloro-2-methylbutan-1-ol", "C(O)C(C)C(Cl)C"),
        ("butanoic acid", "C(=O)(O)CCC"),
        ("methanol", "CO"),
        ("ethanoic acid", "C(=O)(O)C"),
        ("4-oxopentanoic acid", "C(=O)(O)CCC(=O)C"),
        ("propan-2-one", "CC(=O)C"),
        ("2-aminoethanol", ""),
        ("but-3-en-1-ol", "C(O)CC=C"),
        ("but-3-yn-1-ol", "C(O)CC#C"),
        ("cyclohexanol", "C1(O)CCCCC1"),
        ("2-methylcyclohexan-1-one", "C1(=O)C(C)CCCC1"),
        ("4-nitrobenzoic acid", "c1(C(=O)O)ccc([N+](=O)[O-])cc1"),
        ("1,4-dichlorobenzene", "c1(Cl)ccc(Cl)cc1"),
        ("ethyl 2-methylpropanoate", "C(=O)(OCC)C(C)C"),
        ("N,N-dimethylpropanamide", "C(=O)(N(C)C)CC"),
        ("N-methylaniline", "c1(NC)ccccc1"),
        ("2,2,2-trifluoroethan-1-ol", "C(O)C(F)(F)F"),
        ("butane-1,4-diamine", "C(N)CCCN"),
        ("3-phenylpropanal", "C(=O)CCc1ccccc1"),
        ("3-(propan-2-yl)phenol", "c1(O)cc(C(C)C)ccc1"),
        ("1,3-bis(trifluoromethyl)benzene", "c1(C(F)(F)F)cc(C(F)(F)F)ccc1"),
        ("2-tert-butyl-4-methylphenol", "c1(O)c(C(C)(C)C)cc(C)cc1"),
        ("2-phenylcyclohexan-1-ol", "C1(O)C(c2ccccc2)CCCC1"),
        ("pyridin-3-amine", "n1cc(N)ccc1"),
        ("hexanedioic acid", "C(=O)(O)CCCCC(=O)O"),
        ("bromochloromethane", "C(Br)Cl"),
        ("benzene-1,4-dicarboxylic acid", "c1(C(=O)O)ccc(C(=O)O)cc1"),
    ];
    for (name, expected) in cases {
        if expected.is_empty() {
            // Not the form this grammar writes: 2-aminoethan-1-ol.
            assert_eq!(parse(name).map(|parsed| parsed.render()).as_deref(), Some("2-aminoethan-1-ol"));
            continue;
        }
        assert_eq!(smiles(name), expected, "{name}");
        assert_eq!(parse(name).unwrap().render(), name);
    }
}

#[test]
fn opsin_reads_the_same_structures() {
    let mut checked = 0;
    for line in include_str!("opsin.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (name, expected) = line.split_once('\t').unwrap();
        let molecule = chemr_chem::Mol::parse(&smiles(name)).unwrap();
        assert_eq!(molecule.canonical(), expected, "{name}");
        checked += 1;
    }
    assert!(checked > 150, "{checked}");
}

#[test]
fn refuses_other_names() {
    for name in [
        "",
        "water",
        "acetic acid",
        "2-methylfoo",
        "butan-5-ol",
        "1,1-dihydroxyethane",
        "2-oxopropane",
        "methyl",
        "pentan-1-oic acid",
        "but-2-ene",
        "benzen-1-one",
        "2,2,2-trimethylethane",
        "3-ethylbutane",
        "1-",
        "N-methyl",
        "2-methylbutan-1-ol acid",
        "ethyl",
        "ethyl ",
        "-1-ol",
        "cyclo",
        "benzene-1",
        "99999999999-chlorobutane",
    ] {
        assert!(parse(name).is_none(), "{name}");
    }
}

#[test]
fn lowest_locants() {
    let parsed = parse("4-methylpentan-4-ol").map(|name| name.renumbered().render());
    // Two groups on one carbon: fine, and numbered from the other end.
    assert_eq!(parsed.as_deref(), Some("2-methylpentan-2-ol"));
    let cases = [
        ("3-methylbutane", "2-methylbutane"),
        ("1-methyl-2-chlorobenzene", "1-chloro-2-methylbenzene"),
        ("3,4-dichlorocyclohexan-1-ol", "3,4-dichlorocyclohexan-1-ol"),
        ("5,4-dichlorocyclohexan-1-ol", "3,4-dichlorocyclohexan-1-ol"),
        ("4-bromopent-4-yne", ""),
        ("6-methylcyclohex-2-en-1-ol", "6-methylcyclohex-2-en-1-ol"),
    ];
    for (written, expected) in cases {
        let name = parse(written).map(|name| name.renumbered().render()).unwrap_or_default();
        assert_eq!(name, expected, "{written}");
    }
}

#[test]
fn drawn_names_round_trip_and_are_molecules() {
    for level in 1..=3 {
        let mut rng = Rng::new(u64::from(level));
        let mut made = 0;
        let mut tried = 0;
        while made < 1_500 {
            tried += 1;
            assert!(tried < 15_000, "level {level}: only {made} of {tried} draws are sound");
            let Some(name) = draw(&mut rng, level) else { continue };
            made += 1;
            let text = name.render();
            assert_eq!(parse(&text).as_ref(), Some(&name), "{text}");
            assert_eq!(name.renumbered(), name, "{text}");
            if made % 5 == 0 {
                let molecule = chemr_chem::Mol::parse(&name.smiles()).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(molecule.heavy_atoms(), name.heavy_atoms(), "{text}");
                let sketch = crate::sketch::Sketch::parse(&name.smiles()).unwrap();
                assert_eq!(sketch.len(), name.heavy_atoms(), "{text}");
            }
        }
    }
}

#[test]
fn parse_never_panics_on_mutations() {
    let mut rng = Rng::new(11);
    for _ in 0..3_000 {
        let Some(name) = draw(&mut rng, 3) else { continue };
        let mut bytes = name.render().into_bytes();
        for _ in 0..rng.range(1, 3) {
            let at = rng.below(bytes.len());
            bytes[at] = *rng.pick(b"0123456789,-()N abcdeilmnopty").unwrap();
        }
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn names_of_all_levels_are_molecules() {
    for level in 1..=5 {
        let mut rng = Rng::new(u64::from(level));
        let (mut made, mut tried) = (0, 0);
        let mut kinds = std::collections::BTreeSet::new();
        let mut spoken = 0;
        while made < 600 {
            tried += 1;
            assert!(tried < 9_000, "level {level}: only {made} of {tried} draws are sound");
            let Some(drawn) = draw_any(&mut rng, level) else { continue };
            made += 1;
            kinds.insert(drawn.kind);
            spoken += usize::from(!drawn.labels.is_empty());
            let mol = chemr_chem::Mol::parse(&drawn.smiles).unwrap_or_else(|error| panic!("{}: {error}", drawn.name));
            assert!(drawn.mol.is_none_or(|known| known.is_same(&mol)), "{}", drawn.name);
            // Without marks that mean nothing.
            let marks = drawn.smiles.contains(['@', '/', '\\']);
            assert_eq!(marks, mol.canonical().contains(['@', '/', '\\']), "{} {}", drawn.name, drawn.smiles);
        }
        assert_eq!(kinds.contains("peptide"), level >= 4, "{kinds:?}");
        assert_eq!(spoken > 100, level >= 4, "level {level}: {spoken}");
    }
}

/// One structure has one name, or answers in names could not be judged by comparison.
#[test]
fn a_structure_has_one_name() {
    for level in 1..=5 {
        let mut rng = Rng::new(100 + u64::from(level));
        let mut names: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        let mut several = Vec::new();
        for _ in 0..2_500 {
            let Some(drawn) = draw_any(&mut rng, level) else { continue };
            let Ok(mol) = chemr_chem::Mol::parse(&drawn.smiles) else { continue };
            let name = names.entry(mol.canonical().to_string()).or_insert_with(|| drawn.name.clone());
            if *name != drawn.name {
                several.push((name.clone(), drawn.name));
            }
        }
        assert!(several.is_empty(), "level {level}: {} of {}: {several:?}", several.len(), names.len());
    }
}
