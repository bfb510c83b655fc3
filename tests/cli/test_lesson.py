"""`minigrad lesson`: what it prints, writes and returns."""

import io
import json

import pytest

from minigrad.cli import main
from minigrad.lessons import lessons


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_student_starts_fails_mends_and_solves_a_lesson(tmp_path, capsys):
    assert main(["lesson", "start", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Lesson 1: Scalars and the chain rule\n====") and max(map(len, out.splitlines())) <= 80
    assert "\n  Exercise 1: a square\n  Exercise 2: a product\n" in out and "minigrad lesson check 1\n" in out
    assert main(["lesson", "check", "1"]) == 1
    assert "0 of 4 right" in capsys.readouterr().out
    file = tmp_path / "lesson_1.py"
    file.write_text(file.read_text(encoding="utf-8").replace("return ...  # your answer", "return g * x", 1), encoding="utf-8")
    assert main(["lesson", "check", "1"]) == 1
    out = capsys.readouterr().out
    assert "constant factor" in out and "yours = 1/2 · expected" in out
    assert main(["lesson", "solution", "1"]) == 0
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["lesson", "check", "1", str(file)]) == 0
    assert "4 of 4 right" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--notebook"], ["--out", "mine.py"], ["--folder", "."]])
def test_work_is_never_written_over(options, tmp_path, capsys):
    assert main(["lesson", "start", "2", *options]) == 0
    (file,) = tmp_path.iterdir()
    file.write_text("my work", encoding="utf-8")
    capsys.readouterr()
    assert main(["lesson", "start", "2", *options]) == 1
    captured = capsys.readouterr()
    assert file.read_text(encoding="utf-8") == "my work" and captured.out == ""
    assert f"{file.name} exists, and is left as it is" in captured.err and "--out NEW_NAME" in captured.err


def test_the_list_says_how_far_one_is(tmp_path, capsys):
    assert main(["lesson"]) == 0
    out = capsys.readouterr().out
    assert [line.split("  ", 2)[2] for line in out.splitlines()[:8]] == [lesson.heading for lesson in lessons()]
    assert out.endswith("minigrad lesson start 1 begins the first one.\n") and max(map(len, out.splitlines())) <= 80
    main(["lesson", "start", "1", "--folder", "course"])
    main(["lesson", "solution", "6"])
    (tmp_path / "course" / "lesson_6.py").write_text(capsys.readouterr().out.partition('"""')[1] + "x\n" + '"""\n', encoding="utf-8")
    assert main(["lesson", "list", "--folder", "course"]) == 0
    out = capsys.readouterr().out
    assert "Scalars and the chain rule                           0 of 4 right\n" in out
    assert "6  SGD, momentum and Adam by hand                       0 of 3 right\n" in out
    assert out.endswith("minigrad lesson start 2 begins the next one.\n")


def test_a_notebook_is_written_and_judged(tmp_path, capsys):
    assert main(["lesson", "start", "6", "--notebook"]) == 0
    assert "Open lesson_6.ipynb in Jupyter" in capsys.readouterr().out
    assert json.loads((tmp_path / "lesson_6.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
    assert main(["lesson", "check", "6"]) == 1
    assert "not done yet" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, words", [
    (["check", "2"], "there is no file lesson_2.py; minigrad lesson start 2 writes one"),
    (["check", "2", "nothing.py"], "there is no file nothing.py"),
])
def test_a_missing_file_is_misuse(arguments, words, capsys):
    assert main(["lesson", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("arguments, words", [
    (["start"], "the following arguments are required: N"),
    (["start", "9"], "expected the number of a lesson, 1 to 8; found 9"),
    (["check", "one"], "found one"),
    (["begin", "1"], "invalid choice: 'begin'"),
    (["start", "1", "--output", "x"], "unrecognized arguments: --output x"),
    (["start", "1", "--out", ""], "expected a name, found an empty text"),
])
def test_misuse_is_one_line(arguments, words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["lesson", *arguments])
    captured = capsys.readouterr()
    assert exit_.value.code == 2 and words in captured.err and captured.err.count("\n") == 1


def test_an_interrupt_says_where(tmp_path, capsys):
    (tmp_path / "lesson_1.py").write_text("def square_backward(g, x):\n    raise KeyboardInterrupt\n")
    assert main(["lesson", "check", "1"]) == 130
    first, last = capsys.readouterr().err.splitlines()
    assert first == "lesson_1.py, line 2, in square_backward: stopped here; does this run without end? raise KeyboardInterrupt"
    assert last.endswith("interrupted")


def test_a_folder_for_a_file_is_an_error_in_one_line(tmp_path, capsys):
    assert main(["lesson", "check", "1", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"minigrad: error: {tmp_path}: Is a directory\n"
    (tmp_path / "file").write_text("")
    assert main(["lesson", "start", "1", "--folder", "file"]) == 1
    assert "file" in capsys.readouterr().err


def test_an_output_in_ascii_gets_the_letters_of_formulas_spelled_out(monkeypatch, tmp_path):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", out)
    assert main(["lesson", "start", "4"]) == 0
    text = out.buffer.getvalue().decode("ascii")
    assert "y[k] = log p[k] = x[k] - log sum e^x" in text and "\\" not in text
    assert "Σ e^x" in (tmp_path / "lesson_4.py").read_text(encoding="utf-8")
