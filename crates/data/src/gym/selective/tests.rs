use super::*;

#[test]
fn centres_are_counted() {
    for (smiles, count) in [("CC", 0), ("C[C@H](N)O", 1), ("C[C@@H](N)[C@H](C)O", 2), ("C[C@@H](N)[C@@H](C)O", 2)] {
        assert_eq!(centres(smiles), count, "{smiles}");
    }
}
