"""An export for Inspect through `inspect_ai.eval`, with a model that answers what is written down for it.

    CHEMR=target/release/chemr python export_inspect.py

Needs inspect_ai (0.3.285 was used) and the wheel. Nothing is downloaded.
"""

import json
import os
import tempfile
from pathlib import Path

from exports import TASKS, completion, export

from inspect_ai import eval as run
from inspect_ai.model import Model, ModelOutput, ModelUsage, get_model


def answering(texts: list[str]) -> Model:
    """A model with these answers, in this order."""
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in texts]
    for output in outputs:
        # Where there is no count of tokens, one would be made with a tokenizer from the network.
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return get_model("mockllm/model", custom_outputs=outputs)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = export("inspect", Path(temporary) / "out")
        # Inspect takes paths below the working directory only.
        os.chdir(folder)
        samples = json.loads((folder / "samples.json").read_text())
        # Every second answer is wrong.
        texts = [completion(sample["target"] if place % 2 == 0 else "[Xe]") for place, sample in enumerate(samples)]
        options = dict(log_dir=str(Path(temporary) / "logs"), display="none", max_samples=1, max_connections=1)
        [log] = run("task.py", model=answering(texts), **options)
        assert log.status == "success", log.error and log.error.message
        values = [next(iter(sample.scores.values())).value for sample in log.samples]
        right = [sample.output.completion == completion(sample.target) for sample in log.samples]
        assert len(values) == len(samples) and [value == "C" for value in values] == right, values
        metrics = {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}
        assert set(TASKS) <= set(metrics) and metrics["all"] == sum(right) / len(right), metrics
        first = [text for text, sample in zip(texts, samples, strict=True) if sample["metadata"]["task"] == TASKS[0]]
        [one] = run("task.py", model=answering(first), task_args={"only": TASKS[0]}, **options)
        assert one.results.total_samples == len(first), one.results
        print("Inspect:", {name: round(value, 3) for name, value in metrics.items()})


if __name__ == "__main__":
    main()
