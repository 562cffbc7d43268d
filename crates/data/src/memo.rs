//! Results for texts that come again and again.

use std::collections::HashMap;

/// Results by text, at most so many: all are forgotten when one more comes.
pub(crate) struct Memo<T> {
    most: usize,
    known: HashMap<String, T>,
}

impl<T: Clone> Memo<T> {
    /// Nothing known yet.
    pub fn new(most: usize) -> Memo<T> {
        Memo { most, known: HashMap::new() }
    }

    /// The result for a text, made when it is not known; failures are not kept.
    pub fn get<E>(&mut self, text: &str, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        let made = make()?;
        if self.known.len() >= self.most {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_results_are_not_made_again() {
        let mut memo = Memo::new(2);
        let made = |text: &str, memo: &mut Memo<usize>| memo.get(text, || Ok::<_, ()>(text.len()));
        assert_eq!((made("a", &mut memo), memo.get("a", || Err(()))), (Ok(1), Ok(1)));
        assert_eq!((memo.get("b", || Err("no")), made("bb", &mut memo)), (Err("no"), Ok(2)));
        assert_eq!((made("ccc", &mut memo), memo.known.len()), (Ok(3), 1));
    }
}
