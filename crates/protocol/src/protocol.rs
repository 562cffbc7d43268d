//! Protocols as versioned, embedded TOML files.

use std::sync::OnceLock;

use chemr_tasks::Task;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ClaimKind;

/// One step of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Heading as it stands in a trace, without number and asterisks.
    pub title: String,
    /// What the step does, for a teacher that is a language model and for the manual.
    pub guidance: String,
    /// Kinds of claims that the step is expected to make: [`crate::filter`] drops a completion whose step makes none of them.
    pub claims: Vec<ClaimKind>,
}

/// A protocol: the steps by which a family of tasks is solved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    pub id: String,
    pub version: u32,
    /// Task families that use it.
    pub families: Vec<String>,
    pub steps: Vec<StepSpec>,
}

/// Why a protocol file is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    #[error("protocol file does not parse: {0}")]
    Toml(String),
    #[error("protocol `{id}`: {what}")]
    Invalid { id: String, what: String },
}

/// Steps in every protocol (the four-step grammar of the paper).
pub const STEPS: usize = 4;

impl Protocol {
    /// Reads a protocol from TOML; unknown keys are errors.
    ///
    /// # Errors
    /// [`ProtocolError`] when the text is no TOML, a key is unknown or missing, or the protocol is not well formed.
    pub fn from_toml(text: &str) -> Result<Protocol, ProtocolError> {
        let protocol: Protocol = toml::from_str(text).map_err(|error| ProtocolError::Toml(error.to_string()))?;
        protocol.check()?;
        Ok(protocol)
    }

    fn check(&self) -> Result<(), ProtocolError> {
        let invalid = |what: String| Err(ProtocolError::Invalid { id: self.id.clone(), what });
        if self.id.is_empty() || self.version == 0 || self.families.is_empty() {
            return invalid("needs an id, a version above 0 and at least one family".into());
        }
        if self.steps.len() != STEPS {
            return invalid(format!("has {} steps instead of {STEPS}", self.steps.len()));
        }
        for step in &self.steps {
            let plain = !step.title.is_empty() && !step.title.contains(['*', '\n', ':']) && step.title.is_ascii();
            if !plain || step.guidance.is_empty() {
                return invalid(format!("step `{}` needs a plain title and a guidance", step.title));
            }
        }
        let mut titles: Vec<&str> = self.steps.iter().map(|step| step.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        if titles.len() != STEPS {
            return invalid("has two steps of one title".into());
        }
        Ok(())
    }
}

const FILES: [&str; 6] = [
    include_str!("../protocols/formula.toml"),
    include_str!("../protocols/name.toml"),
    include_str!("../protocols/property.toml"),
    include_str!("../protocols/forward.toml"),
    include_str!("../protocols/retro.toml"),
    include_str!("../protocols/custom.toml"),
];

/// All embedded protocols. A file that does not parse is left out; a test sees to it that none is.
pub fn protocols() -> &'static [Protocol] {
    static ALL: OnceLock<Vec<Protocol>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().filter_map(|text| Protocol::from_toml(text).ok()).collect())
}

/// The protocol of a task family (`formula`, `name`, `property`, `forward`, `retro`, `custom`).
pub fn protocol_for(family: &str) -> Option<&'static Protocol> {
    protocols().iter().find(|protocol| protocol.families.iter().any(|name| name == family))
}

/// Whether expert traces can be written for a task.
pub fn has_protocol(task: &Task) -> bool {
    protocol_for(task.family()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_parses_and_families_are_unique() {
        assert_eq!(protocols().len(), FILES.len());
        for text in FILES {
            Protocol::from_toml(text).unwrap();
        }
        let mut families: Vec<&str> = protocols().iter().flat_map(|p| p.families.iter().map(String::as_str)).collect();
        families.sort_unstable();
        assert_eq!(families, ["custom", "formula", "forward", "name", "property", "retro"]);
    }

    #[test]
    fn versions() {
        let versions: Vec<(&str, u32)> = protocols().iter().map(|p| (p.id.as_str(), p.version)).collect();
        let expected = [("formula", 1), ("name", 2), ("property", 2), ("forward", 2), ("retro", 2), ("custom", 1)];
        assert_eq!(versions, expected);
    }

    #[test]
    fn strict() {
        let good = FILES[0];
        assert!(matches!(Protocol::from_toml(&format!("colour = 1\n{good}")), Err(ProtocolError::Toml(_))));
        assert!(matches!(Protocol::from_toml("not toml"), Err(ProtocolError::Toml(_))));
        let short: String = good.split("[[steps]]").take(3).collect::<Vec<_>>().join("[[steps]]");
        assert!(matches!(Protocol::from_toml(&short), Err(ProtocolError::Invalid { .. })));
        assert!(protocol_for("nothing").is_none());
        assert_eq!(protocol_for("retro").unwrap().steps[3].title, "Reactant prediction");
    }
}
