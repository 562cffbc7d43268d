use super::*;

fn strict(text: &str) -> Result<&str, Reason> {
    let extraction = extract(text, Mode::Strict);
    assert_eq!(extraction.format, extraction.answer.is_ok(), "{text}");
    extraction.answer
}

fn loose(text: &str) -> Result<&str, Reason> {
    extract(text, Mode::Loose).answer
}

#[test]
fn strict_accepts_the_format() {
    for text in [
        "<think>a</think>\n<answer>CCO</answer>",
        "<think>a</think><answer>CCO</answer>",
        "  <think>\na\n\nb</think> \n\t <answer> CCO\n</answer>\n",
        "<think>a < b > c <b>d</b></think><answer>CCO</answer>",
        &completion("a", "CCO"),
    ] {
        assert_eq!(strict(text), Ok("CCO"), "{text}");
    }
    assert_eq!(extract("<think>abc</think><answer>C</answer>", Mode::Strict).think, Some(7..10));
}

#[test]
fn strict_says_why_not() {
    for (text, reason) in [
        ("", Reason::NoAnswer),
        ("CCO", Reason::NoAnswer),
        ("<think>a</think>", Reason::NoAnswer),
        ("<answer>CCO</answer>", Reason::NoThink),
        ("a</think><answer>CCO</answer>", Reason::NoThink),
        ("<think>a</think><answer>C</answer><answer>C</answer>", Reason::SeveralAnswers),
        ("<think>a</think><think>a</think><answer>C</answer>", Reason::SeveralThinks),
        ("<think><think>a</think></think><answer>C</answer>", Reason::SeveralThinks),
        ("<think>a<answer>C</answer>", Reason::UnclosedThink),
        ("<think>a</think><answer>C", Reason::UnclosedAnswer),
        ("<answer>C</answer><think>a</think>", Reason::WrongOrder),
        ("<think>a<answer>C</answer></think>", Reason::NestedTags),
        ("<think>a</think><answer>C</think></answer>", Reason::NestedTags),
        ("<think>a</think></answer><answer>C", Reason::NestedTags),
        ("<think>a<ANSWER></think><answer>C</answer>", Reason::NestedTags),
        ("x<think>a</think><answer>C</answer>", Reason::TextOutside),
        ("<think>a</think>so<answer>C</answer>", Reason::TextOutside),
        ("<think>a</think><answer>C</answer>.", Reason::TextOutside),
        ("<think> \n</think><answer>C</answer>", Reason::EmptyThink),
        ("<think>a</think><answer> </answer>", Reason::EmptyAnswer),
        ("<Think>a</Think><Answer>C</Answer>", Reason::NoAnswer),
    ] {
        assert_eq!(strict(text), Err(reason), "{text}");
    }
}

#[test]
fn loose_finds_the_answer() {
    for (text, answer) in [
        ("<answer>CCO</answer>", "CCO"),
        ("<think>a</think><answer>CC</answer> or <answer>CCO</answer>", "CCO"),
        ("<think>a</think><answer>CCO", "CCO"),
        ("<think>a<answer>CCO</answer></think>", "CCO"),
        ("<answer>CC</answer><answer>CCO</think>", "CCO"),
        ("<ANSWER>CCO</Answer>", "CCO"),
        ("<think>a</think>\nThe product is clear.\n\nCCO\n\n", "CCO"),
        ("I think it is this.\nFinal answer: CCO\n", "CCO"),
        ("The answer is CCO.", "CCO"),
        ("CCO", "CCO"),
        ("  CCO\n", "CCO"),
        ("<answer>`CCO`</answer>", "CCO"),
        ("<answer>**SMILES: CCO.**</answer>", "CCO"),
        ("<answer>\"CCO\"</answer>", "CCO"),
        ("<answer>[Na+].[Cl-]</answer>", "[Na+].[Cl-]"),
        ("<answer>C(=O)(O)</answer>", "C(=O)(O)"),
        ("<answer>[2H]C:C</answer>", "[2H]C:C"),
    ] {
        assert_eq!(loose(text), Ok(answer), "{text}");
        assert!(!extract(text, Mode::Loose).format, "{text}");
    }
    for (text, reason) in [
        ("", Reason::NoAnswer),
        ("<think>a long thought without an end: CCO", Reason::NoAnswer),
        ("line one\nline two", Reason::NoAnswer),
        ("<answer></answer>", Reason::EmptyAnswer),
        ("<answer>...</answer>", Reason::EmptyAnswer),
        ("<think>a</think>", Reason::EmptyAnswer),
        ("CCO</answer>", Reason::NoAnswer),
    ] {
        assert_eq!(loose(text), Err(reason), "{text}");
    }
}

#[test]
fn every_strict_completion_is_the_same_in_loose_mode() {
    let text = "<think>1. **A**: b</think>\n<answer>CC(=O)O.OCC</answer>";
    assert_eq!(strict(text), loose(text));
}

#[test]
fn too_long_is_refused_unread() {
    let text = completion(&"a".repeat(MAX_COMPLETION_BYTES), "C");
    assert_eq!(loose(&text), Err(Reason::TooLong));
    assert_eq!(strict(&text), Err(Reason::TooLong));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn built_completions_are_read_back(think in "[a-zA-Z0-9 .,*\n]{1,40}", answer in "[CNOcno()=#.0-9]{1,30}") {
        proptest::prop_assume!(!think.trim().is_empty());
        let text = completion(&think, &answer);
        proptest::prop_assert_eq!(strict(&text), Ok(answer.as_str()));
    }

    #[test]
    fn extraction_holds_for_any_mix(parts in proptest::collection::vec(
        proptest::sample::select(vec!["<think>", "</think>", "<answer>", "</answer>", "<ANSWER>", "C", " ", "\n", "é", "<", "`", ":", "answer:"]), 0..24)) {
        let text = parts.concat();
        for mode in [Mode::Strict, Mode::Loose] {
            let extraction = extract(&text, mode);
            if let Some(range) = extraction.think {
                proptest::prop_assert!(text.get(range).is_some());
            }
            if let Ok(answer) = extraction.answer {
                proptest::prop_assert!(!answer.is_empty());
                proptest::prop_assert!(!answer.contains("<answer>"));
            }
        }
    }
}
