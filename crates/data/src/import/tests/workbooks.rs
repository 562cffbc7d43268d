//! Workbooks. `fixtures/couplings.xlsx` was written by openpyxl 3.1 with rows made up here: text as shared strings, numbers, an empty
//! cell, a second sheet.

use super::super::*;
use super::support::{Folder, plainly, refused};

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
