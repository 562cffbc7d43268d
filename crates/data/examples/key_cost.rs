use chemr_chem::{Gate, Mol};
use std::io::BufRead;
use std::time::Instant;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let lines: Vec<String> =
        std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines().map(|l| l.unwrap()).collect();
    let t = Instant::now();
    let mols: Vec<Mol> = lines.iter().filter_map(|l| Mol::parse_with(l, &Gate::DATA).ok()).collect();
    let n = mols.len() as f64;
    let us = |t: Instant| t.elapsed().as_secs_f64() * 1e6 / n;
    println!("n {n} parse {:.0} us", us(t));
    let t = Instant::now();
    let mut bad = 0;
    let mut plain = 0;
    for m in &mols {
        let c = m.canonical();
        let f = m.canonical_flat();
        let s = c.contains(['@', '/', '\\']);
        if !s {
            plain += 1;
            if f != c {
                bad += 1;
                if bad < 10 {
                    println!("{c} {f}");
                }
            }
        }
    }
    println!("flat {:.0} us; differ without stereo marks {bad} of {plain}", us(t));
    let t = Instant::now();
    let mut none = 0;
    for m in &mols {
        if m.inchikey().is_none() {
            none += 1;
        }
    }
    println!("inchikey {:.0} us none {none}", us(t));
    let t = Instant::now();
    let mut l = 0;
    for m in &mols {
        l += m.scaffold().len();
    }
    println!("scaffold {:.0} us {l}", us(t));
    let t = Instant::now();
    let mut l = 0;
    for m in &mols {
        l += m.morgan(2, 2048).count();
    }
    println!("morgan {:.0} us bits {:.1}", us(t), l as f64 / n);
    let t = Instant::now();
    let mut l = 0;
    for m in &mols {
        l += m.atoms().len();
    }
    println!("atoms {:.1} us {l}", us(t));
}
