use super::*;
use crate::pattern::Pattern;

fn admits(smarts: &str, smiles: &str) -> bool {
    Requirement::of(smarts).admits(&Features::of(&Mol::parse(smiles).unwrap()))
}

#[test]
fn what_is_missing_is_seen() {
    assert!(admits("[CX3](=[OX1])[OX2H1]", "CC(=O)O"));
    assert!(!admits("[CX3](=[OX1])[OX2H1]", "CC=O"));
    assert!(!admits("[CX3](=[OX1])[OX2H1]", "OCO"));
    assert!(!admits("[F,Cl,Br,I;$(*c)]", "CCO"));
    assert!(!admits("[F,Cl,Br,I;$(*c)]", "CCBr"));
    assert!(admits("[F,Cl,Br,I;$(*c)]", "BrCc1ccccc1"));
    assert!(!admits("[NX3+](=O)[O-]", "CN=O"));
    assert!(!admits("[CX2]#[NX1]", "CC=N"));
    assert!(!admits("[nX2]1ccccc1", "c1ccccc1"));
    assert!(!admits("C.C", "C"));
    assert!(!admits("[CX3](=[OX1])@[OX2]", "CC(=O)OC"));
    assert!(admits("[CX3](=[OX1])@[OX2]", "O=C1CCO1.C"));
    assert!(!admits("[c]-!@[c]", "c1ccc2[nH]ccc2c1"));
    assert!(!admits("[c]-!@[c]", "c1ccc2c(c1)-c1ccccc1C2"));
    assert!(admits("[c]-!@[c]", "c1ccccc1-c1ccccc1"));
    assert!(!admits("[CX3]=!@[CX3]", "C1=CCCC1.CC=O"));
    assert!(!admits("[#6]@[OX2]", "C1CC1OC"));
    assert!(!admits("[OX2H1]", "COC"));
    assert!(!admits("[NX3;H1,H2]", "CN(C)C"));
    assert!(!admits("[CX4;$(C(F)(F)F)]", "CC(F)F"));
    assert!(!admits("[N;$(N=[N+]),$(NC#N)]", "NCC=O"));
}

#[test]
fn what_is_not_understood_asks_for_nothing() {
    for smarts in [
        "*",
        "[!#6]",
        "[R]",
        "[a]",
        "[H1]",
        "[D2]~[X3]",
        "[#1]",
        "[C,!N]",
        "[C;!H1]",
        "[C;H0,H4]",
        "[C;!$(C=O)]",
        "[C,$(C=O)]",
    ] {
        assert!(admits(smarts, "C"), "{smarts}");
    }
    assert!(admits("C!=C", "CC"));
    assert!(admits("[#6]-,=[#8]", "CO"));
    assert!(admits("[#6]-,=;!@[#8]", "C=O"));
    assert!(admits("[#6]-;!@[#8]", "CO"));
    assert!(admits("[#6]!-[#8]", "C=O"));
}

#[test]
fn a_match_is_never_lost() {
    let molecules = [
        "CC(=O)Oc1ccccc1C(=O)O",
        "O=[N+]([O-])c1ccc(Br)cc1C#N",
        "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
        "C[Si](C)(C)OCC(F)(F)F",
        "CCN=[N+]=[N-]",
        "c1ccsc1S(=O)(=O)N",
        "[Na+].[O-]C(=O)C1CC1",
        "OB(O)c1ccc[nH]1",
        "[2H]OC([2H])=O",
        "C1CC1.Br[Mg]C#N",
        "CC(C)(C)OC(=O)N1CCC(=CN)C1",
        "O=C1CCC(c2ccccc2)O1.C/C=C/c1cccnc1",
        "C1CN->[Cu]<-N1",
        "c1ccc2c(c1)-c1ccccc1CO2.N->[Cu]",
    ];
    let mut patterns: Vec<String> = crate::groups::groups().all().iter().map(|group| group.smarts.clone()).collect();
    patterns
        .extend(["[$([CH2]),$(C=O)]", "[#6,#7]=[#8]", "[$([#6;a]),$(N)]-*", "[c;$(c:n)]", "[!C;!N]"].map(String::from));
    for reaction in crate::named::named_reactions().all() {
        patterns
            .extend([&reaction.forward, &reaction.retro].map(|smirks| smirks.split(">>").next().unwrap().to_string()));
    }
    for smiles in molecules {
        let mol = Mol::parse(smiles).unwrap();
        let features = Features::of(&mol);
        for smarts in &patterns {
            if Pattern::compile(smarts).unwrap().is_match(&mol) {
                assert!(Requirement::of(smarts).admits(&features), "{smarts} in {smiles}");
            }
        }
    }
}
