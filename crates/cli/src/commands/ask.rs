//! `chemr ask`: one question to a model, its reasoning checked.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context, anyhow, bail};
use chemr_data::tell;
use chemr_engine::{ChatMessage, GenerationDefaults, Generator, Sampling, StopReason, StopStrings};
use chemr_protocol::{Claim, ClaimTally, Truth, check_claims};
use chemr_tasks::shots::Questions;
use chemr_tasks::{Example, Mode, Prompts, Split, Task, check_input, extract, task, tasks};
use clap::builder::{NonEmptyStringValueParser, RangedU64ValueParser};
use serde_json::json;

use crate::exit::{Outcome, say};
use crate::models::ModelChoice;
use crate::shots::ShotsArguments;
use crate::{interrupt, models};

const EXAMPLES: &str = "Examples:
  chemr ask 'What is the molecular formula of CC(=O)OCC?'
  chemr ask --task retrosynthesis 'CC(C)C(=O)OCC' --model runs/quickstart-001
  chemr ask --task tomg.functional_group '1 ester, 1 alcohol' --json
  chemr ask 'What is the formula of CCO?' --model my-adapter --base models/base
  chemr ask --task retrosynthesis 'CCOC(C)=O' --shots 5 --shots-from train.csv --shots-by scaffold

Tasks: name.smiles_to_formula, name.iupac_to_smiles, property.bbbp, property.polarity_rule,
reaction_prediction, retrosynthesis, tomg.functional_group";

/// Longest answer in tokens where neither the flag nor the model's folder says.
const MAX_NEW_TOKENS: usize = 512;

/// Ask a model; streams the reasoning, then the answer, then what the toolkit says of each claim.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The question; with --task only its input (a SMILES, a name, a list of groups).
    question: String,
    #[command(flatten)]
    model: ModelChoice,
    /// Ask in the words of this task, as the model was trained.
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// A file of prompts (docs/prompts.md); by default those that the model was trained with, else the program's.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    shots: ShotsArguments,
    /// Send the question as it is, without looking for a task in it.
    #[arg(long, conflicts_with = "task")]
    plain: bool,
    /// Longest answer in tokens; by default what the model's generation_config.json says, else 512.
    #[arg(long, value_name = "COUNT", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    max_new_tokens: Option<usize>,
    /// Sampling temperature; 0 = greedy. By default what the model's generation_config.json says, else 0.
    #[arg(long, allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// End the answer before this text; may be given several times.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    stop: Vec<String>,
    /// Seed of the sampling and of fixed examples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object instead of streaming.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let stop = interrupt::stop_flag();
    let question = arguments.question.trim();
    if question.is_empty() {
        bail!("the question is empty");
    }
    if let Some(temperature) = arguments.temperature.filter(|temperature| !(0.0..=100.0).contains(temperature)) {
        bail!("--temperature {temperature} is out of range: 0 is greedy, 1 the model's own distribution");
    }
    let asked = read_question(arguments, question)?;
    let own_prompts = arguments.prompts.as_deref().map(Prompts::load).transpose()?;
    let shots = match &asked {
        Some((task, _)) => arguments.shots.read(&[*task], arguments.seed)?,
        None if arguments.shots.is_wanted() => {
            bail!("--shots are examples of a task, and the question is sent as it is; name its task with --task")
        }
        None => None,
    };
    let found = arguments.model.find()?;
    let prompts = match own_prompts {
        Some(prompts) => {
            if models::trained_prompts(&found.folder)?.is_some_and(|trained| trained.sha256() != prompts.sha256()) {
                tell!(
                    "warning: the model was trained with other prompts than those of --prompts; its answer may be worth little"
                );
            }
            prompts
        }
        None => models::trained_prompts(&found.folder)?.unwrap_or_else(|| Prompts::builtin().clone()),
    };
    let prompt = match (&asked, &shots) {
        (None, _) => prompts.free(question),
        (Some((task, example)), None) => prompts.question(task, example),
        (Some((task, example)), Some((shots, _))) => Questions::few_shot(&prompts, shots, &[*task])?.ask(task, example),
    };
    let asked = asked.map(|(_, example)| example);
    let trained = models::trained_tasks(&found.folder);
    if let (Some(example), Some(trained)) = (&asked, &trained)
        && !trained.contains(&example.task)
    {
        tell!(
            "warning: the run of this model did not train for {}, so its answer may be useless; it trained for {}",
            example.task,
            trained.join(", ")
        );
    }
    let (model, tokenizer) = found.load(arguments.model.precision)?;
    let messages = [ChatMessage::system(prompt.system), ChatMessage::user(prompt.user)];
    let tokens = tokenizer.encode_prompt(&messages)?;
    let positions = model.config().max_position_embeddings;
    if tokens.len() >= positions {
        let long = tokens.len();
        bail!(
            "the question takes {long} tokens, and this model reads and writes {positions} in all; ask something shorter"
        );
    }
    let defaults = GenerationDefaults::read(found.weights())?;
    let sampling = sampling(arguments, &defaults, tokenizer.eos());
    let stop_strings = StopStrings::new(&tokenizer, &arguments.stop)?;
    let show = |piece: &str| -> std::io::Result<()> {
        if arguments.json || piece.is_empty() {
            return Ok(());
        }
        let mut output = std::io::stdout().lock();
        write!(output, "{piece}")?;
        output.flush()
    };
    let mut shown = Ok(());
    let generated =
        Generator::packed(&model).generate_text(&tokens, &sampling, arguments.seed, &stop_strings, None, |piece| {
            shown = show(piece);
            match shown.is_err() || stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
    shown?;
    let completion = generated.text.unwrap_or_default();
    let ended = match generated.stop {
        StopReason::StopToken(_) => "end",
        StopReason::StopString(_) => "stop_string",
        StopReason::Cancelled => "stopped",
        _ => "token_limit",
    };
    let outcome = if ended == "stopped" { Outcome::Stopped } else { Outcome::Done };
    let whole = whole_part(&completion, matches!(ended, "stopped" | "token_limit"));
    let answer = extract(&completion, Mode::Loose).answer.ok().filter(|_| whole.len() == completion.len());
    let claims =
        asked.as_ref().map(|example| check_claims(&with_own_answer(example, answer), whole)).unwrap_or_default();
    let mut tally = ClaimTally::default();
    claims.iter().for_each(|claim| tally.add(claim.truth));
    if arguments.json {
        let claims: Vec<_> = claims
            .iter()
            .map(|claim| {
                json!({
                    "kind": claim.kind.as_str(), "start": claim.span.start, "end": claim.span.end, "subject": claim.subject,
                    "value": claim.value, "truth": truth(claim), "step": claim.step,
                })
            })
            .collect();
        let task = asked.as_ref().map(|example| example.task.as_str());
        say!(
            "{}",
            json!({
                "task": task, "question": question, "completion": completion, "ended": ended, "answer": answer, "claims": claims,
                "checked": tally.checked(), "false": tally.wrong, "trained_for": trained, "model": found.folder,
                "base": found.base,
            })
        )?;
        return Ok(outcome);
    }
    say!()?;
    match ended {
        "stopped" => tell!("\nstopped by Ctrl-C before the end"),
        "token_limit" => {
            tell!("\ncut off after {} tokens (--max-new-tokens, or the model's positions)", generated.tokens.len())
        }
        _ => {}
    }
    print_claims(&claims, &tally, &completion)?;
    match answer {
        Some(answer) => say!("\nanswer: {answer}")?,
        None => say!("\nno answer found in the completion")?,
    }
    if claims.iter().any(|claim| claim.truth == Truth::False && Some(claim.value.as_str()) == answer) {
        say!("        a claim that gives this answer is FALSE")?;
    }
    if tally.checked() == 0 {
        let why = match asked {
            Some(_) => "its reasoning makes no claim that the toolkit can decide",
            None => "the question was sent as it is",
        };
        let tasks = trained
            .map_or_else(String::new, |tasks| format!("; the run of this model trained for {}", tasks.join(", ")));
        tell!("nothing of this answer was checked: {why}{tasks}");
    }
    Ok(outcome)
}

/// What can be judged of a completion: all of it, or, where it was cut off before its answer ended, its whole lines.
fn whole_part(completion: &str, cut: bool) -> &str {
    if !cut || completion.to_ascii_lowercase().contains("</answer>") {
        return completion;
    }
    &completion[..completion.rfind('\n').unwrap_or(0)]
}

/// What the flags say, else what the model's folder says, else greedy.
fn sampling(arguments: &Arguments, defaults: &GenerationDefaults, eos: Option<u32>) -> Sampling {
    let mut sampling = defaults.sampling(MAX_NEW_TOKENS, eos);
    if let Some(temperature) = arguments.temperature {
        sampling.temperature = temperature;
    }
    if let Some(count) = arguments.max_new_tokens {
        sampling.max_new_tokens = count;
    }
    sampling
}

/// The task that the question fits, if any, and the row to check claims against.
fn read_question(arguments: &Arguments, question: &str) -> anyhow::Result<Option<(&'static Task, Example)>> {
    let named = match &arguments.task {
        Some(id) => {
            let known = || tasks().iter().map(|task| task.id()).collect::<Vec<_>>().join(", ");
            let task = task(id).with_context(|| format!("no task `{id}`; there are {}", known()))?;
            check_input(task, question).map_err(|error| {
                anyhow!("{error} (with --task only the task's input is wanted, here its `{}`)", task.input_key())
            })?;
            Some((task, question.to_owned()))
        }
        None if arguments.plain => None,
        None => chemr_tasks::route(question),
    };
    let Some((task, field)) = named else {
        if !arguments.plain {
            if let Some((task, word)) = chemr_tasks::unread(question) {
                check_input(task, &word).map_err(|error| anyhow!("{error} (--plain sends the question as it is)"))?;
            }
            tell!("the question fits no known task, so it is sent as it is; --task asks in the words of a task");
        }
        return Ok(None);
    };
    if arguments.task.is_none() {
        tell!("read as task {} with {}: {field} (--plain sends the text as it is)", task.id(), task.input_key());
    }
    Ok(Some((task, asked_example(task, field))))
}

/// A row with an input and no reference: enough for the prompt and for claims about the input.
fn asked_example(task: &Task, field: String) -> Example {
    let input = BTreeMap::from([(task.input_key().to_owned(), field)]);
    Example::new(task.id(), "asked", Split::Test, 0, input, String::new(), BTreeMap::new())
}

/// The row for checking claims. No reference is known, so what a trace says of a reaction is checked against the reaction
/// that the model itself proposes.
fn with_own_answer(asked: &Example, answer: Option<&str>) -> Example {
    let is_reaction = matches!(asked.task.as_str(), "retrosynthesis" | "reaction_prediction");
    match answer.filter(|_| is_reaction) {
        Some(answer) => Example { reference: answer.to_owned(), ..asked.clone() },
        None => asked.clone(),
    }
}

fn truth(claim: &Claim) -> &'static str {
    match claim.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unverifiable => "unverifiable",
    }
}

fn print_claims(claims: &[Claim], tally: &ClaimTally, completion: &str) -> std::io::Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    say!("\nclaims checked by the toolkit:")?;
    for claim in claims {
        let mark = match claim.truth {
            Truth::True => "true ",
            Truth::False => "FALSE",
            Truth::Unverifiable => "  ?  ",
        };
        let said = completion.get(claim.span.clone()).unwrap_or("").trim();
        say!("  {mark}  step {}  {}: {said}", claim.step, claim.kind.as_str())?;
    }
    let undecided = match tally.unverifiable {
        0 => String::new(),
        count => format!("; {count} marked ? could not be decided"),
    };
    say!("{} of {} checked claims are false{undecided}", tally.wrong, tally.checked())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_not_judged() {
        let cut = "<think>1. **Elements**: It is built from C, H.\n2. **Tot";
        assert_eq!(whole_part(cut, false), cut);
        assert_eq!(whole_part(cut, true), "<think>1. **Elements**: It is built from C, H.");
        assert_eq!(whole_part("<think>It", true), "");
        let answered = "<think>So</think>\n<answer>CH4</answer> and";
        assert_eq!(whole_part(answered, true), answered);
    }
}
