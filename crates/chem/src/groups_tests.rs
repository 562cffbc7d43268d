use std::collections::BTreeSet;

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
