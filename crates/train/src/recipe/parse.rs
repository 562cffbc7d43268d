//! From TOML text and `--set` overrides to a checked recipe.

use std::path::Path;

use chemr_data::Gym;
use chemr_engine::{AdamWConfig, Operands, Precision};
use chemr_tasks::suggestion;
use toml::{Table, Value};

use super::Recipe;
use crate::error::TrainError;

impl Recipe {
    /// Parses a recipe. `file` is only used in messages.
    ///
    /// # Errors
    /// Unknown key (with its line and the nearest known key), wrong type, impossible value.
    pub fn parse(text: &str, file: &str) -> Result<Self, TrainError> {
        let recipe: Self = toml::from_str(text).map_err(|error| describe(text, file, &error))?;
        recipe.check(file)?;
        Ok(recipe)
    }

    /// Reads a recipe file.
    ///
    /// # Errors
    /// As [`Recipe::parse`], or the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read the recipe: {error}; name a TOML file, as those in recipes/");
            TrainError::Recipe { file: file.clone(), line: None, message }
        })?;
        Self::parse(&text, &file)
    }

    /// The recipe with `section.key=value` overrides applied in order. Values are TOML; a value that is not
    /// TOML is taken as a string, so `data.source=gym` needs no quotes.
    ///
    /// # Errors
    /// Unknown key, wrong type, impossible value.
    pub fn with_overrides<S: AsRef<str>>(&self, overrides: &[S]) -> Result<Self, TrainError> {
        let fail = |message: String| TrainError::Recipe { file: "--set".into(), line: None, message };
        let mut table = Table::try_from(self).map_err(|error| fail(error.to_string()))?;
        for item in overrides {
            let item = item.as_ref();
            let (path, text) =
                item.split_once('=').ok_or_else(|| fail(format!("`{item}` is not of the form section.key=value")))?;
            let (path, text) = (path.trim(), text.trim());
            let (section, key) = path.split_once('.').ok_or_else(|| {
                let known = all_keys();
                fail(format!("unknown key `{path}`{}", suggestion(path, known.iter().map(String::as_str))))
            })?;
            let sections = Self::DOCS.iter().map(|docs| docs.0);
            let keys = Self::DOCS
                .iter()
                .find(|docs| docs.0 == section)
                .map(|docs| docs.2)
                .ok_or_else(|| fail(format!("unknown section `{section}`{}", suggestion(section, sections))))?;
            if !keys.iter().any(|(known, _)| *known == key) {
                let hint = suggestion(key, keys.iter().map(|(known, _)| *known));
                return Err(fail(format!("unknown key `{path}`{hint}")));
            }
            let slot = table
                .get_mut(section)
                .and_then(Value::as_table_mut)
                .and_then(|section| section.get_mut(key))
                .ok_or_else(|| fail(format!("unknown key `{path}`")))?;
            *slot = parse_value(text, slot);
            // Read after every key: the error of the whole would not name the key.
            if let Err(error) = table.clone().try_into::<Self>() {
                return Err(fail(format!("{path}: {}", error.message())));
            }
        }
        let recipe: Self = table.try_into().map_err(|error: toml::de::Error| fail(error.message().to_string()))?;
        recipe.check("--set")?;
        Ok(recipe)
    }

    /// Refuses an adapter without a model to adapt. Apart from [`Recipe::check`], since the model may be named later than the
    /// recipe is read.
    pub(crate) fn check_base(&self) -> Result<(), TrainError> {
        if self.adapter.rank == 0 || !self.model.from.is_empty() {
            return Ok(());
        }
        let message = format!(
            "adapter.rank is {}, so there must be a model to adapt: name its folder with --set model.from=FOLDER (chemr \
             train: --from FOLDER), or train all weights with adapter.rank = 0",
            self.adapter.rank
        );
        Err(TrainError::Recipe { file: format!("recipe {:?}", self.run.name), line: None, message })
    }

    /// Refuses combinations that cannot work, before any time is spent.
    fn check(&self, file: &str) -> Result<(), TrainError> {
        let fail = |message: String| Err(TrainError::Recipe { file: file.into(), line: None, message });
        // TOML has signed numbers of 64 bits.
        if let Err(error) = Table::try_from(self) {
            return fail(format!("a value is out of range: {error}"));
        }
        let model = &self.model;
        if model.from.is_empty() {
            if model.hidden_size == 0 || model.layers == 0 || model.intermediate_size == 0 || model.head_size == 0 {
                return fail("model sizes must be above 0".into());
            }
            if model.key_value_heads == 0 || !model.heads.is_multiple_of(model.key_value_heads) {
                return fail(format!(
                    "model.key_value_heads ({}) must divide model.heads ({})",
                    model.key_value_heads, model.heads
                ));
            }
            if !model.head_size.is_multiple_of(2) {
                return fail("model.head_size must be even (rotary positions turn pairs)".into());
            }
        }
        match self.adapter.lora() {
            Err(message) => return fail(message),
            Ok(None) if self.adapter.base != Precision::Single => {
                return fail(format!(
                    "adapter.base = {} without an adapter: set adapter.rank, or leave it out (all weights are trained in fp32)",
                    self.adapter.base
                ));
            }
            Ok(Some(_)) if self.adapter.base != Precision::Single && self.run.precision != Operands::Single => {
                return fail(format!(
                    "adapter.base = {} is multiplied with operands in fp32; run.precision must be fp32",
                    self.adapter.base
                ));
            }
            Ok(_) => {}
        }
        for (name, phase) in [("foundation", &self.foundation), ("distill", &self.distill)] {
            if !phase.enabled {
                continue;
            }
            if phase.max_tokens > model.max_positions {
                return fail(format!(
                    "{name}.max_tokens ({}) is above model.max_positions ({})",
                    phase.max_tokens, model.max_positions
                ));
            }
            if phase.batch_tokens < phase.max_tokens {
                return fail(format!("{name}.batch_tokens must be at least {name}.max_tokens ({})", phase.max_tokens));
            }
            positive(file, name, "learning_rate", phase.learning_rate)?;
            check_optimizer(file, name, phase.steps, &phase.adamw())?;
        }
        let grpo = &self.grpo;
        if grpo.enabled {
            positive(file, "grpo", "learning_rate", grpo.learning_rate)?;
            check_optimizer(file, "grpo", grpo.steps, &grpo.adamw())?;
            if grpo.group_size < 2 {
                return fail("grpo.group_size must be at least 2: the group is its own baseline".into());
            }
            if grpo.prompts_per_task == 0 || grpo.mini_batches == 0 || grpo.epochs == 0 {
                return fail("grpo.prompts_per_task, grpo.mini_batches and grpo.epochs must be at least 1".into());
            }
            if grpo.max_new_tokens == 0 || grpo.max_new_tokens >= model.max_positions {
                return fail("grpo.max_new_tokens must be above 0 and below model.max_positions".into());
            }
            if !(0.0..1.0).contains(&grpo.clip_low) || grpo.clip_high < 0.0 || grpo.kl < 0.0 {
                return fail("grpo.clip_low must lie in 0..1, grpo.clip_high and grpo.kl must not be negative".into());
            }
        }
        if !matches!(self.data.source.as_str(), "gym" | "files" | "prepared") {
            let hint = suggestion(&self.data.source, ["gym", "files", "prepared"].into_iter());
            return fail(format!("data.source is `{}`{hint}", self.data.source));
        }
        if self.data.source == "gym"
            && (self.data.levels.is_empty() || self.data.levels.iter().any(|level| !Gym::LEVELS.contains(level)))
        {
            return fail("data.levels must be a list of at least one of 1, 2, 3, 4, 5".into());
        }
        if self.data.shards && self.data.source != "prepared" {
            return fail("data.shards needs data.source = \"prepared\": shards are part of a prepared folder".into());
        }
        if self.data.shards && (self.data.max_rows > 0 || !self.data.shares.is_empty()) {
            return fail(
                "data.shards takes the mixture as it was prepared: leave out data.max_rows and data.shares".into(),
            );
        }
        if self.eval.examples_per_task == 0 || self.eval.max_new_tokens == 0 {
            return fail("eval.examples_per_task and eval.max_new_tokens must be at least 1".into());
        }
        if self.data.shares.contains(&0) {
            return fail("data.shares must be at least 1 each".into());
        }
        if !matches!(self.eval.split.as_str(), "test" | "valid") {
            return fail(format!("eval.split is `{}`; it must be `test` or `valid`", self.eval.split));
        }
        Ok(())
    }
}

fn check_optimizer(file: &str, section: &str, steps: u64, adamw: &AdamWConfig) -> Result<(), TrainError> {
    let fail = |message: String| Err(TrainError::Recipe { file: file.into(), line: None, message });
    if steps == 0 {
        return fail(format!("{section}.steps must be at least 1; {section}.enabled = false leaves the phase out"));
    }
    for (key, value) in [("beta1", adamw.beta1), ("beta2", adamw.beta2)] {
        if !(0.0..1.0).contains(&value) {
            return fail(format!("{section}.{key} must be at least 0 and below 1, got {value}"));
        }
    }
    positive(file, section, "epsilon", adamw.eps)?;
    if !(adamw.weight_decay >= 0.0 && adamw.weight_decay.is_finite()) {
        return fail(format!("{section}.weight_decay must not be negative, got {}", adamw.weight_decay));
    }
    Ok(())
}

fn positive(file: &str, section: &str, key: &str, value: f32) -> Result<(), TrainError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(TrainError::Recipe {
        file: file.into(),
        line: None,
        message: format!("{section}.{key} must be above 0, got {value}"),
    })
}

/// Reads `text` as TOML, or as a string; whole numbers become floats where a float stood.
fn parse_value(text: &str, old: &Value) -> Value {
    let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    match (old, parsed) {
        (Value::Float(_), Some(Value::Integer(whole))) => Value::Float(whole as f64),
        (Value::String(_), Some(value)) if !value.is_str() => Value::String(text.to_string()),
        (Value::Array(_), Some(value)) if !value.is_array() => Value::Array(vec![value]),
        (Value::Array(_), None) => {
            Value::Array(text.split(',').map(|part| Value::String(part.trim().to_string())).collect())
        }
        (_, Some(value)) => value,
        (_, None) => Value::String(text.to_string()),
    }
}

/// Turns a parser error into one sentence with line, full key and the nearest known key.
fn describe(text: &str, file: &str, error: &toml::de::Error) -> TrainError {
    let start = error.span().map(|span| span.start.min(text.len()));
    let line = start.map(|start| 1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count());
    let message = error.message();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    let message = match unknown {
        Some((key, rest)) => {
            let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            let section = start.and_then(|start| enclosing_section(text, start));
            let full = match &section {
                Some(section) if section != key => format!("{section}.{key}"),
                _ => key.to_string(),
            };
            format!("unknown key `{full}`{}", suggestion(key, known.into_iter()))
        }
        None => match start.and_then(|start| key_at(text, start)) {
            Some(key) => format!("{key}: {}", message.trim()),
            None => message.trim().to_string(),
        },
    };
    TrainError::Recipe { file: file.into(), line, message }
}

/// `section.key` of the line that holds byte `start`.
fn key_at(text: &str, start: usize) -> Option<String> {
    let line = &text[text[..start].rfind('\n').map_or(0, |end| end + 1)..];
    let key = line.lines().next()?.split_once('=')?.0.trim();
    Some(format!("{}.{key}", enclosing_section(text, start)?))
}

/// The `[section]` header above (or at) byte `start`.
fn enclosing_section(text: &str, start: usize) -> Option<String> {
    let end = text[start..].find('\n').map_or(text.len(), |offset| start + offset);
    text[..end].lines().rev().find_map(|line| {
        let line = line.trim();
        let inner = line.strip_prefix('[')?.split(']').next()?;
        (!line.contains('=') && !inner.is_empty()).then(|| inner.trim().to_string())
    })
}

fn all_keys() -> Vec<String> {
    Recipe::DOCS
        .iter()
        .flat_map(|(section, _, keys)| keys.iter().map(move |(key, _)| format!("{section}.{key}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use chemr_engine::LoraTarget;

    use super::*;
    use crate::phase::PhaseKind;

    fn error(text: &str) -> String {
        Recipe::parse(text, "r.toml").unwrap_err().to_string()
    }

    #[test]
    fn unknown_key_names_line_and_nearest() {
        let message = error("[run]\nseed = 3\n\n[grpo]\nlearning_rat = 1e-3\n");
        assert_eq!(message, "r.toml:5: unknown key `grpo.learning_rat`; did you mean `learning_rate`?");
    }

    #[test]
    fn unknown_section_is_named() {
        let message = error("[distil]\nsteps = 3\n");
        assert!(message.contains("r.toml:1: unknown key `distil`; did you mean `distill`?"), "{message}");
    }

    #[test]
    fn wrong_type_names_the_line() {
        let message = error("[run]\nname = \"x\"\nseed = \"three\"\n");
        assert!(message.starts_with("r.toml:3: run.seed: "), "{message}");
    }

    #[test]
    fn overrides_apply_and_are_checked() {
        let recipe = Recipe::default()
            .with_overrides(&["run.seed=7", "grpo.kl=1", "data.levels=[1,2]", "run.name=try 3", "data.tasks=a,b"])
            .unwrap();
        assert_eq!((recipe.run.seed, recipe.grpo.kl, recipe.data.levels.clone()), (7, 1.0, vec![1, 2]));
        assert_eq!(recipe.run.name, "try 3");
        assert_eq!(recipe.data.tasks, ["a", "b"]);
        let message = Recipe::default().with_overrides(&["grpo.stepz=2"]).unwrap_err().to_string();
        assert!(message.contains("unknown key `grpo.stepz`; did you mean `steps`?"), "{message}");
        let message = Recipe::default().with_overrides(&["run.seed=abc"]).unwrap_err().to_string();
        assert!(message.starts_with("--set: run.seed: "), "{message}");
        let message = Recipe::default().with_overrides(&["gpro.steps=2"]).unwrap_err().to_string();
        assert!(message.contains("did you mean `grpo`?"), "{message}");
        for impossible in [
            "grpo.group_size=1",
            "foundation.steps=0",
            "distill.beta2=1",
            "grpo.epsilon=0",
            "eval.examples_per_task=0",
            "data.levels=[6]",
            "adapter.rank=2000",
            "adapter.alpha=0",
            "adapter.dropout=1",
            "adapter.targets=[]",
            "adapter.targets=q_proj,q_proj",
            "adapter.base=fp16",
            "adapter.base=int8",
            "run.precision=int8",
            "run.seed=18446744073709551615",
        ] {
            assert!(Recipe::default().with_overrides(&[impossible]).is_err(), "{impossible}");
        }
        let unused = ["foundation.enabled=false", "foundation.steps=0"];
        assert!(Recipe::default().with_overrides(&unused).is_ok(), "a phase that is off needs no steps");
        assert!(Recipe::default().with_overrides(&["seed"]).is_err());
        for (wrong, wanted) in [
            ("adapter.targets=q_proj,w_proj", "adapter.targets: no projection \"w_proj\"; there are q_proj, k_proj"),
            ("adapter.dropout=1.5", "adapter.dropout = 1.5: must be at least 0 and below 1"),
            ("adapter.rank=1025", "adapter.rank = 1025: must be 1 to 1024"),
            ("adapter.rnk=2", "did you mean `rank`?"),
        ] {
            let message = Recipe::default().with_overrides(&[wrong]).unwrap_err().to_string();
            assert!(message.contains(wanted), "{message}");
        }
        let adapted = Recipe::default().with_overrides(&["adapter.rank=4", "adapter.targets=v_proj,q_proj"]).unwrap();
        let lora = adapted.adapter.lora().unwrap().unwrap();
        assert_eq!((lora.rank, lora.targets), (4, vec![LoraTarget::Value, LoraTarget::Query]));
        assert_eq!(Recipe::default().adapter.lora(), Ok(None));
        let twice = ["adapter.rank=4", "adapter.base=int8", "run.precision=bf16"];
        let message = Recipe::default().with_overrides(&twice).unwrap_err().to_string();
        assert!(message.contains("run.precision must be fp32"), "{message}");
        assert!(adapted.check_base().unwrap_err().to_string().contains("model.from"));
        assert!(adapted.only(PhaseKind::Distill, Some(Path::new("base"))).check_base().is_ok());
    }
}
