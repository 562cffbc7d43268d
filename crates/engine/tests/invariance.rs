//! What must not matter: how a batch is cut or packed, the number of threads, a stop in between; and hostile shapes.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use chemr_engine::{
    AdamWConfig, Compute, CrossEntropy, EngineError, ModelConfig, Operands, PackedBatch, Scorer, Trainer, Weights,
    set_threads,
};
use common::{assert_weights, fixture_config, model, random_batch, relative};

fn config() -> ModelConfig {
    ModelConfig {
        vocab_size: 101,
        hidden_size: 48,
        intermediate_size: 100,
        num_hidden_layers: 3,
        num_attention_heads: 6,
        num_key_value_heads: 2,
        head_dim: 8,
        max_position_embeddings: 2048,
        ..fixture_config(true)
    }
}

const EVEN: CrossEntropy = CrossEntropy { denominator: 100.0 };

fn gradients(config: &ModelConfig, batches: &[PackedBatch]) -> (f64, Weights) {
    let mut trainer = Trainer::new(model(config, 5), AdamWConfig::default());
    let mut loss = 0.0;
    for batch in batches {
        loss += trainer.accumulate(batch, &EVEN).unwrap().loss_sum;
    }
    (loss, trainer.gradients().clone())
}

/// The sequences of a batch as batches of their own.
fn apart(batch: &PackedBatch) -> Vec<PackedBatch> {
    (0..batch.sequences())
        .map(|index| {
            let range = batch.range(index);
            PackedBatch {
                tokens: batch.tokens[range.clone()].to_vec(),
                targets: batch.targets[range.clone()].to_vec(),
                weights: batch.weights[range.clone()].to_vec(),
                offsets: vec![0, range.len() as u32],
            }
        })
        .collect()
}

#[test]
fn accumulation_does_not_depend_on_the_cut() {
    let config = config();
    // More rows than one chunk holds, so that the batch is also cut inside.
    let batch = random_batch(&[700, 1, 90, 333, 2, 64, 500, 48], config.vocab_size, 1);
    let (whole_loss, whole) = gradients(&config, std::slice::from_ref(&batch));
    let (apart_loss, pieces) = gradients(&config, &apart(&batch));
    assert!((whole_loss - apart_loss).abs() < 1e-5 * whole_loss);
    assert_weights(&pieces, &whole, &config, 1e-5, "one sequence at a time");
    // Sequences without supervision and tails behind the last supervised position change nothing.
    let mut padded = PackedBatch::new();
    for piece in apart(&batch) {
        let mut tokens = piece.tokens.clone();
        tokens.push(*piece.targets.last().unwrap());
        let mut weights = piece.weights.clone();
        tokens.extend([1, 2, 3]);
        weights.extend([0.0, 0.0, 0.0]);
        padded.push(&tokens, &weights).unwrap();
        padded.push(&[4, 5, 6], &[0.0, 0.0]).unwrap();
    }
    let (padded_loss, padded) = gradients(&config, &[padded]);
    assert_eq!(padded_loss, whole_loss);
    assert!(padded == whole, "unsupervised parts must not change a bit");
}

#[test]
fn packed_sequences_do_not_see_each_other() {
    let config = config();
    let batch = random_batch(&[5, 70, 1, 300], config.vocab_size, 2);
    let model = model(&config, 6);
    let mut scorer = Scorer::new(&model);
    let together = scorer.logits(&batch).unwrap();
    let mut alone = Vec::new();
    for piece in apart(&batch) {
        alone.extend(scorer.logits(&piece).unwrap());
    }
    assert!(together == alone, "a sequence gives the same bits alone and packed");
}

#[test]
fn thread_counts_give_the_same_bits() {
    let config = config();
    let batch = random_batch(&[700, 1, 90, 333, 2, 64, 48], config.vocab_size, 3);
    let run = |threads: usize, compute: Compute| {
        set_threads(threads);
        let adamw = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
        let mut trainer = Trainer::computing(model(&config, 7), adamw, compute);
        let mut norms = Vec::new();
        let mut losses = Vec::new();
        for _ in 0..3 {
            losses.push(trainer.accumulate(&batch, &EVEN).unwrap().loss_sum);
            norms.push(trainer.step(1e-3, Some(0.5)));
        }
        let scores = trainer.logprobs(&batch).unwrap();
        (losses, norms, scores, trainer.into_model().weights)
    };
    for compute in [Compute::default(), Compute { operands: Operands::Bf16, recompute: true }] {
        let one = run(1, compute);
        for threads in [2, 3, 5] {
            assert!(run(threads, compute) == one, "{threads} threads differ from one, {compute:?}");
        }
    }
}

#[test]
fn every_parameter_receives_a_gradient() {
    for tied in [true, false] {
        let config = ModelConfig { tie_word_embeddings: tied, ..config() };
        let mut batch = random_batch(&[200, 100, 50], config.vocab_size, 4);
        for (index, token) in batch.tokens.iter_mut().enumerate() {
            *token = (index % config.vocab_size) as u32;
        }
        let (_, gradients) = gradients(&config, &[batch]);
        for tensor in gradients.named_tensors(&config) {
            let zeros = tensor.data.iter().filter(|value| **value == 0.0).count();
            assert_eq!(zeros, 0, "{}: {zeros} of {} have no gradient", tensor.name, tensor.data.len());
        }
    }
}

#[test]
fn a_saved_state_continues_bit_for_bit() {
    let config = config();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    let adamw = AdamWConfig { weight_decay: 0.01, ..AdamWConfig::default() };
    let batch = random_batch(&[40, 30], config.vocab_size, 8);
    let step = |trainer: &mut Trainer| {
        trainer.accumulate(&batch, &EVEN).unwrap();
        trainer.step(1e-3, Some(1.0));
    };
    let mut first = Trainer::new(model(&config, 9), adamw);
    step(&mut first);
    step(&mut first);
    first.save_state(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut second = Trainer::new(first.model().clone(), adamw);
    second.load_state(&path).unwrap();
    assert_eq!(second.steps(), 2);
    second.save_state(&path).unwrap();
    assert!(bytes == std::fs::read(&path).unwrap(), "saving is exact");
    step(&mut first);
    step(&mut second);
    assert!(first.model().weights == second.model().weights);

    let other = ModelConfig { hidden_size: 24, ..config };
    let mut third = Trainer::new(model(&other, 9), adamw);
    assert!(matches!(third.load_state(&path), Err(EngineError::Shape { .. })));
    std::fs::write(&path, b"nothing").unwrap();
    assert!(matches!(third.load_state(&path), Err(EngineError::Format { .. })));
    assert!(matches!(third.load_state(&folder.path().join("absent")), Err(EngineError::Io { .. })));
}

/// Directional derivative of the loss against its gradient, for shapes that fit no tile.
#[test]
fn hostile_shapes_have_right_gradients() {
    let shapes = [
        // hidden, wide, heads, key/value heads, head dim, vocab, layers
        (1, 1, 1, 1, 2, 2, 1),
        (7, 5, 3, 1, 8, 17, 1),
        (33, 19, 2, 2, 6, 5, 2),
        (20, 70, 5, 5, 18, 33, 1),
        (24, 16, 2, 1, 64, 1025, 1),
        (16, 24, 1, 1, 128, 20, 2),
        (65, 31, 4, 2, 256, 49, 1),
    ];
    for (hidden, wide, heads, key_values, head_dim, vocab, layers) in shapes {
        let config = ModelConfig {
            hidden_size: hidden,
            intermediate_size: wide,
            num_attention_heads: heads,
            num_key_value_heads: key_values,
            head_dim,
            vocab_size: vocab,
            num_hidden_layers: layers,
            tie_word_embeddings: hidden % 2 == 0,
            ..config()
        };
        let batch = random_batch(&[1, 1, 49, 2, 13, 1], vocab, 10);
        let (_, gradients) = gradients(&config, std::slice::from_ref(&batch));
        let start = model(&config, 5);
        let loss_along = |step: f32| {
            let mut moved = start.clone();
            let tensors = moved.weights.named_tensors_mut(&config);
            for (target, gradient) in tensors.into_iter().zip(gradients.named_tensors(&config)) {
                for (value, slope) in target.data.iter_mut().zip(gradient.data) {
                    *value += step * slope;
                }
            }
            let mut trainer = Trainer::new(moved, AdamWConfig::default());
            trainer.accumulate(&batch, &EVEN).unwrap().loss_sum
        };
        let square: f64 = gradients
            .named_tensors(&config)
            .iter()
            .flat_map(|tensor| tensor.data)
            .map(|value| f64::from(*value) * f64::from(*value))
            .sum();
        let step = (1e-3 / square.sqrt().max(1e-3)).min(0.05);
        let slope = (loss_along(step as f32) - loss_along(-step as f32)) / (2.0 * step);
        assert!(
            (slope - square).abs() < 5e-3 * square + 1e-6,
            "hidden {hidden} head_dim {head_dim}: slope {slope}, gradient {square}"
        );
    }
}

#[test]
fn a_scorer_agrees_with_the_trainer() {
    let config = config();
    let batch = random_batch(&[30, 1, 80], config.vocab_size, 11);
    let model = model(&config, 12);
    let scored = Scorer::new(&model).logprobs(&batch).unwrap();
    let mut trainer = Trainer::new(model.clone(), AdamWConfig::default());
    trainer.accumulate(&batch, &EVEN).unwrap();
    assert!(trainer.logprobs(&batch).unwrap() == scored);
    trainer.step(0.01, None);
    let later = trainer.logprobs(&batch).unwrap();
    assert!(relative(&later.logp, &scored.logp) > 1e-4, "the packed weights follow the step");
}

#[test]
fn bad_batches_are_refused_with_their_reason() {
    let config = config();
    let mut trainer = Trainer::new(model(&config, 1), AdamWConfig::default());
    let good = random_batch(&[4, 5], config.vocab_size, 1);
    type Spoil = fn(&mut PackedBatch);
    let cases: [(Spoil, &str); 8] = [
        (|b| b.tokens[3] = 101, "token 101 at position 3"),
        (|b| b.targets[8] = 9999, "token 9999 at position 8"),
        (|b| b.targets.truncate(3), "9 tokens, 3 targets"),
        (|b| b.offsets = vec![0, 4], "end with the number of positions 9"),
        (|b| b.offsets = vec![0, 4, 4, 9], "sequence 1 is empty"),
        (|b| b.offsets = vec![0, 12, 9], "sequence 1 is empty"),
        (|b| b.offsets.clear(), "offsets must start with 0"),
        (|b| b.weights[2] = f32::NAN, "weight NaN at position 2"),
    ];
    for (spoil, reason) in cases {
        let mut batch = good.clone();
        spoil(&mut batch);
        let message = trainer.accumulate(&batch, &EVEN).unwrap_err().to_string();
        assert!(message.contains(reason), "{message:?} should contain {reason:?}");
        assert!(trainer.logprobs(&batch).is_err());
    }
    let long = random_batch(&[2049], config.vocab_size, 1);
    let message = trainer.accumulate(&long, &EVEN).unwrap_err().to_string();
    assert!(message.contains("max_position_embeddings = 2048"), "{message}");
    let nothing = trainer.accumulate(&PackedBatch::new(), &EVEN).unwrap();
    assert_eq!(nothing.tokens, 0);
    assert!(PackedBatch::new().push(&[1], &[]).is_err());
    assert!(PackedBatch::new().push_completion(&[], &[1]).is_err());
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    let config = config();
    let mut trainer = Trainer::new(model(&config, 1), AdamWConfig::default());
    let before = trainer.model().clone();
    let batch = random_batch(&[4, 5], config.vocab_size, 1);
    trainer.accumulate(&batch, &CrossEntropy { denominator: 0.0 }).unwrap();
    assert!(!trainer.step(1e-3, Some(1.0)).is_finite());
    assert!(trainer.model() == &before);
    assert_eq!(trainer.steps(), 0);
    trainer.accumulate(&batch, &EVEN).unwrap();
    assert!(trainer.step(1e-3, Some(1.0)).is_finite());
    assert!(trainer.model() != &before);
}
