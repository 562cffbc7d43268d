"""Exports for TRL through `datasets`, the rewards of the wheel and TRL's trainers, on a model of 100,000 parameters made on the spot.

    CHEMR=target/release/chemr python export_trl.py

Needs what trl_grpo.py needs. Nothing is downloaded.
"""

import json
import tempfile
from pathlib import Path

from exports import TASKS, completion, export

from byte_tokenizer import tokenizer
from chemr.rewards import openrlhf
from chemr.rewards.trl import ByTask
from datasets import load_dataset
from transformers import Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer


def both(folder: Path, split: str):
    """The rows of a split, which the two formats give alike."""
    formats = {"json": "jsonl", "parquet": "parquet"}
    sets = [
        load_dataset(kind, data_files=str(folder / f"{split}.{ending}"), split="train", cache_dir=str(folder / "cache"))
        for kind, ending in formats.items()
    ]
    assert sets[0].to_list() == sets[1].to_list(), "JSON lines and Parquet differ"
    return sets[1]


def model(made) -> Qwen2ForCausalLM:
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(made), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=True, pad_token_id=0, eos_token_id=1,
        )
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        rows = both(export("trl", base / "rl"), "train")
        assert rows[0]["prompt"][0]["role"] == "system" and set(rows["task"]) == set(TASKS), rows[0]
        reward = ByTask()
        # As TRL hands columns over: lists.
        columns = {name: list(rows[name]) for name in rows.column_names if name != "prompt"}
        chats = [[{"role": "assistant", "content": completion(answer)}] for answer in rows["reference"]]
        assert reward(prompts=list(rows["prompt"]), completions=chats, **columns) == [1.0] * len(rows)
        wrong = [[{"role": "assistant", "content": completion("[Xe]")}]] * len(rows)
        assert max(reward(prompts=list(rows["prompt"]), completions=wrong, **columns)) <= 0.1 + 1e-9
        made = tokenizer()
        arguments = dict(output_dir=str(base / "out"), use_cpu=True, bf16=False, max_steps=1, report_to=[], save_strategy="no", disable_tqdm=True)
        grpo = GRPOConfig(per_device_train_batch_size=4, num_generations=4, max_completion_length=16, logging_steps=1, **arguments)
        trainer = GRPOTrainer(model=model(made), reward_funcs=[reward], args=grpo, train_dataset=rows, processing_class=made)
        trainer.train()
        assert any("rewards/chemr_by_task/mean" in log for log in trainer.state.log_history), trainer.state.log_history
        dialogues = both(export("trl", base / "sft", "--stage", "sft"), "train")
        sft = SFTConfig(per_device_train_batch_size=4, max_length=1024, **arguments)
        trainer = SFTTrainer(model=model(made), args=sft, train_dataset=dialogues, processing_class=made)
        trainer.train()
        # The rewards of OpenRLHF take the lines of their export.
        lines = [json.loads(line) for line in (export("openrlhf", base / "openrlhf") / "train.jsonl").read_text().splitlines()]
        prompts = [made.apply_chat_template(line["input"], tokenize=False, add_generation_prompt=True) for line in lines]
        answers = [completion(json.loads(line["label"])["reference"]) for line in lines]
        queries = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
        found = openrlhf.reward_func(queries, prompts, [line["label"] for line in lines])
        assert found["rewards"].tolist() == [1.0] * len(lines), found
        print(f"TRL: {len(rows)} rows rewarded, a step of GRPO and of SFT; OpenRLHF: {len(lines)} rows rewarded")


if __name__ == "__main__":
    main()
