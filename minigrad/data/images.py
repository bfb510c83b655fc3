"""Images that lie in one tensor as bytes, and batches of them as numbers."""

from typing import Any

from minigrad import backend
from minigrad._tensor import Tensor
from minigrad.autograd.graph import wrap


def scaled_images(images: Tensor, index: Any, dtype: Any) -> Tensor:
    """Return images[index].to(dtype) / 255: the images at `index` (row numbers or a slice), their bytes as numbers from 0 to 1.

    On a GPU one kernel gathers, converts and divides. It computes the same numbers.
    """
    wanted = backend.dtype_of(dtype)
    if not images.is_cuda or images.dtype != backend.uint8 or wanted not in backend.cuda.FUSED:
        return images[index].to(dtype) / 255
    rows = backend.rows.row_index(images.array, index.array if isinstance(index, Tensor) else index)
    if rows is None:
        return wrap(backend.rows.divided(images[index].array, wanted, 255))
    return wrap(backend.rows.take(images.array, rows, wanted, 255))
