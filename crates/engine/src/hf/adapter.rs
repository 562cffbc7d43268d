//! Adapter folders in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::TensorInfo;
use serde_json::{Value, json};

use super::tensors::{Problems, TensorFile, write_tensors};
use super::{
    Checkpoint, LOAD, SAVE, io, load_config, load_inference_model, load_model, load_tokenizer, malformed, write_text,
    write_whole_folder,
};
use crate::lora::{Adapters, Layout, LoraConfig, LoraPair, LoraTarget};
use crate::tokenizer::{TOKENIZER_FILE, Tokenizer};
use crate::weights::NamedTensor;
use crate::{EngineError, InferenceModel, Model, ModelConfig, Precision};

/// File names inside an adapter folder.
pub const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";
pub const ADAPTER_WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// Writes an adapter folder that `peft` loads; all or nothing. `base` is what it will take for the path or name of the
/// model without adapters.
///
/// # Errors
/// [`EngineError::Io`] when the folder exists or cannot be written.
pub fn save_adapter(folder: &Path, adapters: &Adapters, base: &str) -> Result<(), EngineError> {
    save_adapter_with(folder, adapters, base, |_| Ok(()))
}

/// As [`save_adapter`]; `more` may write further files (for example the tokenizer's) into the folder before it gets its name.
pub fn save_adapter_with(
    folder: &Path,
    adapters: &Adapters,
    base: &str,
    more: impl FnOnce(&Path) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    write_whole_folder(folder, |partial| {
        let config = serde_json::to_string_pretty(&to_json(adapters.config(), base));
        let config = config.map_err(|error| malformed(SAVE, &partial.join(ADAPTER_CONFIG_FILE), error))?;
        write_text(&partial.join(ADAPTER_CONFIG_FILE), &(config + "\n"))?;
        let pairs: Vec<LoraPair> = adapters.pairs().collect();
        let shapes: BTreeMap<LoraTarget, _> = adapters.layouts.iter().flat_map(Layout::shapes).collect();
        let tensors: Vec<NamedTensor<'_>> = pairs
            .iter()
            .flat_map(|pair| {
                let [a, b] = shapes.get(&pair.target).copied().unwrap_or_default();
                let tensor = |side, shape: [usize; 2], data| NamedTensor {
                    name: tensor_name(pair.layer, pair.target, side),
                    shape: shape.to_vec(),
                    data,
                };
                [tensor("A", a, pair.a.as_slice()), tensor("B", b, pair.b.as_slice())]
            })
            .collect();
        write_tensors(&partial.join(ADAPTER_WEIGHTS_FILE), &tensors)?;
        more(partial)
    })
}

/// Reads an adapter folder for a model of this shape.
///
/// # Errors
/// [`EngineError::Io`] for what cannot be read, [`EngineError::Format`] that lists every setting that is not computed here,
/// [`EngineError::Config`] for settings out of range, [`EngineError::Checkpoint`] with the names of all missing, unknown and
/// misshapen tensors.
pub fn load_adapter(folder: &Path, model: &ModelConfig) -> Result<Adapters, EngineError> {
    let config = from_json(&read_config(folder)?);
    let config = config.map_err(|reason| malformed(LOAD, &folder.join(ADAPTER_CONFIG_FILE), reason))?;
    config.validate()?;
    let mut file = TensorFile::open(&folder.join(ADAPTER_WEIGHTS_FILE))?;
    let infos = file.infos();
    check_tensors(folder, model, &config, &infos)?;
    let mut adapters = Adapters::zeros(model, config)?;
    let shapes: Vec<_> = adapters.layouts.iter().flat_map(Layout::shapes).collect();
    for layer in 0..model.num_hidden_layers {
        for (target, shapes) in &shapes {
            let mut read = |side, [rows, columns]: [usize; 2]| {
                let name = tensor_name(layer, *target, side);
                let mut values = vec![0.0; rows * columns];
                let info = infos.get(&name).ok_or_else(|| malformed(LOAD, folder, format!("{name} is missing")))?;
                file.read(&name, info, 0, &mut values).map(|()| values)
            };
            let (a, b) = (read("A", shapes[0])?, read("B", shapes[1])?);
            adapters.set(&LoraPair { layer, target: *target, a, b })?;
        }
    }
    Ok(adapters)
}

/// What an adapter folder says of its base: `base_model_name_or_path`, a path or the name of a published model. `None` where it
/// says nothing.
///
/// # Errors
/// [`EngineError::Io`] or [`EngineError::Format`] when `adapter_config.json` cannot be read.
pub fn adapter_base(folder: &Path) -> Result<Option<String>, EngineError> {
    let content = read_config(folder)?;
    let base = content.get("base_model_name_or_path").and_then(Value::as_str);
    Ok(base.filter(|base| !base.is_empty()).map(str::to_owned))
}

/// Reads the model that computes without adapters what the model folder `base` computes with the adapter folder `adapter`, and
/// the tokenizer: the adapter's own, else that of the base.
///
/// # Errors
/// As [`crate::load_folder`] and [`load_adapter`].
pub fn load_merged_folder(base: &Path, adapter: &Path) -> Result<(Model, Tokenizer), EngineError> {
    let (tokenizer, adapters) = load_small_files(base, adapter)?;
    let mut model = load_model(base)?;
    adapters.merge_into(&mut model)?;
    Ok((model, tokenizer))
}

/// As [`load_merged_folder`], for generation: each piece of a matrix is merged in single precision before it is packed, so that
/// besides the packed weights only the adapters and a few megabytes are held.
///
/// # Errors
/// As [`load_merged_folder`] and [`crate::load_inference_model`].
pub fn load_merged_inference_folder(
    base: &Path,
    adapter: &Path,
    precision: Precision,
) -> Result<(InferenceModel<'static>, Tokenizer), EngineError> {
    let (tokenizer, adapters) = load_small_files(base, adapter)?;
    let (config, architecture) = load_config(base)?;
    let mut checkpoint = Checkpoint::open(base, &config, &architecture)?;
    let model = InferenceModel::read(config, architecture, precision, &mut checkpoint, Some(&adapters))?;
    Ok((model, tokenizer))
}

/// As [`load_merged_inference_folder`], with the adapters beside the packed matrices instead of merged: what
/// [`crate::LoraTrainer::on_packed`] trains on a base in this precision.
///
/// # Errors
/// As [`load_merged_inference_folder`].
pub fn load_adapted_inference_folder(
    base: &Path,
    adapter: &Path,
    precision: Precision,
) -> Result<(InferenceModel<'static>, Tokenizer), EngineError> {
    let (tokenizer, adapters) = load_small_files(base, adapter)?;
    let model = load_inference_model(base, precision)?.with_adapters(&adapters)?;
    Ok((model, tokenizer))
}

/// Tokenizer and adapters: their errors should not wait for gigabytes.
fn load_small_files(base: &Path, adapter: &Path) -> Result<(Tokenizer, Adapters), EngineError> {
    let (config, _) = load_config(base)?;
    let own = adapter.join(TOKENIZER_FILE).is_file();
    let tokenizer = load_tokenizer(if own { adapter } else { base }, &config)?;
    Ok((tokenizer, load_adapter(adapter, &config)?))
}

fn read_config(folder: &Path) -> Result<Value, EngineError> {
    let path = folder.join(ADAPTER_CONFIG_FILE);
    let content = std::fs::read(&path).map_err(|source| io(LOAD, &path, source))?;
    serde_json::from_slice(&content).map_err(|error| malformed(LOAD, &path, error))
}

/// Compares the header of the weight file with what the settings ask for, before memory is taken for values.
fn check_tensors(
    folder: &Path,
    model: &ModelConfig,
    config: &LoraConfig,
    infos: &BTreeMap<String, TensorInfo>,
) -> Result<(), EngineError> {
    let shapes: Vec<_> =
        Layout::all(model, config).iter().flat_map(|layout| layout.shapes().collect::<Vec<_>>()).collect();
    let mut problems = Problems::default();
    let mut wanted = BTreeMap::new();
    for layer in 0..model.num_hidden_layers {
        for (target, [a, b]) in &shapes {
            wanted.insert(tensor_name(layer, *target, "A"), a);
            wanted.insert(tensor_name(layer, *target, "B"), b);
        }
    }
    for (name, info) in infos {
        match wanted.remove(name) {
            None => problems.unsupported.push(format!("{name} is no adapter of this model")),
            Some(shape) if info.shape != shape => {
                problems.misshapen.push(format!("{name} is {:?}, expected {shape:?}", info.shape));
            }
            Some(_) => problems.check_kind(name, info),
        }
    }
    problems.missing.extend(wanted.into_keys());
    problems.into_result(folder)
}

fn tensor_name(layer: usize, target: LoraTarget, side: &str) -> String {
    let part = match target {
        LoraTarget::Query | LoraTarget::Key | LoraTarget::Value | LoraTarget::Output => "self_attn",
        LoraTarget::Gate | LoraTarget::Up | LoraTarget::Down => "mlp",
    };
    format!("base_model.model.model.layers.{layer}.{part}.{target}.lora_{side}.weight")
}

fn to_json(config: &LoraConfig, base: &str) -> Value {
    let modules: Vec<&str> = config.targets.iter().map(|target| target.module()).collect();
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": config.rank,
        // The shortest digits that give the value back.
        "lora_alpha": short(config.alpha),
        "lora_dropout": short(config.dropout),
        "target_modules": modules,
        "use_rslora": config.rank_stabilised,
        "use_dora": false,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
        "modules_to_save": null,
        "rank_pattern": {},
        "alpha_pattern": {},
    })
}

fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// Settings that other values than these change what is computed.
const PLAIN: [(&str, &[&str]); 24] = [
    // The other ways to start also change the model that the adapter is added to.
    ("init_lora_weights", &["true", "false", "null", "\"gaussian\"", "\"eva\"", "\"orthogonal\""]),
    ("corda_config", &["null"]),
    ("loftq_config", &["{}", "null"]),
    ("lora_ga_config", &["null"]),
    ("bias", &["\"none\""]),
    ("use_dora", &["false"]),
    ("lora_bias", &["false"]),
    ("fan_in_fan_out", &["false"]),
    ("use_qalora", &["false"]),
    ("use_bdlora", &["false", "null"]),
    ("rank_pattern", &["{}", "null"]),
    ("alpha_pattern", &["{}", "null"]),
    ("modules_to_save", &["null", "[]"]),
    ("layers_to_transform", &["null"]),
    ("layers_pattern", &["null"]),
    ("layer_replication", &["null"]),
    ("exclude_modules", &["null"]),
    ("trainable_token_indices", &["null"]),
    ("target_parameters", &["null"]),
    ("alora_invocation_tokens", &["null"]),
    ("arrow_config", &["null"]),
    ("kasa_config", &["null"]),
    ("monteclora_config", &["null"]),
    ("velora_config", &["null"]),
];

fn from_json(content: &Value) -> Result<LoraConfig, String> {
    let map = content.as_object().ok_or("not a JSON object")?;
    let mut problems = Vec::new();
    match map.get("peft_type").and_then(Value::as_str) {
        Some("LORA") => {}
        other => problems.push(format!("peft_type is {other:?}, only LORA is computed")),
    }
    for (key, plain) in PLAIN {
        if let Some(value) = map.get(key).map(Value::to_string)
            && !plain.contains(&value.as_str())
        {
            problems.push(format!("{key} = {value} is not computed here, only {}", plain.join(" or ")));
        }
    }
    let mut number = |key: &str| match map.get(key).and_then(Value::as_f64) {
        Some(value) => value,
        None => {
            problems.push(format!("{key} is missing or no number"));
            1.0
        }
    };
    let (rank, alpha) = (number("r"), number("lora_alpha"));
    let dropout = if map.contains_key("lora_dropout") { number("lora_dropout") } else { 0.0 };
    if rank.fract() != 0.0 || rank < 0.0 {
        problems.push(format!("r = {rank} is no count"));
    }
    let rank_stabilised = match map.get("use_rslora") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().unwrap_or_else(|| {
            problems.push(format!("use_rslora = {value} is neither true nor false"));
            false
        }),
    };
    let names: Option<Vec<&str>> = match map.get("target_modules") {
        Some(Value::String(all)) if all == "all-linear" => Some(LoraTarget::ALL.map(LoraTarget::module).to_vec()),
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let names = names.unwrap_or_else(|| {
        problems.push("target_modules must be a list of module names (patterns are not read) or \"all-linear\"".into());
        Vec::new()
    });
    // In the order of the graph: the file has them in that of a set.
    let mut chosen = BTreeMap::new();
    for name in names {
        match name.parse::<LoraTarget>() {
            Ok(target) => {
                chosen.insert(target, ());
            }
            Err(error) => problems.push(format!("target_modules: {error}")),
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    Ok(LoraConfig {
        rank: rank as usize,
        alpha: alpha as f32,
        dropout: dropout as f32,
        targets: chosen.into_keys().collect(),
        rank_stabilised,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_not_computed_is_listed() {
        let mut content = to_json(&LoraConfig::default(), "base");
        assert_eq!(from_json(&content), Ok(LoraConfig::default()));
        content["use_dora"] = true.into();
        content["bias"] = "all".into();
        content["rank_pattern"] = json!({"q_proj": 4});
        content["target_modules"] = json!(["q_proj", "lm_head"]);
        content["r"] = Value::Null;
        content["init_lora_weights"] = "pissa".into();
        content["use_rslora"] = "yes".into();
        let error = from_json(&content).unwrap_err();
        let parts =
            ["use_dora = true", "bias = \"all\"", "rank_pattern", "lm_head", "r is missing", "pissa", "use_rslora"];
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
        assert!(from_json(&json!({"peft_type": "IA3"})).unwrap_err().contains("IA3"));
        assert!(from_json(&json!([])).is_err());
        let mut content = to_json(&LoraConfig { alpha: 0.1, dropout: 0.05, ..LoraConfig::default() }, "base");
        assert_eq!(content["lora_alpha"].to_string(), "0.1");
        for wrong in [json!("q_proj"), json!(["q_proj", 3]), Value::Null] {
            content["target_modules"] = wrong;
            assert!(from_json(&content).unwrap_err().contains("list of module names"));
        }
        content["target_modules"] = "all-linear".into();
        assert_eq!(from_json(&content).unwrap().targets, LoraTarget::ALL);
    }
}
