"""The environment in an export for SkyRL, through `skyrl_gym`.

    CHEMR=target/release/chemr python export_skyrl.py

Needs skyrl-gym (0.4.0 was used), pandas with pyarrow, and the wheel. Nothing is downloaded.
"""

import sys
import tempfile
from pathlib import Path

from exports import TASKS, completion, export

import pandas
import skyrl_gym


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = export("skyrl", Path(temporary) / "out")
        sys.path.insert(0, str(folder))
        skyrl_gym.envs.register(id="chemr", entry_point="chemr_env:ChemrEnv")
        rows = pandas.read_parquet(folder / "train.parquet").to_dict("records")
        assert len(rows) == 4 * len(TASKS)
        for row in rows:
            for answer, wanted in [(row["reward_spec"]["ground_truth"], 1.0), ("[Xe]", 0.0)]:
                environment = skyrl_gym.make(row["env_class"], env_config={}, extras=row)
                prompt, _ = environment.init(list(row["prompt"]))
                assert [message["role"] for message in prompt] == ["system", "user"]
                step = environment.step(completion(answer))
                assert step["done"] and step["metadata"]["accuracy"] == wanted, (row, step)
        print(f"SkyRL: {len(rows)} rows rewarded")


if __name__ == "__main__":
    main()
