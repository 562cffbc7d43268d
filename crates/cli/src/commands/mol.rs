//! `chemr mol`: what the toolkit knows about a molecule.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chemr_chem::selfies::Decoding;
use chemr_chem::{ChemError, Depiction, Gate, Mol, groups, svg};
use chemr_data::tell;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Exit codes: 0 all was read; 3 a molecule, or a line of standard input, was invalid: it is named, and the other lines are described.

Examples:
  chemr mol 'CC(=O)Oc1ccccc1C(=O)O'
  chemr mol 'CC(=O)Oc1ccccc1C(=O)O' --svg aspirin.svg
  chemr mol --selfies '[C][C][=Branch1][C][=O][O]'
  tail -n +2 molecules.csv | cut -d, -f1 | chemr mol - --json > molecules.jsonl
  chemr mol - --pairs < pairs.tsv";

/// Most lines in a block, which all cores work on together.
const BLOCK: usize = 1024;

/// Longest line that is read; what follows on the line is passed over. Longer than any text that the gate lets through.
const MAX_LINE: usize = 1 << 20;

/// Describe a molecule, or every line of standard input.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// SMILES, or `-` to read one a line from standard input (two with a tab between them for --pairs); SELFIES with
    /// --selfies.
    #[arg(value_name = "SMILES|-")]
    smiles: String,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// The input is SELFIES, not SMILES.
    #[arg(long)]
    selfies: bool,
    /// With --selfies: also read symbols of SELFIES before 2.0, with today's lengths.
    #[arg(long, requires = "selfies")]
    compatible: bool,
    /// Compare two molecules a line: adds fingerprint similarities. Implies --json.
    #[arg(long)]
    pairs: bool,
    /// Write a drawing.
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    svg: Option<PathBuf>,
}

impl Arguments {
    /// Files hold larger molecules than answers do, hence the wider gate.
    fn parse(&self, text: &str) -> Result<Mol, ChemError> {
        if self.selfies {
            let options = Decoding { compatible: self.compatible, ..Decoding::default() };
            Mol::parse_selfies(text, &options, &Gate::DATA)
        } else {
            Mol::parse_with(text, &Gate::DATA)
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    if arguments.smiles == "-" {
        if arguments.svg.is_some() {
            let message = "--svg draws one molecule: give its SMILES instead of `-`\n";
            clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message).exit();
        }
        return read_lines(arguments);
    }
    if arguments.pairs {
        return one_pair(arguments);
    }
    if let Some(path) = &arguments.svg {
        let mol = arguments.parse(&arguments.smiles)?;
        let drawing = svg(&mol, &Depiction { width: 480, height: 360, ..Depiction::default() })?;
        std::fs::write(path, drawing).with_context(|| path.display().to_string())?;
        tell!("drawing {}", path.display());
    }
    let facts = describe(arguments, &arguments.smiles);
    if arguments.json {
        say!("{facts}")?;
    } else {
        print_table(&facts)?;
    }
    let outcome = outcome_of(&facts);
    if outcome == Outcome::InvalidInput
        && !arguments.selfies
        && let Some(hint) = hint(&arguments.smiles)
    {
        tell!("{hint}");
    }
    Ok(outcome)
}

/// What to do with a text that was meant as something else than a SMILES.
fn hint(text: &str) -> Option<&'static str> {
    if Path::new(text).is_file() || text.contains(".csv") {
        return Some("this looks like a file: `chemr mol - < FILE` reads one SMILES a line");
    }
    if chemr_chem::selfies::decode(text).is_ok_and(|smiles| !smiles.is_empty()) {
        return Some("this looks like SELFIES: `chemr mol --selfies` reads them");
    }
    // SMILES are mostly capitals, signs and digits, or the letters of aromatic atoms; chlorine and bromine aside.
    let plain = text.replace("Cl", "").replace("Br", "");
    let letters = plain.chars().filter(|letter| letter.is_ascii_lowercase()).count();
    let named = letters * 2 > plain.len() && plain.chars().any(|letter| "adefghijklmqtuvwxyz".contains(letter));
    named.then_some(
        "this looks like a name: only SMILES are read here; `chemr ask 'What is the structure of ...?'` asks a model",
    )
}

fn outcome_of(facts: &Value) -> Outcome {
    if facts["valid"] == Value::Bool(false) { Outcome::InvalidInput } else { Outcome::Done }
}

fn one_pair(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let facts = describe_pair(arguments, &arguments.smiles);
    say!("{facts}")?;
    Ok(outcome_of(&facts))
}

fn read_lines(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut outcome = Outcome::Done;
    let mut empty = true;
    loop {
        let block = read_block(&mut input)?;
        if block.is_empty() {
            break;
        }
        empty = false;
        let results: Vec<Value> = block
            .par_iter()
            .map(|line| {
                let text = String::from_utf8_lossy(line);
                let text = text.trim_end_matches('\r');
                if arguments.pairs { describe_pair(arguments, text) } else { describe(arguments, text) }
            })
            .collect();
        for facts in results {
            if outcome_of(&facts) == Outcome::InvalidInput {
                outcome = Outcome::InvalidInput;
            }
            if arguments.json || arguments.pairs {
                writeln!(output, "{facts}")?;
            } else {
                writeln!(output, "{}", short(&facts))?;
            }
        }
        // A program at the other end that asks line by line gets its answers line by line.
        output.flush()?;
    }
    if empty {
        tell!("standard input holds no line");
    }
    Ok(outcome)
}

/// The next line, and those after it that have already arrived, up to [`BLOCK`]. Empty at the end of the input.
fn read_block(input: &mut BufReader<impl Read>) -> std::io::Result<Vec<Vec<u8>>> {
    let mut block = Vec::new();
    while block.len() < BLOCK {
        let Some(line) = read_line(input)? else { break };
        block.push(line);
        if !input.buffer().contains(&b'\n') {
            break;
        }
    }
    Ok(block)
}

/// One line without its end, at most [`MAX_LINE`] bytes of it; `None` at the end of the input.
fn read_line(input: &mut BufReader<impl Read>) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut began = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(began.then_some(line));
        }
        began = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        line.extend_from_slice(&part[..part.len().min(MAX_LINE - line.len())]);
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

fn invalid(input: &str, error: &ChemError) -> Value {
    json!({
        "input": input,
        "valid": false,
        "error": {"class": error.class.as_str(), "position": error.position, "message": error.message},
    })
}

/// Every field of the `--json` contract.
fn describe(arguments: &Arguments, text: &str) -> Value {
    match arguments.parse(text) {
        Ok(mol) => Value::Object(facts(text, &mol)),
        Err(error) => invalid(text, &error),
    }
}

fn facts(input: &str, mol: &Mol) -> Map<String, Value> {
    let counts: Vec<(&str, usize)> = groups()
        .counts(mol)
        .into_iter()
        .map(|(id, count)| (groups().get(id).map_or(id, |group| group.name.as_str()), count))
        .collect();
    let names: Vec<&str> = counts.iter().map(|(name, _)| *name).collect();
    let group_counts: Map<String, Value> =
        counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    let value = json!({
        "input": input,
        "valid": true,
        "error": null,
        "canonical": mol.canonical(),
        "canonical_flat": mol.canonical_flat(),
        "selfies": mol.selfies().ok(),
        "inchikey": mol.inchikey(),
        "formula": mol.formula(),
        "exact_mass": mol.exact_mass(),
        "average_mass": mol.average_mass(),
        "logp": mol.logp(),
        "mr": mol.mr(),
        "tpsa": mol.tpsa(),
        "hbd": mol.hbd(),
        "hba": mol.hba(),
        "rotatable_bonds": mol.rotatable_bonds(),
        "rings": mol.rings(),
        "aromatic_rings": mol.aromatic_rings(),
        "aromatic_atoms": mol.aromatic_atoms(),
        "heavy_atoms": mol.heavy_atoms(),
        "charge": mol.charge(),
        "qed": mol.qed(),
        "scaffold": mol.scaffold(),
        "functional_groups": names,
        "functional_group_counts": group_counts,
        "morgan2_2048": mol.morgan(2, 2048).on_bits(),
        "maccs": mol.maccs().on_bits(),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// An invalid pair, with the side that is wrong; the position counts from the start of that side.
fn invalid_side(line: &str, side: &str, error: &ChemError) -> Value {
    let mut value = invalid(line, error);
    value["error"]["side"] = side.into();
    value
}

/// Two molecules with a tab between them, and their similarities.
fn describe_pair(arguments: &Arguments, line: &str) -> Value {
    let Some((left, right)) = line.split_once('\t') else {
        let message = "two molecules with a tab between them are wanted";
        return json!({"input": line, "valid": false, "error": {"class": "syntax", "position": null, "message": message}});
    };
    let (a, b) = match (arguments.parse(left), arguments.parse(right)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) => return invalid_side(line, "a", &error),
        (_, Err(error)) => return invalid_side(line, "b", &error),
    };
    json!({
        "input": line,
        "valid": true,
        "error": null,
        "a": facts(left, &a),
        "b": facts(right, &b),
        "tanimoto": {
            "morgan2_2048": a.morgan(2, 2048).tanimoto(&b.morgan(2, 2048)),
            "morgan2_count": a.morgan_counts(2).tanimoto(&b.morgan_counts(2)),
            "maccs": a.maccs().tanimoto(&b.maccs()),
            "rdk": a.rdk().zip(b.rdk()).map(|(a, b)| a.tanimoto(&b)),
        },
    })
}

fn short(facts: &Value) -> String {
    let text = |key: &str| facts[key].as_str().unwrap_or("");
    if facts["valid"] == Value::Bool(true) {
        format!("{}\t{}\t{}", text("input"), text("canonical"), text("formula"))
    } else {
        format!("{}\tinvalid\t{}", text("input"), facts["error"]["message"].as_str().unwrap_or(""))
    }
}

fn print_table(facts: &Value) -> std::io::Result<()> {
    let Some(map) = facts.as_object() else { return Ok(()) };
    for (key, value) in map {
        let shown = match (key.as_str(), value) {
            ("error", Value::Null) => continue,
            ("error", error) => {
                let place = error["position"].as_u64().map_or_else(String::new, |byte| format!(" at byte {byte}"));
                let message = error["message"].as_str().unwrap_or("");
                format!("{}{place}: {message}", error["class"].as_str().unwrap_or(""))
            }
            ("functional_group_counts", _) => continue,
            ("functional_groups", _) => map["functional_group_counts"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, count)| if count == 1 { name.clone() } else { format!("{name} ×{count}") })
                .collect::<Vec<_>>()
                .join(", "),
            ("morgan2_2048" | "maccs", Value::Array(bits)) => {
                format!("bits on: {} (--json lists them)", bits.len())
            }
            (_, Value::String(text)) => text.clone(),
            (_, Value::Number(number)) if number.is_f64() => format!("{:.4}", number.as_f64().unwrap_or(f64::NAN)),
            (_, other) => other.to_string(),
        };
        say!("{key:<18} {shown}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_told_from_broken_smiles() {
        assert!(hint("aspirin").unwrap().contains("name"));
        assert!(hint("molecules.csv").unwrap().contains("file"));
        assert!(hint("[C][=Branch1][C][=O][O]").unwrap().contains("--selfies"));
        for smiles in ["C1CC", "c1cccc", "C(C)(C)(C)(C)C", "[Na", "c1ccncc"] {
            assert_eq!(hint(smiles), None, "{smiles}");
        }
    }
}
