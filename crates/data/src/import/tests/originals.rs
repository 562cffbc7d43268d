//! Files in the form in which they were published, with rows made up here of well-known compounds.

use chemr_tasks::Split;

use super::super::*;
use super::support::{Folder, Written, imported, plainly, refused};

fn split(split: Split) -> Request {
    Request { split: Some(split), ..Request::default() }
}

/// The examples of one task: first field and reference.
fn of<'a>(written: &'a Written, task: &str) -> Vec<(&'a str, &'a str)> {
    written.asked().into_iter().filter(|(id, ..)| *id == task).map(|(_, asked, reference)| (asked, reference)).collect()
}

#[test]
fn chebi20_text_with_doubled_backslashes() {
    let folder = Folder::new().file(
        "ChEBI-20_data/validation.txt",
        "CID\tSMILES\tdescription\n638186\tC/C=C\\\\C\tThe molecule is \"cis\"-but-2-ene, an alkene.\n702\tOCC\tThe molecule is ethanol.\n",
    );
    let written = plainly(&folder, "ChEBI-20_data/validation.txt");
    assert_eq!(written.summary.files[0].format, "chebi20");
    assert_eq!(
        of(&written, "molecule_captioning"),
        [("C/C=C\\C", "The molecule is \"cis\"-but-2-ene, an alkene."), ("CCO", "The molecule is ethanol.")]
    );
    assert_eq!(of(&written, "molecule_design")[1], ("The molecule is ethanol.", "CCO"));
    assert!(written.examples.iter().all(|row| row.split == Split::Valid && row.source == "chebi20"));
}

#[test]
fn names_and_captions_of_one_header() {
    let names = "cid\tSMILES\tdescription\n702\tCCO\tethanol\n";
    let captions = "CID\tSMILES\tdescription\n702\tCCO\tThe molecule is an alcohol.\n";
    let folder = Folder::new().file("train.txt", names).file("PubChem/train.txt", captions).file(
        "pubchem_cache.json",
        "{\n \"a\": {\"inchikey\": \"K\", \"smiles\": \"CCO\", \"pubchem_iupac\": \"ethanol\", \"validated\": true},\n \"b\": {\"smiles\": \"CC\", \"pubchem_iupac\": null}\n}\n",
    );
    let written = plainly(&folder, "train.txt");
    assert_eq!(written.summary.files[0].format, "pubchem-iupac");
    assert_eq!(
        written.asked(),
        [
            ("name.iupac_to_smiles", "ethanol", "CCO"),
            ("name.smiles_to_formula", "CCO", "C2H6O"),
            ("name.smiles_to_iupac", "CCO", "ethanol"),
            ("name.iupac_to_formula", "ethanol", "C2H6O"),
            ("name.formula_to_smiles", "C2H6O", "CCO"),
        ]
    );
    assert_eq!(plainly(&folder, "PubChem/train.txt").summary.files[0].format, "pubchem-captions");
    let written = imported(&folder, "pubchem_cache.json", split(Split::Train)).unwrap();
    let counts = &written.summary.counts;
    assert_eq!((counts.rows, counts.kept, counts.partial["missing.iupac"]), (2, 2, 3));
    assert_eq!(written.rejects[0]["task"], "name.iupac_to_smiles");
}

/// Atom maps, atom order and the order of molecules are gone: the mapped and the plain row are one example.
#[test]
fn uspto_50k_with_and_without_maps() {
    let mapped = "[CH3:1][C:2](=[O:3])[OH:4].[OH:5][CH2:6][CH3:7]>>[CH3:1][C:2](=[O:3])[O:5][CH2:6][CH3:7]";
    let folder = Folder::new()
        .file("raw_test.csv", &format!("id,class,reactants>reagents>production\nUS1,2,{mapped}\n"))
        .file("mapped_test.csv", &format!("id,rxn_class,mapped_rxn\nUS1,2,{mapped}\n"))
        .file("plain_test.csv", "id,rxn_class,product,reactants\nUS1,2,CC(=O)OCC,OC(C)=O.CCO\n")
        .file("mhn_train.csv.gz", ",id,class,prod_smiles,reactants_can,split\n0,US1,2,CC(=O)OCC,OC(C)=O.CCO,train\n")
        .file("uspto50k_retro_test.csv", "products_smiles,reactants_smiles\nCC(=O)OCC,OC(C)=O.CCO\n");
    for name in ["raw_test.csv", "mapped_test.csv", "plain_test.csv", "mhn_train.csv.gz", "uspto50k_retro_test.csv"] {
        let written = plainly(&folder, name);
        assert_eq!(written.summary.files[0].format, "uspto-50k", "{name}");
        assert_eq!(
            written.asked(),
            [("retrosynthesis", "CCOC(C)=O", "CC(=O)O.CCO"), ("reaction_prediction", "CC(=O)O.CCO", "CCOC(C)=O"),],
            "{name}"
        );
    }
    let written = plainly(&folder, "raw_test.csv");
    assert_eq!((written.examples[0].meta["patent"].as_str(), written.examples[0].meta["class"].as_str()), ("US1", "2"));
}

#[test]
fn uspto_mit_lines() {
    let folder = Folder::new()
        .file(
            "train.txt",
            "[CH3:1][C:2](=[O:3])[Cl:4].[OH:5][CH2:6][CH3:7]>CCN(CC)CC>[CH3:1][C:2](=[O:3])[O:5][CH2:6][CH3:7] 2-4-0.0;2-5-1.0\n\
             [CH3:1][OH:2]>>[CH3:1][OH:2] 1-2-1.0\nnonsense\n",
        )
        .file("uspto_test.csv", "reactant,product\nCC(=O)Cl.OCC,CC(=O)OCC\n")
        .file("full/uspto_test.csv", "product,reactants\nCC(=O)OCC,CC(=O)Cl.OCC\n");
    let written = plainly(&folder, "train.txt");
    assert_eq!(written.asked(), [("reaction_prediction", "CC(=O)Cl.CCN(CC)CC.CCO", "CCOC(C)=O")]);
    assert_eq!(written.reasons(), [(2, "product_is_reactant"), (3, "bad_reaction")]);
    assert_eq!(plainly(&folder, "uspto_test.csv").summary.files[0].format, "uspto-mit");
    let written = plainly(&folder, "full/uspto_test.csv");
    assert_eq!((written.summary.files[0].format, written.examples.len()), ("uspto-full", 2));
}

#[test]
fn moleculenet_tables() {
    let tox = "NR-AR,NR-AR-LBD,NR-AhR,NR-Aromatase,NR-ER,NR-ER-LBD,NR-PPAR-gamma,SR-ARE,SR-ATAD5,SR-HSE,SR-MMP,SR-p53,mol_id,smiles";
    let folder = Folder::new()
        .file("BBBP.csv", "num,name,p_np,smiles\n1,ethanol,1,OCC\n2,broken,1,C(C\n3,none,,CC\n4,odd,2,CC\n")
        .file("BACE.csv", "mol,CID,Class,Model,pIC50\nOCC,BACE_1,0,Test,4.1\n")
        .file(
            "Tox21.csv",
            &format!(
                "{tox}\n0,0,0,0,0,0,0,0,0,0,0,0,T1,CCO\n0,,,,,,,1,,,,,T2,CCC\n,,,,,,,,,,,,T3,CCN\n0,,,,,,,,,,,,T4,C\n"
            ),
        )
        .file(
            "sider.csv",
            "smiles,Eye disorders,\"Neoplasms benign, malignant and unspecified (incl cysts and polyps)\"\nCCO,1,0\n",
        )
        .file(
            "delaney.csv",
            "Compound ID,measured log solubility in mols per litre,smiles\nethanol,1.10,CCO\nx,high,CC\n",
        )
        .file("SAMPL.csv", "iupac,smiles,expt,calc\nethanol,CCO,-5.0,-4.7\n")
        .file("Lipophilicity.csv", "CMPD_CHEMBLID,exp,smiles\nC1,-0.3,CCO\n")
        .file("data_curated.csv", "ID,Name,InChI,InChIKey,SMILES,Solubility,SD\nA,ethanol,I,K,CCO,1.1,0\n");
    let all = |name: &str| imported(&folder, name, split(Split::Train)).unwrap();
    let written = all("BBBP.csv");
    assert_eq!(written.asked(), [("property.bbbp", "CCO", "Yes")]);
    assert_eq!(written.reasons(), [(3, "unparsable.unbalanced_parentheses"), (4, "not_measured"), (5, "bad_label")]);
    assert_eq!(written.examples[0].source, "moleculenet-bbbp");
    assert_eq!(all("BACE.csv").asked(), [("property.bace", "CCO", "No")]);
    let written = all("Tox21.csv");
    assert_eq!(written.reasons(), [(4, "not_measured")]);
    // Any assay: none of twelve, one that is hit; the row with one assay without a hit says nothing.
    assert_eq!(of(&written, "property.tox21"), [("CCO", "No"), ("CCC", "Yes")]);
    assert_eq!(of(&written, "property.tox21.sr_are"), [("CCO", "No"), ("CCC", "Yes")]);
    assert_eq!(of(&written, "property.tox21.nr_ar").len(), 3);
    let neoplasms = "property.sider.neoplasms_benign_malignant_and_unspecified_incl_cysts_and_polyps";
    assert_eq!(of(&all("sider.csv"), neoplasms), [("CCO", "No")]);
    let written = all("delaney.csv");
    assert_eq!((written.asked()[0], written.reasons()), (("property.esol", "CCO", "1.10"), vec![(3, "bad_number")]));
    assert_eq!(all("SAMPL.csv").asked(), [("property.freesolv", "CCO", "-5.0")]);
    assert_eq!(all("Lipophilicity.csv").asked(), [("property.lipophilicity", "CCO", "-0.3")]);
    let written = all("data_curated.csv");
    assert_eq!(
        (written.asked()[0], written.examples[0].source.as_str()),
        (("property.aqsoldb", "CCO", "1.1"), "aqsoldb")
    );
}

#[test]
fn yields_of_plates() {
    let reaction = "Brc1ccccc1.Cc1ccc(N)cc1>>Cc1ccc(Nc2ccccc2)cc1";
    let fractions: String = (0..25).map(|row| format!("{row}\tCC#N.C~[Pd]>>CC\t0.{row:02}\n")).collect();
    let folder = Folder::new()
        .file(
            "Dreher_and_Doyle_train.csv",
            "Ligand,Additive,Base,Aryl halide,Output\nCP(C)C,c1ccon1,CCN,Brc1ccccc1,70.5\nCP(C)C,c1ccon1,CCN,CCC,1\n",
        )
        .file(
            "BH_sample_test.csv",
            &format!("reaction,yield,high_yield\n{reaction},80,Yes\n{reaction},101,No\nCC,5,No\n"),
        )
        .file("Suzuki-Miyaura/random_split_0_train.tsv", &format!("\trxn\ty\n{fractions}"))
        .file("SU_train.csv", "reaction,yield,high_yield\nC~[Pd]>>CC,64.3,No\n")
        .file(
            "az_pool.csv",
            "id,yield,reactant_smiles,solvent_smiles,base_smiles,product_smiles\n7,65.4,CCBr.CN,O,[OH-],CCNC\n",
        );
    let written = plainly(&folder, "Dreher_and_Doyle_train.csv");
    let asked =
        "Brc1ccccc1.Cc1ccc(N)cc1.O=S(=O)(O[Pd]1c2ccccc2-c2ccccc2N-1)C(F)(F)F.CP(C)C.CCN.c1conc1>>Cc1ccc(Nc2ccccc2)cc1";
    let asked = asked.replace("c1conc1", "c1cnoc1");
    assert_eq!(of(&written, "yield.buchwald_hartwig_percent"), [(asked.as_str(), "70.5")]);
    assert_eq!(of(&written, "yield.buchwald_hartwig"), [(asked.as_str(), "Yes")]);
    assert_eq!(written.reasons(), [(3, "no_product")]);
    let written = plainly(&folder, "BH_sample_test.csv");
    assert_eq!(written.summary.counts.partial["out_of_range"], 1);
    assert_eq!(written.reasons(), [(3, "out_of_range"), (4, "bad_reaction")]);
    assert_eq!(of(&written, "yield.buchwald_hartwig"), [(reaction, "Yes"), (reaction, "No")]);
    let written = plainly(&folder, "Suzuki-Miyaura/random_split_0_train.tsv");
    assert_eq!(of(&written, "yield.suzuki_miyaura_percent")[7], ("CC#N.C~[Pd]>>CC", "7"));
    assert_eq!(plainly(&folder, "SU_train.csv").asked()[0].2, "64.3");
    // Two rows below one percent are no fractions, and a yield without a unit is not guessed.
    let folder = folder
        .file("Suzuki-Miyaura/small_train.csv", &format!("reaction,yield_percent\n{reaction},0.5\n"))
        .file("SU_plain_train.csv", &format!("reaction,yield\n{reaction},0.5\n"))
        .file("BH_y_train.csv", &format!("rxn,y\n{reaction},0.5\n"));
    assert_eq!(plainly(&folder, "Suzuki-Miyaura/small_train.csv").asked()[0].2, "0.5");
    for (name, column) in [("SU_plain_train.csv", "yield"), ("BH_y_train.csv", "y")] {
        let message = refused(&folder, name, Request::default());
        assert!(message.contains(&format!("--map yield_fraction={column}")), "{message}");
        for (field, percent) in [("yield", "0.5"), ("yield_fraction", "50")] {
            let map = vec![(field.to_owned(), column.to_owned())];
            let written = imported(&folder, name, Request { map, ..Request::default() }).unwrap();
            assert_eq!(written.asked()[0].2, percent, "{name}");
        }
    }
    let written = plainly(&folder, "az_pool.csv");
    assert_eq!(written.asked()[0], ("yield.buchwald_hartwig_percent", "CCBr.CN.[OH-].O>>CCNC", "65.4"));
}

#[test]
fn multiple_choice() {
    let question = r#"{"canary": "never train", "uuid": "u", "name": "n", "examples": [{"input": "Which are acids?", "target_scores": {"HCl": 1, "NaOH": 0, "H2SO4": 1.0}}], "metrics": []}"#;
    let numeric = r#"{"uuid": "v", "examples": [{"input": "How many?", "target": 3}]}"#;
    let folder = Folder::new()
        .file("q/one.json", &question.replace(", ", ",\n  ").replace('{', "{\n "))
        .file("q/two.json", numeric)
        .file("college_chemistry_test.csv", "\"Which, exactly?\",a,b,c,d,C\nWhat?,1,2,3,4,E\n")
        .file("4k.json", r#"[{"question": "Which?", "A": "a", "B": "b", "C": "c", "D": "d", "answer": "B"}]"#)
        .file("chembench4k/q.jsonl", "{\"question\": \"Make it.\\nNow?\\nC\\nCC\\nCCC\\nCCO\", \"answer\": \"CCC\"}\n{\"question\": \"a?\\nb\\nc\\nd\\ne\", \"answer\": \"f\"}\n")
        .file("mmlu.jsonl", r#"{"id": "1", "question": "Q", "golden_answers": ["D"], "choices": ["a", "b", "c", "d"], "metadata": {}}"#);
    let written = plainly(&folder, "q");
    assert_eq!(written.asked(), [("choice.chembench", "Which are acids?", "A, C")]);
    assert_eq!(written.examples[0].field("options"), "HCl\nNaOH\nH2SO4");
    assert_eq!(written.reasons(), [(1, "not_multiple_choice")]);
    assert_eq!(written.summary.files.len(), 2);
    let written = plainly(&folder, "college_chemistry_test.csv");
    assert_eq!(written.asked(), [("choice.mmlu", "Which, exactly?", "C")]);
    assert_eq!(written.reasons(), [(2, "answer_not_an_option")]);
    assert_eq!(plainly(&folder, "4k.json").asked(), [("choice.chembench4k", "Which?", "B")]);
    // Options that look like indices or letters themselves.
    let folder = folder
        .file(
            "elements.jsonl",
            "{\"question\": \"How many?\", \"choices\": [\"3\", \"2\", \"1\", \"0\"], \"answer_index\": 2}\n\
             {\"question\": \"Which?\", \"choices\": [\"C\", \"B\", \"N\", \"O\"], \"answer\": \"B\"}\n\
             {\"question\": \"Which?\", \"choices\": [\"B\", \"C\", \"N\", \"O\"], \"answer\": \"O\"}\n\
             {\"question\": \"How many?\", \"choices\": [\"7\", \"8\", \"9\", \"10\"], \"answer\": \"8\"}\n",
        )
        .file(
            "4k_elements.json",
            r#"[{"question": "Which?", "A": "C", "B": "N", "C": "B", "D": "O", "answer": "C"},
                {"question": "Which?", "A": "x", "B": "y", "C": "z", "D": "w", "answer": "x"}]"#,
        )
        .file("chembench4k/lines.jsonl", "{\"question\": \"Which?\\nC\\nB\\nN\\nA\", \"answer\": \"A\"}\n");
    let answers = |name: &str| -> Vec<String> {
        plainly(&folder, name).examples.into_iter().map(|example| example.reference).collect()
    };
    assert_eq!(answers("elements.jsonl"), ["C", "B", "D", "B"]);
    assert_eq!(answers("4k_elements.json"), ["C"], "a text is no letter");
    assert_eq!(answers("chembench4k/lines.jsonl"), ["D"]);
    let written = plainly(&folder, "chembench4k/q.jsonl");
    assert_eq!(written.asked(), [("choice.chembench4k", "Make it.\nNow?", "C")]);
    assert_eq!(written.reasons(), [(2, "answer_not_an_option")]);
    assert_eq!(plainly(&folder, "mmlu.jsonl").asked(), [("choice.mmlu", "Q", "D")]);
}

#[test]
fn chemcotbench_folders() {
    let folder = Folder::new()
        .file("logs/add/ether0.json", r#"[{"Instruction": "add", "molecule": "CCC", "added_group": "hydroxyl", "reference": "OCCC", "id": "1", "raw_results": "x"}]"#)
        .file("logs/fg_samples/ether0.json", r#"[{"smiles": "OCC", "fg_name": "hydroxyls", "fg_smarts": "*-[O;D1]", "fg_label": "-O", "fg_num": 1, "id": "2"}]"#)
        .file("logs/mutated/ether0.json", r#"[{"smiles": "CCO", "mutated": "CCN", "id": "3"}, {"smiles": "CCO", "mutated": "OCC", "id": "4"}]"#)
        .file("logs/permutated/ether0.json", r#"[{"smiles": "CCO", "permutated": "C(C)O", "id": "5"}]"#)
        .file("logs/qed/ether0.json", r#"[{"id": "6", "src_smiles": "CCO", "prop": "qed"}]"#)
        .file("logs/drd/ether0.json", r#"[{"id": "7", "src_smiles": "CCO", "prop": "drd"}]"#)
        .file("logs/ring_system_scaffold/ether0.json", r#"[{"id": "8", "query": "Is it?\nInput Molecule: Cc1ccccc1, Ring System Structure: c1ccccc1", "gt": "Yes", "subtask": "r"}]"#)
        .file("logs/fs/ether0.json", r#"[{"id": "9", "gt": "{\"Major Product\": \"CC(=O)OCC\"}", "subtask": "fs", "meta": "{\"reactants\": [\"OCC\", \"CC(=O)Cl\"], \"reagents\": [\"CCN\"]}"}]"#)
        .file("logs/retro/ether0.json", r#"[{"id": "10", "rxn_cls": "e", "reactants": ["OCC", "CC(=O)Cl"], "products": ["CC(=O)OCC"], "reagents": []}]"#);
    let written = plainly(&folder, "logs");
    assert_eq!(
        written.asked(),
        [
            ("tomg.add", "CCC", "CCCO"),
            ("cot.group_count", "CCO", "1"),
            ("reaction_prediction", "CC(=O)Cl.CCN.CCO", "CCOC(C)=O"),
            ("cot.same_molecule", "CCO", "No"),
            ("cot.same_molecule", "CCO", "Yes"),
            ("tomg.qed", "CCO", ""),
            ("retrosynthesis", "CCOC(C)=O", "CC(=O)Cl.CCO"),
            ("cot.has_ring_system", "Cc1ccccc1", "Yes"),
        ]
    );
    assert_eq!(written.examples[4].field("other"), "C(C)O", "the order of atoms is the question");
    let reasons: Vec<&str> = written.reasons().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["no_task", "broken_example"]);
}

#[test]
fn tomg_bench_tables() {
    let folder = Folder::new()
        .file("AtomNum/test.csv", "Instruction,carbon,oxygen,nitrogen\nMake it,2,1,0\n")
        .file("BondNum/test.csv", "Instruction,single,double,triple,rotatable,aromatic\nMake it,2,0,0,1,0\n")
        .file(
            "AddComponent/test.csv",
            "Instruction,molecule,added_group\nAdd it,OCC,benzene ring\nAdd it,OCC,unobtainium\n",
        )
        .file("MolOpt/LogP/test.csv", "Instruction,molecule\nPlease decrease the LogP value,OCC\n");
    assert_eq!(plainly(&folder, "AtomNum/test.csv").asked(), [("tomg.atom_num", "2 carbon, 1 oxygen", "")]);
    let bonds = "2 single, 0 double, 0 triple, 0 aromatic, 1 rotatable";
    assert_eq!(plainly(&folder, "BondNum/test.csv").asked(), [("tomg.bond_num", bonds, "")]);
    let written = plainly(&folder, "AddComponent/test.csv");
    assert_eq!((written.asked(), written.reasons()), (vec![("tomg.add", "CCO", "")], vec![(3, "broken_example")]));
    let written = plainly(&folder, "MolOpt/LogP/test.csv");
    assert_eq!((written.asked()[0], written.examples[0].field("direction")), (("tomg.logp", "CCO", ""), "decrease"));
}

#[test]
fn smolinstruct_lines() {
    let folder = Folder::new()
        .file(
            "all.jsonl",
            "{\"raw_input\": \"OCC.CC(=O)Cl\", \"raw_output\": \"CC(=O)OCC\", \"split\": \"validation\", \"task\": \"forward_synthesis\", \"target\": null}\n\
             {\"raw_input\": \"OCC\", \"raw_output\": \"Yes\", \"split\": \"train\", \"task\": \"property_prediction-sider\", \"target\": \"Eye disorders\"}\n\
             {\"raw_input\": \"OCC\", \"raw_output\": \"Yes\", \"split\": \"train\", \"task\": \"other\"}\n\
             {\"raw_input\": \"OCC.CC(=O)Cl\", \"raw_output\": \"CC(=O)OCC\", \"task\": \"forward_synthesis\"}\n",
        )
        .file(
            "raw/train/retrosynthesis.jsonl",
            "{\"input\": \"Which make <SMILES> <SMILES> CC(=O)OCC </SMILES> </SMILES> ?\", \"output\": \"<SMILES> OCC.CC(=O)Cl </SMILES>\"}\n",
        );
    let written = imported(&folder, "all.jsonl", split(Split::Test)).unwrap();
    assert!(written.examples.iter().all(|row| row.split == Split::Test));
    let written = plainly(&folder, "all.jsonl");
    assert_eq!(
        written.asked(),
        [("reaction_prediction", "CC(=O)Cl.CCO", "CCOC(C)=O"), ("property.sider.eye_disorders", "CCO", "Yes")]
    );
    assert_eq!(written.examples.iter().map(|row| row.split).collect::<Vec<_>>(), [Split::Valid, Split::Train]);
    assert_eq!(written.reasons(), [(3, "no_task"), (4, "missing.split")]);
    assert_eq!(written.summary.files[0].split, "rows");
    let written = plainly(&folder, "raw/train/retrosynthesis.jsonl");
    assert_eq!(written.asked(), [("retrosynthesis", "CCOC(C)=O", "CC(=O)Cl.CCO")]);
}

#[test]
fn mol_instructions() {
    let folder = Folder::new()
        .file(
            "description_guided_molecule_design_train.jsonl",
            "{\"task\": \"description_guided_molecule_design\", \"question\": \"Make it. The molecule is ethanol.\", \"answer\": \"[C][C][O]\", \"answer_smiles\": \"OCC\"}\n",
        )
        .file(
            "reagent_prediction_train.jsonl",
            "{\"task\": \"reagent_prediction\", \"question\": \"Which? [C]\", \"answer\": \"[O]\", \"reaction_smiles\": \"CC(=O)Cl.OCC>>CC(=O)OCC\", \"answer_smiles\": \"O.CCN\"}\n",
        )
        .file(
            "property_prediction.json",
            "[{\"instruction\": \"What is its gap?\", \"input\": \"[C]\", \"output\": \"0.5\", \"metadata\": {}}]",
        )
        .file(
            "molecular_description_generation_test.json",
            "[{\"instruction\": \"Describe.\", \"input\": \"[C]\", \"output\": \"The molecule is methane.\", \"smiles\": \"C\"}]",
        );
    let written = plainly(&folder, "description_guided_molecule_design_train.jsonl");
    assert_eq!(written.asked(), [("molecule_design", "The molecule is ethanol.", "CCO")]);
    let written = plainly(&folder, "reagent_prediction_train.jsonl");
    assert_eq!(written.asked(), [("reagent_prediction", "CC(=O)Cl.CCO>>CCOC(C)=O", "CCN.O")]);
    let written = imported(&folder, "property_prediction.json", split(Split::Train)).unwrap();
    assert_eq!((written.examples.len(), written.reasons()), (0, vec![(1, "no_task")]));
    let written = plainly(&folder, "molecular_description_generation_test.json");
    assert_eq!(written.asked(), [("molecule_captioning", "C", "The molecule is methane.")]);
    // The published form: SELFIES alone, as the Python package selfies 2.1.1 writes CC(=O)Cl.OCC, CC(=O)OCC and CCN.
    let chloride = "[C][C][=Branch1][C][=O][Cl].[O][C][C]";
    let ester = "[C][C][=Branch1][C][=O][O][C][C]";
    let row = |input: &str, output: &str| {
        format!("{{\"instruction\": \"Which?\", \"input\": \"{input}\", \"output\": \"{output}\", \"metadata\": {{}}}}")
    };
    let folder = Folder::new()
        .file(
            "forward_reaction_prediction_train.json",
            &format!("[{},\n{}]", row(chloride, ester), row("[C][unicorn]", ester)),
        )
        .file("reagent_prediction_train.json", &format!("[{}]", row(&format!("{chloride}>>{ester}"), "[C][C][N]")))
        .file("retrosynthesis_train.json", &format!("[{}]", row(ester, chloride)));
    let written = plainly(&folder, "forward_reaction_prediction_train.json");
    assert_eq!(written.asked(), [("reaction_prediction", "CC(=O)Cl.CCO", "CCOC(C)=O")]);
    assert_eq!(written.reasons(), [(2, "bad_selfies")]);
    let written = plainly(&folder, "reagent_prediction_train.json");
    assert_eq!(written.asked(), [("reagent_prediction", "CC(=O)Cl.CCO>>CCOC(C)=O", "CCN")]);
    assert_eq!(
        plainly(&folder, "retrosynthesis_train.json").asked(),
        [("retrosynthesis", "CCOC(C)=O", "CC(=O)Cl.CCO")]
    );
}

#[test]
fn ether0_triples() {
    let row = |problem: &str, solution: &str| {
        format!("{{\"id\": \"a\", \"problem\": \"{problem}\", \"solution\": \"{solution}\"}}\n")
    };
    let text = [
        row("What does CC(=O)Cl.OCC>CCN> give?", "product_eval!:!CC(=O)OCC!:!reaction-prediction"),
        row("Name a molecule of C2H6O, please.", "formula_eval!:!OCC!:!molecule-formula"),
        row("Which?", "functional_group_eval!:!('C2H6O', __import__('os'))!:!functional-group"),
        row("What does it give?", "product_eval!:!CC!:!reaction-prediction"),
        row("Which?", "product_eval!:!CC"),
    ];
    let folder = Folder::new().file("ether0_train.jsonl", &text.concat());
    let written = plainly(&folder, "ether0_train.jsonl");
    assert_eq!(
        written.asked(),
        [("reaction_prediction", "CC(=O)Cl.CCN.CCO", "CCOC(C)=O"), ("name.formula_to_smiles", "C2H6O", "CCO"),]
    );
    assert_eq!(written.reasons(), [(3, "no_task"), (4, "unknown_wording"), (5, "unknown_wording")]);
}

#[test]
fn reagent_selection() {
    let row = r#"{"task": "solvent", "components": {"reactant 1": "CCBr", "base": "[OH-]"}, "candidates": ["CO", "O"], "ranking": ["O", "CO"], "yields": {"CO": 1.5, "O": 72.0}}"#;
    let folder = Folder::new()
        .file("reagent_train.jsonl", &format!("{row}\n{}\n", row.replace("\"O\", \"CO\"", "\"N\", \"CO\"")));
    let written = plainly(&folder, "reagent_train.jsonl");
    assert_eq!(written.asked(), [("reagent.solvent", "reactant 1: CCBr; base: [OH-]", "O,CO")]);
    assert_eq!(
        (written.examples[0].field("candidates"), written.examples[0].meta["yields"].as_str()),
        ("CO, O", "72.0,1.5")
    );
    assert_eq!(written.reasons(), [(2, "answer_not_an_option")]);
}

#[test]
fn opsin_lines() {
    let folder = Folder::new().file(
        "acetals.txt",
        "// comment\nethanol\tInChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3\nbroken\tInChI=1S/C2H6O/nonsense\nother\tInChI=1/C2H6O/c1-2-3/h3H,2H2,1H3\n",
    );
    let written = imported(&folder, "acetals.txt", split(Split::Test)).unwrap();
    assert_eq!(
        written.asked(),
        [("name.iupac_to_smiles", "ethanol", "CCO"), ("name.iupac_to_formula", "ethanol", "C2H6O")]
    );
    assert_eq!(written.reasons(), [(3, "bad_inchi"), (4, "bad_inchi")]);
}

#[test]
fn any_table_with_a_task() {
    let folder = Folder::new()
        .file("own.tsv", "structure\tvalue\nOCC\t0.5\nC(C\t1\nCC\tmany\nCC\t\n")
        .file("own.jsonl", "{\"product\": \"CC(=O)OCC\", \"answer\": \"OCC.CC(=O)Cl\"}\n");
    let pair = |field: &str, column: &str| (field.to_owned(), column.to_owned());
    let map = vec![pair("smiles", "structure"), pair("reference", "value")];
    let request = Request { task: Some("property.esol"), map, ..split(Split::Train) };
    let written = imported(&folder, "own.tsv", request).unwrap();
    assert_eq!(written.asked(), [("property.esol", "CCO", "0.5")]);
    assert_eq!(
        written.reasons(),
        [(3, "unparsable.unbalanced_parentheses"), (4, "bad_number"), (5, "missing.reference")]
    );
    let message = refused(&folder, "own.tsv", Request { task: Some("property.esol"), ..split(Split::Train) });
    assert!(message.contains("no column `smiles`") && message.contains("structure"), "{message}");
    let request = Request { task: Some("retrosynthesis"), ..split(Split::Train) };
    assert_eq!(
        imported(&folder, "own.jsonl", request).unwrap().asked(),
        [("retrosynthesis", "CCOC(C)=O", "CC(=O)Cl.CCO")]
    );
}

/// Order and content do not depend on how rows fall into batches and onto cores.
#[test]
fn many_rows_keep_their_order() {
    let mut text = String::from("smiles,p_np\n");
    for number in 0..9_000usize {
        text.push_str(&format!("{}O,{}\n", "C".repeat(1 + number % 60), number % 3));
    }
    let folder = Folder::new().file("train.csv.gz", &text);
    let first = plainly(&folder, "train.csv.gz");
    let counts = &first.summary.counts;
    assert_eq!((counts.rows, counts.kept, counts.rejected["bad_label"]), (9_000, 6_000, 3_000));
    let lengths: Vec<usize> = first.examples.iter().map(|row| row.field("smiles").len()).collect();
    let expected: Vec<usize> = (0..9_000).filter(|number| number % 3 < 2).map(|number| 2 + number % 60).collect();
    assert_eq!(lengths, expected);
    assert!(first.rejects.windows(2).all(|pair| pair[0]["line"].as_u64() < pair[1]["line"].as_u64()));
    assert_eq!(first.examples, plainly(&folder, "train.csv.gz").examples);
}
