use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::hf::{CONFIG_FILE, WEIGHTS_FILE, read_tensors};
use crate::{Generated, Generator, Sampling, load_inference_model, load_model, set_threads};

fn folders() -> Vec<PathBuf> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let families = ["llama3", "qwen2", "qwen3", "qwen3-bf16", "mistral"];
    let families = families.map(|name| fixtures.join("families").join(name));
    std::iter::once(fixtures.join("llama-tiny")).chain(families).collect()
}

fn continued(model: &InferenceModel<'_>) -> Vec<Generated> {
    let prompts: Vec<Vec<u32>> =
        (1..8).map(|length| (0..length).map(|i| (length * 3 + i * 5) % 30).collect()).collect();
    Generator::packed(model).generate(&prompts, &Sampling::greedy(12, vec![]), &[0; 7]).unwrap()
}

/// The model that `precision` stands for, in single precision.
fn widened(mut model: Model, precision: Precision) -> Model {
    let bf16 = |values: &mut [f32]| values.iter_mut().for_each(|value| *value = Bf16::round(*value).to_f32());
    let int8 = |values: &mut [f32], depth: usize| {
        for row in values.chunks_exact_mut(depth) {
            let scale = row.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
            if scale > 0.0 {
                row.iter_mut().for_each(|value| *value = (*value / scale).round_ties_even() * scale);
            }
        }
    };
    let config = model.config.clone();
    for layer in &mut model.weights.layers {
        let depths = [config.hidden_size, config.query_width(), config.hidden_size, config.intermediate_size];
        let matrices = [&mut layer.qkv, &mut layer.o, &mut layer.gate_up, &mut layer.down];
        for (matrix, depth) in matrices.into_iter().zip(depths) {
            match precision {
                Precision::Single => {}
                Precision::Bf16 => bf16(matrix),
                Precision::Int8 => int8(matrix, depth),
            }
        }
    }
    if precision != Precision::Single {
        bf16(&mut model.weights.embed);
        model.weights.head.iter_mut().for_each(|head| bf16(head));
    }
    model
}

fn largest_difference(one: &[Generated], other: &[Generated]) -> f32 {
    let pairs = one.iter().zip(other).flat_map(|(one, other)| one.logps.iter().zip(&other.logps));
    pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

#[test]
fn a_folder_is_read_as_its_model_is_packed() {
    set_threads(2);
    for folder in folders() {
        let model = load_model(&folder).unwrap();
        for precision in Precision::ALL {
            let read = load_inference_model(&folder, precision).unwrap();
            assert_eq!((read.config(), read.architecture()), (&model.config, &model.architecture));
            assert_eq!(
                continued(&read),
                continued(&InferenceModel::new(&model, precision)),
                "{} {precision}",
                folder.display()
            );
        }
    }
}

#[test]
fn bf16_computes_with_rounded_weights_bit_for_bit() {
    for folder in folders() {
        let model = load_model(&folder).unwrap();
        let rounded = widened(model.clone(), Precision::Bf16);
        let expected = continued(&InferenceModel::new(&rounded, Precision::Single));
        assert_eq!(continued(&InferenceModel::new(&model, Precision::Bf16)), expected, "{}", folder.display());
    }
}

/// The same tokens, and log-probabilities as close as another order of multiplications allows.
fn assert_stands_for(found: &InferenceModel<'_>, model: &Model, what: &str) {
    let steps = widened(model.clone(), Precision::Int8);
    let expected = continued(&InferenceModel::new(&steps, Precision::Single));
    let found = continued(found);
    let difference = largest_difference(&found, &expected);
    assert!(difference < 1e-4, "{what}: {difference}");
    assert!(found.iter().zip(&expected).all(|(found, expected)| found.tokens == expected.tokens), "{what}");
}

#[test]
fn int8_computes_with_the_nearest_of_255_steps() {
    for folder in folders() {
        let model = load_model(&folder).unwrap();
        let packed = InferenceModel::new(&model, Precision::Int8);
        assert_stands_for(&packed, &model, &folder.display().to_string());
    }
}

/// Writes the tensors of `folder` anew, after a change of one.
fn rewritten(folder: &Path, name: &str, change: impl Fn(&mut [f32])) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join(CONFIG_FILE), target.path().join(CONFIG_FILE)).unwrap();
    let mut tensors = read_tensors(&folder.join(WEIGHTS_FILE)).unwrap();
    change(&mut tensors.get_mut(name).unwrap().1);
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let stored: Vec<_> = tensors.iter().map(|(name, (shape, values))| (name, shape.clone(), bytes(values))).collect();
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &target.path().join(WEIGHTS_FILE)).unwrap();
    target
}

#[test]
fn what_int8_cannot_hold_is_refused() {
    let name = "model.layers.0.mlp.up_proj.weight";
    for value in [f32::NAN, f32::INFINITY] {
        let folder = rewritten(&folders()[0], name, |values| values[3] = value);
        let error = load_inference_model(folder.path(), Precision::Int8).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        // In memory, and in the other kinds, it is carried to the logits.
        let whole = load_model(folder.path()).unwrap();
        let packed = InferenceModel::new(&whole, Precision::Int8);
        let result = Generator::packed(&packed).generate(&[vec![1, 2]], &Sampling::greedy(2, vec![]), &[0]);
        assert!(matches!(result, Err(EngineError::NotFinite { .. })), "{result:?}");
        let model = load_inference_model(folder.path(), Precision::Bf16).unwrap();
        let result = Generator::packed(&model).generate(&[vec![1, 2]], &Sampling::greedy(2, vec![]), &[0]);
        assert!(matches!(result, Err(EngineError::NotFinite { .. })), "{result:?}");
    }
}

#[test]
fn an_output_without_weights_gives_zero() {
    let name = "model.layers.0.mlp.gate_proj.weight";
    let folder = rewritten(&folders()[0], name, |values| values.fill(0.0));
    let model = load_model(folder.path()).unwrap();
    assert_stands_for(&load_inference_model(folder.path(), Precision::Int8).unwrap(), &model, name);
}

#[test]
fn precisions_have_names_and_sizes() {
    for precision in Precision::ALL {
        assert_eq!(precision.to_string().parse(), Ok(precision));
    }
    let error = "fp8".parse::<Precision>().unwrap_err();
    assert!(error.contains("fp32, bf16 or int8"), "{error}");
    let config = load_model(&folders()[0]).unwrap().config;
    let table = (config.vocab_size * config.hidden_size) as u64;
    let tables = if config.tie_word_embeddings { 1 } else { 2 };
    let blocks = config.parameter_count() as u64 - tables * table;
    let sizes = Precision::ALL.map(|precision| precision.weight_bytes(&config));
    assert_eq!(sizes, [4 * (2 * table + blocks), 2 * (2 * table + blocks), 4 * table + blocks]);
}
