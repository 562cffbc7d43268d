//! The byte-level alphabet of GPT-2: every byte is written as one printable character, so that a vocabulary of strings
//! can hold any byte sequence.

/// The character that stands for `byte`: itself when printable, else a character from U+0100 on, in byte order.
pub fn byte_to_char(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        // 0..=32 come first, then 127..=160, then 173.
        0..=32 => shifted(u32::from(byte)),
        127..=160 => shifted(u32::from(byte) - 127 + 33),
        0xAD => shifted(67),
    }
}

fn shifted(index: u32) -> char {
    char::from_u32(0x100 + index).unwrap_or('\u{FFFD}')
}

/// The byte that `character` stands for, if it belongs to the alphabet.
pub fn char_to_byte(character: char) -> Option<u8> {
    let code = u32::from(character);
    let byte = match code {
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 127,
        0x143 => 0xAD,
        _ => code,
    };
    let byte = u8::try_from(byte).ok()?;
    (byte_to_char(byte) == character).then_some(byte)
}

/// Writes a text in the alphabet.
pub fn to_alphabet(text: &str) -> String {
    text.bytes().map(byte_to_char).collect()
}

/// The bytes of a vocabulary entry; an entry with foreign characters is taken as UTF-8 text, as the `ByteLevel` decoder
/// of the `tokenizers` crate does.
pub fn from_alphabet(entry: &str) -> Vec<u8> {
    entry.chars().map(char_to_byte).collect::<Option<Vec<u8>>>().unwrap_or_else(|| entry.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_is_a_bijection_on_bytes() {
        let mut seen = std::collections::BTreeSet::new();
        for byte in 0..=255u8 {
            let character = byte_to_char(byte);
            assert!(seen.insert(character));
            assert_eq!(char_to_byte(character), Some(byte));
        }
        assert_eq!(byte_to_char(b' '), '\u{120}');
        assert_eq!(byte_to_char(b'\n'), '\u{10A}');
        assert_eq!(char_to_byte('€'), None);
    }

    #[test]
    fn alphabet_is_that_of_the_tokenizers_crate() {
        let theirs: std::collections::BTreeSet<char> =
            tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
        let ours: std::collections::BTreeSet<char> = (0..=255u8).map(byte_to_char).collect();
        assert_eq!(theirs, ours);
    }
}
