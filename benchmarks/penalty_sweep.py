"""What does lecture 20's L1 penalty do? A Markdown table of its network, trained with several weights.

    python benchmarks/penalty_sweep.py [--weights 0 1e-7 ...] [--form slide] [--epochs N] [--json FILE]

The code is that of the clean test images after the pretraining.
"""

import argparse
import dataclasses
from typing import Any

from minigrad.cli.option_types import path
from minigrad.experiments import denoising, program, run_folder
from minigrad.experiments.config import LECTURES, config_as_dict

WEIGHTS = [0.0, 1e-7, 1e-6, 1e-5, 1e-4, 0.1]
HEAD = """\
| penalty | error | accuracy | mean \\|code\\| | code below 0.01 | decoder weights below 0.001 |
|---:|---:|---:|---:|---:|---:|"""


def row(summary: dict[str, Any], weight: float) -> str:
    """Return a line of the table."""
    sparsity = summary["sparsity"]
    return (
        f"| {weight:g} | {summary['mse']:.4f} | {summary['test_accuracy']:.2f} % "
        f"| {sparsity['mean_abs_code']:.4f} | {100 * sparsity['share_of_code_below_0.01']:.2f} % "
        f"| {100 * sparsity['share_of_decoder_weights_below_0.001']:.2f} % |"
    )


def main() -> None:
    """Train, print each line as soon as it is known, and write everything to a JSON file if asked to."""
    preset = LECTURES["denoising"]
    parser = argparse.ArgumentParser(description="Train lecture 20's network with several weights.")
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    parser.add_argument("--form", choices=["sign", "slide"], default=preset.l1_form)
    parser.add_argument("--epochs", type=int, default=preset.epochs)
    parser.add_argument("--finetune-epochs", type=int, default=preset.finetune_epochs)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", type=path, metavar="FILE")
    options = parser.parse_args()
    config = dataclasses.replace(
        preset,
        l1_form=options.form,
        epochs=options.epochs,
        finetune_epochs=options.finetune_epochs,
        limit=options.limit,
    )
    print(HEAD, flush=True)
    summaries = {}
    for weight in options.weights:
        summary = program.run_lecture(denoising, dataclasses.replace(config, l1_weight=weight), quiet=True)
        print(row(summary, weight), flush=True)
        summaries[f"{weight:g}"] = summary
    if options.json is not None:
        versions = run_folder.versions(denoising.training.PACKAGES)
        result = {"config": config_as_dict(config), "versions": versions, "by_weight": summaries}
        run_folder.write_json(options.json, result)


if __name__ == "__main__":
    main()
