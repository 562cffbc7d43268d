use super::*;

fn mols(text: &str) -> Vec<Mol> {
    text.split('.').map(|part| Mol::parse(part).unwrap()).collect()
}

fn said(id: &str, reactants: &str, product: &str) -> (String, String, String) {
    let (reactants, product) = (mols(reactants), Mol::parse(product).unwrap());
    let reaction = named_reactions().get(id).unwrap();
    let all = changes(reaction, &reactants, &product);
    assert!(!all.is_empty(), "{id}");
    let statement = statement(reaction, &all[0], &reactants, &[]);
    (statement.formed.join(" "), statement.broken.join(" "), statement.leaving.unwrap_or_default())
}

#[test]
fn the_example_of_each_reaction_can_be_followed() {
    for reaction in named_reactions().all() {
        let example = &usual(reaction).changes;
        assert!(example.as_ref().is_some_and(|example| example.leaving.is_some()), "{}: {example:?}", reaction.id);
    }
}

/// Bonds and leaving parts written by hand, from the molecules.
#[test]
fn the_molecules_decide_and_not_the_usual_substrate() {
    for (id, reactants, product, formed, broken, leaving) in [
        ("williamson_ether", "CCCCl.Oc1ccccc1", "CCCOc1ccccc1", "C-O", "C-Cl H-O", "Cl"),
        ("williamson_ether", "CCCI.Oc1ccccc1", "CCCOc1ccccc1", "C-O", "C-I H-O", "I"),
        ("williamson_ether", "CCCOS(C)(=O)=O.Oc1ccccc1", "CCCOc1ccccc1", "C-O", "C-O H-O", "CS(=O)(=O)O"),
        ("williamson_ether", "CCCBr.Oc1ccccc1", "CCCOc1ccccc1", "C-O", "Br-C H-O", "Br"),
        ("ester_hydrolysis", "CCOC(=O)C(C)C", "CC(C)C(=O)O", "C-O", "C-O", "CCO"),
        ("ester_hydrolysis", "COC(=O)C(C)C", "CC(C)C(=O)O", "C-O", "C-O", "CO"),
        ("acyl_chloride_amidation", "CCC(=O)F.Nc1ccccc1", "CCC(=O)Nc1ccccc1", "C-N", "C-F H-N", "F"),
        ("suzuki_coupling", "Cc1ccc(I)cc1.OB(O)c1ccccc1", "Cc1ccc(-c2ccccc2)cc1", "C-C", "C-I B-C", ""),
        ("suzuki_coupling", "Cc1ccc(Br)cc1.OB(O)c1ccccc1", "Cc1ccc(-c2ccccc2)cc1", "C-C", "Br-C B-C", "OB(O)Br"),
        ("debenzylation", "COc1ccc(COc2ccccc2)cc1", "Oc1ccccc1", "H-O", "C-O", "COc1ccc(C)cc1"),
    ] {
        assert_eq!(
            said(id, reactants, product),
            (formed.to_string(), broken.to_string(), leaving.to_string()),
            "{id} {reactants}"
        );
    }
}

#[test]
fn the_fitting_type_is_chosen() {
    let best = |reactants: &str, product: &str| {
        let (reactants, product) = (mols(reactants), Mol::parse(product).unwrap());
        let best = best_types(&named_reactions().classify(&reactants, &product), &reactants, &product);
        if let [only] = best.as_slice() { Some(only.id.as_str()) } else { None }
    };
    assert_eq!(best("O=[N+]([O-])c1ccc(Cl)cc1.CCN", "CCNc1ccc([N+](=O)[O-])cc1"), Some("snar_amination"));
    assert_eq!(best("CC(=O)O.NCC", "CCNC(C)=O"), Some("amide_coupling"));
    assert_eq!(best("CCC(C)=O.[BH4-].[Na+]", "CCC(C)O"), Some("ketone_reduction"));
    assert_eq!(best("CCCC", "CCCCS"), None);
}

#[test]
fn what_cannot_be_followed_gives_nothing() {
    let reaction = named_reactions().get("amide_coupling").unwrap();
    let product = Mol::parse("CCNC(C)=O").unwrap();
    assert!(changes(reaction, &mols("CC(=O)O.NCCC"), &product).is_empty());
    assert!(changes(reaction, &[], &product).is_empty());
    assert!(changes(reaction, &mols("C.C.C.C.C.C.C.CC(=O)O.NCC"), &product).is_empty());
    let chiral = Mol::parse("CC(=O)N[C@@H](C)C(=O)OC").unwrap();
    assert!(!changes(reaction, &mols("CC(=O)O.C[C@H](N)C(=O)OC"), &chiral).is_empty());
}

/// The best types of a row without notes and the places of what reacts.
fn chosen(reactants: &str, product: &str) -> (Vec<&'static str>, Option<Vec<usize>>) {
    let (reactants, product) = (mols(reactants), Mol::parse(product).unwrap());
    let best = best_types(&named_reactions().classify(&reactants, &product), &reactants, &product);
    (best.iter().map(|reaction| reaction.id.as_str()).collect(), substrates(&best, &reactants, &product))
}

#[test]
fn what_reacts_is_chosen_once() {
    // Two of one kind: the first of them.
    assert_eq!(chosen("CC(=O)O.CCN.CCN", "CCNC(C)=O"), (vec!["amide_coupling"], Some(vec![0, 1])));
    // Types as good that take other molecules leave it open.
    let tie = chosen("CCO.CCBr.O=[N+]([O-])c1ccc(O)cc1", "CCOc1ccc([N+](=O)[O-])cc1");
    assert_eq!(tie, (vec!["williamson_ether", "mitsunobu_ether"], None));
    // The usual way to take the product apart goes first.
    let usual = chosen("CC(=O)Cl.CC(=O)O.CCN", "CCNC(C)=O");
    assert_eq!(usual, (vec!["amide_coupling"], Some(vec![1, 2])));
    // The type that fits best, and not the first of the registry, says what reacts.
    let halides = "O=[N+]([O-])c1ccc(F)cc1.O=[N+]([O-])c1ccc(Br)cc1.CCN";
    let product = Mol::parse("CCNc1ccc([N+](=O)[O-])cc1").unwrap();
    assert_eq!(named_reactions().classify(&mols(halides), &product)[0].id, "buchwald_hartwig");
    assert_eq!(chosen(halides, product.canonical()), (vec!["snar_amination"], Some(vec![0, 2])));
    assert_eq!(chosen("CCCC", "CCCCS"), (vec![], None));
}

#[test]
fn charges_change_the_number_of_bonds() {
    for (element, charge, bonds) in [
        ("N", 1, 1),
        ("N", -1, -1),
        ("O", -1, -1),
        ("S", 1, 1),
        ("C", 1, -1),
        ("C", -1, -1),
        ("Si", 1, -1),
        ("Si", -1, -1),
        ("B", -1, 1),
        ("B", 1, -1),
        ("Al", -1, 1),
    ] {
        assert_eq!(bonds_by_charge(element, charge), bonds, "{element} {charge}");
    }
}
