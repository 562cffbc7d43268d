use std::path::PathBuf;

use serde_json::Value;

use super::pages::Cache;
use super::*;
use crate::{ModelConfig, PackedBatch, Scorer, set_threads};

pub(crate) fn config() -> ModelConfig {
    ModelConfig {
        vocab_size: 70,
        hidden_size: 32,
        intermediate_size: 48,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 10,
        max_position_embeddings: 60,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: true,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    }
}

/// A random model whose logits are far enough apart to sample from.
pub(super) fn model() -> Model {
    let mut model = Model::init(config(), 4).unwrap();
    for value in &mut model.weights.embed {
        *value *= 12.0;
    }
    model
}

pub(super) fn prompts(count: usize) -> Vec<Vec<u32>> {
    (0..count)
        .map(|index| (0..1 + (index * 7) % 23).map(|i| ((index * 13 + i * i * 5) % 70) as u32).collect())
        .collect()
}

/// The whole forward pass in double precision, straight from the definition; logits of every position.
fn reference_logits(model: &Model, tokens: &[u32]) -> Vec<Vec<f64>> {
    let (config, weights) = (&model.config, &model.weights);
    let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let multiply = |x: &[f64], weight: &[f32]| -> Vec<f64> {
        weight.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()).collect()
    };
    let norm = |x: &[f64], weight: &[f32]| -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (mean + f64::from(config.rms_norm_eps)).sqrt();
        x.iter().zip(weight).map(|(x, w)| x * scale * f64::from(*w)).collect()
    };
    let (hidden, dim) = (config.hidden_size, config.head_dim);
    let mut x: Vec<Vec<f64>> =
        tokens.iter().map(|t| wide(&weights.embed[*t as usize * hidden..(*t as usize + 1) * hidden])).collect();
    for layer in &weights.layers {
        let mut qkv: Vec<Vec<f64>> = x.iter().map(|x| multiply(&norm(x, &layer.attn_norm), &layer.qkv)).collect();
        for (position, row) in qkv.iter_mut().enumerate() {
            for head in row[..config.query_width() + config.key_value_width()].chunks_exact_mut(dim) {
                for i in 0..dim / 2 {
                    let angle = position as f64 * f64::from(config.rope_theta).powf(-2.0 * i as f64 / dim as f64);
                    let (a, b) = (head[i], head[i + dim / 2]);
                    head[i] = a * angle.cos() - b * angle.sin();
                    head[i + dim / 2] = b * angle.cos() + a * angle.sin();
                }
            }
        }
        for position in 0..tokens.len() {
            let mut attended = Vec::new();
            for head in 0..config.num_attention_heads {
                let key = config.query_width() + head / config.queries_per_key_value() * dim;
                let value = key + config.key_value_width();
                let query = &qkv[position][head * dim..(head + 1) * dim];
                let scores: Vec<f64> = (0..=position)
                    .map(|p| query.iter().zip(&qkv[p][key..]).map(|(a, b)| a * b).sum::<f64>() / (dim as f64).sqrt())
                    .map(f64::exp)
                    .collect();
                let total: f64 = scores.iter().sum();
                attended.extend((0..dim).map(|i| {
                    scores.iter().enumerate().map(|(p, score)| score / total * qkv[p][value + i]).sum::<f64>()
                }));
            }
            for (x, o) in x[position].iter_mut().zip(multiply(&attended, &layer.o)) {
                *x += o;
            }
            let gate_up = multiply(&norm(&x[position], &layer.mlp_norm), &layer.gate_up);
            let (gate, up) = gate_up.split_at(config.intermediate_size);
            let inner: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            for (x, d) in x[position].iter_mut().zip(multiply(&inner, &layer.down)) {
                *x += d;
            }
        }
    }
    x.iter().map(|x| multiply(&norm(x, &weights.norm), weights.head_matrix())).collect()
}

fn reference_logps(model: &Model, prompt: &[u32], tokens: &[u32]) -> Vec<f64> {
    let all: Vec<u32> = prompt.iter().chain(tokens).copied().collect();
    let logits = reference_logits(model, &all);
    tokens
        .iter()
        .enumerate()
        .map(|(index, token)| {
            let row = &logits[prompt.len() + index - 1];
            let total: f64 = row.iter().map(|l| l.exp()).sum();
            row[*token as usize] - total.ln()
        })
        .collect()
}

#[test]
fn log_probabilities_equal_the_definition() {
    let model = model();
    let prompts = prompts(9);
    let seeds: Vec<u64> = (0..9).collect();
    for sampling in [
        Sampling::sampled(1.0, 24, vec![]),
        Sampling::greedy(24, vec![]),
        Sampling { top_p: 0.9, top_k: 30, ..Sampling::sampled(0.8, 24, vec![]) },
    ] {
        let results = Generator::new(&model).with_batch_width(4).generate(&prompts, &sampling, &seeds).unwrap();
        for (prompt, result) in prompts.iter().zip(&results) {
            assert_eq!((result.tokens.len(), result.stop), (24, StopReason::MaxNewTokens));
            let expected = reference_logps(&model, prompt, &result.tokens);
            for (found, expected) in result.logps.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}

#[test]
fn log_probabilities_equal_those_of_the_training_forward() {
    let model = model();
    let prompts = prompts(12);
    let seeds: Vec<u64> = (0..12).collect();
    let sampling = Sampling { top_p: 0.95, ..Sampling::sampled(1.3, 30, vec![2]) };
    let results = Generator::new(&model).generate(&prompts, &sampling, &seeds).unwrap();
    let mut batch = PackedBatch::new();
    for (prompt, result) in prompts.iter().zip(&results) {
        batch.push_completion(prompt, &result.tokens).unwrap();
    }
    let scored = Scorer::new(&model).logprobs(&batch).unwrap();
    for (index, (prompt, result)) in prompts.iter().zip(&results).enumerate() {
        let range = batch.range(index);
        let scored = &scored.logp[range.start + prompt.len() - 1..range.end];
        assert_eq!(scored.len(), result.logps.len());
        for (scored, logp) in scored.iter().zip(&result.logps) {
            assert!((scored - logp).abs() < 1e-5, "{scored} {logp}");
        }
    }
}

#[test]
fn results_do_not_depend_on_batch_or_threads() {
    let model = model();
    // Every prompt twice: copies of caches are used too.
    let mut prompts = prompts(14);
    prompts.extend(prompts.clone());
    let seeds: Vec<u64> = (0..prompts.len() as u64).map(|i| i * 77).collect();
    let sampling = Sampling::sampled(1.0, 30, vec![3, 9]);
    let alone: Vec<Generated> = prompts
        .iter()
        .zip(&seeds)
        .map(|(prompt, seed)| {
            Generator::new(&model).generate_streaming(prompt, &sampling, *seed, |_| ControlFlow::Continue(())).unwrap()
        })
        .collect();
    assert!(alone.iter().any(|result| matches!(result.stop, StopReason::StopToken(_))));
    assert!(alone.iter().any(|result| result.stop == StopReason::MaxNewTokens));
    for (width, threads) in [(1, 1), (3, 2), (8, 3), (16, 1), (64, 2), (64, 4)] {
        set_threads(threads);
        let mut generator = Generator::new(&model).with_batch_width(width);
        assert_eq!(generator.generate(&prompts, &sampling, &seeds).unwrap(), alone, "width {width}, {threads} threads");
        // Buffers are reused by a second call.
        assert_eq!(generator.generate(&prompts[3..7], &sampling, &seeds[3..7]).unwrap(), alone[3..7]);
    }
    let other: Vec<u64> = seeds.iter().map(|seed| seed + 1).collect();
    assert_ne!(Generator::new(&model).generate(&prompts, &sampling, &other).unwrap(), alone);
}

#[test]
fn stop_tokens_and_limits() {
    let model = model();
    let prompt = vec![5u32, 6, 7];
    let mut generator = Generator::new(&model);
    let free = generator.generate_streaming(&prompt, &Sampling::greedy(10, vec![]), 0, |_| ControlFlow::Continue(()));
    let free = free.unwrap();
    let stop = free.tokens[4];
    let place = free.tokens.iter().position(|token| *token == stop).unwrap();
    let results = generator.generate(std::slice::from_ref(&prompt), &Sampling::greedy(10, vec![stop]), &[0]).unwrap();
    assert_eq!(results[0].tokens, free.tokens[..=place]);
    assert_eq!(results[0].stop, StopReason::StopToken(stop));
    assert_eq!(results[0].logps, free.logps[..=place]);

    let results = generator.generate(std::slice::from_ref(&prompt), &Sampling::greedy(0, vec![]), &[0]).unwrap();
    assert_eq!((results[0].tokens.len(), results[0].stop), (0, StopReason::MaxNewTokens));
    let results = generator.generate(&[prompt], &Sampling::greedy(usize::MAX, vec![]), &[0]).unwrap();
    assert_eq!((results[0].tokens.len(), results[0].stop), (57, StopReason::MaxPositions));
    // A prompt that fills all positions is allowed, and leaves no place.
    let results = generator.generate(&[vec![1; 60]], &Sampling::greedy(5, vec![]), &[0]).unwrap();
    assert_eq!((results[0].tokens.len(), results[0].stop), (0, StopReason::MaxPositions));
    assert!(generator.generate(&[], &Sampling::greedy(5, vec![]), &[]).unwrap().is_empty());
}

#[test]
fn hostile_input_is_refused_with_its_place() {
    let model = model();
    let mut generator = Generator::new(&model);
    let sampling = Sampling::greedy(5, vec![]);
    let mut refuse = |prompts: &[Vec<u32>], sampling: &Sampling, seeds: &[u64]| {
        generator.generate(prompts, sampling, seeds).unwrap_err().to_string()
    };
    let message = refuse(&[vec![1], vec![]], &sampling, &[0, 0]);
    assert!(message.contains("prompt 1 is empty"), "{message}");
    let message = refuse(&[vec![1; 61]], &sampling, &[0]);
    assert!(message.contains("61 tokens") && message.contains("60"), "{message}");
    let message = refuse(&[vec![1, 70]], &sampling, &[0]);
    assert!(message.contains("token 70 at position 1"), "{message}");
    let message = refuse(&[vec![1]], &sampling, &[]);
    assert!(message.contains("0 seeds"), "{message}");
    let message = refuse(&[vec![1]], &Sampling { temperature: f32::INFINITY, ..sampling }, &[0]);
    assert!(message.contains("temperature"), "{message}");
}

#[test]
fn numbers_that_are_none_are_an_error() {
    for poison in [f32::NAN, f32::INFINITY] {
        let mut model = model();
        model.weights.layers[1].down.fill(poison);
        for sampling in [Sampling::greedy(5, vec![]), Sampling::sampled(1.0, 5, vec![])] {
            let error = Generator::new(&model).generate(&[vec![1, 2], vec![3]], &sampling, &[0, 1]).unwrap_err();
            assert!(matches!(error, EngineError::NotFinite { .. }), "{error}");
        }
    }
}

#[test]
fn observers_see_every_token_and_can_end() {
    let model = model();
    let sampling = Sampling::sampled(1.0, 12, vec![]);
    let mut seen = Vec::new();
    let result = Generator::new(&model)
        .generate_streaming(&[4, 5], &sampling, 9, |token| {
            seen.push(token);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, result.tokens);
    let cut = Generator::new(&model)
        .generate_streaming(&[4, 5], &sampling, 9, |token| match token == seen[3] {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
        .unwrap();
    assert_eq!(cut.stop, StopReason::Cancelled);
    assert!(cut.tokens.len() <= 4 && result.tokens.starts_with(&cut.tokens));

    let prompts = prompts(10);
    let mut finished = Vec::new();
    let results = Generator::new(&model)
        .with_batch_width(2)
        .generate_observed(&prompts, &sampling, &[1; 10], |event| match event {
            Event::Finished { sequence, .. } => {
                finished.push(sequence);
                if finished.len() >= 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert_eq!(results.len(), 10);
    for (index, result) in results.iter().enumerate() {
        let complete = result.stop == StopReason::MaxNewTokens;
        assert!(!complete || result.tokens.len() == 12);
        assert!(complete || index >= 2, "{index} {result:?}");
    }
}

fn fixture() -> (Model, Value) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama-tiny");
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    (crate::load_model(&folder).unwrap(), serde_json::from_str(&expected).unwrap())
}

/// `tests/fixtures/llama-tiny` was written by `transformers` (see `transformers_folder.py` beside it).
#[test]
fn logits_equal_those_of_transformers() {
    let (model, expected) = fixture();
    let prompts: Vec<Vec<u32>> = serde_json::from_value(expected["prompts"].clone()).unwrap();
    let logits: Vec<Vec<Vec<f64>>> = serde_json::from_value(expected["last_logits"].clone()).unwrap();
    let mut decoder = Decoder::new(Cow::Owned(InferenceModel::new(&model, Precision::Single)));
    decoder.prepare(64, 1);
    for (prompt, rows) in prompts.iter().zip(&logits) {
        // The last rows, once through the prompt pass and once token by token.
        let mut found = Vec::new();
        for length in prompt.len() + 1 - rows.len()..=prompt.len() {
            let mut cache = Cache::new(&model.config, length);
            found.push(decoder.prefill(0, &prompt[..length], &mut cache));
        }
        let mut cache = Cache::new(&model.config, prompt.len());
        for (position, token) in prompt.iter().enumerate() {
            decoder.step(0, &mut [Row { token: *token, position, cache: &mut cache }]);
            if position + rows.len() >= prompt.len() {
                decoder.logits(0, 1, &mut |logits| found.push(logits.to_vec()));
            }
        }
        for (found, expected) in found.iter().zip(rows.iter().chain(rows)) {
            for (found, expected) in found.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() <= 1e-4, "{found} {expected}");
            }
        }
    }
}

#[test]
fn greedy_tokens_equal_those_of_transformers() {
    let (model, expected) = fixture();
    let prompts: Vec<Vec<u32>> = serde_json::from_value(expected["prompts"].clone()).unwrap();
    let greedy: Vec<Vec<u32>> = serde_json::from_value(expected["greedy"].clone()).unwrap();
    let sampling = Sampling::greedy(20, model.config.eos_token_id.into_iter().collect());
    let results = Generator::new(&model).generate(&prompts, &sampling, &vec![0; prompts.len()]).unwrap();
    for (result, expected) in results.iter().zip(&greedy) {
        assert_eq!(result.tokens, *expected);
    }
}

/// With `CHEMR_EXPORT=folder`: writes a model folder and what this engine computes from it, for
/// `tests/fixtures/check_folder.py`, which compares with `transformers`.
#[test]
fn export_for_transformers() {
    let Some(folder) = std::env::var_os("CHEMR_EXPORT") else {
        return;
    };
    let folder = PathBuf::from(folder);
    let tokenizer = crate::tokenizer::tests::small();
    for tied in [true, false] {
        let shape = ModelConfig {
            vocab_size: tokenizer.vocab_size(),
            tie_word_embeddings: tied,
            eos_token_id: tokenizer.eos(),
            ..config()
        };
        let mut model = Model::init(shape, 8).unwrap();
        for value in model.weights.embed.iter_mut().chain(model.weights.head.iter_mut().flatten()) {
            *value *= 8.0;
        }
        let target = folder.join(if tied { "tied" } else { "untied" });
        crate::save_folder(&target, &model, &tokenizer).unwrap();
        let chat =
            [crate::ChatMessage::system("You are a chemist."), crate::ChatMessage::user("Name: 2-methylbutan-1-ol")];
        let prompts =
            vec![tokenizer.encode_prompt(&chat).unwrap(), tokenizer.encode("CC(=O)Oc1ccccc1 <think>the ester")];
        let mut decoder = Decoder::new(Cow::Owned(InferenceModel::new(&model, Precision::Single)));
        decoder.prepare(60, 1);
        let mut logits = Vec::new();
        for prompt in &prompts {
            let mut cache = Cache::new(&model.config, prompt.len());
            let mut rows = Vec::new();
            for (position, token) in prompt.iter().enumerate() {
                decoder.step(0, &mut [Row { token: *token, position, cache: &mut cache }]);
                decoder.logits(0, 1, &mut |logits| rows.push(logits.to_vec()));
            }
            logits.push(rows);
        }
        let sampling = Sampling::greedy(20, vec![]);
        let results = Generator::new(&model).generate(&prompts, &sampling, &[0, 0]).unwrap();
        let greedy: Vec<&Vec<u32>> = results.iter().map(|result| &result.tokens).collect();
        let expected = serde_json::json!({
            "messages": chat,
            "rendered": tokenizer.render(&chat, true).unwrap(),
            "prompts": prompts,
            "logits": logits,
            "greedy": greedy,
        });
        std::fs::write(target.join("expected.json"), expected.to_string()).unwrap();
    }
}
