"""Each lesson is true and can be solved; its file, notebook and page say the same; an answer that is blank is not done."""

import contextlib
import io
import json
import re
from importlib import import_module

import pytest

from minigrad.lessons import judge, lessons
from minigrad.lessons.sources import parse
from minigrad.lessons.writing import as_file, as_notebook, as_page, as_text, in_ascii
from support.planted_bugs import BUGS

LESSONS = lessons()
each = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: f"lesson {lesson.number}")


def run(cells, names):
    """Run the code of cells one after the other, and return what each printed."""
    printed = []
    for code in cells:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "<cell>", "exec"), names)
        printed.append(out.getvalue())
    return printed


@each
def test_the_solution_is_right_and_all_numbers_hold(lesson, tmp_path):
    cells = [cell for cell in lesson.cells if cell.kind != "text"]
    names = {"__name__": "lesson"}
    printed = run([cell.code(solved=True) for cell in cells], names)  # the claims among them
    for cell, out in zip(cells, printed):
        assert out.endswith(cell.printed + "\n" * bool(cell.printed))
        assert out.count("\n") == len(cell.printed.splitlines()) or "# prints the" in cell.source
    file = tmp_path / "lesson.py"
    file.write_text(as_file(lesson, solved=True), encoding="utf-8")
    judgements = judge(lesson.number, file)
    assert [j.exercise for j in judgements] == list(lesson.exercises)
    assert {j.state for j in judgements} == {"right"}, judgements


@each
def test_a_number_in_the_text_stands_in_code_that_is_run(lesson):
    """Whole numbers of one or two digits are left to the reader."""
    text = "\n".join(cell.source for cell in lesson.cells if cell.kind == "text")
    code = "\n".join(cell.source for cell in lesson.cells if cell.kind != "text")
    numbers = set(re.findall(r"\d+\.\d+|\d{3,}", re.sub(r"\b(?:19|20)\d\d\b", "", text)))
    assert {number for number in numbers if number not in code} == set()


@each
def test_a_file_that_was_not_touched_is_not_done(lesson, tmp_path):
    file = tmp_path / "lesson.py"
    file.write_text(as_file(lesson), encoding="utf-8")
    assert "# answer" not in as_file(lesson) and "# end" not in as_file(lesson) and "claims" not in as_file(lesson)
    assert {j.state for j in judge(lesson.number, file)} == {"not done yet"}
    with contextlib.redirect_stdout(io.StringIO()) as out:  # as a program
        exec(compile(as_file(lesson), str(file), "exec"), {"__name__": "__main__"})
    assert f"0 of {len(lesson.exercises)} right" in out.getvalue()


@each
def test_the_notebook_judges_after_each_exercise(lesson):
    book = json.loads(as_notebook(lesson, solved=True))
    assert book["nbformat"] == 4 and len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    for cell in book["cells"]:
        of_code = () if cell["cell_type"] == "markdown" else ("execution_count", "outputs")
        assert set(cell) == {"cell_type", "id", "metadata", "source", *of_code}
    *code, last = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    printed = run(code, {"__name__": "__main__"})
    assert last == f"check({lesson.number}, globals())" and code.count("from minigrad.lessons import check") == 1
    assert "".join(printed).count(": right (") == len(lesson.exercises)
    blank = "".join(cell.code() for cell in lesson.cells if cell.exercises)
    assert blank.count("...") > len(lesson.exercises) - 1 and "# answer" not in blank


def test_a_notebook_is_judged_as_a_file_is(tmp_path):
    file = tmp_path / "lesson_1.ipynb"
    book = json.loads(as_notebook(LESSONS[0], solved=True))
    book["cells"].insert(1, {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n"]})
    file.write_text(json.dumps(book), encoding="utf-8")
    assert {j.state for j in judge(1, file)} == {"right"}
    file.write_text('{"cells": 3}')
    assert "no notebook" in judge(1, file)[0].text


@each
def test_the_exercises_are_those_that_are_judged(lesson):
    checks = import_module(f"minigrad.lessons.checks.lesson_{lesson.number}")
    assert 2 <= len(lesson.exercises) <= 4 and len(lesson.tasks) in (len(lesson.exercises), len(lesson.exercises) - 1)
    assert all(callable(getattr(checks, name)) and getattr(checks, name).__doc__ for name in lesson.exercises)
    marked = [cell for cell in lesson.cells if "# answer\n" in cell.source]
    assert marked == [cell for cell in lesson.cells if cell.exercises]
    assert lesson.cells[0].source.splitlines()[0] == f"# Lesson {lesson.number}: {lesson.heading}"


@each
def test_the_texts_fit_a_terminal_of_80_columns_and_ascii(lesson):
    shown = [as_file(lesson), as_file(lesson, solved=True), as_text(lesson)]
    assert max(len(line) for text in shown for line in text.splitlines()) <= 79
    assert 15 < as_text(lesson).count("\n") < 100
    prose = as_text(lesson)
    assert "# %%" not in prose and "```" not in prose and not re.search(r"\*\*[a-zA-Z]", prose)
    assert {letter for text in shown for letter in in_ascii(text) if not letter.isascii()} == set()


@each
def test_the_page_has_each_solution_folded(lesson):
    page = as_page(lesson)
    assert page.startswith(f"# Lesson {lesson.number}: ") and page.count("```") % 2 == 0
    assert page.count("<details") == page.count("</details>") == len([cell for cell in lesson.cells if cell.exercises])
    assert f"lesson_{lesson.number}.ipynb" in page and "claims" not in page


def test_the_engine_of_lesson_2_has_sixty_lines_at_most():
    code = "".join(cell.code(solved=True) for cell in LESSONS[1].cells if cell.exercises)
    assert 50 < len(code.splitlines()) <= 60


def test_the_bugs_of_lesson_7_are_some_that_the_tests_must_catch():
    planted = {"factor 1/2": "ops.sqrt", "transpose: order not inverted": "ops.transpose"}
    planted["maximum: a tie gives all to both"] = "ops.pick_grad"
    assert planted.items() <= {bug.name: bug.function for bug in BUGS}.items()


def test_an_unknown_kind_of_cell_is_an_error():
    with pytest.raises(ValueError, match="unknown kind of cell 'exersise"):
        parse(1, '"""Lesson 1: a title."""\n# %% exersise: a\nx = 1\n')
    with pytest.raises(ValueError, match="no lesson 9"):
        judge(9, {})
    with pytest.raises(ValueError, match="no exercise 'squared'"):
        judge(1, {}, "squared")
