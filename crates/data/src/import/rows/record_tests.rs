use std::io::BufReader;
use std::time::Instant;

use super::*;

fn read_with(bytes: &[u8], capacity: usize) -> Vec<Record> {
    let mut records = Records::new(BufReader::with_capacity(capacity, bytes), b',', true);
    let mut found = Vec::new();
    while let Some(record) = records.next().unwrap() {
        found.push(record);
    }
    found
}

/// The records, the same whatever the reads.
fn read(bytes: &[u8]) -> Vec<Record> {
    let found = read_with(bytes, 1 << 16);
    assert_eq!(found, read_with(bytes, 7));
    found
}

fn lines(records: &[Record]) -> Vec<(u64, &str, Outcome)> {
    records.iter().map(|found| (found.line, std::str::from_utf8(&found.raw).unwrap(), found.outcome)).collect()
}

const WHOLE: Outcome = Outcome::Whole;
const TO_THE_END: Outcome = Outcome::Unclosed(Unclosed::File);

#[test]
fn fields_in_quotes_hold_line_ends() {
    let records = read(b"\n1,\"a\nb\"\r\n2,\"\n\n\",\"c\r\n\"\"d\"\"\n\"\n\r\n3,\"\"\n4,\"x\ny\" ,z\n5,\"x\n\"");
    assert_eq!(
        lines(&records),
        [
            (2, "1,\"a\nb\"", WHOLE),
            (4, "2,\"\n\n\",\"c\r\n\"\"d\"\"\n\"", WHOLE),
            (10, "3,\"\"", WHOLE),
            (11, "4,\"x\ny\" ,z", WHOLE),
            (13, "5,\"x\n\"", WHOLE),
        ]
    );
}

#[test]
fn a_quote_that_stays_open_costs_its_line_alone() {
    let records = read(b"1,a\n2,\"b\n3,c\n\n4,\"\"\r\n5,e");
    assert_eq!(
        lines(&records),
        [(1, "1,a", WHOLE), (2, "2,\"b", TO_THE_END), (3, "3,c", WHOLE), (5, "4,\"\"", WHOLE), (6, "5,e", WHOLE)]
    );
    assert_eq!(lines(&read(b"1,\"a")), [(1, "1,\"a", TO_THE_END)]);
    assert_eq!(lines(&read(b"1,\"a\n")), [(1, "1,\"a", TO_THE_END)]);
    // What was closed before stays with its row.
    let records = read(b"\"a\nb\",\"c\nd\n");
    assert_eq!(lines(&records), [(1, "\"a\nb\",\"c", TO_THE_END), (3, "d", WHOLE)]);
}

#[test]
fn a_quote_is_not_closed_by_that_of_another_row() {
    let records = read(b"1,\"a\n2,b\n3,\"c, d\"\n4,\"e\nf\"\n");
    let other = Outcome::Unclosed(Unclosed::Other { line: 3 });
    assert_eq!(
        lines(&records),
        [(1, "1,\"a", other), (2, "2,b", WHOLE), (3, "3,\"c, d\"", WHOLE), (4, "4,\"e\nf\"", WHOLE)]
    );
    let pipes = read(b"1,\"a\n2,5\" pipe\n");
    let other = Outcome::Unclosed(Unclosed::Other { line: 2 });
    assert_eq!(lines(&pipes), [(1, "1,\"a", other), (2, "2,5\" pipe", WHOLE)]);
    // On one line it is sloppy, and text.
    assert_eq!(lines(&read(b"1,\"a\"b\n2,c\n")), [(1, "1,\"a\"b", WHOLE), (2, "2,c", WHOLE)]);
}

#[test]
fn a_quote_that_is_open_too_long() {
    let plain = "1,plain\n".repeat(MAX_ROW_BYTES / 8 + 10);
    let open = "2,\"open\n";
    let text = format!("{open}{plain}{open}{plain}3,\"a\nb\"\n");
    let records = read_with(text.as_bytes(), 1 << 16);
    assert_eq!(records, read_with(text.as_bytes(), 1 << 12));
    let bad: Vec<(u64, Outcome)> =
        records.iter().filter(|record| record.outcome != WHOLE).map(|found| (found.line, found.outcome)).collect();
    let second = (MAX_ROW_BYTES / 8 + 12) as u64;
    assert_eq!(
        bad,
        [(1, Outcome::Unclosed(Unclosed::Length)), (second, Outcome::Unclosed(Unclosed::Length))],
        "{:?}",
        records.last()
    );
    assert_eq!(records.last().unwrap().raw, b"3,\"a\nb\"");
}

#[test]
fn the_longest_row() {
    for (more, wanted) in [(0, WHOLE), (1, Outcome::TooLong)] {
        for end in ["\n", ""] {
            let long = "x".repeat(MAX_ROW_BYTES + more);
            let text = format!("{long}{end}{}1,2", if end.is_empty() { "\n" } else { "" });
            let records = read_with(text.as_bytes(), 1 << 16);
            assert_eq!((records[0].outcome, records.len()), (wanted, 2));
            assert_eq!(records[0].raw.len(), if more == 0 { MAX_ROW_BYTES } else { KEPT_BYTES });
            assert_eq!((records[1].line, records[1].raw.as_slice()), (2, b"1,2".as_slice()));
        }
    }
}

/// Were each open quote looked for to the end, such a file would be read half a million times.
#[test]
fn a_file_of_open_quotes_is_read_once() {
    // Quotes that close the line before and open again, in pairs, alone, in the midst.
    for line in ["1,a\",\"\n", "1,\"\"\"\n", "1,\"\",a\"\"\n", "\"\n", "1,\"x\n", "1,x\" y\n"] {
        let text = format!("0,\"\n{}", line.repeat((4 << 20) / line.len()));
        let started = Instant::now();
        let records = read_with(text.as_bytes(), 1 << 16);
        assert!(records.iter().all(|record| record.raw.len() <= MAX_ROW_BYTES));
        assert!(started.elapsed().as_secs() < 10, "{line:?}");
    }
}

#[test]
fn little_is_held() {
    let text = format!("1,\"open\n{}", "2,plain\n".repeat(1 << 19));
    let mut records = Records::new(BufReader::with_capacity(1 << 16, text.as_bytes()), b',', true);
    while records.next().unwrap().is_some() {
        assert!(records.held.len() <= 2 * MAX_ROW_BYTES + (1 << 17), "{}", records.held.len());
    }
}
