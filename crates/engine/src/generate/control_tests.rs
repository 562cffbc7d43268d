//! Stop strings and constraints.

use std::path::Path;

use super::tests::{model, prompts};
use super::*;
use crate::{ModelConfig, Tokenizer};

fn tokenizer() -> Tokenizer {
    Tokenizer::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")).unwrap()
}

/// The pieces that `text` gives when it arrives in the tokens of `ids`.
fn stream(stop: &StopStrings, ids: &[u32]) -> (Vec<String>, Option<usize>) {
    let mut stream = stop.stream();
    let mut pieces: Vec<String> = ids.iter().map(|id| stream.push(*id)).collect();
    let (rest, found) = stream.finish();
    pieces.push(rest);
    (pieces, found)
}

#[test]
fn stop_strings_cut_wherever_tokens_end() {
    let tokenizer = tokenizer();
    let text = "first aab then Größe\n\nQ: end";
    let whole = tokenizer.encode_text(text);
    let bytes: Vec<u32> = text.bytes().map(|byte| tokenizer.token_of_byte(byte).unwrap()).collect();
    for (strings, expected, found) in [
        (vec!["ab"], "first a", Some(0)),
        (vec!["\n\nQ:", "zz"], "first aab then Größe", Some(0)),
        (vec!["Größe\n", "öß"], "first aab then Gr", Some(1)),
        // Complete at the same character: the longest. Complete earlier: the earlier.
        (vec!["b", "aab"], "first ", Some(1)),
        (vec!["first aab", "st"], "fir", Some(1)),
        (vec!["end."], text, None),
        (vec!["\u{FFFD}"], text, None),
        (vec![], text, None),
    ] {
        let stop = StopStrings::new(&tokenizer, strings.clone()).unwrap();
        for ids in [&whole, &bytes] {
            let (pieces, stopped) = stream(&stop, ids);
            assert_eq!((pieces.concat().as_str(), stopped), (expected, found), "{strings:?}");
            // What was shown never reaches into what may become a stop string.
            let mut shown = String::new();
            for (number, piece) in pieces[..pieces.len() - 1].iter().enumerate() {
                shown.push_str(piece);
                let so_far = tokenizer.decode(&ids[..=number]);
                for string in &strings {
                    let partial = (1..=string.len()).rev().filter(|end| string.is_char_boundary(*end));
                    let longest = partial.map(|end| &string[..end]).find(|start| so_far.ends_with(start));
                    let hidden = longest.map_or(0, str::len);
                    assert!(stopped.is_some() || shown.len() <= so_far.len() - hidden, "{strings:?} {shown:?}");
                }
            }
        }
    }
    let message = StopStrings::new(&tokenizer, ["a", ""]).unwrap_err().to_string();
    assert!(message.contains("stop string 1 is empty"), "{message}");
}

/// A model over the tokenizer's vocabulary.
fn speaking() -> (crate::Model, Tokenizer) {
    let tokenizer = tokenizer();
    let config = ModelConfig { vocab_size: tokenizer.vocab_size(), ..model().config };
    let mut model = crate::Model::init(config, 4).unwrap();
    for value in &mut model.weights.embed {
        *value *= 12.0;
    }
    (model, tokenizer)
}

#[test]
fn stop_strings_end_sequences() {
    let (model, tokenizer) = speaking();
    let prompts = prompts(9);
    let seeds: Vec<u64> = (0..9).collect();
    let sampling = Sampling::sampled(1.0, 30, tokenizer.eos().into_iter().collect());
    let free = Generator::new(&model).generate(&prompts, &sampling, &seeds).unwrap();
    // Three characters from the middle of one text, across a border of tokens.
    let text = tokenizer.decode(&free[4].tokens);
    let middle: String = text.chars().skip(text.chars().count() / 2).take(3).collect();
    let stop = StopStrings::new(&tokenizer, [middle.clone(), "never written".to_owned()]).unwrap();
    let controls = Controls { stop_strings: Some(&stop), ..Controls::default() };
    let mut alone = None;
    for width in [1, 4, 64] {
        let mut shown = vec![String::new(); prompts.len()];
        let results = Generator::new(&model)
            .with_batch_width(width)
            .generate_with(&prompts, &sampling, &seeds, controls, |event| {
                if let Event::Text { sequence, text } = event {
                    assert!(!text.is_empty());
                    shown[sequence].push_str(text);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        for ((result, free), shown) in results.iter().zip(&free).zip(&shown) {
            assert_eq!(result.text.as_deref(), Some(shown.as_str()));
            assert!(!shown.contains(&middle));
            let whole = tokenizer.decode(&free.tokens);
            let length = result.tokens.len();
            assert_eq!((&result.tokens[..], &result.logps[..]), (&free.tokens[..length], &free.logps[..length]));
            match whole.find(&middle) {
                Some(start) => {
                    assert_eq!((result.stop, shown.as_str()), (StopReason::StopString(0), &whole[..start]));
                    // It ended with the token that completed the string.
                    assert!(!tokenizer.decode(&free.tokens[..length - 1]).contains(&middle));
                }
                None => {
                    assert_eq!((result.stop, shown.as_str(), length), (free.stop, whole.as_str(), free.tokens.len()))
                }
            }
        }
        assert_eq!(results[4].stop, StopReason::StopString(0));
        assert_eq!(alone.get_or_insert_with(|| results.clone()), &results);
    }
    let mut shown = String::new();
    let one = Generator::new(&model)
        .generate_text(&prompts[4], &sampling, seeds[4], &stop, None, |piece| {
            shown.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((Some(&one), one.text.as_deref()), (alone.as_ref().map(|results| &results[4]), Some(shown.as_str())));
}

/// Allows only the tokens of one of the answers, then the end token.
fn answers(list: &[Vec<u32>], end: u32) -> impl Fn(usize, &[u32], &mut TokenMask) + Sync {
    move |_, written, mask| {
        let next = list.iter().filter_map(|answer| answer.strip_prefix(written));
        mask.keep_only(next.map(|rest| rest.first().copied().unwrap_or(end)));
    }
}

#[test]
fn a_mask_forces_an_answer_from_a_list() {
    let model = model();
    let prompts = prompts(12);
    let seeds: Vec<u64> = (0..12).collect();
    let list = [vec![5, 6, 7], vec![5, 9], vec![40], vec![41, 5, 5, 5]];
    let constraint = answers(&list, 2);
    let controls = Controls { constraint: Some(&constraint), ..Controls::default() };
    let samplings = [
        Sampling::greedy(20, vec![2]),
        Sampling::sampled(1.0, 20, vec![2]),
        Sampling { top_p: 0.9, top_k: 50, ..Sampling::sampled(3.0, 20, vec![2]) },
    ];
    for sampling in samplings {
        let mut alone = None;
        for width in [1, 5, 64] {
            let mut generator = Generator::new(&model).with_batch_width(width);
            let results =
                generator.generate_with(&prompts, &sampling, &seeds, controls, |_| ControlFlow::Continue(())).unwrap();
            for result in &results {
                let (end, answer) = result.tokens.split_last().unwrap();
                assert!(*end == 2 && list.iter().any(|one| one == answer), "{result:?}");
                assert_eq!(result.stop, StopReason::StopToken(2));
            }
            assert_eq!(alone.get_or_insert_with(|| results.clone()), &results);
        }
        // The log-probabilities are those of the unrestricted model.
        let mut batch = crate::PackedBatch::new();
        let results = alone.unwrap();
        for (prompt, result) in prompts.iter().zip(&results) {
            batch.push_completion(prompt, &result.tokens).unwrap();
        }
        let scored = crate::Scorer::new(&model).logprobs(&batch).unwrap();
        for (index, (prompt, result)) in prompts.iter().zip(&results).enumerate() {
            let range = batch.range(index);
            for (scored, logp) in scored.logp[range.start + prompt.len() - 1..range.end].iter().zip(&result.logps) {
                assert!((scored - logp).abs() < 1e-5, "{scored} {logp}");
            }
        }
    }
}

#[test]
fn constraints_see_the_sequence_and_may_do_nothing() {
    let model = model();
    let prompts = prompts(6);
    let seeds: Vec<u64> = (0..6).collect();
    let sampling = Sampling { top_p: 0.9, ..Sampling::sampled(1.0, 12, vec![3]) };
    let free = Generator::new(&model).generate(&prompts, &sampling, &seeds).unwrap();
    let seen = Mutex::new(vec![Vec::new(); prompts.len()]);
    let watch = |sequence: usize, written: &[u32], mask: &mut TokenMask| {
        assert_eq!(
            (mask.vocab_size(), mask.is_empty(), mask.is_allowed(69), mask.is_allowed(70)),
            (70, false, true, false)
        );
        mask.forbid(70);
        lock(&seen)[sequence] = written.to_vec();
    };
    let controls = Controls { constraint: Some(&watch), ..Controls::default() };
    let results =
        Generator::new(&model).generate_with(&prompts, &sampling, &seeds, controls, |_| ControlFlow::Continue(()));
    assert_eq!(results.unwrap(), free);
    for (seen, free) in lock(&seen).iter().zip(&free) {
        assert_eq!(seen[..], free.tokens[..free.tokens.len() - 1]);
    }
    // A forbidden token is never written.
    let frequent = free[0].tokens[0];
    let forbid = |_: usize, _: &[u32], mask: &mut TokenMask| mask.forbid(frequent);
    let controls = Controls { constraint: Some(&forbid), ..Controls::default() };
    let results =
        Generator::new(&model).generate_with(&prompts, &sampling, &seeds, controls, |_| ControlFlow::Continue(()));
    assert!(results.unwrap().iter().all(|result| !result.tokens.contains(&frequent)));
}

#[test]
fn an_empty_mask_is_an_error_that_says_so() {
    let model = model();
    let nothing_third = |sequence: usize, written: &[u32], mask: &mut TokenMask| {
        if sequence == 1 && written.len() == 2 {
            mask.keep_only([70, 900]);
        }
    };
    let controls = Controls { constraint: Some(&nothing_third), ..Controls::default() };
    for sampling in [Sampling::greedy(5, vec![]), Sampling::sampled(1.0, 5, vec![])] {
        let error = Generator::new(&model)
            .generate_with(&prompts(3), &sampling, &[0, 1, 2], controls, |_| ControlFlow::Continue(()))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "generate: the constraint allows no token for prompt 1 behind 2 new tokens; its mask is empty"
        );
    }
}
