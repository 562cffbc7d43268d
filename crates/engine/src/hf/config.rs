//! `config.json` and `generation_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{LOAD, malformed};
use crate::{EngineError, ModelConfig};

/// The shortest decimal of an `f32`, as a JSON number: 1e-5 and not 9.999999747378752e-6.
fn decimal(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, |value| json!(value))
}

/// `config.json` of a Llama model, with the keys of both `transformers` 4 (`rope_theta`, `torch_dtype`) and 5
/// (`rope_parameters`, `dtype`).
pub(super) fn to_json(config: &ModelConfig) -> String {
    let theta = decimal(config.rope_theta);
    let mut object = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_position_embeddings,
        "rms_norm_eps": decimal(config.rms_norm_eps),
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "rope_scaling": null,
        "tie_word_embeddings": config.tie_word_embeddings,
        "hidden_act": "silu",
        "attention_bias": false,
        "attention_dropout": 0.0,
        "mlp_bias": false,
        "initializer_range": 0.02,
        "pretraining_tp": 1,
        "use_cache": true,
        "dtype": "float32",
        "torch_dtype": "float32",
    });
    add_ids(&mut object, config);
    pretty(&object)
}

/// `generation_config.json`: the token ids; decoding is greedy unless the caller says otherwise.
pub(super) fn generation_json(config: &ModelConfig) -> String {
    let mut object = json!({"_from_model_config": true, "do_sample": false});
    add_ids(&mut object, config);
    pretty(&object)
}

fn add_ids(object: &mut Value, config: &ModelConfig) {
    let ids = [
        ("bos_token_id", config.bos_token_id),
        ("eos_token_id", config.eos_token_id),
        ("pad_token_id", config.pad_token_id),
    ];
    for (key, id) in ids {
        if let Some(id) = id {
            object[key] = json!(id);
        }
    }
}

fn pretty(object: &Value) -> String {
    format!("{object:#}\n")
}

/// Reads `config.json`; every key that changes the computation must have a value that this engine computes.
pub(super) fn from_json(path: &Path, content: &[u8]) -> Result<ModelConfig, EngineError> {
    let value: Value = serde_json::from_slice(content).map_err(|error| malformed(LOAD, path, error))?;
    let object = value.as_object().ok_or_else(|| malformed(LOAD, path, "the top level must be an object"))?;
    let reader = Reader { path, object };
    reader.check_features()?;
    let heads = reader.required("num_attention_heads")?;
    let hidden = reader.required("hidden_size")?;
    let rope = reader.rope()?;
    Ok(ModelConfig {
        vocab_size: reader.required("vocab_size")?,
        hidden_size: hidden,
        intermediate_size: reader.required("intermediate_size")?,
        num_hidden_layers: reader.required("num_hidden_layers")?,
        num_attention_heads: heads,
        num_key_value_heads: reader.optional("num_key_value_heads")?.unwrap_or(heads),
        head_dim: reader.optional("head_dim")?.unwrap_or(hidden / heads.max(1)),
        max_position_embeddings: reader.optional("max_position_embeddings")?.unwrap_or(2048),
        rms_norm_eps: reader.number("rms_norm_eps", object.get("rms_norm_eps"))?.unwrap_or(1e-6),
        rope_theta: rope.unwrap_or(10_000.0),
        tie_word_embeddings: object.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(false),
        bos_token_id: reader.token("bos_token_id")?,
        eos_token_id: reader.token("eos_token_id")?,
        pad_token_id: reader.token("pad_token_id")?,
    })
}

struct Reader<'a> {
    path: &'a Path,
    object: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn present(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Features that would change the result and that this engine does not have.
    fn check_features(&self) -> Result<(), EngineError> {
        let expected: [(&'static str, Value, &str); 5] = [
            ("model_type", json!("llama"), "only the Llama architecture is supported"),
            ("hidden_act", json!("silu"), "only SwiGLU with silu is supported"),
            ("attention_bias", json!(false), "projections with bias are not supported"),
            ("mlp_bias", json!(false), "projections with bias are not supported"),
            ("quantization_config", Value::Null, "quantised weights are not supported"),
        ];
        for (field, value, reason) in expected {
            if let Some(found) = self.present(field)
                && *found != value
            {
                return Err(refuse(field, found, reason));
            }
        }
        if self.present("model_type").is_none() {
            return Err(malformed(LOAD, self.path, "model_type is missing"));
        }
        Ok(())
    }

    /// The base of the rotary frequencies, from either place; scaled variants are refused.
    fn rope(&self) -> Result<Option<f32>, EngineError> {
        for field in ["rope_scaling", "rope_parameters"] {
            let Some(found) = self.present(field) else {
                continue;
            };
            let kind = found.get("rope_type").or_else(|| found.get("type")).and_then(Value::as_str);
            if kind.is_some_and(|kind| kind != "default") {
                return Err(refuse(field, found, "scaled rotary embeddings are not supported"));
            }
        }
        let nested = self.present("rope_parameters").and_then(|parameters| parameters.get("rope_theta"));
        self.number("rope_theta", nested.or_else(|| self.present("rope_theta")))
    }

    fn required(&self, field: &'static str) -> Result<usize, EngineError> {
        self.optional(field)?.ok_or_else(|| malformed(LOAD, self.path, format!("{field} is missing")))
    }

    fn optional(&self, field: &'static str) -> Result<Option<usize>, EngineError> {
        let Some(found) = self.present(field) else {
            return Ok(None);
        };
        let number = found.as_u64().and_then(|number| usize::try_from(number).ok());
        number.map(Some).ok_or_else(|| refuse(field, found, "must be a whole number"))
    }

    fn number(&self, field: &'static str, found: Option<&Value>) -> Result<Option<f32>, EngineError> {
        let Some(found) = found.filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        found.as_f64().map(|number| Some(number as f32)).ok_or_else(|| refuse(field, found, "must be a number"))
    }

    /// A token id; of a list the first.
    fn token(&self, field: &'static str) -> Result<Option<u32>, EngineError> {
        let Some(found) = self.present(field) else {
            return Ok(None);
        };
        let first = found.as_array().map_or(Some(found), |list| list.first());
        let Some(first) = first else {
            return Ok(None);
        };
        // -1 is a usual way to say that there is none.
        if first.as_i64() == Some(-1) {
            return Ok(None);
        }
        let id = first.as_u64().and_then(|id| u32::try_from(id).ok());
        id.map(Some).ok_or_else(|| refuse(field, found, "must be a token id"))
    }
}

fn refuse(field: &'static str, found: &Value, reason: &str) -> EngineError {
    EngineError::Config { field, value: found.to_string(), reason: reason.to_owned() }
}
