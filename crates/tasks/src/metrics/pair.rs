//! A reference and what was predicted for it.

use std::cell::OnceCell;

use chemr_chem::{ChemError, Gate, Mol};

use super::similarity::{FINGERPRINTS, Fingerprint};
use super::{Resources, WordNet};
use crate::compare::fragments;
use crate::verdict::{Judgement, Reason};

/// The largest `k` of the top-k metrics.
const MOST_RANKED: usize = 10;

/// One row of a metric. Molecules are read when a metric first asks, once for all metrics.
pub struct Pair<'a> {
    reference: &'a str,
    predictions: &'a [&'a str],
    reference_molecule: OnceCell<Result<Mol, ChemError>>,
    predicted_molecule: OnceCell<Result<Mol, ChemError>>,
    rank: OnceCell<Option<usize>>,
    similarities: [OnceCell<Option<f64>>; FINGERPRINTS],
    pieces: OnceCell<Option<[Vec<String>; 2]>>,
    judgement: Option<Judgement>,
    probability: Option<f64>,
    resources: Option<&'a Resources>,
}

impl<'a> Pair<'a> {
    /// `predictions` are ranked, best first; none at all is an empty prediction.
    pub fn new(reference: &'a str, predictions: &'a [&'a str]) -> Self {
        Pair {
            reference: reference.trim(),
            predictions,
            reference_molecule: OnceCell::new(),
            predicted_molecule: OnceCell::new(),
            rank: OnceCell::new(),
            similarities: Default::default(),
            pieces: OnceCell::new(),
            judgement: None,
            probability: None,
            resources: None,
        }
    }

    /// With the files that some metrics read.
    pub fn with_resources(self, resources: &'a Resources) -> Self {
        Pair { resources: Some(resources), ..self }
    }

    /// With the probability of the positive label that stands beside the prediction, or any number that grows with it.
    pub fn with_probability(self, probability: f64) -> Self {
        Pair { probability: Some(probability), ..self }
    }

    /// With what the task's verifier says about the first prediction, for the metrics that need it.
    pub fn judged(self, judgement: Judgement) -> Self {
        Pair { judgement: Some(judgement), ..self }
    }

    /// Whether the verifier could not judge the row.
    pub fn is_broken(&self) -> bool {
        self.judgement.as_ref().is_some_and(|judgement| judgement.reason == Reason::BrokenExample)
    }

    /// What the verifier said; `None` also for a row that the verifier could not judge.
    pub(super) fn judgement(&self) -> Option<&Judgement> {
        self.judgement.as_ref().filter(|_| !self.is_broken())
    }

    pub(super) fn probability(&self) -> Option<f64> {
        self.probability
    }

    pub(super) fn wordnet(&self) -> Option<&'a WordNet> {
        self.resources?.wordnet.as_ref()
    }

    /// Reference and first prediction in pieces of words; cut once for all metrics.
    pub(super) fn pieces(&self) -> Option<&[Vec<String>; 2]> {
        let cut = || {
            let vocabulary = self.resources?.vocabulary.as_ref()?;
            Some([vocabulary.pieces(self.reference())?, vocabulary.pieces(self.prediction())?])
        };
        self.pieces.get_or_init(cut).as_ref()
    }

    /// Without blanks around it.
    pub fn reference(&self) -> &'a str {
        self.reference
    }

    /// The first prediction without blanks around it; empty when there is none.
    pub fn prediction(&self) -> &'a str {
        self.predictions.first().map_or("", |text| text.trim())
    }

    /// Place, from 1, of the first of the best [`MOST_RANKED`] predictions that is the same molecules as the reference; found
    /// once for all metrics.
    pub(super) fn rank(&self) -> Option<usize> {
        *self.rank.get_or_init(|| {
            let expected = fragments(self.reference_molecule().ok()?);
            if self.predicted_molecule().is_ok_and(|mol| fragments(mol) == expected) {
                return Some(1);
            }
            let is_expected = |text: &&str| read_molecule(text.trim()).is_ok_and(|mol| fragments(&mol) == expected);
            let later = self.predictions.iter().take(MOST_RANKED).skip(1).position(is_expected);
            later.map(|place| place + 2)
        })
    }

    /// The reference as a molecule, read behind the gate for files ([`Gate::DATA`]).
    ///
    /// # Errors
    /// As [`Mol::parse_with`].
    pub fn reference_molecule(&self) -> Result<&Mol, &ChemError> {
        self.reference_molecule.get_or_init(|| read_molecule(self.reference)).as_ref()
    }

    /// The first prediction as a molecule, read in the same way.
    ///
    /// # Errors
    /// As [`Mol::parse_with`].
    pub fn predicted_molecule(&self) -> Result<&Mol, &ChemError> {
        self.predicted_molecule.get_or_init(|| read_molecule(self.prediction())).as_ref()
    }

    /// Similarity of both molecules; `None` when one cannot be read, or has no such fingerprint. Found once for all metrics.
    pub(super) fn similarity(&self, fingerprint: Fingerprint) -> Option<f64> {
        let find = || {
            let (reference, predicted) = self.molecules()?;
            fingerprint.similarity(reference, predicted)
        };
        *self.similarities[fingerprint as usize].get_or_init(find)
    }

    /// Both molecules, if both can be read.
    pub(super) fn molecules(&self) -> Option<(&Mol, &Mol)> {
        Some((self.reference_molecule().ok()?, self.predicted_molecule().ok()?))
    }
}

/// A molecule as metrics read it: behind the gate for files, because a long but valid prediction is still valid. (Rewards
/// use the narrower gate for answers.)
pub(super) fn read_molecule(text: &str) -> Result<Mol, ChemError> {
    Mol::parse_with(text, &Gate::DATA)
}
