"""The switches of cuDNN, which minigrad does not use: they may be set, and have no effect."""

enabled, benchmark, deterministic = True, False, False


def is_available() -> bool:
    """Return False: there is no cuDNN here."""
    return False
