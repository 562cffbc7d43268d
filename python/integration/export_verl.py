"""Exports for verl through its own `RLHFDataset` and `MultiTurnSFTDataset`, and its loader of rewards.

    CHEMR=target/release/chemr python export_verl.py

Needs verl 0.9.x with what it asks for, and the wheel. Nothing is downloaded.
"""

import tempfile
from pathlib import Path

from exports import TASKS, completion, export

import chemr.rewards.verl
from byte_tokenizer import tokenizer
from omegaconf import OmegaConf
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset
from verl.utils.dataset.rl_dataset import RLHFDataset


def main() -> None:
    reward = OmegaConf.create(
        {"reward": {"custom_reward_function": {"path": chemr.rewards.verl.__file__, "name": "compute_score", "reward_kwargs": {}}}}
    )
    score = get_custom_reward_fn(reward)
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        folder = export("verl", base / "rl")
        config = OmegaConf.create(
            {"prompt_key": "prompt", "max_prompt_length": 1024, "filter_overlong_prompts": True, "cache_dir": str(base / "cache"), "filter_overlong_prompts_workers": 1}
        )
        rows = RLHFDataset(str(folder / "train.parquet"), tokenizer(), config)
        assert len(rows) == 4 * len(TASKS), len(rows)
        for place in range(len(rows)):
            row = rows[place]
            assert [message["role"] for message in row["raw_prompt"]] == ["system", "user"], row
            truth, extra = row["reward_model"]["ground_truth"], row["extra_info"]
            assert row["reward_model"]["style"] == "rule" and row["index"] == extra["index"] == place, row
            for answer, wanted in [(truth, 1.0), ("[Xe]", 0.0)]:
                found = score(data_source=row["data_source"], solution_str=completion(answer), ground_truth=truth, extra_info=extra)
                assert found["acc"] == wanted, (row, found)
        file = export("verl", base / "sft", "--stage", "sft") / "train.parquet"
        # The template of this tokenizer is not made for being applied turn by turn.
        config = OmegaConf.create({"max_length": 2048, "ignore_input_ids_mismatch": True})
        chats = MultiTurnSFTDataset(str(file), tokenizer(), config)
        assert len(chats) == len(rows) and all(chats[place]["loss_mask"].sum() > 0 for place in range(len(chats)))
        print(f"verl: {len(rows)} rows through RLHFDataset, rewarded; {len(chats)} chats through MultiTurnSFTDataset")


if __name__ == "__main__":
    main()
