//! Symbols of SELFIES before 2.0.

use super::atom::Atom;

/// Today's symbol for one that was written before SELFIES 2.0 (bodies, without brackets); `None` for any other.
///
/// Only names are translated. Before 2.0 the digits stood for other symbols, so that lengths may have changed.
pub(super) fn modern(body: &str) -> Option<String> {
    if let Some(rest) = body.strip_prefix("Branch") {
        let sign = match rest.get(1..)? {
            "_1" => "",
            "_2" => "=",
            "_3" => "#",
            _ => return None,
        };
        return length(&rest[..1]).map(|length| format!("{sign}Branch{length}"));
    }
    if let Some(rest) = body.strip_prefix("Expl") {
        let (sign, number) = rest.split_once("Ring")?;
        let signs = match sign {
            "=" | "#" => sign,
            "/" => "//",
            "\\" => "\\\\",
            _ => return None,
        };
        return length(number).map(|length| format!("{signs}Ring{length}"));
    }
    let inner = body.strip_suffix("expl")?;
    let (sign, atom) = match inner.as_bytes() {
        [b'=' | b'#' | b'/' | b'\\', ..] => inner.split_at(1),
        _ => ("", inner),
    };
    let atom = Atom::from_smiles(atom).filter(|atom| !atom.aromatic)?;
    let mut modern = sign.to_string();
    atom.push_body(&mut modern);
    Some(modern)
}

fn length(number: &str) -> Option<&str> {
    matches!(number, "1" | "2" | "3").then_some(number)
}

#[cfg(test)]
mod tests {
    use super::modern;

    #[test]
    fn old_names_have_new_ones() {
        for (old, new) in [
            ("Branch1_1", "Branch1"),
            ("Branch3_3", "#Branch3"),
            ("Expl=Ring1", "=Ring1"),
            ("Expl/Ring2", "//Ring2"),
            ("Expl\\Ring3", "\\\\Ring3"),
            ("C@@Hexpl", "C@@H1"),
            ("=N+expl", "=N+1"),
            ("/Cexpl", "/CH0"),
            ("Fe++expl", "Fe+2"),
        ] {
            assert_eq!(modern(old).as_deref(), Some(new), "{old}");
        }
        for body in
            ["C", "Branch1", "=Branch1", "Branch4_1", "Branch1_4", "Branché", "Expl-Ring1", "nHexpl", "expl", ""]
        {
            assert_eq!(modern(body), None, "{body}");
        }
    }
}
