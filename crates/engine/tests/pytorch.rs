//! The whole model against PyTorch: logits, log-probabilities, gradients, a policy objective, twenty steps of AdamW.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use chemr_engine::{AdamWConfig, CrossEntropy, Model, Objective, Scorer, TokenLoss, Trainer};
use common::{Fixture, assert_weights, fixture_config, relative};

const TIED: &[u8] = include_bytes!("fixtures/model_tied.safetensors");
const UNTIED: &[u8] = include_bytes!("fixtures/model_untied.safetensors");

fn each(check: impl Fn(&Fixture<'_>, bool)) {
    check(&Fixture::new(TIED), true);
    check(&Fixture::new(UNTIED), false);
}

fn start(fixture: &Fixture<'_>, tied: bool) -> Model {
    let config = fixture_config(tied);
    let weights = fixture.weights("start", &config);
    Model::new(config, weights).unwrap()
}

#[test]
fn logits_and_log_probabilities() {
    each(|fixture, tied| {
        let model = start(fixture, tied);
        let mut batch = fixture.batch();
        let mut scorer = Scorer::new(&model);
        let logits = scorer.logits(&batch).unwrap();
        assert!(relative(&logits, &fixture.floats("logits")) < 1e-5);
        let (logp, entropy) = (fixture.floats("logp"), fixture.floats("entropy"));
        let found = scorer.logprobs(&batch).unwrap();
        for (index, weight) in batch.weights.iter().enumerate() {
            if *weight == 0.0 {
                assert_eq!((found.logp[index], found.entropy[index]), (0.0, 0.0));
            } else {
                assert!((found.logp[index] - logp[index]).abs() < 2e-5);
                assert!((found.entropy[index] - entropy[index]).abs() < 2e-5);
            }
        }
        batch.weights.fill(1.0);
        let found = scorer.logprobs(&batch).unwrap();
        assert!(relative(&found.logp, &logp) < 1e-5);
        assert!(relative(&found.entropy, &entropy) < 1e-5);
    });
}

struct Policy {
    old: Vec<f32>,
    advantage: Vec<f32>,
}

impl Objective for Policy {
    fn token(&self, position: usize, logp: f32, _entropy: f32) -> TokenLoss {
        let value = -self.advantage[position] * (logp - self.old[position]).exp();
        TokenLoss { loss: value, dlogp: value }
    }
}

#[test]
fn a_policy_objective_and_its_gradient() {
    each(|fixture, tied| {
        let mut trainer = Trainer::new(start(fixture, tied), AdamWConfig::default());
        let objective = Policy { old: fixture.floats("policy.old"), advantage: fixture.floats("policy.advantage") };
        let stats = trainer.accumulate(&fixture.batch(), &objective).unwrap();
        let expected = f64::from(fixture.floats("policy.loss")[0]);
        assert!((stats.loss_sum - expected).abs() < 1e-4 * expected.abs());
        let config = fixture_config(tied);
        let expected = fixture.weights("policy.grad", &config);
        assert_weights(trainer.gradients(), &expected, &config, 2e-5, "policy gradient");
    });
}

#[test]
fn first_gradients_and_twenty_steps() {
    each(|fixture, tied| {
        let config = fixture_config(tied);
        let settings = fixture.floats("settings");
        let (rate, decay, clip) = (settings[0], settings[1], settings[2]);
        let adamw = AdamWConfig { weight_decay: decay, ..AdamWConfig::default() };
        let mut trainer = Trainer::new(start(fixture, tied), adamw);
        let batch = fixture.batch();
        let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
        let (losses, norms) = (fixture.floats("losses"), fixture.floats("norms"));
        for (step, (loss, norm)) in losses.iter().zip(&norms).enumerate() {
            let stats = trainer.accumulate(&batch, &objective).unwrap();
            assert_eq!(stats.tokens, batch.supervised());
            let error = (stats.loss_sum as f32 - loss).abs() / loss.abs();
            assert!(error < 1e-4, "step {step}: loss {} instead of {loss}", stats.loss_sum);
            if step == 0 {
                let expected = fixture.weights("grad", &config);
                assert_weights(trainer.gradients(), &expected, &config, 2e-5, "gradient");
            }
            let found = trainer.step(rate, Some(clip));
            assert!((found - norm).abs() < 1e-3 * norm, "step {step}: norm {found} instead of {norm}");
        }
        assert!(losses.last().unwrap() < &(losses[0] * 0.8), "the fixture should learn something");
        let end = fixture.weights("end", &config);
        assert_weights(&trainer.model().weights, &end, &config, 1e-3, "weights after 20 steps");
    });
}
