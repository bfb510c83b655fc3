"""Check right functions at thousands of drawn inputs, and list every one that a verdict accuses.

python -m tools.right_functions [--checks N] [--seed S] [--first I] [--jobs J] [--only NAME …] [--repeat I …]

Check number I of seed S is the same wherever the same libraries are installed: --repeat I makes it alone and prints its report. The
functions are those of tests/support/right_functions.py, right_pairs.py, right_torch.py and right_jax.py; JAX's take part where JAX is
installed. An error counts as an accusation. The exit code is 1 if there was one.
"""

import argparse
import collections
import functools
import multiprocessing
import sys
import time
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from support import right_checks  # noqa: E402


def one(number, seed, wanted):
    """Make one check; return (number, name, verdict, whether it accuses, whether it is suspicious, text, seconds)."""
    start = time.perf_counter()
    check = right_checks.numbered(seed, number, wanted)
    name = f"{check.library}.{check.right.name}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            report = check.report()
        except Exception as error:  # an error is as bad as a wrong verdict, and must not end the run
            where = traceback.format_exc().splitlines()[-4:]
            return number, name, type(error).__name__, True, False, "\n".join([str(check), *where]), time.perf_counter() - start
    text = "\n".join([str(check), *str(report).splitlines()[:6]])
    suspicious = right_checks.is_suspicious(check.right, report)
    return number, name, report.verdict, report.accuses, suspicious, text, time.perf_counter() - start


def without_threads():
    """Keep each process to one thread, where PyTorch is installed."""
    if "torch" in right_checks.tables():
        import torch

        torch.set_num_threads(1)


def run(arguments):
    """Make the checks; print progress, what is found at once, and the counts. Return the number of accused functions."""
    numbers = range(arguments.first, arguments.first + arguments.checks)
    verdicts, by_name, seconds_of = collections.Counter(), collections.defaultdict(collections.Counter), collections.Counter()
    accused = []
    task = functools.partial(one, seed=arguments.seed, wanted=set(arguments.only))
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, without_threads) as pool:
        for done, outcome in enumerate(pool.imap_unordered(task, numbers, 20), 1):
            number, name, verdict, accuses, suspicious, text, seconds = outcome
            verdicts[f"{verdict}{' (accused)' if accuses else ''}"] += 1
            by_name[name][verdict] += 1
            seconds_of[name] += seconds
            if accuses:
                accused.append(number)
            if accuses or (suspicious and arguments.suspicious):
                headline = f"{'ACCUSED' if accuses else 'suspicious'} {number} {name}: {verdict}"
                print(f"{headline}\n{text}".replace("\n", "\n  "), flush=True)
            if done % 1000 == 0:
                print(f"{done} of {len(numbers)} checks, {len(accused)} accused, {time.perf_counter() - start:.0f} s", flush=True)
    print("\nVerdicts:", ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common()))
    for name, counts in sorted(by_name.items(), key=lambda item: item[1]["right"] / item[1].total()):
        if set(counts) - {"right"}:
            print(f"  {name}: {', '.join(f'{verdict} {count}' for verdict, count in counts.most_common())}")
    longest = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in seconds_of.most_common(8))
    print(f"Most of {seconds_of.total():.0f} seconds: {longest}")
    print(f"{len(accused)} of {len(numbers)} right functions were accused. Repeat: "
          f"python -m tools.right_functions --seed {arguments.seed} --repeat {' '.join(map(str, sorted(accused)[:40]))}")
    return len(accused)


def repeat(arguments):
    """Make single checks again, and print inputs and reports."""
    for number in arguments.repeat:
        check = right_checks.numbered(arguments.seed, number, set(arguments.only))
        print(f"{number}: {check}\n{check.report()}\n")


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=20_000, help="how many (default 20000)")
    parser.add_argument("--seed", type=int, default=0, help="of all checks (default 0)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first check (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--only", nargs="+", default=[], help="names of functions, torch.gelu for example")
    parser.add_argument("--suspicious", action="store_true", help="print also a kink of a function that is smooth")
    parser.add_argument("--repeat", nargs="+", type=int, default=[], help="numbers of checks to make again alone")
    arguments = parser.parse_args()
    if arguments.repeat:
        return repeat(arguments)
    return 1 if run(arguments) else 0


if __name__ == "__main__":
    sys.exit(main())
