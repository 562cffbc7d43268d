//! `config.json` and `generation_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{LOAD, malformed};
use crate::{Architecture, EngineError, Family, ModelConfig, RopeScaling};

/// The shortest decimal of an `f32`, as a JSON number: 1e-5 and not 9.999999747378752e-6.
fn decimal(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, |value| json!(value))
}

/// `config.json` of a model, with the keys of both `transformers` 4 (`rope_theta`, `rope_scaling`, `torch_dtype`) and 5
/// (`rope_parameters`, `dtype`).
pub(super) fn to_json(config: &ModelConfig, architecture: &Architecture) -> String {
    let theta = decimal(config.rope_theta);
    let scaling = scaling_json(&architecture.rope_scaling);
    let mut parameters = json!({"rope_type": "default", "rope_theta": theta});
    if let Some(scaling) = scaling.as_object() {
        for (key, value) in scaling {
            parameters[key] = value.clone();
        }
    }
    let mut object = json!({
        "architectures": [architecture.family.class_name()],
        "model_type": architecture.family.model_type(),
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
        "rope_parameters": parameters,
        "rope_scaling": scaling,
        "tie_word_embeddings": config.tie_word_embeddings,
        "hidden_act": "silu",
    });
    for (key, value) in family_json(config, architecture) {
        object[key] = value;
    }
    let rest = [
        ("initializer_range", json!(0.02)),
        ("pretraining_tp", json!(1)),
        ("use_cache", json!(true)),
        ("dtype", json!("float32")),
        ("torch_dtype", json!("float32")),
    ];
    for (key, value) in rest {
        if key != "pretraining_tp" || architecture.family == Family::Llama {
            object[key] = value;
        }
    }
    add_ids(&mut object, config);
    pretty(&object)
}

/// Keys that only some families have.
fn family_json(config: &ModelConfig, architecture: &Architecture) -> Vec<(&'static str, Value)> {
    let dropout = ("attention_dropout", json!(0.0));
    let window = json!(architecture.sliding_window);
    match architecture.family {
        Family::Llama => vec![("attention_bias", json!(false)), dropout, ("mlp_bias", json!(false))],
        Family::Mistral => vec![dropout, ("sliding_window", window)],
        Family::Qwen2 | Family::Qwen3 => {
            let layers = 0..config.num_hidden_layers;
            let kinds: Vec<&str> = layers.map(|layer| layer_kind(architecture.window(layer))).collect();
            // `transformers` 4 knows only the number of layers without a window at the front.
            let front = kinds.iter().take_while(|kind| **kind == FULL).count();
            let mut list = vec![
                dropout,
                ("use_sliding_window", json!(architecture.sliding_window.is_some())),
                ("sliding_window", window),
                ("max_window_layers", json!(front)),
                ("layer_types", json!(kinds)),
            ];
            if architecture.family == Family::Qwen3 {
                list.push(("attention_bias", json!(false)));
            }
            list
        }
    }
}

/// Values of `layer_types`.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

fn layer_kind(window: usize) -> &'static str {
    if window == usize::MAX { FULL } else { SLIDING }
}

/// `rope_scaling`; null where nothing is scaled.
fn scaling_json(scaling: &RopeScaling) -> Value {
    match *scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({"rope_type": "linear", "factor": decimal(factor)}),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => json!({
            "rope_type": "llama3",
            "factor": decimal(factor),
            "low_freq_factor": decimal(low_freq_factor),
            "high_freq_factor": decimal(high_freq_factor),
            "original_max_position_embeddings": original_max_position_embeddings,
        }),
    }
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
    if let (Some(first), [_, ..]) = (config.eos_token_id, config.more_eos_token_ids.as_slice()) {
        object["eos_token_id"] = json!([&[first], config.more_eos_token_ids.as_slice()].concat());
    }
}

fn pretty(object: &Value) -> String {
    format!("{object:#}\n")
}

/// Reads `config.json`; every key that changes the computation must have a value that this engine computes. What a folder
/// leaves out has the default of its family in `transformers`.
pub(super) fn from_json(path: &Path, content: &[u8]) -> Result<(ModelConfig, Architecture), EngineError> {
    let value: Value = serde_json::from_slice(content).map_err(|error| malformed(LOAD, path, error))?;
    let object = value.as_object().ok_or_else(|| malformed(LOAD, path, "the top level must be an object"))?;
    let mut reader = Reader { path, object, refused: Vec::new() };
    let family = reader.family();
    reader.check_features();
    let (theta, rope_scaling) = reader.rope();
    let windows = reader.windows(family);
    reader.into_result()?;
    let reader = Reader { path, object, refused: Vec::new() };

    let defaults = Defaults::of(family);
    let heads = reader.required("num_attention_heads")?;
    let hidden = reader.required("hidden_size")?;
    let layers = reader.required("num_hidden_layers")?;
    let key_values = match object.get("num_key_value_heads") {
        None => defaults.key_value_heads.unwrap_or(heads),
        Some(_) => reader.optional("num_key_value_heads")?.unwrap_or(heads),
    };
    let head_dim = match object.get("head_dim") {
        None => defaults.head_dim,
        Some(_) => reader.optional("head_dim")?,
    };
    let (sliding_window, full_attention_layers) = windows.resolve(layers)?;
    let config = ModelConfig {
        vocab_size: reader.required("vocab_size")?,
        hidden_size: hidden,
        intermediate_size: reader.required("intermediate_size")?,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        num_key_value_heads: key_values,
        head_dim: head_dim.unwrap_or(hidden / heads.max(1)),
        max_position_embeddings: reader.optional("max_position_embeddings")?.unwrap_or(defaults.positions),
        rms_norm_eps: reader.number("rms_norm_eps", object.get("rms_norm_eps"))?.unwrap_or(1e-6),
        rope_theta: theta.unwrap_or(10_000.0),
        tie_word_embeddings: object.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(false),
        bos_token_id: reader.token("bos_token_id")?,
        eos_token_id: reader.token("eos_token_id")?,
        more_eos_token_ids: reader.further_tokens("eos_token_id")?,
        pad_token_id: reader.token("pad_token_id")?,
    };
    Ok((config, Architecture { family, rope_scaling, sliding_window, full_attention_layers }))
}

/// What `transformers` takes for a key that is not there.
struct Defaults {
    /// `None`: as many as query heads.
    key_value_heads: Option<usize>,
    /// `None`: the hidden size over the heads.
    head_dim: Option<usize>,
    positions: usize,
}

impl Defaults {
    fn of(family: Family) -> Self {
        match family {
            Family::Llama => Self { key_value_heads: None, head_dim: None, positions: 2048 },
            Family::Mistral => Self { key_value_heads: Some(8), head_dim: None, positions: 131_072 },
            Family::Qwen2 => Self { key_value_heads: Some(32), head_dim: None, positions: 32_768 },
            Family::Qwen3 => Self { key_value_heads: Some(32), head_dim: Some(128), positions: 32_768 },
        }
    }
}

/// Window and default of `sliding_window`.
const DEFAULT_WINDOW: usize = 4096;
/// Default of `max_window_layers`.
const DEFAULT_WINDOW_LAYERS: usize = 28;

/// Windows as `config.json` describes them.
#[derive(Default)]
struct Windows {
    size: Option<usize>,
    /// Layers at the front without a window, where `kinds` is not given.
    full_front: usize,
    /// For each layer whether it has a window.
    kinds: Option<Vec<bool>>,
}

impl Windows {
    /// Size and the layers without; no window at all when no layer has one.
    fn resolve(self, layers: usize) -> Result<(Option<usize>, Vec<usize>), EngineError> {
        let Some(size) = self.size else {
            return Ok((None, Vec::new()));
        };
        let full: Vec<usize> = match self.kinds {
            Some(kinds) if kinds.len() != layers => {
                let value = format!("{} entries", kinds.len());
                let reason = format!("must have one entry for each of the {layers} layers");
                return Err(EngineError::Config { field: "layer_types", value, reason });
            }
            Some(kinds) => {
                kinds.iter().enumerate().filter(|(_, windowed)| !**windowed).map(|(layer, _)| layer).collect()
            }
            None => (0..self.full_front.min(layers)).collect(),
        };
        if full.len() == layers { Ok((None, Vec::new())) } else { Ok((Some(size), full)) }
    }
}

struct Reader<'a> {
    path: &'a Path,
    object: &'a Map<String, Value>,
    /// What this engine does not compute: setting, value and why.
    refused: Vec<String>,
}

impl Reader<'_> {
    fn present(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn refuse(&mut self, field: &str, found: &Value, reason: &str) {
        self.refused.push(format!("{field} = {found}: {reason}"));
    }

    /// The error that lists all that was refused.
    fn into_result(self) -> Result<(), EngineError> {
        if self.refused.is_empty() {
            return Ok(());
        }
        let count = self.refused.len();
        let reason = format!("{count} setting(s) that this engine does not compute: {}", self.refused.join("; "));
        Err(malformed(LOAD, self.path, reason))
    }

    /// The family, by `model_type` or, where that is missing, by the class. The answer for an unknown one is not used.
    fn family(&mut self) -> Family {
        let names = |name: fn(Family) -> &'static str| Family::ALL.map(name).join(", ");
        let class = self.present("architectures").and_then(Value::as_array).and_then(|list| list.first()).cloned();
        let by_class =
            |class: &Value| Family::ALL.into_iter().find(|family| class.as_str() == Some(family.class_name()));
        let by_type = match self.present("model_type").cloned() {
            Some(found) => {
                let known = Family::ALL.into_iter().find(|family| found.as_str() == Some(family.model_type()));
                if known.is_none() {
                    let reason = format!("the architectures are {}", names(Family::model_type));
                    self.refuse("model_type", &found, &reason);
                }
                known
            }
            None => {
                if class.is_none() {
                    self.refused.push("model_type is missing".to_owned());
                }
                class.as_ref().and_then(by_class)
            }
        };
        if let Some(class) = &class {
            let found = by_class(class);
            if found.is_none() {
                self.refuse("architectures", class, &format!("the classes are {}", names(Family::class_name)));
            } else if by_type.is_some_and(|family| found != Some(family)) {
                self.refuse("architectures", class, "is not the class of model_type");
            }
        }
        by_type.unwrap_or_default()
    }

    /// Features that would change the result and that this engine does not have.
    fn check_features(&mut self) {
        let expected = [
            ("hidden_act", json!("silu"), "only SwiGLU with silu is supported"),
            ("attention_bias", json!(false), "a bias on the output projection of attention is not supported"),
            ("mlp_bias", json!(false), "biases in the SwiGLU layer are not supported"),
            ("quantization_config", Value::Null, "quantised weights are not supported"),
            ("partial_rotary_factor", json!(1.0), "heads that turn only in part are not supported"),
        ];
        for (field, value, reason) in expected {
            if let Some(found) = self.present(field).cloned()
                && found != value
            {
                self.refuse(field, &found, reason);
            }
        }
    }

    /// Base and scaling of the rotary frequencies: `rope_scaling` (version 4) goes before `rope_parameters` (version 5).
    fn rope(&mut self) -> (Option<f32>, RopeScaling) {
        let top = self.present("rope_theta").cloned();
        let mut theta = self.present("rope_parameters").and_then(|parameters| parameters.get("rope_theta")).cloned();
        let mut scaling = RopeScaling::None;
        for field in ["rope_parameters", "rope_scaling"] {
            let Some(found) = self.present(field).cloned() else {
                continue;
            };
            let kind = found.get("rope_type").or_else(|| found.get("type"));
            let factor = |key: &str| found.get(key).and_then(Value::as_f64).map(|value| value as f32);
            let read = match kind.map(|kind| kind.as_str().unwrap_or("?")) {
                _ if found.get("partial_rotary_factor").is_some_and(|part| part.as_f64() != Some(1.0)) => {
                    Err("heads that turn only in part are not supported")
                }
                _ if found.get(FULL).or_else(|| found.get(SLIDING)).is_some() || !found.is_object() => {
                    Err("one set of rotary parameters for all layers is expected")
                }
                None | Some("default") => Ok(RopeScaling::None),
                Some("linear") => {
                    factor("factor").map(|factor| RopeScaling::Linear { factor }).ok_or("factor must be a number")
                }
                Some("llama3") => self.llama3(&found).ok_or(
                    "factor, low_freq_factor, high_freq_factor and original_max_position_embeddings must be numbers",
                ),
                Some(_) => Err("the types of rotary scaling are default, linear and llama3"),
            };
            match read {
                Ok(read) => scaling = read,
                Err(reason) => self.refuse(field, &found, reason),
            }
            theta = found.get("rope_theta").cloned().or(theta);
        }
        let theta = theta.filter(|theta| !theta.is_null()).or(top);
        let number = theta.as_ref().and_then(Value::as_f64).map(|theta| theta as f32);
        if let (Some(theta), None) = (&theta, number) {
            self.refuse("rope_theta", theta, "must be a number");
        }
        (number, scaling)
    }

    fn llama3(&self, found: &Value) -> Option<RopeScaling> {
        let factor = |key: &str| found.get(key).and_then(Value::as_f64).map(|value| value as f32);
        let original =
            found.get("original_max_position_embeddings").or_else(|| self.present("max_position_embeddings"));
        Some(RopeScaling::Llama3 {
            factor: factor("factor")?,
            low_freq_factor: factor("low_freq_factor")?,
            high_freq_factor: factor("high_freq_factor")?,
            original_max_position_embeddings: usize::try_from(original?.as_u64()?).ok()?,
        })
    }

    /// The sliding window of the families that have one.
    fn windows(&mut self, family: Family) -> Windows {
        let size = match self.object.get("sliding_window") {
            None => Some(DEFAULT_WINDOW),
            Some(Value::Null) => None,
            Some(found) => match found.as_u64().and_then(|size| usize::try_from(size).ok()) {
                Some(size) => Some(size),
                None => {
                    let found = found.clone();
                    self.refuse("sliding_window", &found, "must be a whole number or null");
                    None
                }
            },
        };
        match family {
            Family::Llama => Windows::default(),
            Family::Mistral => Windows { size, ..Windows::default() },
            Family::Qwen2 | Family::Qwen3 => {
                let used = self.present("use_sliding_window").and_then(Value::as_bool).unwrap_or(false);
                let front = self.present("max_window_layers").and_then(Value::as_u64);
                let full_front = front.map_or(DEFAULT_WINDOW_LAYERS, |front| front.try_into().unwrap_or(usize::MAX));
                let kinds = self.layer_kinds();
                if !used && kinds.as_ref().is_some_and(|kinds| kinds.contains(&true)) {
                    let found = self.object.get("layer_types").cloned().unwrap_or_default();
                    self.refuse("layer_types", &found, "names windows although use_sliding_window is not true");
                }
                Windows { size: size.filter(|_| used), full_front, kinds }
            }
        }
    }

    fn layer_kinds(&mut self) -> Option<Vec<bool>> {
        let found = self.present("layer_types")?.clone();
        let kind = |value: &Value| match value.as_str() {
            Some(FULL) => Some(false),
            Some(SLIDING) => Some(true),
            _ => None,
        };
        let kinds: Option<Vec<bool>> = found.as_array().and_then(|list| list.iter().map(kind).collect());
        if kinds.is_none() {
            self.refuse("layer_types", &found, "the kinds of layers are full_attention and sliding_attention");
        }
        kinds
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
        token_id(first).map(Some).ok_or_else(|| refuse(field, found, "must be a token id"))
    }

    /// All but the first where there is a list.
    fn further_tokens(&self, field: &'static str) -> Result<Vec<u32>, EngineError> {
        let Some(found) = self.present(field) else {
            return Ok(Vec::new());
        };
        let list = found.as_array().map_or(&[][..], Vec::as_slice);
        let ids: Option<Vec<u32>> = list.iter().skip(1).map(token_id).collect();
        ids.ok_or_else(|| refuse(field, found, "must be a list of token ids"))
    }
}

fn token_id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

fn refuse(field: &'static str, found: &Value, reason: &str) -> EngineError {
    EngineError::Config { field, value: found.to_string(), reason: reason.to_owned() }
}
