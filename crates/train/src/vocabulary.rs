//! The tokenizer of a run, trained on what the model will read and write.

use chemr_chem::{groups, named_reactions};
use chemr_engine::{Tokenizer, TokenizerTraining};
use rayon::prelude::*;

use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::recipe::Recipe;
use crate::rows::completion_text;
use crate::seed::{Use, mix};
use crate::source::Source;

/// Trains the tokenizer of a recipe on prompts, traces and answers of the training split.
///
/// # Errors
/// Examples cannot be made, or the vocabulary is too small.
pub fn train_tokenizer(recipe: &Recipe, source: &Source) -> Result<Tokenizer, TrainError> {
    let texts = training_texts(recipe, source)?;
    let mut terms: Vec<String> = groups().all().iter().map(|group| group.name.to_string()).collect();
    terms.extend(named_reactions().all().iter().map(|reaction| reaction.name.to_string()));
    terms.extend(["Yes".to_string(), "No".to_string()]);
    terms.sort();
    terms.dedup();
    let training = TokenizerTraining {
        vocab_size: recipe.tokenizer.vocab_size,
        max_length: recipe.model.max_positions,
        terms,
        ..TokenizerTraining::default()
    };
    Tokenizer::train(texts, &training).map_err(TrainError::engine("training the tokenizer"))
}

/// One text per example: envelope and question, and every second one with the expert trace, the others with the
/// answer alone.
fn training_texts(recipe: &Recipe, source: &Source) -> Result<Vec<String>, TrainError> {
    let count = recipe.tokenizer.texts_per_task as u64;
    let places: Vec<(usize, u64)> =
        (0..source.tasks().len()).flat_map(|task| (0..count).map(move |position| (task, position))).collect();
    let texts: Vec<Vec<String>> = places
        .into_par_iter()
        .map(|(task, position)| {
            let phase = if position % 2 == 0 { PhaseKind::Distill } else { PhaseKind::Foundation };
            let example = source.example(phase, task, position)?;
            let prompt = source.question(task, &example);
            let seed = mix(&[recipe.run.seed, Use::Tokenizer as u64, task as u64, position]);
            // A trace that the filter drops is not trained on, so it does not shape the vocabulary either.
            let completion = completion_text(phase, source, task, &example, seed).ok();
            Ok([prompt.system, prompt.user].into_iter().chain(completion).collect())
        })
        .collect::<Result<_, TrainError>>()?;
    Ok(texts.into_iter().flatten().collect())
}
