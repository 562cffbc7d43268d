//! Fingerprint similarity, four fingerprints (`fts.*`).
//!
//! # What it measures
//!
//! How much of its structure a prediction shares with the reference.
//!
//! # Definition
//!
//! Tanimoto similarity of the two fingerprints; the mean over the rows where **both** molecules can be read.
//!
//! * `fts.maccs`: MACCS keys (167 bits).
//! * `fts.rdk`: RDKit's path fingerprint (2,048 bits, branched paths of 1 to 7 bonds). Not for the rare molecule
//!   that would have some ten million of them (several fused cages, an atom with more than 35 bonds): such rows do not count.
//! * `fts.morgan_count`: Morgan counts, radius 2, not folded.
//! * `fts.morgan_2048`: Morgan bits, radius 2, folded to 2,048.
//!
//! # Known disagreements
//!
//! * The MolT5 lineage means over valid pairs, as here: a model that writes little but right scores high, so read it beside
//!   `validity`. Multiplied by `validity` it is the mean over all rows with 0 for invalid ones, which other papers print.
//! * "Morgan" is counts in the MolT5 lineage and bits in most others; on its published outputs the two differ in the third decimal.
//!
//! # Reference
//!
//! MolT5, EMNLP 2022; fingerprints and similarities as of RDKit 2026.9.1.

use chemr_chem::Mol;

use super::{Metric, Pair, Sums, mean, mean_row};

macro_rules! similarity {
    ($name:ident, $id:literal, $title:literal, $of:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            is_judged: false,
            predictions: 1,
            title: $title,
            row: |pair| similar(pair, $of),
            value: mean,
            source: include_str!("similarity.rs"),
        };
    };
}

similarity!(MACCS, "fts.maccs", "MACCS similarity", |a, b| Some(a.maccs().tanimoto(&b.maccs())));
similarity!(RDK, "fts.rdk", "RDK similarity", |a, b| Some(a.rdk()?.tanimoto(&b.rdk()?)));
similarity!(MORGAN_COUNT, "fts.morgan_count", "Morgan similarity (counts)", |a, b| {
    Some(a.morgan_counts(2).tanimoto(&b.morgan_counts(2)))
});
similarity!(MORGAN_2048, "fts.morgan_2048", "Morgan similarity (2,048 bits)", |a, b| {
    Some(crate::guard::similarity(a, b))
});

fn similar(pair: &Pair<'_>, of: impl Fn(&Mol, &Mol) -> Option<f64>) -> Option<Sums> {
    let (reference, predicted) = pair.molecules()?;
    of(reference, predicted).map(mean_row)
}
