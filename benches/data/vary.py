"""Writes N reactions that differ, from an examples file: for measuring what importing, auditing and preparing cost.

Usage: python benches/data/vary.py examples.jsonl N OUT.csv

Reads the rows of `retrosynthesis` and writes `product,reactants` as the pool of USPTO-full has them. The first round gives the reactions as they
are. Each later round puts one more substituent on a carbon that both sides have, by text: the first `C(` or `CC` of the product that also stands in
exactly one reactant takes a chain or an ether, the same on both sides. Such reactions are valid SMILES with other molecules, of the same sizes and
the same share of repeated reagents; they need be no chemistry. The order is shuffled and the rows are the same for the same arguments. Needs nothing
but Python.
"""

import json
import random
import sys

# Written behind a carbon: saturated, so that no valence is exceeded where the carbon has two hydrogens.
SUBSTITUENTS = ["(C)", "(CC)", "(OC)", "(F)", "(CCC)", "(CO)", "(OCC)", "(C(F)(F)F)", "(CCOC)", "(CCCC)", "(CCF)", "(COCC)", "(Cl)", "(CC#N)", "(CCCCC)", "(CCCO)"]

# A CH2 between two carbons in a chain: has two hydrogens whatever stands around it.
ANCHORS = ["CCC", "NCC", "OCC", "CCN", "CCO", "CCc"]


def varied(product: str, reactants: str, number: int) -> tuple[str, str] | None:
    """The reaction with substituent `number` on a CH2 that product and one reactant have, or None."""
    anchor = ANCHORS[number % len(ANCHORS)]
    substituent = SUBSTITUENTS[(number // len(ANCHORS)) % len(SUBSTITUENTS)]
    parts = reactants.split(".")
    holders = [place for place, part in enumerate(parts) if anchor in part]
    if anchor not in product or len(holders) != 1:
        return None
    changed = anchor[:2] + substituent + anchor[2:]
    # The character behind must leave the last atom of the anchor what it was, `Cl` or a ring number.
    def put(text: str) -> str | None:
        place = text.find(anchor)
        behind = text[place + len(anchor) : place + len(anchor) + 1]
        before = text[place - 1 : place] if place else ""
        if behind in ("l", "r", "1", "2", "3", "4", "5", "6", "7", "8", "9", "%") or before == "[":
            return None
        return text[:place] + changed + text[place + len(anchor) :]
    new_product, new_part = put(product), put(parts[holders[0]])
    if new_product is None or new_part is None:
        return None
    parts[holders[0]] = new_part
    return new_product, ".".join(parts)


def main() -> None:
    path, wanted, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    pool = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["task"] == "retrosynthesis":
                pool.append((row["input"]["product"], row["reference"]))
    random.Random(1).shuffle(pool)
    found = list(dict.fromkeys(pool))[:wanted]
    seen = set(found)
    number = 0
    while len(found) < wanted and number < len(ANCHORS) * len(SUBSTITUENTS):
        for product, reactants in pool:
            reaction = varied(product, reactants, number)
            if reaction is not None and reaction not in seen:
                seen.add(reaction)
                found.append(reaction)
                if len(found) == wanted:
                    break
        number += 1
    if len(found) < wanted:
        sys.exit(f"only {len(found)} different reactions")
    random.Random(2).shuffle(found)
    with open(out, "w", encoding="utf-8") as file:
        file.write("product,reactants\n")
        file.writelines(f"{product},{reactants}\n" for product, reactants in found)


if __name__ == "__main__":
    main()
