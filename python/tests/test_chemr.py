"""The package as its users call it. ``python -m pytest`` after ``pip install`` of the wheel; nothing else is needed."""

import json
import pickle
import signal
import threading

import pytest

import chemr
from chemr.rewards import openrlhf, trl, verdicts, verl


def full(answer: str) -> str:
    return f"<think>a</think><answer>{answer}</answer>"


def test_verdicts_come_in_order_and_none_for_unknown_tasks():
    found = verdicts(
        ["molecule_design", "no.task", "property.bbbp", None],
        [full("OCC"), "x", full("No"), "x"],
        ["CCO", None, True, None],
        {"description": ["a", None, None, None], "smiles": [None, None, "CCO", None]},
    )
    assert [row and row["reason"] for row in found] == ["correct", None, "wrong_answer", None]
    assert found[0]["score"] == 1.0 and found[0]["answer"] == "OCC" and found[0]["parts"]["flat_match"] == 1.0
    assert verdicts("molecule_design", [], []) == []


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="references has 2 entries for 1 completions"):
        verdicts("molecule_design", ["x"], ["a", "b"])
    with pytest.raises(ValueError, match="unknown field `formt`"):
        verdicts("molecule_design", ["x"], ["a"], formt=1)
    with pytest.raises(ValueError, match="add up to"):
        verdicts("molecule_design", ["x"], ["a"], claims=0.5)
    with pytest.raises(ValueError, match="unclosed_ring"):
        chemr.mol.Mol("C1CC")


# What TRL 1.16.0 passes beside the columns.
TRL = {"trainer_state": object(), "log_extra": lambda *_: None, "environments": None}


def test_trl_calls():
    logged = {}
    completions = [[{"role": "assistant", "content": full(answer)}] for answer in ("CCO", "CCC")]
    prompts = [[{"role": "user", "content": "?"}]] * 2
    reward = trl.MoleculeDesign()
    found = reward(
        prompts=prompts, completions=completions, completion_ids=[[1], [2]], reference=["CCO", "CCO"], description=["a", "b"],
        log_metric=logged.__setitem__, **TRL,
    )
    assert found == [1.0, 0.1]
    assert reward.__name__ == "chemr_molecule_design"
    assert logged == {f"chemr_molecule_design/{part}": value for part, value in (("correct", 0.5), ("format", 1.0), ("valid", 1.0))}


def test_trl_leaves_other_tasks_out():
    columns = {"task": ["molecule_design", "retrosynthesis", "other"], "solution": ["CCO"] * 3}
    texts = [full("CCO")] * 3
    assert trl.MoleculeDesign()(prompts=["?"] * 3, completions=texts, **columns) == [1.0, None, None]
    assert trl.ByTask()(prompts=["?"] * 3, completions=texts, **columns) == [1.0, 1.0, None]
    with pytest.raises(ValueError, match="no column `task`"):
        trl.ByTask()(prompts=["?"], completions=["x"], reference=["C"])
    with pytest.raises(ValueError, match="right answer"):
        trl.MoleculeDesign()(prompts=["?"], completions=["x"])


def test_a_template_that_opens_the_think_block():
    text = "a</think><answer>CCO</answer>"
    assert trl.MoleculeDesign()(["?"], [text], reference=["CCO"]) == [0.0]
    assert trl.MoleculeDesign(prefix="<think>")(["?"], [text], reference=["CCO"]) == [1.0]
    assert trl.MoleculeDesign()(["user: ?\n<think>\n"], [text], reference=["CCO"]) == [1.0]


def test_trl_has_a_class_for_each_task_and_they_can_be_pickled():
    classes = [getattr(trl, name) for name in trl.__all__ if name not in ("ByTask", "content")]
    assert sorted(made.task for made in classes) == sorted(task["id"] for task in chemr.tasks())
    for made in classes:
        reward = pickle.loads(pickle.dumps(made(tanimoto=0.5)))
        assert type(reward) is made and reward.options == {"tanimoto": 0.5}
    assert repr(trl.Retrosynthesis(prefix="<think>", claims=0.1)) == "Retrosynthesis(prefix='<think>', claims=0.1)"


def test_verl():
    extra = {"task": "tomg.add", "smiles": "CCC", "add": "hydroxyl", "split": "train", "index": 3, "num_turns": 1}
    found = verl.compute_score("some-data", full("CCCO"), None, extra, reward_router=None)
    assert found == {"score": 1.0, "acc": 1.0, "format": 1.0, "valid": 1.0, "credit": 1.0, "reason": "correct"}
    wrong = verl.compute_score("molecule_design", "CCO", ground_truth="CCO", mode="loose")
    assert wrong["score"] == 0.9 and wrong.keys() == found.keys()
    with pytest.raises(ValueError, match="no task"):
        verl.compute_score("gsm8k", "x", "1")


def test_openrlhf_rows():
    label = json.dumps({"task": "name.smiles_to_formula", "reference": "C2H6O", "smiles": "CCO"})
    found = openrlhf.score_rows(["p" + full("C2H6O"), "pC2H6O"], ["p", "p"], [label, label])
    assert [row["score"] for row in found] == [1.0, 0.0]
    with pytest.raises(ValueError, match="no task"):
        openrlhf.score_rows(["a"], ["a"], ["{}"])


def test_score():
    found = chemr.score("molecule_design", ["OCC", None, "C(", ["CC", "CCO"]], ["CCO"] * 4)
    assert found["n"] == 4 and found["counts"] == {"missing": 1, "unparsable": 0, "invalid": 1, "without_reference": 0}
    assert found["metrics"]["validity"]["value"] == 0.5
    assert found["metrics"]["exact.inchi"].keys() >= {"value", "low", "high", "n", "version"}
    edits = chemr.score("tomg.logp", ["CCCCC", "O"], ["", ""], {"smiles": ["CCC", "CCC"], "direction": ["increase"] * 2})
    assert edits["metrics"]["success"]["value"] == 0.5
    assert chemr.score("molecule_design", [], [])["n"] == 0
    with pytest.raises(KeyError, match="no.task"):
        chemr.score("no.task", ["a"], ["b"])


def test_metrics():
    assert chemr.metrics.compute("levenshtein", ["CCO", "C"], ["CCC", "C"]) == {"value": 0.5, "low": 0.0, "high": 1.0, "n": 2}
    assert chemr.metrics.compute("topk.3", ["CCO"], [["C", "OCC"]])["value"] == 1.0
    assert {metric["id"] for metric in chemr.metrics.available()} >= {"fts.maccs", "bleu.char", "success"}
    with pytest.raises(ValueError, match="verifier"):
        chemr.metrics.compute("success", ["a"], ["b"])


def test_molecules():
    aspirin = chemr.mol.Mol("CC(=O)Oc1ccccc1C(=O)O")
    # RDKit 2026.9.1.
    assert aspirin.inchikey == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert aspirin.formula == "C9H8O4" and aspirin.heavy_atoms == 13
    assert abs(aspirin.logp - 1.3101) < 1e-4 and abs(aspirin.qed - 0.5501) < 1e-4
    assert aspirin == chemr.mol.Mol("OC(=O)c1ccccc1OC(C)=O") and len({aspirin, chemr.mol.Mol(aspirin.smiles)}) == 1
    assert pickle.loads(pickle.dumps(aspirin)) == aspirin
    assert chemr.mol.canonical("OCC") == "CCO" and chemr.mol.canonical("C(") is None
    assert chemr.mol.svg(aspirin).startswith("<svg") or "<svg" in chemr.mol.svg(aspirin)
    assert aspirin.similarity(aspirin, "maccs") == 1.0


def test_selfies():
    # Values of the Python package `selfies` 2.2.0.
    acid = chemr.mol.from_selfies("[C][C][=Branch1][C][=O][O]")
    assert acid.smiles == "CC(=O)O" and acid.selfies == "[C][C][=Branch1][C][=O][O]"
    assert chemr.mol.Mol("*C").selfies is None
    with pytest.raises(ValueError, match="byte 6.*compatible"):
        chemr.mol.from_selfies("[C][C][Branch1_2][C][=O][O]")
    assert chemr.mol.from_selfies("[C][C][Branch1_2][C][=O][O]", compatible=True) == acid


def test_questions():
    system, user = chemr.question("tomg.sub", molecule="CCO", removed_group="hydroxyl", added_group="halo")
    assert system["role"] == "system" and user["content"].endswith("SMILES: CCO\nRemove: hydroxyl\nAdd: halo")
    with pytest.raises(ValueError, match="asks for the column add"):
        chemr.question("tomg.add", smiles="CCO")
    options = chemr.question("choice.mmlu", question="Which?", options=["a", "b"])[1]["content"]
    assert options.endswith("Options: \nA. a\nB. b")


def test_the_interpreter_is_released_and_keeps_its_signal_handler():
    before = signal.getsignal(signal.SIGINT)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(1)

    other = threading.Thread(target=tick)
    other.start()
    rows = 4000
    found = verdicts("tomg.add", [full("C" * (5 + row % 200) + "N") for row in range(rows)], [""] * rows, {"smiles": ["CCO"] * rows, "add": ["amine"] * rows})
    done.set()
    other.join()
    assert len(found) == rows and all(row["correct"] for row in found)
    assert len(ticks) > 5, "another thread ran meanwhile"
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_hostile_completions():
    texts = ["", "<answer>" * 10_000, full("C" * 100_000), full("C1" * 200), "\x00", full("\u202e"), full("(" * 500)]
    for task in chemr.tasks():
        found = verdicts(task["id"], texts, ["CCO"] * len(texts))
        assert all(0.0 <= row["score"] <= 1.0 and row["reason"] for row in found), task["id"]
