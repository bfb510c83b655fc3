"""Marks for tests that need CuPy, g++, NVRTC or another tool, and are skipped without it.

With MINIGRAD_TEST_TOOLS=required, as in .ci/run, they run nevertheless and fail, so that a missing tool is noticed.
"""

import os

import pytest

REQUIRED = os.environ.get("MINIGRAD_TEST_TOOLS") == "required"


def needs(present, reason):
    """Return the mark that skips a test unless its tool is `present` or required."""
    return pytest.mark.skipif(not present and not REQUIRED, reason=reason)
