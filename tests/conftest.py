"""The settings of all tests: Hypothesis' profiles, matplotlib without windows, shared fixtures, and what the marker gpu means.

MINIGRAD_TEST_PROFILE=deep makes Hypothesis and the fuzzers try many times as many examples as the default, `ci`.
"""

import functools
import gc
import importlib.util
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

os.environ["MPLBACKEND"] = "Agg"

PROFILE = os.environ.get("MINIGRAD_TEST_PROFILE", "ci")
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", deadline=None, print_blob=True, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(PROFILE)


@functools.cache
def gpu_is_missing():
    """Return why the gpu tests cannot run here, or None. With pytest-xdist the processes that run and that report tests all ask."""
    if importlib.util.find_spec("cupy") is None:
        return "needs CuPy, which is not installed"
    try:
        import cupy
    except ImportError as error:
        return f"needs CuPy, which cannot be imported: {error}"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"needs a CUDA device: {error}"
    return None if count else "needs a CUDA device, and there is none"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Skip the tests on a GPU where there is none, and let the slow tests begin, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = gpu_is_missing() if marked else None
    if reason:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish():
    """Prepare for quick tests.

    The garbage collector leaves out what is there now: else each full collection would look at twelve thousand tests. PyTorch gets one
    thread: with more, it waits long for each small operation while another process uses the processor, such as the next one of xdist.
    """
    gc.collect()
    gc.freeze()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Say plainly, below everything else, whether the tests marked gpu ran, and on what."""
    yield
    reports = [r for outcome in ("passed", "failed", "skipped") for r in terminalreporter.getreports(outcome)]
    tests = [r for r in reports if isinstance(r, pytest.TestReport)]  # a file that is skipped as a whole gives a report of another kind
    marked = [r for r in tests if "gpu" in r.keywords and (r.when == "call" or r.skipped)]
    if not marked:
        return
    reason = gpu_is_missing()
    if reason:
        terminalreporter.write_line(f"The {len(marked)} tests on a GPU did NOT run: {reason}")
        return
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    terminalreporter.write_line(f"{len(marked)} tests ran on {name}, CuPy {cupy.__version__}")


@pytest.fixture(scope="session")
def mnist_arrays():
    """The first images and labels of MNIST, training and test."""
    from support.small_mnist import first_arrays

    return first_arrays()


@pytest.fixture(scope="session")
def mnist_root(tmp_path_factory, mnist_arrays):
    """A folder with these arrays, as torchvision's download leaves it."""
    from support.small_mnist import write_mnist

    root = tmp_path_factory.mktemp("torchvision")
    for name in ("MNIST", "FashionMNIST"):
        write_mnist(root / name / "raw", mnist_arrays)
    return root


@pytest.fixture
def write(tmp_path):
    """Return a function that writes bytes into a file in the test's own folder, and returns its path."""

    def write(content, name="some-idx"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write
