"""verl's own loader takes ``compute_score``, and its GRPO advantage takes the result.

    python verl_reward.py

Needs verl 0.9.x with what it asks for (a separate environment of about 8 GB). Nothing is downloaded.
"""

import numpy as np
import torch
from omegaconf import OmegaConf
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
from verl.trainer.ppo.reward import get_custom_reward_fn

import chemr.rewards.verl


def main() -> None:
    config = OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": {
                    "path": chemr.rewards.verl.__file__,
                    "name": "compute_score",
                    "reward_kwargs": {"tanimoto": 0.5},
                }
            }
        }
    )
    score = get_custom_reward_fn(config)
    right, wrong = "<think>a</think><answer>OCC</answer>", "<think>a</think><answer>C(</answer>"
    found = [
        score(data_source="molecule_design", solution_str=text, ground_truth="CCO", extra_info={"split": "train", "index": place})
        for place, text in enumerate([right, wrong])
    ]
    assert [row["acc"] for row in found] == [1.0, 0.0], found
    assert found[0].keys() == found[1].keys()
    rewards = torch.zeros(2, 3)
    rewards[:, -1] = torch.tensor([row["score"] for row in found])
    advantages, _ = compute_grpo_outcome_advantage(rewards, torch.ones(2, 3), np.array(["a", "a"], dtype=object))
    assert torch.allclose(advantages[:, -1], torch.tensor([0.70711, -0.70711]), atol=1e-3), advantages
    print("verl:", found, advantages[:, -1].tolist())


if __name__ == "__main__":
    main()
