//! Reading tables, comparing values, a small seeded generator.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use chemr_chem::Mol;

/// One row of a table by column name.
pub type Row = BTreeMap<String, String>;

/// The rows of a CSV file, gzipped or not.
pub fn table(path: &Path) -> Vec<Row> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let reader: Box<dyn Read> = if path.extension().is_some_and(|name| name == "gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = csv::Reader::from_reader(reader);
    let names = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            names.iter().zip(record.iter()).map(|(name, value)| (name.to_string(), value.to_string())).collect()
        })
        .collect()
}

/// A committed table beside these tests.
pub fn fixture(name: &str) -> Vec<Row> {
    table(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name))
}

/// The data folder, where the wider checks may run.
pub fn data() -> Option<PathBuf> {
    std::env::var_os("CHEMR_DATA").map(PathBuf::from)
}

/// Differences found, with the first few for the message of a failing test.
#[derive(Default)]
pub struct Differences {
    rows: usize,
    values: usize,
    found: Vec<String>,
}

impl Differences {
    pub fn row(&mut self) {
        self.rows += 1;
    }

    pub fn text(&mut self, what: &str, key: &str, expected: &str, ours: &str) {
        self.values += 1;
        if expected != ours {
            self.found.push(format!("{key}: {what} is {ours:?}, RDKit says {expected:?}"));
        }
    }

    /// Compares a number with a decimal string, exact to half a unit of its last place (and a
    /// little, for decimal strings of values that lie between two).
    pub fn number(&mut self, what: &str, key: &str, expected: &str, ours: f64) {
        self.values += 1;
        let places = expected.split('.').nth(1).map_or(0, str::len);
        let tolerance = 0.500_01 * 10_f64.powi(-i32::try_from(places).unwrap());
        let value: f64 = expected.parse().unwrap();
        if (value - ours).abs() > tolerance || ours.is_nan() {
            self.found.push(format!("{key}: {what} is {ours}, RDKit says {expected}"));
        }
    }

    /// Fails unless nothing differs.
    pub fn finish(self, name: &str) {
        println!("{name}: {} rows, {} values, {} differences", self.rows, self.values, self.found.len());
        assert!(self.rows > 0, "{name}: nothing compared");
        assert!(
            self.found.is_empty(),
            "{name}: {} differences in {} values, first:\n{}",
            self.found.len(),
            self.values,
            self.found[..self.found.len().min(20)].join("\n")
        );
    }
}

/// Bit numbers as RDKit tables write them.
pub fn bits(on: &[usize]) -> String {
    on.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

/// Every descriptor column that the committed and the wider table share.
pub fn compare_descriptors(row: &Row, names: &[(&str, &str)], mol: &Mol, found: &mut Differences) {
    let key = mol.input().to_string();
    for (column, what) in names {
        let expected = &row[*column];
        match *what {
            "exact_mass" => found.number(what, &key, expected, mol.exact_mass()),
            "average_mass" => found.number(what, &key, expected, mol.average_mass()),
            "logp" => found.number(what, &key, expected, mol.logp()),
            "mr" => found.number(what, &key, expected, mol.mr()),
            "tpsa" => found.number(what, &key, expected, mol.tpsa()),
            "qed" => found.number(what, &key, expected, mol.qed()),
            "fraction_csp3" => found.number(what, &key, expected, mol.fraction_csp3()),
            "charge" => found.text(what, &key, expected, &mol.charge().to_string()),
            "canonical" => found.text(what, &key, expected, mol.canonical()),
            "canonical_flat" => found.text(what, &key, expected, &mol.canonical_flat()),
            "inchi" => found.text(what, &key, expected, &mol.inchi().unwrap_or_default()),
            "inchikey" => found.text(what, &key, expected, &mol.inchikey().unwrap_or_default()),
            "formula" => found.text(what, &key, expected, &mol.formula()),
            "scaffold" => found.text(what, &key, expected, &mol.scaffold()),
            "morgan2_2048" => {
                found.text(what, &key, expected, &bits(&mol.morgan(2, 2048).on_bits()));
            }
            "maccs" => found.text(what, &key, expected, &bits(&mol.maccs().on_bits())),
            "rdk_count" => found.text(what, &key, expected, &mol.rdk().unwrap().count().to_string()),
            _ => {
                let count = match *what {
                    "hbd" => mol.hbd(),
                    "hba" => mol.hba(),
                    "rotatable_bonds" => mol.rotatable_bonds(),
                    "rings" => mol.rings(),
                    "aromatic_rings" => mol.aromatic_rings(),
                    "aromatic_atoms" => mol.aromatic_atoms(),
                    "heavy_atoms" => mol.heavy_atoms(),
                    "stereocenters" => mol.stereocenters(),
                    other => panic!("no descriptor {other}"),
                };
                found.text(what, &key, expected, &count.to_string());
            }
        }
    }
}

/// SplitMix64: small, seeded, the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}
