"""An environment for SkyRL whose reward is the verifier of the row's task. Needs the wheel `chemr`.

    skyrl_gym.register(id="chemr", entry_point="chemr_env:ChemrEnv")
"""

from chemr.rewards.verl import compute_score
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput


class ChemrEnv(BaseTextEnv):
    """One question, one answer. `env_config` may hold the options of `chemr.rewards.scorer`."""

    def __init__(self, env_config=None, extras=None):
        super().__init__()
        row = extras or {}
        self.options = dict(env_config or {})
        self.source = row.get("data_source", "")
        self.reference = row["reward_spec"]["ground_truth"]
        self.extra_info = row["extra_info"]

    def step(self, action):
        """Scores the completion and ends the episode."""
        found = compute_score(self.source, action, self.reference, self.extra_info, **self.options)
        figures = {"accuracy": found["acc"], "format": found["format"], "valid": found["valid"]}
        return BaseTextEnvStepOutput(observations=[], reward=found["score"], done=True, metadata=figures)
