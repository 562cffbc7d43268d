use super::*;
use sha2::{Digest, Sha256};

fn packed(bench: &Bench, name: &str, packing: Packing) -> Manifest {
    let options = Options { augment: Some("rooted:1".parse().unwrap()), packing, ..bench.options() };
    prepare(&options, Some(&tokeniser()), &bench.out(name)).unwrap()
}

fn bench() -> Bench {
    Bench::new(&pairs(120, |number| if number % 7 == 0 { Split::Valid } else { Split::Train }))
}

#[test]
fn rows_that_are_all_too_long_are_no_preparation() {
    let bench = bench();
    let options = Options { packing: Packing { length: 2, ..Packing::default() }, ..bench.options() };
    let message = prepare(&options, Some(&tokeniser()), &bench.out("out")).unwrap_err().to_string();
    assert!(message.contains("no training row is left") && message.contains("--length"), "{message}");
    assert!(!bench.out("out").exists());
}

#[test]
fn shards_hold_every_token_of_every_row() {
    let bench = bench();
    let manifest = packed(&bench, "out", Packing { length: 48, window: 40, shard_tokens: 300, ..Packing::default() });
    for split in [Split::Train, Split::Valid] {
        let rows = bench.rows("out", split);
        let shards = Shards::open(&bench.out("out"), split).unwrap();
        let mut lines = Vec::new();
        for number in 0..shards.sequences() {
            let sequence = shards.sequence(number).unwrap();
            assert!(!sequence.is_empty() && sequence.iter().map(|row| row.tokens.len()).sum::<usize>() <= 48);
            for found in sequence {
                let example = &rows[found.line as usize];
                let wanted = letters(example, None).unwrap();
                assert_eq!((found.tokens, found.prompt), (wanted.ids, wanted.prompt));
                assert_eq!(shards.tasks[found.task as usize], example.task);
                lines.push(found.line);
            }
        }
        assert_eq!(shards.sequence(shards.sequences()), None);
        lines.sort_unstable();
        assert_eq!(lines, (0..rows.len() as u32).collect::<Vec<_>>());
        let listed = &manifest.packed[split.as_str()];
        assert_eq!((listed.rows, listed.sequences), (rows.len() as u64, shards.sequences()));
        assert_eq!(shards.shards()[0].tokenizer_sha256(), "ab".repeat(32));
        assert!(shards.shards().len() > 1 && shards.shards().iter().all(|shard| shard.length() == 48));
    }
    assert!(manifest.packed["train"].filled > 0.85, "{:?}", manifest.packed["train"]);
    assert!(!bench.out("out").join("test-00000.tokens").exists());
}

#[test]
fn long_rows_are_dropped_or_fail_and_never_cut() {
    let bench = bench();
    let packing = Packing { length: 30, ..Packing::default() };
    let manifest = packed(&bench, "drop", packing);
    let dropped: usize = manifest.counts.values().flat_map(BTreeMap::values).map(|counts| counts.over_long).sum();
    let notes = std::fs::read_to_string(bench.out("drop").join("dropped.jsonl")).unwrap();
    assert!(dropped > 10 && notes.lines().count() == dropped, "{dropped}");
    for note in notes.lines() {
        let note: serde_json::Value = serde_json::from_str(note).unwrap();
        assert!(note["tokens"].as_u64().unwrap() > 30 && note["reason"] == "over_long", "{note}");
        assert!(note["place"].as_str().unwrap().contains("rows.jsonl, line "), "{note}");
    }
    for split in [Split::Train, Split::Valid] {
        for row in bench.rows("drop", split) {
            assert!(letters(&row, None).unwrap().ids.len() <= 30, "{row:?}");
        }
    }
    let options = Options { packing: Packing { overlong: Overlong::Fail, ..packing }, ..bench.options() };
    let message = prepare(&options, Some(&tokeniser()), &bench.out("fail")).unwrap_err().to_string();
    assert!(message.contains("rows.jsonl, line ") && message.contains("more than --length 30"), "{message}");
    assert!(!bench.out("fail").exists());
    let left: Vec<_> =
        std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

#[test]
fn wide_vocabularies_have_wide_tokens() {
    let bench = bench();
    let encode = |example: &Example, completion: Option<&str>| {
        let mut tokens = letters(example, completion)?;
        tokens.ids.iter_mut().for_each(|id| *id += 100_000);
        Ok(tokens)
    };
    let wide = Tokeniser { encode: &encode, vocab_size: 200_000, ..tokeniser() };
    prepare(&bench.options(), Some(&wide), &bench.out("wide")).unwrap();
    let shards = Shards::open(&bench.out("wide"), Split::Train).unwrap();
    let row = shards.shards()[0].row(0).unwrap();
    let wanted = letters(&bench.rows("wide", Split::Train)[row.line as usize], None).unwrap();
    assert_eq!(row.tokens, wanted.ids.iter().map(|id| id + 100_000).collect::<Vec<_>>());
    let small = Tokeniser { vocab_size: 100_010, ..wide };
    let message = prepare(&bench.options(), Some(&small), &bench.out("small")).unwrap_err().to_string();
    assert!(message.contains("outside the vocabulary"), "{message}");
}

#[test]
fn broken_shards_are_errors() {
    let bench = bench();
    packed(&bench, "out", Packing { length: 64, ..Packing::default() });
    let good = std::fs::read(bench.out("out").join("valid-00000.tokens")).unwrap();
    let path = bench.out("broken.tokens");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Shard::open(&path).map(|_| ()).map_err(|error| error.to_string())
    };
    open(&good).unwrap();
    for length in (0..good.len()).step_by(13).chain([good.len() - 1]) {
        open(&good[..length]).unwrap_err();
    }
    open(&[good.as_slice(), &[0]].concat()).unwrap_err();
    for place in (0..good.len()).step_by(5).chain(8..48) {
        // The name of the tokenizer is not covered by the hash of the body; the manifest has that of the whole file.
        if (48..80).contains(&place) {
            continue;
        }
        let mut bytes = good.clone();
        bytes[place] ^= 0x41;
        // A larger limit or vocabulary alone contradicts nothing.
        let is_limit = (16..24).contains(&place);
        assert!(open(&bytes).is_err() || is_limit, "byte {place}");
    }
    // Whoever writes wrong numbers can write their hash, too.
    let number = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap()) as usize;
    let (sequences, rows, tokens) = (number(24), number(32), number(40));
    let row_table = 112 + (2 * tokens).next_multiple_of(8);
    let sequence_table = row_table + 24 * rows;
    let forged = |at: usize, value: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        let hash = Sha256::digest(&bytes[112..]);
        bytes[80..112].copy_from_slice(&hash);
        open(&bytes)
    };
    forged(112, &good[112..114]).unwrap();
    for (at, value) in [
        (112, [0xff_u8, 0xff].as_slice()),
        (row_table, &u64::MAX.to_le_bytes()),
        (row_table + 24, &1_u64.to_le_bytes()),
        (row_table + 8, &u32::MAX.to_le_bytes()),
        (row_table + 12, &u32::MAX.to_le_bytes()),
        (row_table + 12, &0_u32.to_le_bytes()),
        (sequence_table, &1_u64.to_le_bytes()),
        (sequence_table + 8, &u64::MAX.to_le_bytes()),
        (sequence_table + 8 * sequences, &0_u64.to_le_bytes()),
        (16, &3_u32.to_le_bytes()),
        (24, &u64::MAX.to_le_bytes()),
        (32, &u64::MAX.to_le_bytes()),
        (40, &(u64::MAX / 2).to_le_bytes()),
    ] {
        forged(at, value).unwrap_err();
    }
    // A manifest that leads out of its folder, or names no shards.
    let manifest = bench.out("out").join("prepare.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for wrong in [
        text.replace("valid-00000.tokens", "../valid-00000.tokens"),
        text.replace("\"packed\"", "\"pucked\""),
        "{}".into(),
    ] {
        std::fs::write(&manifest, wrong).unwrap();
        assert!(Shards::open(&bench.out("out"), Split::Valid).is_err());
    }
    assert!(Shards::open(&bench.out("none"), Split::Valid).is_err());
}

/// A shard of another preparation is sound in itself.
#[test]
fn shards_are_those_that_the_manifest_lists() {
    let bench = bench();
    packed(&bench, "out", Packing { length: 64, ..Packing::default() });
    packed(&bench, "other", Packing { length: 63, ..Packing::default() });
    let path = bench.out("out").join("valid-00000.tokens");
    Shards::open(&bench.out("out"), Split::Valid).unwrap();
    let good = std::fs::read(&path).unwrap();
    std::fs::copy(bench.out("other").join("valid-00000.tokens"), &path).unwrap();
    Shard::open(&path).unwrap();
    let message = Shards::open(&bench.out("out"), Split::Valid).unwrap_err().to_string();
    assert!(message.contains("valid-00000.tokens: its contents are not what prepare.json says"), "{message}");
    // The name of the tokenizer stands where the hash of the body does not reach.
    for place in [16, 20, 48, 79, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        Shards::open(&bench.out("out"), Split::Valid).unwrap_err();
    }
    std::fs::write(&path, good).unwrap();
    Shards::open(&bench.out("out"), Split::Valid).unwrap();
}

#[test]
fn a_stored_position_goes_on_with_the_same_sequences() {
    let bench = bench();
    packed(&bench, "out", Packing { length: 48, ..Packing::default() });
    let shards = Shards::open(&bench.out("out"), Split::Train).unwrap();
    let order = Order::new(shards.sequences(), 5);
    let count = 2 * shards.sequences() as usize + 3;
    let read = |at: Position, count: usize| {
        let mut cursor = order.cursor(at);
        let found: Vec<_> = cursor.by_ref().take(count).map(|number| shards.sequence(number).unwrap()).collect();
        (found, cursor.position())
    };
    let (whole, _) = read(Position::default(), count);
    let (mut parts, position) = read(Position::default(), 7);
    parts.extend(read(position, count - 7).0);
    assert!(whole == parts && whole[..9] != whole[shards.sequences() as usize..][..9]);
}
