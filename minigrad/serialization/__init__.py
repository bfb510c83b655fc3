"""State dicts in files, without pickle: `save` and `load`, in the safetensors format."""

from minigrad.serialization.state import load, save
from minigrad.serialization.tensor_file import CheckpointError

__all__ = ["CheckpointError", "load", "save"]
