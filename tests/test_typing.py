"""The package is typed for its users: mypy and Pyright accept good programs, and report wrong lines."""

import importlib.util

from support.tools import needs
from support.type_checkers import check_types, find_pyright

checkers = needs(importlib.util.find_spec("mypy") is not None and find_pyright() is not None, "needs mypy and basedpyright")


@checkers
def test_both_checkers_see_the_public_names(tmp_path):
    """What is misspelled is reported by both, at its line, and what is right by neither."""
    program = tmp_path / "program.py"
    program.write_text("import minigrad as mg\n\nx: int = 'a'\n")
    assert [(problem.checker, problem.path, problem.line) for problem in check_types([program])] == [
        ("mypy", program, 3), ("pyright", program, 3)]
