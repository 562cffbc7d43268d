//! What training rows share with held-out ones.

use chemr_tasks::{Example, Split};

use super::super::{AuditOptions, Check, Hit, PairReport, Relation, Report, Severity};
use super::support::{Desk, bbbp, forward, retro, row};

use Split::{Test, Train, Valid};

fn pair<'a>(report: &'a Report, train: (&str, Split), held_out: (&str, Split)) -> &'a PairReport {
    let found = report.leakage.pairs.iter().find(|pair| {
        (pair.train.task.as_str(), pair.train.split) == train
            && (pair.held_out.task.as_str(), pair.held_out.split) == held_out
    });
    found.unwrap_or_else(|| panic!("{train:?} {held_out:?}: {:?}", report.leakage.pairs))
}

fn hits(pair: &PairReport) -> Vec<(&'static str, u64, u64)> {
    pair.shared.iter().map(|(name, Hit { train_rows, held_out_rows })| (*name, *train_rows, *held_out_rows)).collect()
}

fn audited(rows: &[Example]) -> Report {
    Desk::new().audit(rows, AuditOptions::default()).0
}

#[test]
fn molecules_at_every_level() {
    let report = audited(&[
        bbbp(Train, "CCO", "Yes"),
        bbbp(Train, "OCC", "Yes"),
        bbbp(Train, "C[C@H](N)C(=O)O", "No"),
        bbbp(Train, "O=c1cccc[nH]1", "No"),
        bbbp(Valid, "CCO", "No"),
        bbbp(Test, "C(O)C", "Yes"),
        bbbp(Test, "C[C@@H](N)C(=O)O", "No"),
        bbbp(Test, "Oc1ccccn1", "No"),
        bbbp(Test, "CCCCCCCC", "No"),
    ]);
    let found = pair(&report, ("property.bbbp", Train), ("property.bbbp", Test));
    assert_eq!(found.relation, Relation::SameTask);
    assert_eq!(
        hits(found),
        [
            ("molecule", 2, 1),
            ("molecule_flat", 3, 2),
            ("molecule_inchi_key", 3, 2),
            ("molecule_skeleton", 4, 3),
            ("question", 2, 1),
            ("question_flat", 3, 2),
        ]
    );
    // An example of a level shares nothing stricter.
    let flat: Vec<_> = found.examples.iter().filter(|shown| shown.what == "molecule_flat").collect();
    assert_eq!((flat.len(), flat[0].second.text.as_str()), (1, "C[C@@H](N)C(=O)O → No"));
    assert_eq!(hits(pair(&report, ("property.bbbp", Valid), ("property.bbbp", Test)))[0], ("molecule", 1, 1));
    assert_eq!(hits(pair(&report, ("property.bbbp", Train), ("property.bbbp", Valid)))[0], ("molecule", 2, 1));
    let held_out: Vec<_> = report.leakage.held_out.iter().map(|set| (set.set.split, set.rows, set.same)).collect();
    assert_eq!(held_out, [(Valid, 1, 1), (Test, 4, 3)]);
    let train: Vec<_> = report.leakage.train.iter().map(|set| (set.set.split, set.rows, set.same)).collect();
    assert_eq!(train, [(Train, 4, 4), (Valid, 1, 1)]);
    let finding = report.summary.iter().find(|finding| finding.check == Check::Leakage).unwrap();
    assert_eq!((finding.count, finding.of, finding.severity), (4, 5, Severity::Serious));
}

#[test]
fn reactions_in_both_directions_and_other_tasks() {
    let report = audited(&[
        retro(Train, "CCO", "CO.C"),
        retro(Train, "CCN", "CN.C"),
        forward(Test, "C.OC", "CCO"),
        // The same product of other reactants.
        forward(Test, "CC.N", "CCN"),
        bbbp(Train, "OCC", "Yes"),
    ]);
    let related = pair(&report, ("retrosynthesis", Train), ("reaction_prediction", Test));
    assert_eq!(related.relation, Relation::RelatedTask);
    assert_eq!(hits(related)[0], ("molecule", 2, 2));
    assert!(hits(related).contains(&("reaction", 1, 1)) && hits(related).contains(&("reaction_flat", 1, 1)));
    assert!(!related.shared.contains_key("question"));
    let other = pair(&report, ("property.bbbp", Train), ("reaction_prediction", Test));
    assert_eq!((other.relation, hits(other)[0]), (Relation::OtherTask, ("molecule", 1, 1)));
    let held_out = &report.leakage.held_out[0];
    assert_eq!((held_out.same, held_out.elsewhere), (2, 1));
    // Nothing of a test set is exposed by itself.
    assert!(audited(&[bbbp(Test, "C", "Yes"), bbbp(Test, "C", "Yes")]).leakage.pairs.is_empty());
}

#[test]
fn plates_share_their_product() {
    let measured = |split, reactants: &str, value| {
        row("yield.suzuki_miyaura_percent", split, &[("reaction", &format!("{reactants}>>CCO"))], value)
    };
    let rows = [
        measured(Train, "CBr.CO.[Pd]", "50"),
        measured(Train, "CBr.CO.[Ni]", "5"),
        measured(Test, "CO.CBr.[Pd]", "51"),
        measured(Test, "CO.CBr.[Fe]", "51"),
    ];
    let report = audited(&rows);
    let set = &report.leakage.held_out[0];
    assert_eq!((set.rows, set.same, set.near, set.scaffold), (2, 1, 0, 0));
    let found = &report.leakage.pairs[0].shared;
    assert_eq!((found["molecule"].held_out_rows, found["reaction"].held_out_rows), (2, 1));
}

#[test]
fn alike_by_fingerprint_and_scaffold() {
    // Tanimoto similarities to the first in RDKit 2026.9.1 (Morgan, radius 2, 2,048 bits): 0.963 with a longer chain, 0.893 as methyl ester.
    let acid = "CC(C)Cc1ccc(cc1)C(C)C(=O)NCC(=O)OCC(F)(F)c1ccc2ncc(C(=O)O)cc2c1CCCN1CCOCC1";
    let (longer, ester) = (acid.replace("CCCN1", "CCCCN1"), acid.replace("C(=O)O)", "C(=O)OC)"));
    let rows = [
        bbbp(Train, acid, "Yes"),
        bbbp(Train, "CCc1ccccc1", "Yes"),
        bbbp(Test, &longer, "Yes"),
        bbbp(Test, &ester, "Yes"),
        bbbp(Test, "Nc1ccccc1", "No"),
        bbbp(Test, "CCCC", "No"),
        row("property.hiv", Test, &[("smiles", &longer)], "No"),
    ];
    for (near, wanted, by_set) in [
        (1.0, &[("scaffold", 2, 2)][..], (0, 0, 2)),
        (0.9, &[("near", 1, 1), ("scaffold", 2, 2)], (0, 1, 2)),
        (0.89, &[("near", 1, 2), ("scaffold", 2, 2)], (0, 2, 1)),
    ] {
        let (report, _) = Desk::new().audit(&rows, AuditOptions { near, ..AuditOptions::default() });
        let found = pair(&report, ("property.bbbp", Train), ("property.bbbp", Test));
        assert_eq!(hits(found), wanted, "{near}");
        let set = &report.leakage.held_out[0];
        assert_eq!((set.same, set.near, set.scaffold), by_set, "{near}");
        let similar: Vec<_> = found.examples.iter().filter_map(|shown| shown.similarity).collect();
        assert!(near < 1.0 || similar.is_empty(), "{similar:?}");
        assert!(near == 1.0 || similar.contains(&0.963), "{similar:?}");
        // Scaffolds and likeness of other tasks are no finding.
        assert_eq!(report.leakage.pairs.len(), 1);
    }
    let without = AuditOptions { checks: vec![Check::Duplicates], ..AuditOptions::default() };
    let (report, _) = Desk::new().audit(&rows, without);
    assert!(report.leakage.pairs.is_empty() && report.summary.len() == 1);
}
