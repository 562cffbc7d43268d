//! Training: count the pieces of the pattern, take the frequent ones whole, learn byte-pair merges on the others.
//!
//! Everything is counted with exact integers and every tie is broken by the text or the id, so that the result does not
//! depend on the order of the texts or on threads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::fast::{Piece, Splitter};
use super::{CONTROL_TOKENS, TAG_TOKENS, TokenizerError, TokenizerTraining, bytes, in_parallel, pattern};

/// Longest piece that is taken whole, in bytes.
const LONGEST_WHOLE: usize = 400;
/// Longest token that merges may build, in bytes.
const LONGEST_MERGE: usize = 32;
/// Share of the free vocabulary that whole pieces may take: numerator and denominator.
const WHOLE_SHARE: (usize, usize) = (3, 4);
/// Texts read at a time.
const BATCH: usize = 8192;

pub(super) fn train<S: AsRef<str> + Send + Sync>(
    texts: impl IntoIterator<Item = S>,
    training: &TokenizerTraining,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let added: Vec<String> = CONTROL_TOKENS.iter().chain(&TAG_TOKENS).map(|token| (*token).to_owned()).collect();
    let needed = added.len() + 256;
    if training.vocab_size < needed {
        return Err(TokenizerError::VocabularyTooSmall { vocab_size: training.vocab_size, needed });
    }
    let pattern = training.pattern.clone().unwrap_or_else(|| pattern::chemistry_pattern(&training.terms));
    let splitter = Splitter::new(&pattern, added.clone()).map_err(|message| TokenizerError::Pattern { message })?;

    let mut vocabulary = Vocabulary::default();
    for token in &added {
        vocabulary.add(token.clone());
    }
    for byte in 0..=255 {
        vocabulary.add(bytes::byte_to_char(byte).to_string());
    }
    let counts = count_pieces(texts, &splitter);
    let rest = add_whole(&mut vocabulary, counts, training);
    let merges = Merger::new(&vocabulary, rest).learn(&mut vocabulary, training);
    assemble(vocabulary, merges, &pattern)
}

#[derive(Default)]
struct Vocabulary {
    entries: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    fn add(&mut self, entry: String) -> u32 {
        if let Some(id) = self.ids.get(&entry) {
            return *id;
        }
        let id = self.entries.len() as u32;
        self.ids.insert(entry.clone(), id);
        self.entries.push(entry);
        id
    }
}

fn count_pieces<S: AsRef<str> + Send + Sync>(
    texts: impl IntoIterator<Item = S>,
    splitter: &Splitter,
) -> BTreeMap<String, u64> {
    let mut total: HashMap<String, u64> = HashMap::new();
    let mut texts = texts.into_iter();
    loop {
        let batch: Vec<S> = texts.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let parts: Vec<&[S]> = batch.chunks(256).collect();
        let counted = in_parallel(&parts, |part| {
            let mut counts: HashMap<&str, u64> = HashMap::new();
            for text in *part {
                splitter.pieces(
                    text.as_ref(),
                    |_| true,
                    |piece| {
                        if let Piece::Text(piece) = piece
                            && piece.len() > 1
                        {
                            *counts.entry(piece).or_default() += 1;
                        }
                    },
                );
            }
            counts
        });
        for counts in counted {
            for (piece, count) in counts {
                match total.get_mut(piece) {
                    Some(known) => *known += count,
                    None => {
                        total.insert(piece.to_owned(), count);
                    }
                }
            }
        }
    }
    total.into_iter().collect()
}

/// Adds the pieces whose single token saves most, and returns the others.
fn add_whole(
    vocabulary: &mut Vocabulary,
    counts: BTreeMap<String, u64>,
    training: &TokenizerTraining,
) -> Vec<(String, u64)> {
    let free = training.vocab_size - vocabulary.entries.len();
    let budget = free * WHOLE_SHARE.0 / WHOLE_SHARE.1;
    let (mut frequent, mut rest): (Vec<_>, Vec<_>) =
        counts.into_iter().partition(|(piece, count)| *count >= training.min_frequency && piece.len() <= LONGEST_WHOLE);
    frequent.sort_by_cached_key(|(piece, count)| Reverse(count * (piece.len() as u64 - 1)));
    rest.extend(frequent.split_off(budget.min(frequent.len())));
    for (piece, _) in frequent {
        vocabulary.add(bytes::to_alphabet(&piece));
    }
    rest
}

type Pair = (u32, u32);

/// Byte-pair merges over counted words (Sennrich et al. 2016), with incremental counts.
struct Merger {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    places: HashMap<Pair, BTreeSet<u32>>,
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Merger {
    fn new(vocabulary: &Vocabulary, pieces: Vec<(String, u64)>) -> Self {
        let ids: Vec<u32> = (0..=255u8).map(|byte| vocabulary.ids[&bytes::byte_to_char(byte).to_string()]).collect();
        let words: Vec<(Vec<u32>, u64)> = pieces
            .into_iter()
            .map(|(piece, count)| (piece.bytes().map(|byte| ids[usize::from(byte)]).collect(), count))
            .collect();
        let mut merger = Self { words, counts: HashMap::new(), places: HashMap::new(), queue: BinaryHeap::new() };
        for (index, (word, count)) in merger.words.iter().enumerate() {
            for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
                *merger.counts.entry(pair).or_default() += count;
                merger.places.entry(pair).or_default().insert(index as u32);
            }
        }
        merger.queue = merger.counts.iter().map(|(pair, count)| (*count, Reverse(*pair))).collect();
        merger
    }

    fn learn(mut self, vocabulary: &mut Vocabulary, training: &TokenizerTraining) -> Vec<(String, String)> {
        let mut merges = Vec::new();
        while vocabulary.entries.len() < training.vocab_size {
            let Some((count, Reverse(pair))) = self.queue.pop() else {
                break;
            };
            let current = self.counts.get(&pair).copied().unwrap_or(0);
            if current != count {
                // Counts of old entries only fall; pairs that rose were queued again.
                if current > 0 && current < count {
                    self.queue.push((current, Reverse(pair)));
                }
                continue;
            }
            if count < training.min_frequency.max(1) {
                break;
            }
            let left = vocabulary.entries[pair.0 as usize].clone();
            let right = vocabulary.entries[pair.1 as usize].clone();
            let joined = format!("{left}{right}");
            if joined.chars().count() > LONGEST_MERGE {
                self.counts.remove(&pair);
                continue;
            }
            let id = vocabulary.add(joined);
            merges.push((left, right));
            self.merge(pair, id);
        }
        merges
    }

    /// Replaces the pair in every word and updates the counts beside it.
    fn merge(&mut self, pair: Pair, id: u32) {
        let places = self.places.remove(&pair).unwrap_or_default();
        let mut touched = BTreeSet::new();
        for index in places {
            let (word, count) = &mut self.words[index as usize];
            for old in word.windows(2).map(|pair| (pair[0], pair[1])) {
                if let Some(known) = self.counts.get_mut(&old) {
                    *known = known.saturating_sub(*count);
                }
            }
            *word = replace(word, pair, id);
            for new in word.windows(2).map(|pair| (pair[0], pair[1])) {
                *self.counts.entry(new).or_default() += *count;
                if new.0 == id || new.1 == id {
                    self.places.entry(new).or_default().insert(index);
                    touched.insert(new);
                }
            }
        }
        self.counts.remove(&pair);
        for new in touched {
            if let Some(count) = self.counts.get(&new) {
                self.queue.push((*count, Reverse(new)));
            }
        }
    }
}

fn replace(word: &[u32], pair: Pair, id: u32) -> Vec<u32> {
    let mut replaced = Vec::with_capacity(word.len());
    let mut index = 0;
    while index < word.len() {
        if word[index] == pair.0 && word.get(index + 1) == Some(&pair.1) {
            replaced.push(id);
            index += 2;
        } else {
            replaced.push(word[index]);
            index += 1;
        }
    }
    replaced
}

fn assemble(
    vocabulary: Vocabulary,
    merges: Vec<(String, String)>,
    pattern: &str,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let ids: Vocab = vocabulary.entries.into_iter().enumerate().map(|(id, entry)| (entry, id as u32)).collect();
    let model =
        BPE::builder().vocab_and_merges(ids, merges).ignore_merges(true).build().map_err(TokenizerError::backend)?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false)
        .map_err(TokenizerError::backend)?;
    let byte_level = ByteLevel::new(false, false, false);
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
        PreTokenizerWrapper::Split(split),
        PreTokenizerWrapper::ByteLevel(byte_level),
    ])));
    tokenizer.with_decoder(Some(byte_level));
    let special: Vec<AddedToken> = CONTROL_TOKENS.iter().map(|token| AddedToken::from(*token, true)).collect();
    tokenizer.add_special_tokens(&special);
    let tags: Vec<AddedToken> =
        TAG_TOKENS.iter().map(|token| AddedToken::from(*token, false).normalized(false)).collect();
    tokenizer.add_tokens(&tags);
    Ok(tokenizer)
}
