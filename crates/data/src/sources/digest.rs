//! Hashes of a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Length and hashes of a file's contents, hashes in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    pub bytes: u64,
    pub sha256: String,
    /// The object id that git gives to the contents: SHA-1 of `blob LENGTH`, a zero byte and the contents.
    pub git_blob: String,
}

/// Reads a file once and computes its hashes.
///
/// # Errors
/// The file cannot be read.
pub fn digest(path: &Path) -> io::Result<Digests> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut sha256 = Sha256::new();
    let mut git_blob = Sha1::new();
    git_blob.update(format!("blob {bytes}\0"));
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sha256.update(&buffer[..read]);
        git_blob.update(&buffer[..read]);
    }
    Ok(Digests { bytes, sha256: hexadecimal(&sha256.finalize()), git_blob: hexadecimal(&git_blob.finalize()) })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `sha256sum` and `git hash-object --no-filters`.
    #[test]
    fn hashes_are_those_of_the_usual_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "CCO\n").unwrap();
        let found = digest(&path).unwrap();
        assert_eq!(found.bytes, 4);
        assert_eq!(found.sha256, "5c9aa2a3024d56c903d547798cbd04ff743433ba0950dbfd8e19238e40651172");
        assert_eq!(found.git_blob, "d5434d138cb5fe20d52c8d357fc84aa7b45e5d8c");
        std::fs::write(&path, "").unwrap();
        assert_eq!(digest(&path).unwrap().git_blob, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }
}
