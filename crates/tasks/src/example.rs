//! One row: what is asked, and what is right.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Which part of the data a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    Valid,
    Test,
}

impl Split {
    /// `train`, `valid` or `test`.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One question with its right answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Content hash of task, input and reference: 16 hexadecimal digits.
    pub id: String,
    /// Task id, e.g. `retrosynthesis`.
    pub task: String,
    /// Where the row comes from, e.g. `gym` or `uspto-50k`.
    pub source: String,
    pub split: Split,
    /// Difficulty level of the gym; 0 for imported rows.
    pub level: u8,
    /// Input fields by key (`smiles`, `iupac`, `reactants`, `product`, `groups`).
    pub input: BTreeMap<String, String>,
    /// The right answer. Molecules are canonical isomeric SMILES.
    pub reference: String,
    /// Anything else known about the row, e.g. `aligned_answer` or `reaction`.
    pub meta: BTreeMap<String, String>,
}

impl Example {
    /// Makes a row and computes its id.
    pub fn new(
        task: impl Into<String>,
        source: impl Into<String>,
        split: Split,
        level: u8,
        input: BTreeMap<String, String>,
        reference: impl Into<String>,
        meta: BTreeMap<String, String>,
    ) -> Example {
        let (task, reference) = (task.into(), reference.into());
        Example {
            id: Example::content_id(&task, &input, &reference),
            task,
            source: source.into(),
            split,
            level,
            input,
            reference,
            meta,
        }
    }

    /// The id of these contents: the first 16 hexadecimal digits of a SHA-256 over task, input fields and reference.
    /// Source, split, level and meta do not enter, so the same question from two sources has one id.
    pub fn content_id(task: &str, input: &BTreeMap<String, String>, reference: &str) -> String {
        let mut hash = Sha256::new();
        // A length before each part keeps ("ab", "c") and ("a", "bc") apart.
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(task);
        for (key, value) in input {
            part(key);
            part(value);
        }
        part(reference);
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// An input field, or the empty string.
    pub fn field(&self, key: &str) -> &str {
        self.input.get(key).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(smiles: &str, reference: &str) -> Example {
        let input = BTreeMap::from([("smiles".to_string(), smiles.to_string())]);
        Example::new("name.smiles_to_formula", "test", Split::Train, 1, input, reference, BTreeMap::new())
    }

    #[test]
    fn id_is_stable_and_depends_on_content() {
        let ethanol = example("CCO", "C2H6O");
        assert_eq!(ethanol.id.len(), 16);
        assert_eq!(ethanol.id, example("CCO", "C2H6O").id);
        assert_ne!(ethanol.id, example("CC", "OC2H6O").id);
        let mut moved = ethanol.clone();
        moved.split = Split::Test;
        assert_eq!(ethanol.id, Example::content_id(&moved.task, &moved.input, &moved.reference));
    }

    #[test]
    fn serde_round_trip() {
        let row = example("CCO", "C2H6O");
        let text = serde_json::to_string(&row).unwrap();
        assert!(text.contains("\"split\":\"train\""));
        assert_eq!(serde_json::from_str::<Example>(&text).unwrap(), row);
    }
}
