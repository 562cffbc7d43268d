use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::tokenizer::tests::small as tokenizer;
use crate::{ModelConfig, PackedBatch, Scorer};

fn config(tied: bool) -> ModelConfig {
    ModelConfig {
        vocab_size: 404,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 128,
        rms_norm_eps: 1e-5,
        rope_theta: 20_000.0,
        tie_word_embeddings: tied,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    }
}

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama-tiny")
}

/// A copy of the fixture folder with changed files.
fn changed(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [CONFIG_FILE, WEIGHTS_FILE] {
        std::fs::copy(fixture().join(name), folder.path().join(name)).unwrap();
    }
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn with_config(change: impl FnOnce(&mut serde_json::Value)) -> tempfile::TempDir {
    let mut config = serde_json::from_slice(&std::fs::read(fixture().join(CONFIG_FILE)).unwrap()).unwrap();
    change(&mut config);
    changed(&[(CONFIG_FILE, config.to_string().as_bytes())])
}

#[test]
fn what_is_saved_is_loaded() {
    for tied in [true, false] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b/model");
        let model = Model::init(config(tied), 3).unwrap();
        let tokenizer = tokenizer();
        save_folder(&folder, &model, &tokenizer).unwrap();
        let (loaded, read) = load_folder(&folder).unwrap();
        assert_eq!(loaded.weights, model.weights);
        // The ids come from the tokenizer.
        assert_eq!(loaded.config.eos_token_id, tokenizer.eos());
        assert_eq!(
            loaded.config,
            ModelConfig { bos_token_id: Some(1), eos_token_id: Some(2), pad_token_id: Some(0), ..model.config.clone() }
        );
        assert_eq!(read.files().unwrap(), tokenizer.files().unwrap());
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            "chat_template.jinja",
            CONFIG_FILE,
            GENERATION_CONFIG_FILE,
            WEIGHTS_FILE,
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        assert_eq!(names, expected);
        // Nothing is left beside it, and it is not overwritten.
        assert_eq!(std::fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
        let error = save_folder(&folder, &model, &tokenizer).unwrap_err();
        assert!(matches!(error, EngineError::Io { .. }), "{error}");
        // Same model, same bytes.
        let again = parent.path().join("again");
        save_folder(&again, &loaded, &read).unwrap();
        for name in expected {
            assert_eq!(std::fs::read(folder.join(name)).unwrap(), std::fs::read(again.join(name)).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_failed_save_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("model");
    let model = Model::init(config(true), 3).unwrap();
    let refuse = |_: &Path| Err(EngineError::Text { operation: "test", reason: "refused".to_owned() });
    assert!(save_folder_with(&folder, &model, &tokenizer(), refuse).is_err());
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    let more = |path: &Path| {
        std::fs::create_dir(path.join("state")).map_err(|source| io(SAVE, path, source))?;
        write_text(&path.join("state/step"), "1")
    };
    save_folder_with(&folder, &model, &tokenizer(), more).unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("state/step")).unwrap(), "1");
}

#[test]
fn a_tokenizer_that_is_too_large_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let model = Model::init(ModelConfig { vocab_size: 300, ..config(true) }, 3).unwrap();
    let error = save_folder(&parent.path().join("m"), &model, &tokenizer()).unwrap_err().to_string();
    assert!(error.contains("vocab_size"), "{error}");
}

#[test]
fn folders_of_transformers_load() {
    let model = load_model(&fixture()).unwrap();
    assert_eq!(model.config.rope_theta, 5000.0);
    assert_eq!(model.config.rms_norm_eps, 1e-6);
    assert_eq!((model.config.head_dim, model.config.eos_token_id), (8, Some(2)));
    assert_eq!(model.weights.head.as_ref().unwrap().len(), 61 * 24);
}

#[test]
fn logits_of_the_training_forward_equal_those_of_transformers() {
    let model = load_model(&fixture()).unwrap();
    let expected = std::fs::read_to_string(fixture().join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let prompts: Vec<Vec<u32>> = serde_json::from_value(expected["prompts"].clone()).unwrap();
    let logits: Vec<Vec<Vec<f32>>> = serde_json::from_value(expected["last_logits"].clone()).unwrap();
    // All prompts in one packed batch; a position needs a target, here any.
    let mut batch = PackedBatch::new();
    for prompt in &prompts {
        let mut tokens = prompt.clone();
        tokens.push(0);
        batch.push(&tokens, &vec![1.0; prompt.len()]).unwrap();
    }
    let found = Scorer::new(&model).logits(&batch).unwrap();
    let found: Vec<&[f32]> = found.chunks_exact(model.config.vocab_size).collect();
    for (index, expected) in logits.iter().enumerate() {
        let end = batch.range(index).end;
        for (found, expected) in found[end - expected.len()..end].iter().zip(expected) {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-4, "{found} {expected}");
            }
        }
    }
}

#[test]
fn shards_and_half_precision_load() {
    let tensors = read_tensors(&fixture().join(WEIGHTS_FILE)).unwrap();
    let whole = load_model(&fixture()).unwrap();
    for (dtype, tolerance) in [(Dtype::BF16, 8e-3), (Dtype::F16, 1e-3), (Dtype::F32, 0.0)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(fixture().join(CONFIG_FILE), folder.path().join(CONFIG_FILE)).unwrap();
        let mut map = serde_json::Map::new();
        let mut shards: [Vec<Raw>; 2] = Default::default();
        for (index, (name, (shape, values))) in tensors.iter().enumerate() {
            let shard = index % 2;
            map.insert(name.clone(), format!("model-{shard}.safetensors").into());
            let bytes = values.iter().flat_map(|value| encode(*value, dtype)).collect();
            shards[shard].push((name.clone(), shape.clone(), bytes));
        }
        for (shard, tensors) in shards.iter().enumerate() {
            let views = tensors
                .iter()
                .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(dtype, shape.clone(), bytes).unwrap()));
            let path = folder.path().join(format!("model-{shard}.safetensors"));
            safetensors::serialize_to_file(views, None::<HashMap<String, String>>, &path).unwrap();
        }
        let index = serde_json::json!({"metadata": {}, "weight_map": map});
        std::fs::write(folder.path().join(WEIGHTS_INDEX_FILE), index.to_string()).unwrap();
        let model = load_model(folder.path()).unwrap();
        for (found, expected) in
            model.weights.named_tensors(&model.config).iter().zip(whole.weights.named_tensors(&whole.config))
        {
            for (found, expected) in found.data.iter().zip(expected.data) {
                assert!((found - expected).abs() <= tolerance * (expected.abs() + 0.1), "{found} {expected}");
            }
        }
    }
}

/// Name, shape and bytes of a tensor.
type Raw = (String, Vec<usize>, Vec<u8>);

/// Truncates to the number type; enough for a test.
fn encode(value: f32, dtype: Dtype) -> Vec<u8> {
    let bits = value.to_bits();
    match dtype {
        Dtype::BF16 => ((bits >> 16) as u16).to_le_bytes().to_vec(),
        Dtype::F16 => {
            let exponent = ((bits >> 23) & 0xFF) as i32 - 127 + 15;
            let sign = (bits >> 16) as u16 & 0x8000;
            let half = if exponent <= 0 { sign } else { sign | (exponent as u16) << 10 | (bits >> 13) as u16 & 0x3FF };
            half.to_le_bytes().to_vec()
        }
        _ => value.to_le_bytes().to_vec(),
    }
}

#[test]
fn sizes_that_no_memory_could_hold_are_refused() {
    for (field, value) in
        [("num_hidden_layers", 16_000_000u64), ("intermediate_size", 1 << 24), ("vocab_size", 1 << 24)]
    {
        let folder = with_config(|config| {
            config[field] = value.into();
            config["hidden_size"] = (1u64 << 24).into();
            config["num_hidden_layers"] = 16_000_000.into();
        });
        let error = load_model(folder.path()).unwrap_err();
        assert!(matches!(error, EngineError::Config { .. }) && error.to_string().contains("parameters"), "{error}");
    }
}

#[test]
fn what_does_not_fit_is_listed() {
    let folder = with_config(|config| config["num_hidden_layers"] = 3.into());
    let error = load_model(folder.path()).unwrap_err();
    let EngineError::Checkpoint { missing, .. } = &error else { panic!("{error}") };
    assert_eq!(missing.len(), 9);
    assert!(missing.iter().all(|name| name.starts_with("model.layers.2.")));
    assert!(error.to_string().contains("9 missing tensor(s)") && error.to_string().contains("and 3 more"), "{error}");

    let folder = with_config(|config| config["num_hidden_layers"] = 1.into());
    let error = load_model(folder.path()).unwrap_err();
    assert!(error.to_string().contains("model.layers.1.input_layernorm.weight has no place"), "{error}");

    let folder = with_config(|config| config["intermediate_size"] = 48.into());
    let error = load_model(folder.path()).unwrap_err();
    let EngineError::Checkpoint { misshapen, .. } = &error else { panic!("{error}") };
    assert_eq!(misshapen.len(), 6);
    assert!(error.to_string().contains("[40, 24], expected [48, 24]"), "{error}");
}

#[test]
fn what_is_not_computed_is_refused() {
    let refused = |change: fn(&mut serde_json::Value), words: &str| {
        let error = load_model(with_config(change).path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(|config| config["model_type"] = "gemma3".into(), "model_type");
    refused(|config| config["hidden_act"] = "gelu".into(), "hidden_act");
    refused(|config| config["attention_bias"] = true.into(), "attention_bias");
    refused(|config| config["mlp_bias"] = true.into(), "mlp_bias");
    refused(|config| config["quantization_config"] = serde_json::json!({"bits": 4}), "quantization_config");
    refused(|config| config["rope_parameters"]["rope_type"] = "llama3".into(), "low_freq_factor");
    refused(|config| config["rope_scaling"] = serde_json::json!({"type": "yarn", "factor": 2.0}), "rope_scaling");
    refused(|config| config["hidden_size"] = "24".into(), "hidden_size");
    refused(|config| config["num_key_value_heads"] = 3.into(), "num_key_value_heads");
    refused(|config| config["vocab_size"] = serde_json::Value::Null, "vocab_size is missing");
    refused(|config| config["hidden_size"] = u64::MAX.into(), "hidden_size");
    refused(|config| config["num_attention_heads"] = 0.into(), "num_attention_heads");
}

#[test]
fn older_configurations_load() {
    let folder = with_config(|config| {
        if let Some(object) = config.as_object_mut() {
            object.shift_remove("rope_parameters");
            object.insert("rope_theta".to_owned(), 5000.0.into());
            object.insert("eos_token_id".to_owned(), serde_json::json!([2, 5]));
            object.insert("pad_token_id".to_owned(), (-1).into());
        }
    });
    let model = load_model(folder.path()).unwrap();
    assert_eq!(
        (model.config.rope_theta, model.config.eos_token_id, model.config.pad_token_id),
        (5000.0, Some(2), None)
    );
    assert_eq!(model.config.more_eos_token_ids, [5]);
}

#[test]
fn a_list_of_end_tokens_is_kept() {
    let shape = ModelConfig { eos_token_id: Some(2), more_eos_token_ids: vec![5, 3], ..config(true) };
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("model");
    save_folder(&folder, &Model::init(shape.clone(), 3).unwrap(), &tokenizer()).unwrap();
    assert_eq!(load_model(&folder).unwrap().config.more_eos_token_ids, shape.more_eos_token_ids);
    let defaults = crate::GenerationDefaults::read(&folder).unwrap();
    assert_eq!(defaults.stop_tokens, [2, 5, 3]);
    let wrong = with_config(|config| config["eos_token_id"] = serde_json::json!([2, "x"]));
    assert!(load_model(wrong.path()).unwrap_err().to_string().contains("eos_token_id"));
}

#[test]
fn damaged_files_are_refused() {
    let whole = std::fs::read(fixture().join(WEIGHTS_FILE)).unwrap();
    let refused = |files: &[(&str, &[u8])]| load_model(changed(files).path()).unwrap_err().to_string();
    assert!(refused(&[(WEIGHTS_FILE, &whole[..whole.len() - 4])]).contains("cut off"));
    assert!(refused(&[(WEIGHTS_FILE, &whole[..100])]).contains("not a safetensors file"));
    assert!(refused(&[(WEIGHTS_FILE, b"")]).contains(WEIGHTS_FILE));
    assert!(refused(&[(WEIGHTS_FILE, &[0xFF; 64])]).contains("not a safetensors file"));
    assert!(refused(&[(CONFIG_FILE, b"[]")]).contains("object"));
    assert!(refused(&[(CONFIG_FILE, b"{")]).contains(CONFIG_FILE));
    let empty = tempfile::tempdir().unwrap();
    assert!(load_model(empty.path()).unwrap_err().to_string().contains(CONFIG_FILE));
    let folder = changed(&[(WEIGHTS_INDEX_FILE, br#"{"weight_map": {"a": "../../x.safetensors"}}"#)]);
    std::fs::remove_file(folder.path().join(WEIGHTS_FILE)).unwrap();
    assert!(load_model(folder.path()).unwrap_err().to_string().contains("not a file name"));
    // Every bit of the header may be wrong without a panic.
    for byte in 0..400 {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x15;
        let _ = load_model(changed(&[(WEIGHTS_FILE, &damaged)]).path());
    }
}
