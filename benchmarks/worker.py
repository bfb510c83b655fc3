"""One measurement in a process of its own: it reads a request from the command line and prints the answer, both as JSON."""

import importlib
import json
import sys

from benchmarks.engines import ENGINES, load


def main() -> None:
    """Print the answer of the question's function `measure`."""
    request = json.loads(sys.argv[1])
    question = importlib.import_module(f"benchmarks.{request['question']}")
    print(json.dumps(question.measure(load(ENGINES[request["engine"]], request["threads"]), request)))


if __name__ == "__main__":
    main()
