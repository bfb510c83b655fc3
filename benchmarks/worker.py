"""One measurement in a process of its own: a request on the command line, the answer as JSON."""

import importlib
import json
import sys

from benchmarks.engines import ENGINES, load


def main() -> None:
    """Let the question's own `measure` answer."""
    request = json.loads(sys.argv[1])
    question = importlib.import_module(f"benchmarks.{request['question']}")
    print(json.dumps(question.measure(load(ENGINES[request["engine"]], request["threads"]), request)))


if __name__ == "__main__":
    main()
