//! Datasets and their files: facts only, each file pinned by a hash.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chemr_tasks::suggestion;
use serde::{Deserialize, Serialize};

use super::{FetchError, address, paths, toml_file};

/// A public dataset.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Name on the command line, and of the folder.
    pub name: String,
    pub title: String,
    /// Licence of most files.
    pub licence: String,
    /// Whom to cite for most files.
    pub citation: String,
    /// What a user must know before using it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// None: the dataset has to be taken in another way, which `note` tells.
    #[serde(default)]
    pub files: Vec<SourceFile>,
}

/// One published file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Place below the dataset's folder, parted by `/`: repository and path in it.
    pub path: String,
    /// Where it lies, percent-encoded.
    pub url: String,
    /// Other addresses of the same contents, tried in order when `url` fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// Length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the contents; for a file in Git LFS, of the real file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Git object id of the contents (SHA-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_blob: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Ending that tells the format, e.g. `csv` or `tar.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Records without a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Downloaded only when it is asked for by name, or with everything.
    #[serde(default)]
    pub optional: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Where it is not the dataset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where it is not the dataset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Train,
    Valid,
    Test,
    /// No official split, or several splits together.
    Pool,
    /// Templates, patterns, prompts.
    Vocabulary,
    /// Answers of a model.
    Predictions,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 6] = [Role::Train, Role::Valid, Role::Test, Role::Pool, Role::Vocabulary, Role::Predictions];

    /// The name in registries.
    pub fn name(self) -> &'static str {
        match self {
            Role::Train => "train",
            Role::Valid => "valid",
            Role::Test => "test",
            Role::Pool => "pool",
            Role::Vocabulary => "vocabulary",
            Role::Predictions => "predictions",
        }
    }
}

impl Dataset {
    /// Folder of its files below the destination. The published files stay apart from tables that were made of them.
    pub fn folder(&self) -> PathBuf {
        Path::new(&self.name).join("original")
    }

    /// Licence of one of its files.
    pub fn licence_of<'a>(&'a self, file: &'a SourceFile) -> &'a str {
        file.licence.as_deref().unwrap_or(&self.licence)
    }

    /// Whom to cite for one of its files.
    pub fn citation_of<'a>(&'a self, file: &'a SourceFile) -> &'a str {
        file.citation.as_deref().unwrap_or(&self.citation)
    }

    /// Why this dataset cannot be in a registry.
    pub(super) fn refusal(&self) -> Option<String> {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter);
        // `hf` is the folder of files from the hub.
        if !self.name.chars().all(plain) || paths::name_refusal(&self.name).is_some() || self.name == "hf" {
            let name = &self.name;
            return Some(format!(
                "the name `{name}` of the dataset: wanted are a-z, 0-9, `-`, `_` and `.`, and not `hf`"
            ));
        }
        if self.files.is_empty() && self.note.is_empty() {
            return Some("a dataset without files needs a note that tells how to get it".to_owned());
        }
        let mut seen = BTreeSet::new();
        for file in &self.files {
            if let Some(reason) = file.refusal() {
                return Some(format!("`{}`: {reason}", file.path));
            }
            if !seen.insert(file.path.to_lowercase()) {
                return Some(format!("`{}` is named twice", file.path));
            }
        }
        let mut folders = self.files.iter().flat_map(|file| Path::new(&file.path).ancestors().skip(1));
        folders
            .find(|folder| seen.contains(&folder.to_string_lossy().to_lowercase()))
            .map(|folder| format!("`{}` is a file and a folder", folder.display()))
    }
}

impl SourceFile {
    /// All addresses, the best first.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.url.as_str()).chain(self.copies.iter().map(String::as_str))
    }

    /// Why this file cannot be in a registry.
    fn refusal(&self) -> Option<String> {
        if let Some(reason) = paths::refusal(&self.path) {
            return Some(reason);
        }
        if let Some(reason) = self.urls().find_map(address::refusal) {
            return Some(reason);
        }
        if self.sha256.is_none() && self.git_blob.is_none() {
            return Some("neither sha256 nor git_blob is given, so a download could not be checked".to_owned());
        }
        let wrong = |hash: &Option<String>, digits: usize| hash.as_deref().is_some_and(|hash| !is_hash(hash, digits));
        if wrong(&self.sha256, 64) {
            return Some("sha256 has 64 hexadecimal digits, in lower case".to_owned());
        }
        wrong(&self.git_blob, 40).then(|| "git_blob has 40 hexadecimal digits, in lower case".to_owned())
    }
}

pub(super) fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Known datasets, sorted by name.
#[derive(Clone, Debug)]
pub struct Registry {
    datasets: Vec<Dataset>,
}

impl Registry {
    /// The datasets that come with the program.
    ///
    /// # Errors
    /// A file of the program's own registry is broken, which a test rules out.
    pub fn built_in() -> Result<Registry, FetchError> {
        let parsed = BUILT_IN.iter().map(|(file, text)| toml_file::parse(text, file));
        Ok(Registry { datasets: parsed.collect::<Result<_, _>>()? })
    }

    /// Adds the dataset of a registry file. It takes the place of one with the same name.
    ///
    /// # Errors
    /// The file cannot be read, or is no registry of one dataset.
    pub fn add_file(&mut self, path: &Path) -> Result<(), FetchError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| FetchError::Registry {
            file: file.clone(),
            line: None,
            message: error.to_string(),
        })?;
        let dataset = toml_file::parse(&text, &file)?;
        match self.datasets.binary_search_by(|known| known.name.cmp(&dataset.name)) {
            Ok(place) => self.datasets[place] = dataset,
            Err(place) => self.datasets.insert(place, dataset),
        }
        Ok(())
    }

    /// All datasets.
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// The dataset of this name.
    ///
    /// # Errors
    /// There is none; the error tells the nearest name.
    pub fn find(&self, name: &str) -> Result<&Dataset, FetchError> {
        self.datasets.iter().find(|dataset| dataset.name == name).ok_or_else(|| {
            let nearest = suggestion(name, self.datasets.iter().map(|dataset| dataset.name.as_str()));
            FetchError::UnknownDataset { name: name.to_owned(), nearest }
        })
    }
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../data/sources/", $name, ".toml")))),*]
    };
}

/// Sorted by name.
const BUILT_IN: &[(&str, &str)] = built_in![
    "chebi20",
    "chem-open-qa",
    "chembench",
    "chembench4k",
    "chemcotbench",
    "chemllmbench",
    "ether0",
    "inchi-reference",
    "mmlu-chem",
    "mol-instructions-sample",
    "moleculenet",
    "opsin-names",
    "pubchem-captions",
    "pubchem-iupac",
    "qm9",
    "rdkit-expected",
    "reaction-templates",
    "sample-predictions",
    "smarts",
    "smiles-suites",
    "tomg-bench",
    "uspto-50k",
    "uspto-full-pool",
    "uspto-mit",
    "yields",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_registry_is_sound() {
        let registry = Registry::built_in().unwrap();
        let names: Vec<&str> = registry.datasets().iter().map(|dataset| dataset.name.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sources");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), names.len(), "a file is not listed");
        for (dataset, (file, _)) in registry.datasets().iter().zip(BUILT_IN) {
            assert_eq!(format!("{}.toml", dataset.name), *file);
            let by_default = dataset.files.iter().filter(|file| !file.optional).count();
            assert!(by_default > 0 || dataset.files.is_empty(), "{file}");
            for file in &dataset.files {
                for url in file.urls() {
                    assert!(url.starts_with("https://"), "{url}");
                    // The commit, so that the contents behind the address cannot change.
                    assert!(url.split('/').any(|part| is_hash(part, 40)), "{url}");
                }
                assert_eq!(file.bytes.is_some(), file.sha256.is_some(), "{}", file.path);
                let large_files = file.url.starts_with("https://media.githubusercontent.com/media/");
                assert_eq!(large_files, file.git_blob.is_none(), "{}: the blob of a pointer pins nothing", file.path);
            }
        }
    }

    #[test]
    fn an_unknown_name_tells_the_nearest() {
        let message = Registry::built_in().unwrap().find("chebi-20").unwrap_err().to_string();
        assert_eq!(message, "there is no dataset `chebi-20`; did you mean `chebi20`? (`chemr data list` shows all)");
    }

    #[test]
    fn a_registry_file_adds_or_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let mut registry = Registry::built_in().unwrap();
        let before = registry.datasets().len();
        for (name, more) in [("chebi20", 0), ("aaa", 1)] {
            let text = format!("name = '{name}'\ntitle = 't'\nlicence = 'l'\ncitation = 'c'\nnote = 'n'");
            std::fs::write(&path, text).unwrap();
            registry.add_file(&path).unwrap();
            assert_eq!(registry.datasets().len(), before + more);
            assert_eq!(registry.find(name).unwrap().title, "t");
        }
        assert!(registry.datasets().is_sorted_by_key(|dataset| &dataset.name));
        let missing = registry.add_file(&folder.path().join("none.toml")).unwrap_err().to_string();
        assert!(missing.contains("none.toml"), "{missing}");
    }
}
