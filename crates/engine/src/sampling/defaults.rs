//! `generation_config.json`: how the makers of a model want it to be sampled.

use std::path::Path;

use serde_json::Value;

use super::Sampling;
use crate::EngineError;
use crate::hf::GENERATION_CONFIG_FILE;

const READ: &str = "read generation defaults";

/// The parts of `generation_config.json` that a [`Sampling`] has; what the file does not say is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationDefaults {
    /// Sample, or take the most probable token. The file's default is not to sample.
    pub do_sample: bool,
    /// See [`Sampling::temperature`].
    pub temperature: Option<f32>,
    /// See [`Sampling::top_p`].
    pub top_p: Option<f32>,
    /// See [`Sampling::top_k`].
    pub top_k: Option<usize>,
    /// See [`Sampling::max_new_tokens`].
    pub max_new_tokens: Option<usize>,
    /// `eos_token_id`, one or several, in the order of the file.
    pub stop_tokens: Vec<u32>,
}

impl GenerationDefaults {
    /// Reads the file of a model folder; a folder without one has no defaults.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be read, [`EngineError::Format`] naming the key whose value does not fit.
    pub fn read(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(GENERATION_CONFIG_FILE);
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(EngineError::Io { operation: READ, path, source }),
        };
        Self::parse(&content).map_err(|reason| EngineError::Format { operation: READ, path, reason })
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        let object = value.as_object().ok_or("the top level must be an object")?;
        let present = |key: &str| object.get(key).filter(|value| !value.is_null());
        let refuse = |key: &str, value: &Value, expected: &str| format!("{key} = {value}: {expected} is expected");
        let number = |key: &str, low: f64, high: f64| -> Result<Option<f32>, String> {
            let Some(value) = present(key) else { return Ok(None) };
            match value.as_f64() {
                Some(number) if (low..=high).contains(&number) => Ok(Some(number as f32)),
                _ => Err(refuse(key, value, &format!("a number from {low} to {high}"))),
            }
        };
        let count = |key: &str| -> Result<Option<usize>, String> {
            let Some(value) = present(key) else { return Ok(None) };
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            count.map(Some).ok_or_else(|| refuse(key, value, "a whole number"))
        };
        let do_sample = match present("do_sample") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| refuse("do_sample", value, "true or false"))?,
        };
        let stop_tokens = match present("eos_token_id") {
            None => Vec::new(),
            Some(value) => {
                let ids = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                let ids = ids.iter().map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()));
                ids.collect::<Option<_>>()
                    .ok_or_else(|| refuse("eos_token_id", value, "a token id or a list of them"))?
            }
        };
        Ok(Self {
            do_sample,
            temperature: number("temperature", 0.0, f64::from(f32::MAX))?,
            top_p: number("top_p", f64::MIN_POSITIVE, 1.0)?,
            top_k: count("top_k")?,
            max_new_tokens: count("max_new_tokens")?,
            stop_tokens,
        })
    }

    /// The sampling that the file asks for: greedy unless it says `do_sample`, and then at its temperature (else 1) and with
    /// its filters (else none; `transformers` would keep the 50 most probable tokens where the file names no `top_k`).
    ///
    /// Stop tokens are those of the file and `eos`, the tokenizer's end token.
    pub fn sampling(&self, max_new_tokens: usize, eos: Option<u32>) -> Sampling {
        let mut stop_tokens = self.stop_tokens.clone();
        stop_tokens.extend(eos.filter(|eos| !self.stop_tokens.contains(eos)));
        let greedy = Sampling::greedy(self.max_new_tokens.unwrap_or(max_new_tokens), stop_tokens);
        match self.do_sample {
            false => greedy,
            true => Sampling {
                temperature: self.temperature.unwrap_or(1.0),
                top_p: self.top_p.unwrap_or(1.0),
                top_k: self.top_k.unwrap_or(0),
                ..greedy
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<GenerationDefaults, EngineError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(GENERATION_CONFIG_FILE), content).unwrap();
        GenerationDefaults::read(folder.path())
    }

    #[test]
    fn a_file_of_a_sampled_model() {
        let text = r#"{"do_sample": true, "temperature": 0.6, "top_p": 0.95, "top_k": 20, "eos_token_id": [7, 5],
            "max_new_tokens": 99, "pad_token_id": 5, "transformers_version": "5.23.0"}"#;
        let defaults = read(text).unwrap();
        let expected =
            Sampling { temperature: 0.6, top_p: 0.95, top_k: 20, max_new_tokens: 99, stop_tokens: vec![7, 5] };
        assert_eq!(defaults.sampling(512, Some(5)), expected);
        assert_eq!(defaults.sampling(512, Some(6)).stop_tokens, [7, 5, 6]);
    }

    #[test]
    fn without_sampling_the_filters_are_silent() {
        let defaults = read(r#"{"temperature": 0.6, "top_k": 20, "eos_token_id": 3, "max_new_tokens": null}"#).unwrap();
        assert_eq!((defaults.temperature, defaults.top_k), (Some(0.6), Some(20)));
        assert_eq!(defaults.sampling(512, None), Sampling::greedy(512, vec![3]));
        let sampled = read(r#"{"do_sample": true}"#).unwrap().sampling(8, Some(1));
        assert_eq!(sampled, Sampling::sampled(1.0, 8, vec![1]));
    }

    #[test]
    fn no_file_no_defaults_and_wrong_values_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let none = GenerationDefaults::read(folder.path()).unwrap();
        assert_eq!((&none, none.sampling(4, Some(2))), (&GenerationDefaults::default(), Sampling::greedy(4, vec![2])));
        for (content, key) in [
            (r#"{"temperature": -1}"#, "temperature = -1"),
            (r#"{"top_p": 0}"#, "top_p = 0"),
            (r#"{"top_p": 1.5}"#, "top_p"),
            (r#"{"top_k": 2.5}"#, "top_k"),
            (r#"{"eos_token_id": [1, "x"]}"#, "eos_token_id"),
            (r#"{"do_sample": "yes"}"#, "do_sample"),
            ("[]", "object"),
            ("{", "generation_config.json"),
        ] {
            let message = read(content).unwrap_err().to_string();
            assert!(message.contains(key), "{message}");
        }
    }
}
