"""A mutation run: make one small change at a time in ops, engine and optimizers, and see whether the suite's checks notice it.

python -m tools.mutation [--only WORD] [--survivors-of LOG] [--jobs N] [--list]

Each change is made in the syntax tree, compiled, and put into the loaded functions of a forked process. That runs the checks
that reach the changed function, until one fails. Docstrings, annotations, messages of errors, defaults and module-level code,
which runs only at import, are not changed. MUTATION.md has the score and explains each survivor.
"""

import argparse
import ast
import collections
import contextvars
import copy
import functools
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

import hypothesis  # noqa: E402
import torch  # noqa: E402

from support import named_checks, tests_as_functions  # noqa: E402
from support.backends import NUMPY  # noqa: E402
from support.code_patching import inner, live_functions, modules_of, planted, put, text_of  # noqa: E402

TESTS = HERE.parent / "tests"
PACKAGES = ("minigrad.ops", "minigrad.autograd", "minigrad.optim")  # whose modules are changed
FOLDERS = ("autograd", "functions", "optim")  # whose tests take part, and those of FILES too
FILES = ("test_bugs", "test_copies", "test_printing", "backend.test_dtypes", "backend.cpu.test_sums", "backend.cuda.test_device")
BUDGET = 6  # seconds of checks for one change, besides the checks whose own name contains the function's name
NOT_PLANTED = "not planted"  # the changed text is no program, or no loaded function has this code; such a change is not counted
LIMIT = 60  # seconds of computing for one change; a change that takes longer made an endless loop and counts as noticed


def changed_modules():
    """Return the names of the modules that are changed."""
    return [module for package in PACKAGES for module in modules_of(package)]


def test_modules():
    """Return the names of the files whose tests take part, as they are imported."""
    paths = [path.relative_to(TESTS) for folder in FOLDERS for path in sorted((TESTS / folder).rglob("test_*.py"))]
    return [*FILES, *(".".join(path.with_suffix("").parts) for path in paths)]


@functools.cache
def all_checks():
    """Return {name: check}: the checks of named_checks.py, and the tests that are plain functions."""
    found = {**named_checks.CHECKS, **tests_as_functions.tests(*test_modules(), examples=30)}
    in_other_processes = ("reproducer", "declaration")  # they would not see the change
    return {name: check for name, check in found.items() if not any(word in name for word in in_other_processes)}


# ---- the changes

BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
          ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift}
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
           ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
NAMES = {"max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum", "argmax": "argmin", "argmin": "argmax",
         "zeros_like": "ones_like", "ones_like": "zeros_like", "any": "all", "all": "any"}


def changes_of(node):
    """Yield each change of a node: (what is done, a function that changes a copy of the node and returns its replacement)."""
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        yield "operator", lambda n: set_field(n, op=BINARY[type(n.op)]())
    if isinstance(node, ast.AugAssign):
        if type(node.op) in BINARY:
            yield "operator", lambda n: set_field(n, op=BINARY[type(n.op)]())
        yield "= instead", lambda n: ast.Assign(targets=[n.target], value=n.value, lineno=n.lineno)
    if isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield "operator left out", lambda n: n.operand
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if type(op) in COMPARE:
                yield "comparison", lambda n, i=i: set_field(n, ops=[*n.ops[:i], COMPARE[type(n.ops[i])](), *n.ops[i + 1:]])
    if isinstance(node, ast.BoolOp):
        yield "and/or", lambda n: set_field(n, op=ast.Or() if isinstance(n.op, ast.And) else ast.And())
        for i in range(len(node.values)):
            yield f"part {i} left out", lambda n, i=i: without(n, i)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "truth", lambda n: ast.Constant(not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield "number", lambda n: ast.Constant(n.value + 1)
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "condition", lambda n: set_field(n, test=ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Lambda):
        yield "identity", lambda n: set_field(n, body=ast.Name(n.args.args[0].arg, ast.Load())) if n.args.args else n
    if isinstance(node, (ast.Expr, ast.AugAssign, ast.Delete)):
        yield "left out", lambda n: ast.If(ast.Constant(False), [n], [])  # so that closures keep their variables
    if isinstance(node, ast.Continue):
        yield "break", lambda n: ast.Break()
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield NAMES[node.attr], lambda n: set_field(n, attr=NAMES[n.attr])


def without(node, i):
    """Return a chain of and/or without its part i."""
    rest = [*node.values[:i], *node.values[i + 1:]]
    return set_field(node, values=rest) if len(rest) > 1 else rest[0]


def set_field(node, **fields):
    """Set fields of a node and return it."""
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def walk(node, inside="", runs=False):
    """Yield (parent, field, index, node, name of the function) for each node in a function's body that may be changed.

    inside: the name of the function or class around the node. runs: whether that is a function; what a class's body does is done at import.
    """
    for name, value in ast.iter_fields(node):
        if name in ("decorator_list", "annotation", "returns", "args") and not isinstance(node, ast.Call):
            continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.JoinedStr)) or is_docstring(child):
                continue
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name_of_child = f"{inside}.{child.name}" if inside else child.name
                yield from walk(child, name_of_child, runs or isinstance(child, ast.FunctionDef))
                continue
            here = runs or (inside != "" and isinstance(child, ast.Lambda))
            if here:
                yield node, name, i, child, inside
            yield from walk(child, inside, here)


def is_docstring(node):
    """Return whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def mutants(module):
    """Yield (description, changed tree, name of the function) for each change in a module. The tree is changed back afterwards."""
    tree, lines = ast.parse(text_of(module)), text_of(module).splitlines()
    for parent, field, index, node, inside in list(walk(tree)):
        for kind, change in changes_of(node):
            made = change(copy.deepcopy(node))
            short = " ".join(f"{ast.unparse(node)} → {ast.unparse(made)}".split())
            if ast.unparse(node) == ast.unparse(made):
                continue
            put(parent, field, index, ast.fix_missing_locations(ast.copy_location(made, node)))
            yield f"{module}:{node.lineno} {inside}: {kind}: {short[:160]}   | {lines[node.lineno - 1].strip()[:100]}", tree, inside
            put(parent, field, index, node)


# ---- which checks reach which functions


def reached():
    """Run each check once and return ({(file, function): the checks that call it}, {check: how long it takes})."""
    found, times = {}, {}
    for name, check in all_checks().items():
        start = time.process_time()
        seen = set()

        def note(frame, *_, seen=seen):
            code = frame.f_code
            if "minigrad" in code.co_filename:
                seen.add((code.co_filename, code.co_qualname))

        sys.settrace(note)
        try:
            contextvars.copy_context().run(check)
        except BaseException as error:
            print(f"left out, as it fails without any change: {name}: {type(error).__name__}: {error}", flush=True)
            continue
        finally:
            sys.settrace(None)
        times[name] = time.process_time() - start
        for place in seen:
            found.setdefault(place, []).append(name)
    return found, times


def names_in(module):
    """Return {function: the names of all code inside it}."""
    file = sys.modules[module].__file__

    def below(code):
        return [code.co_qualname, *[q for c in inner(code) for q in below(c)]]

    found = {}
    for code in inner(compile(text_of(module), file, "exec")):
        found[code.co_qualname] = below(code)
        for method in inner(code):
            found[method.co_qualname] = below(method)
    return found


# ---- trying a change


def attempt(module, tree, names):
    """Return the name of the check that fails with this change, or "" if none does."""

    def work():
        try:
            with planted(module, tree):
                return next(failing(names), "")
        except (LookupError, SyntaxError, ValueError) as error:
            return f"{NOT_PLANTED}: {type(error).__name__}: {error}"
        except BaseException as error:
            return f"cannot run: {type(error).__name__}: {error}"

    return forked(work, LIMIT)


def forked(work, limit=resource.RLIM_INFINITY):
    """Return the text that `work()` returns. It runs in a process of its own, which prints nothing and may compute for `limit` seconds."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        os.write(write, work().encode()[:4000])
        os._exit(0)
    os.close(write)
    return answer_of(child, read)


def failing(names):
    """Run the checks, and yield the name and the kind of error of each that fails."""
    for name in names:
        try:
            contextvars.copy_context().run(all_checks()[name])
        except hypothesis.errors.Flaky:  # did not fail again
            continue
        except BaseException as error:
            yield f"{name}: {type(error).__name__}"


def false_alarms(names):
    """Return the checks that fail without a change. They run as with a change: in a process forked from one that ran no check itself."""
    all_checks()
    torch.set_num_threads(1)
    with NUMPY.active():
        return {line.split(": ")[0] for line in forked(lambda: "\n".join(failing(names))).splitlines()}


def answer_of(child, read):
    """Return what the child wrote, or why it wrote nothing."""
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return text or (f"died: status {status}" if status else "")


def affordable(names, function, times):
    """Return the checks for a change in a function: all whose name contains the function's, then the quickest others, as time allows."""
    chosen, spent = [], 0.0
    named = {n for n in names if function in n and len(function) > 2}  # "op" is in every other name
    for name in sorted(names, key=lambda n: (n not in named, times[n], n)):
        if name in named or spent < BUDGET:
            chosen.append(name)
            spent += times[name]
    return chosen


def tries(only, places, times):
    """Yield (description, module, tree, checks) for each change."""
    for module in changed_modules():
        file, below = sys.modules[module].__file__, names_in(module)
        for description, tree, inside in mutants(module):
            if not any(word in description for word in only):
                continue
            code = below.get(inside.split(".")[0], []) if inside not in below else below[inside]
            names = {name for q in code for name in places.get((file, q), ())}
            yield description, module, tree, affordable(names, inside.split(".")[0], times)


def run_share(jobs):
    """Try every change of one share and return [(description, answer)]."""
    share, count, only, places, times = jobs
    torch.set_num_threads(1)
    results = []
    all_checks()  # cached here once, not in every child
    changed_modules()
    live_functions()
    found = collections.Counter()  # how many changes each check noticed
    with NUMPY.active():
        for number, (description, module, tree, names) in enumerate(tries(only, places, times)):
            if number % count != share:
                continue
            names.sort(key=lambda n: -found[n] / times[n])  # first those that found most for their time
            start = seconds_of_children()
            answer = attempt(module, tree, names)
            found[answer.split(": ")[0]] += 1
            if not answer.startswith(NOT_PLANTED):
                results.append((description, answer))
            took = f"{seconds_of_children() - start:.1f} s"
            print("noticed " if answer else "survived", description, "|", answer[:60], "|", took, flush=True)
    return results


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="changes whose description has this word")
    parser.add_argument("--survivors-of", metavar="LOG", help="only the changes that survived the run that printed this file")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="list the changes and stop")
    options = parser.parse_args()
    if options.list:
        for module in changed_modules():
            for description, _, _ in mutants(module):
                if (options.only or "") in description:
                    print(description)
        return
    with NUMPY.active():
        places, times = reached()
    print(f"{len(all_checks())} checks reach {len(places)} functions", flush=True)
    only = [options.only or ""]
    if options.survivors_of:
        lines = Path(options.survivors_of).read_text(encoding="utf-8").splitlines()
        only = [line.removeprefix("survived ").split(": ", 1)[1].split("   |")[0] for line in lines if line.startswith("survived ")]
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for name in pool.apply(false_alarms, (list(times),)):
            print(f"left out, as it fails in a forked process without any change: {name}", flush=True)
            places = {place: [n for n in checks if n != name] for place, checks in places.items()}
        shares = [(i, options.jobs, only, places, times) for i in range(options.jobs)]
        results = [r for share in pool.map(run_share, shares) for r in share]
    survivors = [d for d, answer in results if not answer]
    print()
    for module in changed_modules():
        answers = [answer for d, answer in results if d.startswith(f"{module}:")]
        if answers:
            print(module, score(answers))
    print("all", score([answer for _, answer in results]), "\n\nsurvivors:\n")
    print("\n".join(sorted(survivors)))


def seconds_of_children():
    """Return the processor time, in seconds, of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def score(answers):
    """Return how many changes there were and how many were noticed, as text."""
    noticed = sum(map(bool, answers))
    return f"{len(answers)} changes, {noticed} noticed ({100 * noticed / max(1, len(answers)):.1f} %)"


if __name__ == "__main__":
    main()
