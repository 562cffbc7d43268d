use super::*;

/// Python RDKit 2026.9.1 on our own molecules, see the head of the file.
const FIXTURE: &str = include_str!("../tests/fixtures/functional_groups.tsv");

fn mol(smiles: &str) -> Mol {
    Mol::parse(smiles).unwrap()
}

fn count(smiles: &str, id: &str) -> usize {
    groups().counts(&mol(smiles)).get(id).copied().unwrap_or(0)
}

/// `id=count;...` as written in the fixture.
fn table(text: &str) -> BTreeMap<&str, usize> {
    text.split(';')
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (id, number) = entry.split_once('=').unwrap();
            (id, number.parse().unwrap())
        })
        .collect()
}

#[test]
fn the_data_file_is_sound() {
    let registry = GroupRegistry::load().unwrap();
    assert!(registry.all().len() >= 60);
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for group in registry.all() {
        assert!(ids.insert(group.id.clone()), "{} twice", group.id);
        assert!(group.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", group.id);
        for name in group.aliases.iter().chain([&group.name]) {
            assert!(names.insert(name.to_lowercase()), "{name} twice");
        }
        assert!(!group.suppresses.contains(&group.id), "{}", group.id);
    }
}

#[test]
fn every_example_has_its_group_and_every_counter_example_has_not() {
    for group in groups().all() {
        assert!(count(&group.example, &group.id) > 0, "{} not in {}", group.id, group.example);
        assert_eq!(count(&group.counter_example, &group.id), 0, "{} in {}", group.id, group.counter_example);
    }
}

#[test]
fn matches_and_precedence_agree_with_rdkit() {
    let mut rows = 0;
    for line in FIXTURE.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [smiles, raw, after] = columns.as_slice() else {
            panic!("bad fixture line {line}");
        };
        let molecule = mol(smiles);
        let wanted = table(raw);
        for (group, search) in groups().all().iter().zip(&groups().searches) {
            assert_eq!(
                search.pattern.count(&molecule),
                wanted.get(group.id.as_str()).copied().unwrap_or(0),
                "{} in {smiles}",
                group.id
            );
        }
        assert_eq!(groups().counts(&molecule), table(after), "{smiles}");
        rows += 1;
    }
    assert!(rows > 300, "{rows}");
}

#[test]
fn the_specific_name_wins() {
    let ids = |smiles: &str| groups().counts(&mol(smiles)).into_keys().collect::<Vec<_>>();
    assert_eq!(ids("CC(=O)O"), ["carboxylic_acid"]);
    assert_eq!(ids("CC(=O)OC"), ["ester"]);
    assert_eq!(ids("CC(=O)NC"), ["amide"]);
    assert_eq!(ids("O=C1CCCO1"), ["lactone"]);
    assert_eq!(ids("COC(C)OC"), ["acetal"]);
    assert_eq!(ids("Oc1ccccc1"), ["benzene_ring", "phenol"]);
    assert_eq!(ids("CC(=O)OC(C)=O"), ["anhydride"]);
    // Both stand where the groups are apart.
    assert_eq!(ids("CC(=O)CCOC"), ["ether", "ketone"]);
}

/// Groups with their counts where above one.
fn named(smiles: &str) -> Vec<String> {
    let counts = groups().counts(&mol(smiles));
    counts.into_iter().map(|(id, count)| if count == 1 { id.to_string() } else { format!("{count} {id}") }).collect()
}

#[test]
fn carbonyls_in_aromatic_rings_have_the_names_of_their_kekule_forms() {
    for (smiles, wanted) in [
        ("O=c1ccc2ccccc2o1", vec!["benzene_ring", "lactone"]),
        ("O=c1cccc[nH]1", vec!["lactam"]),
        ("O=c1ccn(C)cn1", vec!["lactam"]),
        ("O=c1cccn[nH]1", vec!["lactam"]),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", vec!["imidazole", "lactam", "urea"]),
        ("O=c1cc[nH]c(=O)[nH]1", vec!["lactam", "urea"]),
        ("Nc1cc[nH]c(=O)n1", vec!["aromatic_amine", "urea"]),
        ("O=c1ccoc2ccccc12", vec!["benzene_ring", "ketone"]),
        ("O=c1cccccc1", vec!["ketone"]),
        ("O=c1[nH]c2ccccc2[nH]1", vec!["benzene_ring", "urea"]),
        ("O=c1[nH]c2ccccc2o1", vec!["benzene_ring", "carbamate"]),
        ("O=c1occo1", vec!["carbonate"]),
        ("O=c1[nH]c2ccccc2c(=O)o1", vec!["anhydride", "benzene_ring", "carbamate"]),
        ("O=c1[nH][nH]c(=O)c2ccccc12", vec!["benzene_ring", "2 hydrazide"]),
        ("On1ccccc1=O", vec!["hydroxamic_acid"]),
        ("CC(=O)n1ccccc1=O", vec!["imide"]),
        ("S=c1cccc[nH]1", vec!["thioamide"]),
        ("O=c1cc[nH]c(=S)[nH]1", vec!["lactam", "thiourea"]),
        ("O=c1ccccs1", vec!["thioester"]),
        ("S=c1ccocc1", vec!["thioketone"]),
        // The forms that are not aromatic, for comparison.
        ("O=C1CCc2ccccc2O1", vec!["benzene_ring", "lactone"]),
        ("O=C1CCNC(=O)N1", vec!["lactam", "urea"]),
        // Azolides keep their ring only.
        ("CC(=O)n1cccc1", vec!["pyrrole"]),
        ("O=C1CCc2cccn12", vec!["pyrrole"]),
    ] {
        assert_eq!(named(smiles), wanted, "{smiles}");
    }
}

#[test]
fn a_sulfoxide_may_be_written_with_charges() {
    assert_eq!(named("C[S+](C)[O-]"), ["sulfoxide"]);
    assert_eq!(named("CS(C)=O"), ["sulfoxide"]);
    assert!(named("C[S+](C)C").is_empty());
    assert_eq!(named("CS(C)(=O)=O"), ["sulfone"]);
}

#[test]
fn fused_rings_count_by_ring_system() {
    for (smiles, wanted) in [
        ("c1ccc2cc3ccccc3cc2c1", vec!["naphthalene"]),
        ("c1ccc2c(c1)ccc1ccccc12", vec!["naphthalene"]),
        ("c1ccc2nc3ccccc3cc2c1", vec!["quinoline"]),
        ("c1ccc2c(c1)oc1ccccc12", vec!["benzofuran"]),
        // Two systems, linked by a bond and by a saturated ring.
        ("c1ccc2cc(-c3ccc4ccccc4c3)ccc2c1", vec!["biaryl", "2 naphthalene"]),
        ("c1ccc2cc3c(cc2c1)CCc1cc2ccccc2cc1C3", vec!["2 naphthalene"]),
    ] {
        assert_eq!(named(smiles), wanted, "{smiles}");
    }
    let hits = groups().find(&mol("c1ccc2cc3ccccc3cc2c1"));
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].atoms.len(), 10);
}

#[test]
fn hits_name_the_atoms() {
    let hits = groups().find(&mol("CCOC(=O)c1ccccc1"));
    let found: Vec<(&str, &[usize])> = hits.iter().map(|hit| (hit.group.id.as_str(), hit.atoms.as_slice())).collect();
    assert_eq!(found, [("ester", [2, 3, 4].as_slice()), ("benzene_ring", [5, 6, 7, 8, 9, 10].as_slice())]);
}

#[test]
fn names_are_found_in_every_spelling() {
    let by_name = |name: &str| groups().by_name(name).map(|group| group.id.as_str());
    assert_eq!(by_name("carboxylic acid"), Some("carboxylic_acid"));
    assert_eq!(by_name(" Carboxylic Acids "), Some("carboxylic_acid"));
    assert_eq!(by_name("aniline"), Some("aromatic_amine"));
    assert_eq!(by_name("boronic ester"), Some("boronic_ester"));
    assert_eq!(by_name("unobtainium"), None);
    assert_eq!(groups().get("ester").unwrap().name, "ester");
}
