//! Commands that a message tells the user to type.

use std::env;
use std::ffi::OsString;
use std::path::Path;

/// The program as it was called, e.g. `target/release/chemr`; a full path below the working directory is shortened.
pub fn name() -> String {
    let called = env::args_os().next().filter(|called| !called.is_empty());
    let called = called.or_else(|| env::current_exe().ok().map(OsString::from)).unwrap_or_else(|| "chemr".into());
    let here = env::current_dir().unwrap_or_default();
    quoted(&below(Path::new(&called), &here).to_string_lossy())
}

fn below<'a>(called: &'a Path, here: &Path) -> &'a Path {
    // A program right here would lose its folder, and with it be looked for in PATH.
    called.strip_prefix(here).ok().filter(|path| path.components().count() > 1).unwrap_or(called)
}

/// The command line that goes on with this run in `out`.
pub fn resuming(out: &Path) -> String {
    let given: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    format!("{} {}", name(), resumed(given, &out.to_string_lossy()))
}

fn resumed(mut words: Vec<String>, out: &str) -> String {
    if !words.iter().any(|word| word == "--out" || word.starts_with("--out=")) {
        words.extend(["--out".to_owned(), out.to_owned()]);
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("runs/quickstart-001"), "runs/quickstart-001");
        assert_eq!(quoted("CC(C)C"), "'CC(C)C'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn a_full_path_is_shortened_below_the_working_directory() {
        let here = Path::new("/home/a");
        assert_eq!(below(Path::new("/home/a/target/release/chemr"), here), Path::new("target/release/chemr"));
        for kept in ["/home/a/chemr", "/usr/bin/chemr", "chemr", "../chemr"] {
            assert_eq!(below(Path::new(kept), here), Path::new(kept));
        }
    }

    #[test]
    fn a_resuming_command_names_folder_and_flag_once() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        assert_eq!(resumed(words("quickstart --seed 7"), "runs/q-1"), "quickstart --seed 7 --out runs/q-1 --resume");
        assert_eq!(resumed(words("run a.toml --out=x --resume"), "x"), "run a.toml --out=x --resume");
    }
}
