//! Which files are imported, and what their names say.

use std::io;
use std::path::{Component, Path, PathBuf};

use chemr_tasks::Split;

use crate::DataError;

/// Endings of files that can hold rows, before an optional `.gz`.
const ENDINGS: [&str; 7] = ["csv", "tsv", "txt", "json", "jsonl", "xlsx", "parquet"];

/// A file to import.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub path: PathBuf,
    /// The path as it is reported: below the folder that was named, or the name of the file.
    pub shown: String,
    /// What its format and split may be told by, in lower case with `/` between the parts: its name and the folder that it lies in; of a
    /// file that was found, the path from the folder that was named on. What lies above says nothing about the file.
    pub told_by: String,
    /// Whether the file itself was named; one that was found in a folder may be passed over.
    pub is_named: bool,
}

/// The files behind the given paths, those of folders in alphabetical order with all their sub-folders. Hidden ones are passed over.
///
/// # Errors
/// When a path does not exist or a folder cannot be read.
pub(crate) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, DataError> {
    let mut found = Vec::new();
    for path in paths {
        let read = |source: io::Error| DataError::Import { path: path.clone(), message: source.to_string() };
        if std::fs::metadata(path).map_err(read)?.is_dir() {
            let before = found.len();
            let name = last_parts(path, 1).map_err(read)?;
            below(path, path, &name, &mut found).map_err(read)?;
            if found.len() == before {
                return Err(DataError::Import { path: path.clone(), message: "the folder holds no files".into() });
            }
        } else {
            let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let told_by = last_parts(path, 2).map_err(read)?;
            found.push(Input { path: path.clone(), shown, told_by, is_named: true });
        }
    }
    Ok(found)
}

/// The last parts of a path in lower case, whether it was written from the root or from the working folder.
fn last_parts(path: &Path, count: usize) -> io::Result<String> {
    let whole = std::path::absolute(path)?;
    let parts: Vec<String> = whole
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect();
    Ok(parts[parts.len().saturating_sub(count)..].join("/"))
}

fn below(root: &Path, folder: &Path, name: &str, found: &mut Vec<Input>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    for path in entries {
        // A link to a folder can lead back to where it lies.
        let is_link = std::fs::symlink_metadata(&path)?.file_type().is_symlink();
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && !is_link => below(root, &path, name, found)?,
            Ok(metadata) if metadata.is_file() => {
                let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                let told_by = format!("{name}/{}", shown.to_lowercase());
                found.push(Input { path, shown, told_by, is_named: false });
            }
            // Devices, pipes, links to folders or to nothing.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether the name of the file ends as those of rows do.
pub(crate) fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The split of a word that file names and columns use.
pub(crate) fn split_named(word: &str) -> Option<Split> {
    match word.to_lowercase().as_str() {
        // A pool is for training whatever else is done with it.
        "train" | "training" | "pool" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" | "eval" => Some(Split::Valid),
        "test" | "testing" | "public" => Some(Split::Test),
        _ => None,
    }
}

/// The split that the name of the file says, else that of its folder. Nothing where a name says two.
pub(crate) fn split_of_path(path: &str) -> Option<Split> {
    let said = |name: &str| {
        let words = name.split(|letter: char| !letter.is_alphanumeric());
        let mut splits: Vec<Split> = words.filter_map(split_named).collect();
        splits.dedup();
        match splits.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    };
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    said(file).or_else(|| parts.next().and_then(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_split() {
        for (path, split) in [
            ("chebi20/test_public.csv", Some(Split::Test)),
            ("chebi20/valid.csv.gz", Some(Split::Valid)),
            ("validation.txt", Some(Split::Valid)),
            ("raw/train/forward_synthesis.jsonl", Some(Split::Train)),
            ("pubchem-iupac/simple_names_train.csv", Some(Split::Train)),
            ("yields/az_eln_pool.csv", Some(Split::Train)),
            ("moleculenet/bace.csv", None),
            ("train_and_test.csv", None),
            ("pretrained.csv", None),
            ("contest.csv", None),
        ] {
            assert_eq!(split_of_path(path), split, "{path}");
        }
    }

    #[test]
    fn only_the_nearest_folders_tell() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("uspto-50k/test/Sets/train");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("A.csv"), "a").unwrap();
        let told = |path: &Path| inputs(&[path.to_owned()]).unwrap().remove(0).told_by;
        assert_eq!(told(&folder.join("A.csv")), "train/a.csv");
        assert_eq!(told(&folder), "train/a.csv");
        assert_eq!(told(folder.parent().unwrap()), "sets/train/a.csv");
        assert_eq!(split_of_path("sets/a.csv"), None);
    }

    #[test]
    fn endings() {
        for (name, is) in [("a.csv", true), ("a.JSONL.gz", true), ("README.md", false), ("a.gz", false), ("csv", false)]
        {
            assert_eq!(is_data(Path::new(name)), is, "{name}");
        }
    }
}
