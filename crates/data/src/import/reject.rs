//! Why a row was not used.

use std::fmt;

use chemr_chem::ErrorClass;

/// The reason for a reject. [`fmt::Display`] gives a stable code, e.g. `unparsable.valence`; docs/data.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RejectReason {
    /// A field that the task needs is empty or missing.
    Missing(&'static str),
    /// A SMILES cannot be read.
    Unparsable(ErrorClass),
    /// A label is neither 0 nor 1.
    BadLabel,
    /// The product is also one of the reactants.
    ProductIsReactant,
    /// The same question and answer stand in an earlier row.
    Duplicate,
    /// Another row gives the same question another answer. All such rows are rejected.
    Contradiction,
    /// The molecule (or product) is also in the validation or test file.
    HeldOut,
    /// The row has more or fewer fields than the header.
    Ragged,
    /// The row is longer than what is read of one.
    RowTooLong,
    /// A quote is opened and never closed.
    UnclosedQuote,
    /// The row is not UTF-8.
    NotUtf8,
    /// The row holds a NUL byte.
    NulByte,
    /// The row is no JSON object, or a field is no JSON of the expected form.
    BadJson,
    /// The text is no reaction of the expected form.
    BadReaction,
    /// A number cannot be read.
    BadNumber,
    /// A number is outside of what it can be, e.g. a yield above 100 %.
    OutOfRange,
    /// No property of the molecule was measured.
    NotMeasured,
    /// The toolkit finds no product for the reaction that the components are of.
    NoProduct,
    /// No task asks what the row asks.
    NoTask,
    /// The row is of another task than the one that was asked for.
    OtherTask,
    /// The question is no multiple choice.
    NotMultipleChoice,
    /// The right answer is not one of the options.
    AnswerNotAnOption,
    /// The question cannot be taken out of the text around it.
    UnknownWording,
    /// The task cannot judge the row's own reference, e.g. a group that it does not know.
    BrokenExample,
    /// The task's verifier reads no answer as large as the row's own.
    Unanswerable(ErrorClass),
    /// A SELFIES string cannot be read.
    BadSelfies,
    /// An InChI cannot be read.
    BadInchi,
}

impl RejectReason {
    /// Every code with its meaning; `FIELD` and `CLASS` stand for names.
    pub const CODES: [(&'static str, &'static str); 27] = [
        ("missing.FIELD", "a field that the task needs is empty or missing"),
        (
            "unparsable.CLASS",
            "a SMILES cannot be read: the gate refuses it, or it is no molecule (classes as in `chemr mol`)",
        ),
        ("bad_label", "a label is neither 0 nor 1"),
        ("bad_number", "a number cannot be read"),
        ("out_of_range", "a number is outside of what it can be, such as a yield above 100 %"),
        ("not_measured", "no property of the molecule was measured"),
        ("product_is_reactant", "the product is also one of the reactants"),
        ("bad_reaction", "the text is no reaction of the expected form"),
        ("no_product", "the toolkit finds no product, or several, for a coupling whose components alone are given"),
        ("ragged", "the row has more or fewer fields than the header"),
        ("row_too_long", "the row has more than 1,048,576 bytes or 8,192 columns"),
        (
            "unclosed_quote",
            "a quote is opened and never closed, not within 1,048,576 bytes, or not before another quote that ends no field: the row is given up at the end of its line, and the next line is read as a row",
        ),
        ("not_utf8", "the row is not UTF-8"),
        ("nul_byte", "the row holds a NUL byte"),
        ("bad_json", "the row is no JSON object, or a field of it is no JSON"),
        ("bad_selfies", "a SELFIES string cannot be read"),
        ("bad_inchi", "an InChI cannot be read, or is not a standard one"),
        ("no_task", "no task asks what the row asks"),
        ("other_task", "the row is of another task than `--task`"),
        ("not_multiple_choice", "the question has no options"),
        ("answer_not_an_option", "the right answer is not one of the options"),
        ("unknown_wording", "the question cannot be taken out of the text around it"),
        ("broken_example", "the task cannot judge the row's own answer, or the toolkit finds the opposite of it"),
        (
            "unanswerable.CLASS",
            "the row's own answer is larger than the verifier reads: `too_long`, a SMILES of more than 400 characters, a name of more than 2,000 bytes or a description of more than 10,000; `gate`, more than 300 heavy atoms, or fused rings that take too long. Where any molecule that meets a demand is right, the heavy atoms alone count",
        ),
        ("duplicate", "recipes alone: the same question and answer stand in an earlier training row"),
        ("contradiction", "recipes alone: another training row gives the same question another answer"),
        ("held_out", "recipes alone: the molecule of a training row is also in the validation or test file"),
    ];
}

impl fmt::Display for RejectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self {
            RejectReason::Missing(column) => return write!(formatter, "missing.{column}"),
            RejectReason::Unparsable(class) => return write!(formatter, "unparsable.{}", class.as_str()),
            RejectReason::Unanswerable(class) => return write!(formatter, "unanswerable.{}", class.as_str()),
            RejectReason::BadLabel => "bad_label",
            RejectReason::ProductIsReactant => "product_is_reactant",
            RejectReason::Duplicate => "duplicate",
            RejectReason::Contradiction => "contradiction",
            RejectReason::HeldOut => "held_out",
            RejectReason::Ragged => "ragged",
            RejectReason::RowTooLong => "row_too_long",
            RejectReason::UnclosedQuote => "unclosed_quote",
            RejectReason::NotUtf8 => "not_utf8",
            RejectReason::NulByte => "nul_byte",
            RejectReason::BadJson => "bad_json",
            RejectReason::BadReaction => "bad_reaction",
            RejectReason::BadNumber => "bad_number",
            RejectReason::OutOfRange => "out_of_range",
            RejectReason::NotMeasured => "not_measured",
            RejectReason::NoProduct => "no_product",
            RejectReason::NoTask => "no_task",
            RejectReason::OtherTask => "other_task",
            RejectReason::NotMultipleChoice => "not_multiple_choice",
            RejectReason::AnswerNotAnOption => "answer_not_an_option",
            RejectReason::UnknownWording => "unknown_wording",
            RejectReason::BrokenExample => "broken_example",
            RejectReason::BadSelfies => "bad_selfies",
            RejectReason::BadInchi => "bad_inchi",
        };
        formatter.write_str(code)
    }
}

/// A row that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// File name without its folder.
    pub file: String,
    /// Data row, counted from 1; the header is not counted.
    pub row: usize,
    pub reason: RejectReason,
}

#[cfg(test)]
mod tests {
    use chemr_chem::Gate;
    use chemr_tasks::Kind;

    use super::super::rows::MAX_ROW_BYTES;
    use super::*;
    use crate::wording::thousands;

    #[test]
    fn every_code_is_listed() {
        use RejectReason::*;
        let all = [
            BadLabel,
            ProductIsReactant,
            Duplicate,
            Contradiction,
            HeldOut,
            Ragged,
            RowTooLong,
            UnclosedQuote,
            NotUtf8,
            NulByte,
            BadJson,
            BadReaction,
            BadNumber,
            OutOfRange,
            NotMeasured,
            NoProduct,
            NoTask,
            OtherTask,
            NotMultipleChoice,
            AnswerNotAnOption,
            UnknownWording,
            BrokenExample,
            BadSelfies,
            BadInchi,
        ];
        let mut codes: Vec<String> = all.iter().map(ToString::to_string).collect();
        codes.extend(["missing.FIELD", "unanswerable.CLASS", "unparsable.CLASS"].map(str::to_owned));
        codes.sort_unstable();
        let mut listed = RejectReason::CODES.map(|(code, _)| code.to_owned());
        listed.sort_unstable();
        assert_eq!(codes, listed);
        assert_eq!(Missing("iupac").to_string(), "missing.iupac");
        assert_eq!(Unparsable(ErrorClass::Valence).to_string(), "unparsable.valence");
        assert_eq!(Unanswerable(ErrorClass::TooLong).to_string(), "unanswerable.too_long");
    }

    #[test]
    fn the_limits_that_are_listed_are_the_verifiers() {
        let meaning = |wanted: &str| RejectReason::CODES.iter().find(|(code, _)| *code == wanted).unwrap().1;
        let said = meaning("unanswerable.CLASS");
        let limits = [
            (Gate::ANSWER.max_chars, "characters"),
            (Kind::Name.longest_answer(), "bytes"),
            (Kind::Text.longest_answer(), ""),
            (Gate::ANSWER.max_heavy_atoms, "heavy atoms"),
        ];
        for (limit, unit) in limits {
            let wanted = format!("more than {} {unit}", thousands(limit as u64));
            assert!(said.contains(wanted.trim()), "{wanted}: {said}");
        }
        for code in ["row_too_long", "unclosed_quote"] {
            assert!(meaning(code).contains(&format!("{} bytes", thousands(MAX_ROW_BYTES as u64))), "{code}");
        }
    }
}
