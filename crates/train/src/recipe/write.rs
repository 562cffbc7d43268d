//! The resolved recipe as TOML text with every key's documentation.

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::Recipe;

impl Recipe {
    /// The recipe as a file: every key with its value, documentation above it. Parses back to the same recipe.
    pub fn to_documented_toml(&self) -> String {
        let table = self.table();
        let mut out = String::from("# Resolved recipe: every key with the value that was used.\n");
        for (section, about, keys) in Self::DOCS {
            out.push('\n');
            comment(&mut out, about);
            out.push_str(&format!("[{section}]\n"));
            let values = table.get(*section).and_then(|value| value.as_table());
            for (key, doc) in *keys {
                comment(&mut out, doc);
                if let Some(value) = values.and_then(|values| values.get(*key)) {
                    out.push_str(&format!("{key} = {value}\n"));
                }
            }
        }
        out
    }

    /// Sections and their values. Numbers that are `f32` here have the shortest decimal form that reads back as the same
    /// `f32`: 0.003, not 0.003000000026077032.
    fn table(&self) -> Table {
        // A checked recipe has a TOML form: `check` refuses numbers that have none.
        let mut table = Table::try_from(self).unwrap_or_default();
        for (_, value) in
            table.iter_mut().filter_map(|(_, section)| section.as_table_mut()).flat_map(|section| section.iter_mut())
        {
            if let Value::Float(number) = value {
                *number = (*number as f32).to_string().parse().unwrap_or(*number);
            }
        }
        table
    }

    /// SHA-256 of the resolved recipe's values, in hex, without the keys that change no weight and without comments.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.essence().table().to_string().as_bytes()))
    }

    /// Keys whose values differ and that matter to the weights: `section.key: here -> there`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (here, there) = (self.essence().table(), other.essence().table());
        let mut out = Vec::new();
        for (section, _, keys) in Self::DOCS {
            for (key, _) in *keys {
                let value = |table: &Table| table.get(*section).and_then(|s| s.get(*key)).map(ToString::to_string);
                let (a, b) = (value(&here).unwrap_or_default(), value(&there).unwrap_or_default());
                if a != b {
                    out.push(format!("{section}.{key}: {a} -> {b}"));
                }
            }
        }
        out
    }
}

fn comment(out: &mut String, doc: &str) {
    for line in doc.lines() {
        out.push_str("# ");
        out.push_str(line.trim());
        out.push('\n');
    }
}

/// SHA-256 over parts, in hex.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_text_parses_back_and_documents_every_key() {
        let recipe = Recipe::default().with_overrides(&["run.seed=9", "distill.learning_rate=0.00123"]).unwrap();
        let text = recipe.to_documented_toml();
        assert_eq!(Recipe::parse(&text, "config.toml").unwrap(), recipe);
        assert!(text.contains("learning_rate = 0.00123\n") && text.contains("beta1 = 0.9\n"), "{text}");
        let keys: usize = Recipe::DOCS.iter().map(|docs| docs.2.len()).sum();
        assert_eq!(text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count(), keys);
        assert_eq!(recipe.differences(&Recipe::default()).len(), 2);
        let elsewhere = recipe.with_overrides(&["run.threads=3", "run.log_every=1", "run.name=other"]).unwrap();
        let elsewhere = elsewhere.with_overrides(&["run.recompute=true"]).unwrap();
        assert!(recipe.differences(&elsewhere).is_empty() && recipe.hash() == elsewhere.hash());
        let rounded = recipe.with_overrides(&["run.precision=bf16"]).unwrap();
        assert_eq!(recipe.differences(&rounded), ["run.precision: \"fp32\" -> \"bf16\""]);
        assert_ne!(recipe.hash(), rounded.hash());
    }
}
