"""Stubs: the classes of the tasks are made when the module is imported."""

from collections.abc import Sequence
from typing import Any

class ByTask:
    task: str | None
    prefix: str
    options: dict[str, Any]
    def __init__(self, *, prefix: str = "", **options: Any) -> None: ...
    def __call__(
        self, prompts: Sequence[Any] = (), completions: Sequence[Any] = (), completion_ids: Any = None, **columns: Any
    ) -> list[float | None]: ...

def content(completion: Any) -> str: ...
def __getattr__(name: str) -> type[ByTask]: ...
