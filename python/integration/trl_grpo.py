"""Four steps of TRL's GRPOTrainer on a CPU with rewards of chemr, on a model of 100,000 parameters made on the spot.

    python trl_grpo.py
    torchrun --standalone --nproc_per_node=2 trl_grpo.py

Needs torch, transformers, trl (1.16.0 was used), datasets, accelerate and tokenizers. Nothing is downloaded.
"""

import os
import pickle
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import torch
from byte_tokenizer import tokenizer
from datasets import Dataset
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

import chemr
from chemr.rewards.trl import ByTask, NameSmilesToFormula

STEPS = 4
#: Supervised steps before.
TAUGHT = 300
ROWS = [
    {"task": "name.smiles_to_formula", "smiles": "CCO", "reference": "C2H6O"},
    {"task": "name.iupac_to_smiles", "iupac": "propan-2-ol", "reference": "CC(C)O"},
    {"task": "property.bbbp", "smiles": "CCO", "reference": "Yes"},
    {"task": "tomg.atom_num", "atoms": "2 carbon, 1 oxygen", "reference": "CCO"},
    {"task": "no.such_task", "reference": ""},
]


def dataset() -> Dataset:
    fields = {name for row in ROWS for name in row}
    rows = []
    for row in ROWS * 4:
        columns = {name: value for name, value in row.items() if name not in ("task", "reference")}
        known = row["task"] in {task["id"] for task in chemr.tasks()}
        prompt = chemr.question(row["task"], **columns) if known else [{"role": "user", "content": "?"}]
        rows.append({"prompt": prompt, **{name: row.get(name) for name in sorted(fields)}})
    return Dataset.from_list(rows)


def teach(model: Qwen2ForCausalLM, made: PreTrainedTokenizerFast, rows: Dataset) -> None:
    """A little supervised training, so that some completions are right and the rewards differ."""
    answered = [row for row in rows if row["reference"]][:4]
    texts = [
        made.apply_chat_template(row["prompt"], tokenize=False) + f"<think>a</think><answer>{row['reference']}</answer><eos>"
        for row in answered
    ]
    batch = made(texts, return_tensors="pt", padding=True)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(TAUGHT):
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def main() -> None:
    torch.manual_seed(0)
    made = tokenizer()
    config = Qwen2Config(
        vocab_size=len(made), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=True, pad_token_id=0, eos_token_id=1,
    )
    rewards = [ByTask(format=0.1, accuracy=0.8, claims=0.1), NameSmilesToFormula(mode="loose")]
    for reward in rewards:
        again = pickle.loads(pickle.dumps(reward))
        assert again.__name__ == reward.__name__ and again.options == reward.options
    with tempfile.TemporaryDirectory() as folder:
        arguments = GRPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, max_steps=STEPS, per_device_train_batch_size=4, num_generations=4,
            max_completion_length=48, logging_steps=1, report_to=[], save_strategy="no", disable_tqdm=True,
        )
        rows, model = dataset(), Qwen2ForCausalLM(config)
        teach(model, made, rows)
        trainer = GRPOTrainer(model=model, reward_funcs=rewards, args=arguments, train_dataset=rows, processing_class=made)
        world = int(os.environ.get("WORLD_SIZE", "1"))
        assert trainer.accelerator.num_processes == world, "the processes did not find each other"
        trainer.train()
        logs = [log for log in trainer.state.log_history if "reward" in log]
        assert len(logs) == STEPS, logs
        assert any(f"rewards/{rewards[0].__name__}/mean" in log for log in logs), sorted(logs[0])
        means = [log["reward"] for log in logs if log["reward"] is not None]
        assert any(mean > 0 for mean in means), means
        if trainer.accelerator.is_main_process:
            print("mean rewards:", [round(mean, 3) for mean in means])
            print(f"{STEPS} steps with {world} processes; reward names:", [name for name in sorted(logs[0]) if name.startswith("rewards/")])


if __name__ == "__main__":
    main()
