"""Rewards for TRL's ``GRPOTrainer``: ``GRPOTrainer(reward_funcs=[chemr.rewards.trl.Retrosynthesis()], ...)``.

There is a class for each task, named after its id (``retrosynthesis`` is ``Retrosynthesis``, ``property.bbbp`` is ``PropertyBbbp``), and ``ByTask``, which reads the task of
each row from the column ``task``. The dataset needs the right answer in a column ``reference`` (or ``ground_truth``, ``solution``, ``answer``, ``label``), and the fields of the
question for tasks whose verifier reads them. Rows of other tasks get ``None``, which TRL leaves out. Instances can be pickled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .. import _chemr
from . import REFERENCE_COLUMNS, verdicts

#: The end of a prompt whose template opens the think block itself.
_OPENED = re.compile(r"<think>\s*\Z")


class ByTask:
    """A reward for rows of any task, by their column ``task``.

    ``prefix`` is put before every completion: give ``"<think>"`` when the chat template opens the think block, as it is then no part of the
    completion. A prompt that is a text and ends with the tag is recognised. All other arguments are those of ``chemr.rewards.scorer``.
    """

    task: str | None = None

    def __init__(self, *, prefix: str = "", **options: Any) -> None:
        self.prefix = prefix
        self.options = options
        #: What TRL names the reward in its logs.
        self.__name__ = f"chemr_{self.task or 'by_task'}"

    def __call__(
        self,
        prompts: Sequence[Any] = (),
        completions: Sequence[Any] = (),
        completion_ids: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        rows = len(completions)
        tasks = columns.get("task")
        if tasks is None:
            if self.task is None:
                raise ValueError("the dataset has no column `task`; use the reward of one task, e.g. chemr.rewards.trl.Retrosynthesis")
            tasks = [self.task] * rows
        elif self.task is not None:
            tasks = [task if task == self.task else None for task in tasks]
        name = next((name for name in REFERENCE_COLUMNS if name in columns), None)
        if name is None:
            raise ValueError(f"the dataset has no column for the right answer: one of {', '.join(REFERENCE_COLUMNS)}")
        texts = [
            self._prefix(prompts[place] if place < len(prompts) else None) + content(completion)
            for place, completion in enumerate(completions)
        ]
        # What TRL adds beside the columns of the dataset (trainer_state, log_metric, ...) is no list of this length.
        given = {
            key: column
            for key, column in columns.items()
            if key not in (name, "task") and isinstance(column, (list, tuple)) and len(column) == rows
        }
        found = verdicts(tasks, texts, columns[name], given, **self.options)
        self._log(columns.get("log_metric"), found)
        return [verdict and verdict["score"] for verdict in found]

    def _prefix(self, prompt: Any) -> str:
        return "<think>" if not self.prefix and isinstance(prompt, str) and _OPENED.search(prompt) else self.prefix

    def _log(self, log_metric: Any, found: list[dict[str, Any] | None]) -> None:
        judged = [verdict for verdict in found if verdict]
        if callable(log_metric) and judged:
            for part in ("correct", "format", "valid"):
                log_metric(f"{self.__name__}/{part}", sum(verdict[part] for verdict in judged) / len(judged))

    def __repr__(self) -> str:
        given = [f"prefix={self.prefix!r}"] if self.prefix else []
        given += [f"{key}={value!r}" for key, value in self.options.items()]
        return f"{type(self).__name__}({', '.join(given)})"


def content(completion: Any) -> str:
    """The text of a completion: itself, or what the assistant's messages of a chat say."""
    if isinstance(completion, str):
        return completion
    messages = [message for message in completion if message.get("role", "assistant") == "assistant"]
    return "".join(str(message.get("content") or "") for message in messages)


def _class_name(task: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[._]", task))


def _define() -> list[str]:
    names = []
    for id, title, *_ in _chemr.tasks():
        name = _class_name(id)
        made = type(name, (ByTask,), {"task": id, "__doc__": f"Reward of the task ``{id}``: {title}.", "__module__": __name__})
        globals()[name] = made
        names.append(name)
    return names


__all__ = ["ByTask", "content", *_define()]
