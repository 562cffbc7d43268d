use std::io::{BufReader, Cursor, Read};

use super::*;

/// Reads a few bytes at a time, so that every row crosses the ends of buffers.
fn slowly(bytes: &[u8]) -> BufReader<Cursor<Vec<u8>>> {
    BufReader::with_capacity(3, Cursor::new(bytes.to_vec()))
}

fn read(mut rows: impl Rows) -> Vec<(u64, Result<Value, String>)> {
    let mut found = Vec::new();
    while let Some(numbered) = rows.next_row().unwrap() {
        let row = numbered.row.map(|row| row.to_json()).map_err(|bad| format!("{}: {}", bad.reason, bad.detail));
        found.push((numbered.line, row));
    }
    found
}

fn table(bytes: &[u8]) -> Vec<(u64, Result<Value, String>)> {
    read(TableRows::new(slowly(bytes), b',').unwrap())
}

fn refused(bytes: &[u8]) -> String {
    TableRows::new(slowly(bytes), b',').err().unwrap().to_string()
}

#[test]
fn tables_with_quotes_and_lines() {
    let rows = table(b"a,b\r\n\r\n1,\"x,\n\"\"y\"\"\"\r\n 2 ,z");
    let value = |a: &str, b: &str| Ok(serde_json::json!({ "a": a, "b": b }));
    assert_eq!(rows, [(3, value("1", "x,\n\"y\"")), (5, value("2", "z"))]);
}

#[test]
fn broken_rows_of_tables_leave_the_others_alone() {
    let rows = table(b"a,b\n1\n2,3,4\n5,\xff\n6,\0\n7,8\n");
    let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    let said: Vec<&str> = rows.iter().filter_map(|(_, row)| row.as_ref().err().map(String::as_str)).collect();
    assert_eq!(
        said,
        [
            "ragged: 1 fields, the header has 2",
            "ragged: 3 fields, the header has 2",
            "not_utf8: byte 2 of the row is not UTF-8",
            "nul_byte: byte 2 of the row is NUL",
        ]
    );
    assert!(rows[4].1.is_ok());
}

#[test]
fn an_open_quote_is_named() {
    let rows = table(b"a,b\n1,\"x\n2,y\n3,z\n");
    let lines: Vec<(u64, bool)> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
    assert_eq!(lines, [(2, false), (3, true), (4, true)]);
    let message = rows[0].1.as_ref().unwrap_err();
    assert!(message.starts_with("unclosed_quote: a quote is opened in this row and never closed,"), "{message}");
    // A lone quote inside of a field is text.
    assert_eq!(table(b"a,b\n1,5\" pipe").len(), 1);
    assert!(table(b"a,b\n1,5\" pipe")[0].1.is_ok());
    let tabs = read(TableRows::new(slowly(b"a\tb\n1\t\"x\n2\ty\n"), b'\t').unwrap());
    assert_eq!(tabs.len(), 2, "quotes mean nothing between tabs");
    assert!(refused(b"a,\"b\n1,2\n").starts_with("header row: a quote is opened"), "{}", refused(b"a,\"b\n1,2\n"));
}

#[test]
fn broken_rows_stand_as_in_the_file() {
    let text = b"a,b\r\n1, \"x\",\"y, z\"\r\n2,\"\"\"\xe9\"\r\n\"p\nq\r\"\r\n3,\"open\r\n";
    let mut rows = TableRows::new(slowly(text), b',').unwrap();
    let mut raw = Vec::new();
    while let Some(numbered) = rows.next_row().unwrap() {
        raw.push((numbered.line, numbered.row.unwrap_err().raw));
    }
    let wanted = [(2, "1, \"x\",\"y, z\""), (3, "2,\"\"\"\u{fffd}\""), (4, "\"p\nq\r\""), (6, "3,\"open")];
    assert_eq!(raw, wanted.map(|(line, text)| (line, text.to_owned())));
}

#[test]
fn a_row_of_ten_megabytes_is_one_reject() {
    let long = "C".repeat(10 << 20);
    let text = format!("a,b\n1,{long}\n2,x\n");
    let rows = table(text.as_bytes());
    assert_eq!(rows.len(), 2);
    assert!(rows[0].1.as_ref().unwrap_err().starts_with("row_too_long: more than 1048576 bytes"));
    assert_eq!(rows[1], (3, Ok(serde_json::json!({ "a": "2", "b": "x" }))));
    let lines = read(Lines::new(slowly(format!("{long}\nCC\n").as_bytes()), None));
    assert!(lines[0].1.is_err() && lines[1] == (2, Ok("CC".into())));
    let objects = read(JsonLines::new(slowly(format!("{{\"a\": \"{long}\"}}\n{{\"a\": 1}}\n").as_bytes())));
    assert!(objects[0].1.is_err() && objects[1].1.is_ok());
    let array = format!("[{{\"a\": \"{long}\"}}, {{\"a\": 1}}]");
    let elements = read(JsonElements::new(slowly(array.as_bytes()), Document::Array));
    assert!(elements[0].1.is_err() && elements[1].1.is_ok());
}

#[test]
fn many_columns_are_refused_not_kept() {
    let text = format!("a,b\n{}\n1,2\n", "x,".repeat(100_000));
    let rows = table(text.as_bytes());
    assert!(rows[0].1.as_ref().unwrap_err().starts_with("row_too_long"));
    assert!(rows[1].1.is_ok());
}

#[test]
fn headers() {
    assert_eq!(refused(b""), "the file is empty");
    assert_eq!(refused(b"\n\n"), "the file is empty");
    assert_eq!(refused(b"a,b,a\n1,2,3\n"), "the column `a` stands twice, as number 1 and 3");
    assert!(refused(b"a,\xff\n").contains("UTF-8"));
    // The index column of pandas has no name.
    assert_eq!(table(b",a\n0,x\n").len(), 1);
    let rows = read(TableRows::headerless(slowly(b"q,1\nr,2\n"), b',', &["text", "number"]));
    assert_eq!(rows[0], (1, Ok(serde_json::json!({ "text": "q", "number": "1" }))));
}

#[test]
fn json_lines() {
    let rows = read(JsonLines::new(slowly(b"{\"a\": 1}\n\n[1]\n{\"a\":\n{\"a\": \"\xff\"}\n{\"a\": 2}")));
    let lines: Vec<(u64, bool)> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
    assert_eq!(lines, [(1, true), (3, false), (4, false), (5, false), (6, true)]);
}

#[test]
fn json_documents() {
    let array = b" [ {\"a\": \"]}\\\"\"},\n {\"b\": [1, {\"c\": 2}]} , 3 ] \n";
    let rows = read(JsonElements::new(slowly(array), Document::Array));
    assert_eq!(rows[0], (1, Ok(serde_json::json!({ "a": "]}\"" }))));
    assert_eq!(rows[1], (2, Ok(serde_json::json!({ "b": [1, { "c": 2 }] }))));
    assert_eq!(rows[2], (2, Err("bad_json: not a JSON object".into())));
    assert!(read(JsonElements::new(slowly(b"[]"), Document::Array)).is_empty());
    let members = read(JsonElements::new(slowly(b"{\"x\": {\"a\": 1}, \"y\": {\"key\": 0}}"), Document::Members));
    assert_eq!(members[0].1, Ok(serde_json::json!({ "a": 1, "key": "x" })));
    assert_eq!(members[1].1, Ok(serde_json::json!({ "key": 0 })));
    let whole = read(JsonElements::new(slowly(b"{\n \"a\": 1\n}\n"), Document::Whole));
    assert_eq!(whole, [(1, Ok(serde_json::json!({ "a": 1 })))]);
}

#[test]
fn json_that_ends_early_or_goes_on() {
    let said = |text: &[u8]| {
        let mut rows = JsonElements::new(slowly(text), Document::Array);
        loop {
            match rows.next_row() {
                Ok(Some(_)) => {}
                Ok(None) => return String::new(),
                Err(error) => return error.to_string(),
            }
        }
    };
    assert_eq!(said(b"[{\"a\": 1}"), "line 1: `]` expected, the end of the file found");
    assert_eq!(said(b"[{\"a\": "), "line 1: the file ends inside a JSON value");
    assert_eq!(said(b"[{}\n{}]"), "line 2: `]` expected, `{` found");
    assert_eq!(said(b"[{}] x"), "line 1: `x` after the end of the JSON");
    assert_eq!(said(b"[{},\n]"), "line 2: a JSON value expected, `]` found");
    for stray in [',', ']', '}'] {
        let text = format!("{{\n \"a\": 1\n}}\n{stray}\n");
        let mut rows = JsonElements::new(slowly(text.as_bytes()), Document::Whole);
        assert!(rows.next_row().unwrap().is_some());
        let message = rows.next_row().unwrap_err().to_string();
        assert_eq!(message, format!("line 4: a JSON value expected, `{stray}` found"));
    }
}

#[test]
fn deep_nesting_is_a_broken_row() {
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let array = format!("[{deep}, {{\"a\": 1}}]");
    for rows in [
        read(JsonElements::new(slowly(array.as_bytes()), Document::Array)),
        read(JsonLines::new(slowly(format!("{deep}\n{{\"a\": 1}}\n").as_bytes()))),
    ] {
        assert!(rows[0].1.as_ref().unwrap_err().starts_with("bad_json: recursion limit"));
        assert!(rows[1].1.is_ok());
    }
}

#[test]
fn errors_of_the_file_are_passed_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let after = |start: &[u8]| BufReader::new(Cursor::new(start.to_vec()).chain(Broken));
    let mut rows = TableRows::new(after(b"a,b\n1,2\n3"), b',').unwrap();
    assert!(rows.next_row().unwrap().is_some());
    assert_eq!(rows.next_row().unwrap_err().to_string(), "gone");
    assert_eq!(JsonLines::new(after(b"{}")).next_row().unwrap_err().to_string(), "gone");
}

/// Tables of odd signs, quoted as RFC 4180 wants it, come back as they were, also before and behind a line with an open quote.
#[test]
fn what_was_written_is_read() {
    const SIGNS: [&str; 8] = ["a", "b", "\"", ",", "\n", "\r\n", " c", "é"];
    for seed in 0..300 {
        let mut random = crate::rng::Rng::new(seed);
        let mut field = || -> (String, String) {
            let text: String = (0..random.below(5)).filter_map(|_| random.pick(&SIGNS)).copied().collect();
            let is_plain = !text.contains(['"', ',', '\n', '\r']) && random.chance(1, 2);
            let written = if is_plain { text.clone() } else { format!("\"{}\"", text.replace('"', "\"\"")) };
            (text.trim().to_owned(), written)
        };
        let (mut written, mut wanted) = ("x,y,z\n".to_owned(), Vec::new());
        for number in 0..20 {
            let ((one, first), (two, second)) = (field(), field());
            written.push_str(&format!("{first},{number},{second}{}", ["\n", "\r\n"][number % 2]));
            wanted.push(serde_json::json!({ "x": one, "y": number.to_string(), "z": two }));
        }
        let good = |bytes: &[u8]| table(bytes).into_iter().map(|(_, row)| row).collect::<Result<Vec<_>, _>>();
        assert_eq!(good(written.as_bytes()), Ok(wanted.clone()), "{seed}");
        let rows = table(format!("{written}\"open,1,2\na,b,c\n").as_bytes());
        let (kept, bad): (Vec<_>, Vec<_>) = rows.into_iter().map(|(_, row)| row).partition(Result::is_ok);
        assert_eq!((kept.len(), bad.len()), (21, 1), "{seed}");
        assert!(kept.into_iter().map(Result::unwrap).take(20).eq(wanted), "{seed}");
    }
}
