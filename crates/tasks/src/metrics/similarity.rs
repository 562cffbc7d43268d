//! Fingerprint similarity, four fingerprints (`fts.*`, `fts.*.all`).
//!
//! # What it measures
//!
//! How much of its structure a prediction shares with the reference.
//!
//! # Definition
//!
//! Tanimoto similarity of the two fingerprints; the mean over the rows where **both** molecules can be read. `fts.maccs.all`, `fts.rdk.all`,
//! `fts.morgan_count.all` and `fts.morgan_2048.all` mean over all rows with a readable reference, with 0 for a missing or invalid prediction.
//!
//! * `fts.maccs`: MACCS keys (167 bits).
//! * `fts.rdk`: RDKit's path fingerprint (2,048 bits, branched paths of 1 to 7 bonds). Not for the rare molecule
//!   that would have some ten million of them (several fused cages, an atom with more than 35 bonds): such rows count in neither mean.
//! * `fts.morgan_count`: Morgan counts, radius 2, not folded.
//! * `fts.morgan_2048`: Morgan bits, radius 2, folded to 2,048.
//!
//! # Known disagreements
//!
//! * The MolT5 lineage means over valid pairs: a model that writes little but right scores high, so read it beside `validity`. Other papers print
//!   the mean over all rows (`.all`), often without saying so.
//! * "Morgan" is counts in the MolT5 lineage and bits in most others; on its published outputs the two differ in the third decimal.
//!
//! # Reference
//!
//! MolT5, EMNLP 2022; fingerprints and similarities as of RDKit 2026.9.1.

use chemr_chem::Mol;

use super::{Metric, Pair, Statistic, Sums, mean, mean_row};

#[derive(Clone, Copy)]
pub(super) enum Fingerprint {
    Maccs,
    Rdk,
    MorganCount,
    Morgan2048,
}

/// How many [`Fingerprint`]s there are.
pub(super) const FINGERPRINTS: usize = Fingerprint::Morgan2048 as usize + 1;

impl Fingerprint {
    /// Tanimoto similarity; `None` when a molecule has no such fingerprint.
    pub(super) fn similarity(self, a: &Mol, b: &Mol) -> Option<f64> {
        Some(match self {
            Fingerprint::Maccs => a.maccs().tanimoto(&b.maccs()),
            Fingerprint::Rdk => a.rdk()?.tanimoto(&b.rdk()?),
            Fingerprint::MorganCount => a.morgan_counts(2).tanimoto(&b.morgan_counts(2)),
            Fingerprint::Morgan2048 => crate::guard::similarity(a, b),
        })
    }
}

macro_rules! similarity {
    ($name:ident, $id:literal, $title:literal, $row:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: &[],
            predictions: 1,
            title: $title,
            row: $row,
            statistic: Statistic::Sums(mean),
            source: include_str!("similarity.rs"),
        };
    };
}

similarity!(MACCS, "fts.maccs", "MACCS similarity", |pair| of_valid(pair, Fingerprint::Maccs));
similarity!(RDK, "fts.rdk", "RDK similarity", |pair| of_valid(pair, Fingerprint::Rdk));
similarity!(MORGAN_COUNT, "fts.morgan_count", "Morgan similarity (counts)", |pair| {
    of_valid(pair, Fingerprint::MorganCount)
});
similarity!(MORGAN_2048, "fts.morgan_2048", "Morgan similarity (2,048 bits)", |pair| {
    of_valid(pair, Fingerprint::Morgan2048)
});
similarity!(MACCS_ALL, "fts.maccs.all", "MACCS (all rows)", |pair| of_all(pair, Fingerprint::Maccs));
similarity!(RDK_ALL, "fts.rdk.all", "RDK (all rows)", |pair| of_all(pair, Fingerprint::Rdk));
similarity!(MORGAN_COUNT_ALL, "fts.morgan_count.all", "Morgan counts (all rows)", |pair| {
    of_all(pair, Fingerprint::MorganCount)
});
similarity!(MORGAN_2048_ALL, "fts.morgan_2048.all", "Morgan, 2,048 bits (all rows)", |pair| {
    of_all(pair, Fingerprint::Morgan2048)
});

fn of_valid(pair: &Pair<'_>, fingerprint: Fingerprint) -> Option<Sums> {
    pair.similarity(fingerprint).map(mean_row)
}

fn of_all(pair: &Pair<'_>, fingerprint: Fingerprint) -> Option<Sums> {
    pair.reference_molecule().ok()?;
    let is_valid = pair.predicted_molecule().is_ok();
    Some(mean_row(if is_valid { pair.similarity(fingerprint)? } else { 0.0 }))
}
