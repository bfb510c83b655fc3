"""The pytest plugin: fixture, marker, options, the page with pytest-xdist, Hypothesis, and the first line of a failure."""

import dataclasses
import importlib.util
import os
import pathlib
import subprocess
import sys
import tomllib
import types

import numpy as np
import pytest
import torch

import minigrad as mg
import minigrad.testing.page
from minigrad.testing import checking, plugin
from support.optional_tools import needs

pytest_plugins = "pytester"
ROOT = pathlib.Path(mg.__file__).parents[1]

LAYERS = '''
"""NumPy layers with hand-written backwards; that of soft is wrong."""

import numpy as np


def tanh(x):
    return np.tanh(x)


def tanh_backward(g, x):
    return g * (1 - np.tanh(x) ** 2)


def soft(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def soft_backward(g, x):
    s = soft(x)
    return g * s * (1 - s)


def bend(x):
    return abs(x)


def bend_backward(g, x):
    return g * np.sign(x)


x = np.random.default_rng(0).normal(size=(2, 3))
'''


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs pytest with the plugin on a test file beside LAYERS, with warnings as errors."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(layers=LAYERS)

    def run(source, *options):
        if source:
            pytester.makepyfile(test_layers=source)
        plugins = [option for name in ("no:minigrad", "minigrad.testing.plugin", "no:benchmark") for option in ("-p", name)]
        return pytester.runpytest_inprocess(*plugins, "-W", "error", "--strict-markers", *options)

    return run


# ---- the fixture finds the library


@dataclasses.dataclass
class Pair:
    first: object
    second: object


@pytest.fixture
def fake_jax(monkeypatch):
    """A module jax with arrays and pytrees."""
    jax = types.ModuleType("jax")
    jax.Array = type("Array", (), {})
    jax.Tree = type("Tree", (), {})
    jax.tree_util = types.SimpleNamespace(tree_leaves=lambda tree: [jax.Array()] if isinstance(tree, jax.Tree) else [tree])
    monkeypatch.setitem(sys.modules, "jax", jax)
    return jax


def total(*inputs):
    return inputs[0]


@pytest.mark.parametrize("inputs, library", [
    ((mg.ones(2),), "minigrad"),
    ((np.ones(2), 3, mg.ones(2)), "minigrad"),
    (({"a": [1, (mg.ones(2), None)]},), "minigrad"),
    ((torch.ones(2), np.ones(2)), "torch"),
    ((Pair(2, [torch.ones(2)]),), "torch"),
    ((torch.nn.Parameter(torch.ones(2)), "mean"), "torch"),
])  # fmt: skip
def test_the_library_is_that_of_the_arrays_in_the_inputs(inputs, library):
    assert plugin.library_of(total, inputs, {}) == library


def test_the_parameters_of_a_module_count_too():
    assert plugin.library_of(total, (np.ones(2),), {"params": torch.nn.Linear(2, 3)}) == "torch"
    assert plugin.library_of(total, (np.ones(2),), {"params": mg.nn.Linear(2, 3)}) == "minigrad"
    assert plugin.library_of(total, (), {"params": {"w": torch.ones(2)}}) == "torch"


def test_arrays_of_jax_and_its_pytrees(fake_jax):
    assert plugin.library_of(total, (fake_jax.Array(), np.ones(2)), {}) == "jax"
    assert plugin.library_of(total, ([fake_jax.Tree()],), {}) == "jax"
    assert plugin.library_of(total, (mg.ones(2), 3, None), {}) == "minigrad"
    jitted = type("PjitFunction", (), {"__module__": "jaxlib._jax", "__call__": total})()
    assert plugin.library_of(jitted, (np.ones(2),), {}) == "jax"


@pytest.mark.parametrize("inputs, message", [
    ((np.ones(2),), r"gradcheck\(total, …\): NumPy arrays alone have no backward pass; .* gradcheck.vjp\(total, backward, \*arrays\)"),
    ((2.0, [3]), r"these inputs have no arrays, and so no backward pass; .*gradcheck.vjp"),
    ((mg.ones(2), torch.ones(2)), "the inputs belong to several libraries, minigrad and torch; give those of one"),
])  # fmt: skip
def test_inputs_of_no_library_or_several_are_an_error(inputs, message):
    with pytest.raises(TypeError, match=message):
        plugin.library_of(total, inputs, {})


def test_inputs_in_one_tuple_are_an_error_where_the_function_takes_several():
    with pytest.raises(TypeError, match=r"give the inputs one by one, as in gradcheck\(<lambda>, x, y\), not as a tuple"):
        plugin.library_of(lambda x, y: x * y, ((mg.ones(2), mg.ones(2)),), {})
    assert plugin.library_of(lambda pair: pair[0], ((mg.ones(2), mg.ones(2)),), {}) == "minigrad"
    with pytest.raises(TypeError, match="the function comes first, not Tensor"):
        plugin.library_of(mg.ones(2), (total,), {})


def test_each_check_gets_its_inputs(run):
    result = run("""
        import minigrad as mg, numpy as np, pytest, torch
        from layers import *

        def test_minigrad(gradcheck):
            report = gradcheck(lambda x, y: x * y, mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True), 3.0)
            assert report and report.library == "minigrad"

        def test_torch(gradcheck):
            x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
            assert gradcheck(torch.tanh, x).library == gradcheck.torch(torch.tanh, x).library == "torch"

        def test_numpy(gradcheck):
            assert gradcheck.vjp(tanh, tanh_backward, x).library == "numpy"
            with pytest.raises(TypeError, match="gradcheck.vjp"):
                gradcheck(tanh, x)

        def test_report(gradcheck):
            assert gradcheck.vjp(soft, soft_backward, x, raise_exception=False).verdict == "diagonal"
    """)
    result.assert_outcomes(passed=4)


@needs(importlib.util.find_spec("jax") is not None, "needs JAX, of the extra peers")
def test_functions_of_jax_are_checked(run):
    run("""
        import jax, jax.numpy as jnp, numpy as np, pytest
        from minigrad.testing import GradcheckError

        def test_jax(gradcheck):
            assert gradcheck(jnp.tanh, np.array([0.5, 2.0])).library == "jax"
            assert gradcheck.jax(lambda tree: tree["a"] * tree["b"], {"a": np.ones(2), "b": np.ones(2)}).library == "jax"

        def test_wrong(gradcheck):
            @jax.custom_vjp
            def square(x):
                return x * x

            square.defvjp(lambda x: (x * x, x), lambda x, g: (-2 * x * g,))
            with pytest.raises(GradcheckError) as caught:
                gradcheck(square, np.array([0.5, 2.0]))
            assert caught.value.verdict == "sign"
    """).assert_outcomes(passed=2)


# ---- marker and options


def test_the_marker_gives_default_options_and_the_nearest_counts(run):
    result = run("""
        import pytest
        from layers import *

        pytestmark = pytest.mark.gradcheck(raise_exception=False, audit=True)

        def test_module(gradcheck):
            report = gradcheck.vjp(soft, soft_backward, x)
            assert report.verdict == "diagonal"
            assert gradcheck.vjp(tanh, tanh_backward, x).blind_spots

        @pytest.mark.gradcheck(audit=False)
        def test_nearest(gradcheck):
            assert not gradcheck.vjp(soft, soft_backward, x)
            assert not gradcheck.vjp(tanh, tanh_backward, x).blind_spots

        def test_call(gradcheck):
            assert not gradcheck.vjp(tanh, tanh_backward, x, audit=False).blind_spots
    """)
    result.assert_outcomes(passed=3)


def test_an_unknown_option_is_an_error_that_names_the_right_one(run):
    result = run("""
        import pytest
        from layers import *

        @pytest.mark.gradcheck(rtoll=1e-3)
        def test_marker(gradcheck):
            pass

        @pytest.mark.gradcheck(1e-3)
        def test_position(gradcheck):
            pass

        def test_call(gradcheck):
            gradcheck.vjp(tanh, tanh_backward, x, epsilon=1e-3)
    """)
    result.assert_outcomes(errors=2, failed=1)
    result.stdout.fnmatch_lines_random([
        "@pytest.mark.gradcheck: there is no option 'rtoll'; did you mean 'rtol'?",
        "@pytest.mark.gradcheck takes options by name, such as rtol=1e-4, not 0.001",
        "E*TypeError: check_vjp: there is no option 'epsilon'; did you mean 'eps'?",
        "> *gradcheck.vjp(tanh, tanh_backward, x, epsilon=1e-3)",
    ])
    assert "hidden" not in result.stdout.str()
    assert "plugin.py" not in result.stdout.str()  # the traceback ends at the caller's line


def test_the_marker_selects_what_uses_the_fixture(run):
    source = """
        import pytest

        def test_with(gradcheck):
            pass

        @pytest.fixture
        def layer(gradcheck):
            pass

        def test_indirectly(layer):
            pass

        @pytest.mark.gradcheck
        def test_marked():
            pass

        def test_without():
            pass
    """
    run(source, "-m", "gradcheck").assert_outcomes(passed=3, deselected=1)
    run("", "-m", "not gradcheck").assert_outcomes(passed=1, deselected=3)
    run("", "--markers").stdout.fnmatch_lines(["@pytest.mark.gradcheck(?*options): the default options of the fixture gradcheck*"])


def test_the_seed_is_in_the_header_and_reaches_the_checks(run):
    source = """
        from layers import *

        def test_seed(gradcheck, pytestconfig):
            assert gradcheck.vjp(tanh, tanh_backward, x).seed == pytestconfig.getoption("gradcheck_seed")
    """
    result = run(source)
    result.assert_outcomes(passed=1)
    assert "gradcheck: seed 0" in result.outlines
    result = run(source, "--gradcheck-seed=7", "--gradcheck-audit")
    result.assert_outcomes(passed=1)
    assert "gradcheck: seed 7, every check is audited" in result.outlines
    assert checking.DIRECTIONS_SEED == 0


def test_every_check_is_audited_on_request(run):
    run("""
        import pytest
        from layers import *

        @pytest.mark.gradcheck(audit=False)
        def test_audit(gradcheck):
            assert gradcheck.vjp(tanh, tanh_backward, x).blind_spots
    """, "--gradcheck-audit").assert_outcomes(passed=1)


# ---- failures

FAILING = """
    from layers import *

    def test_soft(gradcheck):
        assert "a line that stands above the failing one"
        gradcheck.vjp(soft, soft_backward, x)
"""


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native"])
def test_the_finding_is_the_first_line(run, monkeypatch, style):
    monkeypatch.setenv("COLUMNS", "200")
    result = run(FAILING, f"--tb={style}")
    result.assert_outcomes(failed=1)
    lines = [line for line in result.outlines if line.strip()]
    first = next(line for line in lines if "d out[" in line)
    assert "the backward is diagonal" in first
    if style in ("auto", "long"):
        assert "test_soft" in lines[lines.index(first) - 1]  # the failure's title
        assert first.startswith("soft: d out[")
    assert "/minigrad/testing/" not in result.stdout.str() or style == "native"
    summary = next(line for line in lines if line.startswith("FAILED"))
    assert summary.startswith("FAILED test_layers.py::test_soft - soft: d out[")


def test_the_finding_is_the_first_line_also_with_xdist_and_randomly(run):
    result = run(FAILING, "-n", "1", "-p", "randomly")
    result.assert_outcomes(failed=1)
    lines = [line for line in result.outlines if line.strip()]
    title = next(number for number, line in enumerate(lines) if "_ test_soft _" in line)
    assert any(line.startswith("soft: d out[") for line in lines[title + 1:title + 3])


def test_an_error_inside_a_function_is_shown_without_the_frames_of_the_check(run):
    result = run("""
        from layers import *
        from minigrad.testing import check_vjp

        def backward(g, x):
            return g.nothing

        def test_fixture(gradcheck):
            gradcheck.vjp(tanh, backward, x)

        def test_call():
            check_vjp(tanh, backward, x)

        def test_inputs(gradcheck):
            gradcheck.vjp(tanh, backward, 3)
    """)
    result.assert_outcomes(failed=3)
    shown = result.stdout.str()
    assert "/testing/" not in shown
    assert shown.count(">       return g.nothing") == 2 and shown.count(">       gradcheck.vjp(tanh, backward, 3)") == 1


# ---- the page


def test_the_page_gathers_the_checks_of_all_processes(run, pytester):
    source = """
        import pytest
        from hypothesis import given, settings, strategies as st
        from minigrad.testing import GradcheckError
        from layers import *

        @pytest.mark.parametrize("n", [1, 2, 3])
        def test_tanh(gradcheck, n):
            gradcheck.vjp(tanh, tanh_backward, x[:, :n], audit=n == 3)

        def test_soft(gradcheck):
            gradcheck.vjp(soft, soft_backward, x)

        def test_planted(gradcheck):
            with pytest.raises(GradcheckError):
                gradcheck.vjp(soft, soft_backward, x)

        @settings(max_examples=20, database=None, derandomize=True)
        @given(x=st.sampled_from([x + 10, x - 10]))
        def test_drawn(gradcheck, x):
            gradcheck.vjp(tanh_slowly, tanh_slowly_backward, x)

        def tanh_slowly(x):
            return np.tanh(x / 10)

        def tanh_slowly_backward(g, x):
            return g * (1 - np.tanh(x / 10) ** 2) / 10
    """
    texts = []
    for options in ((), ("-n", "2")):
        result = run(source, "--gradcheck-report=pages/gradients.html", "--gradcheck-seed=3", *options)
        result.assert_outcomes(passed=5, failed=1)
        result.stdout.fnmatch_lines(["gradcheck: * checks: * right, 1 wrong, 1 wrong, as the test expects; the report is *gradients.html"])
        page = (pytester.path / "pages/gradients.html").read_text()
        assert page.count("<td class=\"\" data-name=\"function\"><b>tanh</b>") == 4  # three checks, and an audited argument
        assert "seed 3" in page and "× 2" in page and "the test passed, and so expects this" in page
        assert page.index("test_layers.py::test_drawn") < page.index("test_layers.py::test_planted</code></td>")
        (pytester.path / "pages/gradients.html").unlink()
        texts.append([line for line in page.split("\n") if "s, seed" not in line and "<tr>" not in line and "reproduce" not in line])
    assert texts[0] == texts[1]


def test_no_page_is_written_unasked_and_a_folder_is_refused(run, pytester):
    source = "def test_nothing(): pass"
    run(source).assert_outcomes(passed=1)
    assert not list(pytester.path.glob("**/*.html"))
    result = run(source, "--gradcheck-report=.")
    result.stderr.fnmatch_lines(["*--gradcheck-report=.: this is a folder; give the name of a file, such as gradients.html"])
    run(source, "--gradcheck-report=empty.html").assert_outcomes(passed=1)
    assert "No test used the fixture" in (pytester.path / "empty.html").read_text()


# ---- Hypothesis


def test_an_example_that_cannot_be_judged_is_left_out(run):
    result = run("""
        import pytest
        from hypothesis import Phase, given, settings, strategies as st
        from minigrad.testing import GradcheckError
        from layers import *

        judged = []
        quiet = settings(max_examples=20, database=None, derandomize=True)

        @quiet
        @given(value=st.sampled_from([0.0, 1.0, -2.0]))
        def test_kink(gradcheck, value):
            gradcheck.vjp(bend, bend_backward, np.array([value]))
            judged.append(value)

        def test_kinks_were_left_out():
            assert set(judged) == {1.0, -2.0}

        @quiet
        @given(value=st.sampled_from([0.0, 1.0]))
        def test_report(gradcheck, value):
            report = gradcheck.vjp(bend, bend_backward, np.array([value]), raise_exception=False)
            assert report.verdict == ("right" if value else "kink")

        def test_outside_of_hypothesis_it_raises(gradcheck):
            with pytest.raises(GradcheckError) as caught:
                gradcheck.vjp(bend, bend_backward, np.array([0.0]))
            assert caught.value.verdict == "kink"

        @settings(quiet, phases=[Phase.generate])
        @given(value=st.sampled_from([1.0, 2.0]))
        def test_wrong(gradcheck, value):
            gradcheck.vjp(soft, soft_backward, value * x)
    """, "-p", "no:randomly")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["soft: d out*the backward is diagonal", "E *test_wrong(", "E *value=1.0*"])
    assert "or any other generated value" not in result.stdout.str()  # what Hypothesis' phase explain would say, after 100 more failures


# ---- installed


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that runs pytest in a process of its own, with the plugin found by the entry point in pyproject.toml."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    metadata = tmp_path / "site" / "minigrad-999.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: minigrad\nVersion: 999\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\n" + "".join(f"{name} = {module}\n" for name, module in declared.items()))
    (metadata / "RECORD").write_text("minigrad/__init__.py,,\n")  # from here pytest knows which modules it may rewrite
    (tmp_path / "test_light.py").write_text("""
import sys


def test_light():
    heavy = {"hypothesis.core", "torch", "jax", "minigrad.testing.checking", "minigrad.testing.page", "minigrad.testing.findings"}
    assert not heavy & set(sys.modules)


def test_uses(gradcheck):
    assert gradcheck
""")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(metadata.parent), str(ROOT)])}
    environment.pop("PYTEST_ADDOPTS", None)

    def run(*options):
        command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:benchmark", "-p", "no:cacheprovider", "-W", "error",
                   "--strict-markers", *options]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_the_entry_point_loads_the_plugin_and_nothing_heavy(installed):
    done = installed("-p", "randomly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gradcheck: seed 0" in done.stdout and "2 passed" in done.stdout and not done.stderr


def test_the_plugin_can_be_turned_off(installed):
    done = installed("-p", "no:minigrad")
    assert "1 passed, 1 error" in done.stdout and "fixture 'gradcheck' not found" in done.stdout
    assert "gradcheck: seed" not in done.stdout


def test_the_plugin_itself_imports_pytest_and_the_standard_library_alone():
    program = ("import sys, pytest, minigrad\nbefore = set(sys.modules)\nimport minigrad.testing.plugin\n"
               "print(*sorted(n for n in set(sys.modules) - before if n.split('.')[0] not in sys.stdlib_module_names))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    assert done.stdout.split() == ["minigrad.testing", "minigrad.testing.plugin"]
