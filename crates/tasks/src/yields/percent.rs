//! Yield in percent (`yield.buchwald_hartwig_percent`, `yield.suzuki_miyaura_percent`).
//!
//! # What it asks
//!
//! Given a reaction of a high-throughput set with all that was in the well (input field `reaction`, as reaction SMILES), estimate its yield in
//! percent.
//!
//! # How it is scored
//!
//! Strict: a number from 0 to 100 and nothing else; loose: the only number in the answer, so that `%` may follow. Right when it is off by at most ten
//! points. Part `absolute_error`, in points.
//!
//! # Known disagreements
//!
//! * Papers on these sets report R2 and RMSE, which are the metrics of files of predictions. The bound of ten points is ours, about the
//!   spread of repeated measurements on such plates.
//!
//! # Reference
//!
//! Ahneman et al., Science 2018, 360, 186; Perera et al., Science 2018, 359, 429; Schwaller et al., Mach. Learn.: Sci. Technol. 2021, 2, 015016.

use crate::kind::Kind;
use crate::number::within;
use crate::registry::{Field, Task};

macro_rules! percent {
    ($id:literal, $title:literal) => {
        Task {
            id: concat!("yield.", $id),
            family: "yield_percent",
            title: $title,
            kind: Kind::Number,
            fields: &[Field { key: "reaction", columns: &[] }],
            judge: |example, answer, mode| within(example, answer, mode, 10.0),
            source: include_str!("percent.rs"),
        }
    };
}

pub(crate) static PERCENTS: [Task; 2] = [
    percent!("buchwald_hartwig_percent", "Buchwald-Hartwig yield in percent"),
    percent!("suzuki_miyaura_percent", "Suzuki-Miyaura yield in percent"),
];
