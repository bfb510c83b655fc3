"""Tools that some tests need: CuPy, g++, NVRTC, pytest's plugins. Without them these tests are skipped.

Where MINIGRAD_TEST_TOOLS=required, as in .ci/run, they run nevertheless and fail, so that no skip hides a failure.
"""

import os

import pytest

REQUIRED = os.environ.get("MINIGRAD_TEST_TOOLS") == "required"


def needs(present, reason):
    """Return the mark that skips a test unless its tool is `present` or required."""
    return pytest.mark.skipif(not present and not REQUIRED, reason=reason)
