//! Train, validation and test are kept apart by molecule, not by row.

use chemr_tasks::Split;

/// A 64-bit hash that never changes: FNV-1a, then the finaliser of MurmurHash3, whose low bits are even.
pub fn stable_hash(text: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The split of a canonical SMILES: 90 % train, 5 % validation, 5 % test.
///
/// The same molecule is in the same split in every task, so that a name seen in training cannot give away a product
/// in the test.
pub fn split_of(canonical: &str) -> Split {
    match stable_hash(canonical) % 100 {
        0..90 => Split::Train,
        90..95 => Split::Valid,
        _ => Split::Test,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_90_5_5() {
        let mut counts = [0usize; 3];
        for number in 0..20_000 {
            match split_of(&format!("C{number}")) {
                Split::Train => counts[0] += 1,
                Split::Valid => counts[1] += 1,
                Split::Test => counts[2] += 1,
            }
        }
        assert!((17_800..18_200).contains(&counts[0]), "{counts:?}");
        assert!((900..1_100).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn never_changes() {
        assert_eq!(stable_hash(""), 0xefd0_1f60_ba99_2926);
        for (smiles, split) in [("CCO", Split::Train), ("CCCCCN", Split::Valid), ("CCC", Split::Test)] {
            assert_eq!(split_of(smiles), split, "{smiles}");
        }
    }
}
