//! Workbooks. `fixtures/couplings.xlsx` was written by openpyxl 3.1 with rows made up here: text as shared strings, numbers, an empty
//! cell, a second sheet.

use super::super::*;
use super::support::{Folder, imported, plainly, refused};

const COUPLINGS: &[u8] = include_bytes!("fixtures/couplings.xlsx");

#[test]
fn a_workbook_of_couplings() {
    let folder = Folder::new().bytes("Dreher_and_Doyle_input_data_train.xlsx", COUPLINGS);
    let written = plainly(&folder, "Dreher_and_Doyle_input_data_train.xlsx");
    assert_eq!(written.summary.files[0].format, "buchwald-hartwig");
    assert_eq!(written.summary.files[0].bytes, COUPLINGS.len() as u64);
    let asked: Vec<(&str, &str)> = written
        .examples
        .iter()
        .filter(|row| row.task == "yield.buchwald_hartwig_percent")
        .map(|row| (row.field("reaction").rsplit_once(">>").unwrap().1, row.reference.as_str()))
        .collect();
    assert_eq!(asked, [("Cc1ccc(Nc2ccccc2)cc1", "70.5"), ("Cc1ccc(Nc2ccccn2)cc1", "3")]);
    assert!(written.examples.last().unwrap().field("reaction").contains(".CP(C)C.CCN>>"), "a well without additive");
    assert_eq!(written.reasons(), [(4, "unparsable.inner_whitespace")]);
    assert_eq!(written.rejects[0]["row"]["Aryl halide"], "Ic1ccccc1 & <x>");
}

#[test]
fn workbooks_that_are_broken() {
    let half = &COUPLINGS[..COUPLINGS.len() / 2];
    let mut wrong = COUPLINGS.to_vec();
    // The place of the list of members.
    let end = wrong.len() - 6;
    wrong[end..end + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    let folder =
        Folder::new().bytes("a_train.xlsx", half).bytes("b_train.xlsx", &wrong).bytes("c_train.xlsx", b"PK\x03\x04");
    for name in ["a_train.xlsx", "b_train.xlsx", "c_train.xlsx"] {
        let message = refused(&folder, name, Request::default());
        assert!(message.contains(name), "{message}");
    }
}

/// A workbook of members that are stored, not packed.
fn workbook(sheet: &str, strings: &str) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    let members = [("xl/worksheets/sheet1.xml", sheet), ("xl/sharedStrings.xml", strings)];
    for (name, content) in members {
        let mut checksum = flate2::Crc::new();
        checksum.update(content.as_bytes());
        let offset = bytes.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        // From the version to the length of the comment: what both kinds of header hold.
        let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        shared.extend([checksum.sum().to_le_bytes(), size, size].concat());
        shared.extend([name.len() as u8, 0, 0, 0]);
        bytes.extend([b"PK\x03\x04", shared.as_slice(), name.as_bytes(), content.as_bytes()].concat());
        list.extend(
            [b"PK\x01\x02\x14\0", shared.as_slice(), &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let place = [(list.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
    bytes.extend([list.as_slice(), b"PK\x05\x06\0\0\0\0\x02\0\x02\0", &place, &[0; 2]].concat());
    bytes
}

const NAMES: &str =
    "<sst><si><t>smiles</t></si><si><t>description</t></si><si><t>CCO</t></si><si><t>LONG</t></si></sst>";
const HEADER: &str = "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row>";

fn row(cell: &str, count: usize) -> String {
    format!("<row>{}</row>", cell.repeat(count))
}

#[test]
fn rows_of_workbooks_have_a_length() {
    let long = NAMES.replace("LONG", &"x".repeat(30_000));
    let ethanol = "<row><c t=\"s\"><v>2</v></c><c t=\"str\"><v>ethanol</v></c></row>";
    let many = row("<c t=\"s\"><v>3</v></c>", 16_000);
    let sheet = format!("{HEADER}{many}{ethanol}</sheetData></worksheet>");
    let folder = Folder::new().bytes("chebi_train.xlsx", &workbook(&sheet, &long));
    let request = || Request { format: Some("chebi20".to_owned()), ..Request::default() };
    let written = imported(&folder, "chebi_train.xlsx", request()).unwrap();
    assert_eq!((written.reasons()[0].1, written.summary.counts.kept), ("row_too_long", 1));
    assert!(written.rejects[0]["row"].as_str().unwrap().len() <= 4096);
    // One text of more than a mebibyte, in one piece and in many.
    for text in ["x".repeat(3 << 20), "xxxxxxx&amp;".repeat(200_000)] {
        let cell = format!("<c t=\"str\"><v>{text}</v></c>");
        let sheet = format!("{HEADER}{}</sheetData></worksheet>", row(&cell, 1));
        let folder = Folder::new().bytes("chebi_train.xlsx", &workbook(&sheet, NAMES));
        let message = refused(&folder, "chebi_train.xlsx", request());
        assert!(message.contains("more than 1048576 bytes") || message.contains("too long"), "{message}");
    }
}

#[test]
fn workbooks_that_end_early() {
    let ethanol = "<row><c t=\"s\"><v>2</v></c><c t=\"str\"><v>ethanol</v></c></row>";
    let whole = format!("{HEADER}{ethanol}</sheetData></worksheet>");
    let request = || Request { format: Some("chebi20".to_owned()), ..Request::default() };
    let folder = Folder::new().bytes("chebi_train.xlsx", &workbook(&whole, NAMES));
    assert_eq!(imported(&folder, "chebi_train.xlsx", request()).unwrap().summary.counts.kept, 1);
    let mut damaged = workbook(&whole, NAMES);
    let place = damaged.windows(7).position(|bytes| bytes == b"ethanol").unwrap();
    damaged[place] = b'x';
    for (bytes, said) in [
        (workbook(&format!("{HEADER}{ethanol}"), NAMES), "the sheet ends early"),
        (workbook(&whole, &NAMES.replace("</sst>", "")), "its shared strings end early"),
        (damaged, "a member ends early or is damaged"),
    ] {
        let folder = Folder::new().bytes("chebi_train.xlsx", &bytes);
        let message = refused(&folder, "chebi_train.xlsx", request());
        assert!(message.contains(said), "{message}");
    }
}

/// No damage makes the reader panic or hang.
#[test]
fn damaged_workbooks() {
    for place in (0..COUPLINGS.len()).step_by(23) {
        let mut bytes = COUPLINGS.to_vec();
        bytes[place] ^= 0x55;
        let folder = Folder::new().bytes("Dreher_and_Doyle_train.xlsx", &bytes);
        let request = Request { paths: vec![folder.path().to_owned()], ..Request::default() };
        let _ = import_files(&request, &folder.path().join("out"));
    }
}
