//! What the data paths of a recipe stand for.

use std::path::{Path, PathBuf};

use chemr_data::import::Imported;
use chemr_data::prepare::PreparedRows;
use chemr_tasks::Split;

use crate::error::TrainError;
use crate::recipe::DataSection;

/// The file of a split in a prepared folder.
pub(crate) fn open_prepared(data: &DataSection, split: Split) -> Result<(PathBuf, PreparedRows), TrainError> {
    let path = expand_root(&data.root)?.join(format!("{split}.jsonl"));
    let rows =
        PreparedRows::open(&path).map_err(TrainError::data("data.root names no folder of `chemr data prepare`"))?;
    Ok((path, rows))
}

/// Replaces a leading `$NAME` by the environment variable.
pub(crate) fn expand_root(root: &str) -> Result<PathBuf, TrainError> {
    let Some(rest) = root.strip_prefix('$') else {
        return Ok(PathBuf::from(root));
    };
    let (name, tail) = rest.split_once('/').map_or((rest, ""), |(name, tail)| (name, tail));
    let value = std::env::var(name).map_err(|_| TrainError::Data {
        context: "data.root".into(),
        message: format!(
            "environment variable {name} is not set; set it to the folder of the data files (docs/data.md)"
        ),
    })?;
    Ok(Path::new(&value).join(tail))
}

pub(crate) fn import(data: &DataSection, root: &Path, split: Split) -> Result<Vec<Imported>, TrainError> {
    let context = format!("importing from {}", root.display());
    chemr_data::import::import(&data.imports, root, split).map_err(TrainError::data(context))
}
