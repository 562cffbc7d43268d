//! Metrics: named, versioned functions from references and predictions to a number.
//!
//! Papers use one word for different functions ("exact match" is at least seven), so an id here names one definition and
//! keeps its meaning: what changes a value changes the version. A metric turns each row into a few sums and the sums into its
//! value (or, where the order of rows matters, the rows themselves), so that means, corpus-level BLEU, F1 and the area under the ROC
//! curve all get their bootstrap interval in the same way.
//!
//! Some metrics need more than two texts: a judgement, a probability, a file ([`Need`]). Without it they have no value; nothing takes its
//! place.
//!
//! One definition is one file with the headings *What it measures / Definition / Known disagreements / Reference*;
//! [`Metric::documentation`] hands that text out, and a test fails when a heading is missing.

mod accuracy;
mod aggregate;
mod balanced_accuracy;
mod bleu;
mod error;
mod exact;
mod exact_formula;
mod f1;
mod labels;
mod levenshtein;
mod meteor;
mod pair;
mod resources;
mod roc_auc;
mod rouge;
mod similarity;
mod source_similarity;
mod stem;
mod success;
mod text;
mod top_k;
mod validity;
mod weighted_success;
mod wordnet;
mod wordpiece;

pub use aggregate::{Aggregate, RESAMPLES, aggregate};
pub use error::number;
pub(crate) use labels::{given as label, spelt as reference_label};
pub use levenshtein::distance as edit_distance;
pub use pair::Pair;
pub use resources::{Need, ResourceError, Resources};
pub use wordnet::WordNet;
pub use wordpiece::Vocabulary;

/// What a row adds to a metric, in places that the metric knows.
pub type Sums = [f64; 10];

/// One definition.
#[derive(Debug)]
pub struct Metric {
    /// Stable id, e.g. `fts.maccs`.
    pub id: &'static str,
    /// Goes up when a value can change.
    pub version: u32,
    /// What it reads beside the two texts; without it no row has a value.
    pub needs: &'static [Need],
    /// How many ranked predictions it looks at: with fewer in all rows it says nothing new.
    pub predictions: usize,
    /// Short human name for tables.
    pub title: &'static str,
    /// `None` for a row that this metric says nothing about, e.g. the similarity of a molecule that cannot be read.
    row: fn(&Pair<'_>) -> Option<Sums>,
    statistic: Statistic,
    source: &'static str,
}

/// How rows become a value; `None` where it is not defined.
#[derive(Clone, Copy, Debug)]
enum Statistic {
    /// Of what the rows add up to.
    Sums(fn(&Sums) -> Option<f64>),
    /// Of the rows in ascending order of their first place, each with how often it counts.
    Ranks(fn(&[(&Sums, f64)]) -> Option<f64>),
}

impl Metric {
    /// What a row adds. A panic inside counts as a row that the metric says nothing about.
    pub fn row(&self, pair: &Pair<'_>) -> Option<Sums> {
        crate::guard::caught(|| (self.row)(pair)).flatten()
    }

    /// The value of one row on its own.
    pub fn value(&self, row: &Sums) -> Option<f64> {
        self.statistic.value(&[row], 0..1)
    }

    /// The leading comment of the metric's file, as Markdown.
    pub fn documentation(&self) -> String {
        crate::registry::leading_comment(self.source)
    }
}

static METRICS: [&Metric; 44] = [
    &success::SUCCESS,
    &weighted_success::WEIGHTED_SUCCESS,
    &source_similarity::SOURCE_SIMILARITY,
    &validity::VALIDITY,
    &exact::STRING,
    &exact::CANONICAL,
    &exact::INCHI,
    &exact::FRAGMENTS,
    &exact::COMPONENT,
    &exact::LARGEST_FRAGMENT,
    &exact::MAP_FREE,
    &exact_formula::EXACT_FORMULA,
    &similarity::MACCS,
    &similarity::RDK,
    &similarity::MORGAN_COUNT,
    &similarity::MORGAN_2048,
    &similarity::MACCS_ALL,
    &similarity::RDK_ALL,
    &similarity::MORGAN_COUNT_ALL,
    &similarity::MORGAN_2048_ALL,
    &levenshtein::LEVENSHTEIN,
    &bleu::CHARACTERS,
    &bleu::TWO_WORDS,
    &bleu::FOUR_WORDS,
    &bleu::TWO_PIECES,
    &bleu::FOUR_PIECES,
    &rouge::ONE,
    &rouge::TWO,
    &rouge::LONGEST,
    &meteor::WORDS,
    &meteor::WORDS_WORDNET,
    &meteor::PIECES,
    &meteor::PIECES_WORDNET,
    &accuracy::ACCURACY,
    &balanced_accuracy::BALANCED_ACCURACY,
    &f1::F1,
    &roc_auc::ROC_AUC,
    &error::MAE,
    &error::RMSE,
    &error::R2,
    &top_k::ONE,
    &top_k::THREE,
    &top_k::FIVE,
    &top_k::TEN,
];

/// All metrics, in the order of tables.
pub fn metrics() -> &'static [&'static Metric] {
    &METRICS
}

/// The metric with this id.
pub fn metric(id: &str) -> Option<&'static Metric> {
    METRICS.iter().copied().find(|metric| metric.id == id)
}

/// A row of a metric that is a mean over rows.
fn mean_row(value: f64) -> Sums {
    let mut sums = Sums::default();
    sums[0] = value;
    sums[1] = 1.0;
    sums
}

fn yes_no(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// The mean of rows made by [`mean_row`].
fn mean(sums: &Sums) -> Option<f64> {
    ratio(sums[0], sums[1])
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
