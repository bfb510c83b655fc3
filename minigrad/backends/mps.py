"""Apple's GPUs, which minigrad does not use."""


def is_available() -> bool:
    """Return False: there is no such device here."""
    return False


is_built = is_available
