"""Each program of examples/ runs as its docstring says, in a process of its own and with few steps, and does what it claims."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def printed(name, *steps, cwd):
    """Return what the example prints."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, str(EXAMPLES / name), *map(str, steps)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout


def losses(text):
    return [float(number) for number in re.findall(r"(?:loss|Mean-Squared Error :) (\d+\.\d+)", text)]


def test_the_smallest_net_learns_xor(tmp_path):
    text = printed("smallest_net.py", 100, cwd=tmp_path)
    found = losses(text)
    assert len(found) == 6 and found[0] > 0.5 and found[-1] < 0.01
    assert [round(float(output)) for output in re.findall(r"-> (-?\d\.\d+)", text)] == [0, 1, 1, 0]


def test_the_moons_are_separated_and_drawn(tmp_path):
    text = printed("moons.py", 100, "boundary.png", cwd=tmp_path)
    found, accuracies = losses(text), [int(percent) for percent in re.findall(r"accuracy (\d+) %", text)]
    assert found[-1] < found[0] / 3 and accuracies[-1] > 90
    picture = (tmp_path / "boundary.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 5_000


def test_lecture_20_learns_from_a_few_images(tmp_path):
    text = printed("lecture20.py", 2_000, 3, 2, cwd=tmp_path)
    found, accuracies = losses(text), [float(percent) for percent in re.findall(r"Accuracy : (\d+\.\d+) %", text)]
    assert len(found) == 3 and found[2] < found[1] < found[0] < 0.3
    assert len(accuracies) == 2 and accuracies[1] > 8


def test_lecture_20_is_forty_lines(tmp_path):
    code = (EXAMPLES / "lecture20.py").read_text(encoding="utf-8").split('"""')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


def test_the_operation_and_its_derivatives_are_right(tmp_path):
    text = printed("custom_op.py", cwd=tmp_path)
    value, first, second = ([float(number) for number in line.split(", ")] for line in re.findall(r"\[(-?\d[^\]]*)\]\n", text)[:3])
    assert value == [-0.2384, -0.2689, 0.0, 0.7311, 1.7616]
    assert first == [-0.0908, 0.0723, 0.5, 0.9277, 1.0908]
    assert second == pytest.approx([0.0501, 0.3024, 0.5, 0.3024, 0.0501])
    assert "silu: right in 35 derivatives" in text and "verdict   wrong" in text
    reproducer = text[text.index("to reproduce:"):]
    assert "from typing import Any\n" in reproducer and "class" not in reproducer and "\nx = " not in reproducer


def test_the_straight_through_function_finds_its_signs(tmp_path):
    text = printed("custom_function.py", 200, cwd=tmp_path)
    assert "signs: [-1.0, -1.0, 1.0, 1.0]\ngradient: tensor([0., 1., 1., 0.])" in text
    assert "16 of 16" in text and losses(text)[-1] < 0.01
    assert "16 of 16" not in printed("custom_function.py", 1, cwd=tmp_path)


def test_taylor_coefficients_and_newtons_method(tmp_path):
    text = printed("higher_derivatives.py", cwd=tmp_path)
    coefficients = [float(number) for number in re.findall(r"(-?\d\.\d{6}) x\^", text)]
    assert coefficients == pytest.approx([1, -1 / 3, 2 / 15, -17 / 315], abs=1e-6)
    assert "the lowest point: (1.000000, 1.000000)" in text


def test_the_graph_is_drawn_as_in_the_documentation(tmp_path):
    assert "5 nodes and 4 leaves" in printed("draw_graph.py", cwd=tmp_path)
    words = [re.findall(r">([a-z][^<>=]*)</text>", path.read_text(encoding="utf-8"))
             for path in (tmp_path / "graph.svg", EXAMPLES.parent / "docs" / "graph.svg")]
    assert words[0] == words[1] and {"log_probs", "net.0.weight", "labels"} < set(words[0])


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_each_says_what_one_learns_and_how_to_run_it_and_has_a_test(path):
    docstring = path.read_text(encoding="utf-8").split('"""')[1]
    assert "You learn" in docstring and f"`python examples/{path.name}`" in docstring
    assert f'"{path.name}"' in Path(__file__).read_text(encoding="utf-8")
