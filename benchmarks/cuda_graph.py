"""A training step of PyTorch as a CUDA graph: captured once, then replayed by one call of the host."""

from collections.abc import Callable
from typing import Any

import torch


def captured(step: Callable[..., Any], inputs: tuple[Any, ...], run: Any) -> Callable[..., Any]:
    """Return `step` as a graph that reads its inputs from fixed places; the run's weights stay as they are."""
    fixed = [x.clone() for x in inputs]
    weights = {name: value.clone() for name, value in run.net.state_dict().items()}
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(*fixed)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(*fixed)
    forget_steps(run, weights)

    def replay(*given: Any) -> Any:
        for place, x in zip(fixed, given, strict=True):
            place.copy_(x)
        graph.replay()
        return loss.clone()

    return replay


def forget_steps(run: Any, weights: dict[str, Any]) -> None:
    """Undo the steps made so far in the memory that the graph knows."""
    run.net.load_state_dict(weights)
    for state in run.optimizer.state.values():
        for value in state.values():
            if torch.is_tensor(value):
                value.zero_()
