//! The named budgets of `chemr quickstart`.

use std::fmt;
use std::str::FromStr;

use super::Recipe;
use crate::error::TrainError;

/// How much time a quickstart may take on two cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// At most a minute: shows that everything runs; learns little.
    Smoke,
    /// At most twenty minutes, evaluation included: learns every task of the gym's first level.
    Default,
    /// A larger model, by estimate for two hours.
    Long,
}

impl Budget {
    /// Every budget, smallest first.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Default, Self::Long];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Default => "default",
            Self::Long => "long",
        }
    }

    /// The recipe's text, as it lies in `recipes/`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Smoke => include_str!("../../../../recipes/quickstart-smoke.toml"),
            Self::Default => include_str!("../../../../recipes/quickstart-default.toml"),
            Self::Long => include_str!("../../../../recipes/quickstart-long.toml"),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|budget| budget.name() == text)
            .ok_or_else(|| format!("unknown budget `{text}`: use smoke, default or long"))
    }
}

impl Recipe {
    /// The recipe of a quickstart budget.
    ///
    /// # Errors
    /// Never for the recipes as shipped (a test parses them).
    pub fn quickstart(budget: Budget) -> Result<Self, TrainError> {
        Self::parse(budget.text(), &format!("recipes/quickstart-{budget}.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_recipes_parse() {
        for budget in Budget::ALL {
            let recipe = Recipe::quickstart(budget).unwrap();
            assert_eq!(recipe.run.name, format!("quickstart-{budget}"));
            assert_eq!(budget.name().parse::<Budget>().unwrap(), budget);
        }
        Recipe::parse(include_str!("../../../../recipes/real-data.toml"), "recipes/real-data.toml").unwrap();
        let adapter = Recipe::parse(include_str!("../../../../recipes/adapter.toml"), "recipes/adapter.toml").unwrap();
        assert!(adapter.adapter.rank > 0 && adapter.check_base().is_err(), "the user names the model");
    }
}
