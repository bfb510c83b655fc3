"""Many images as one, and as a file: torchvision's `utils`."""

import math
from typing import Any

from minigrad._tensor import Tensor
from minigrad.backend import uint8
from minigrad.data.transforms import pillow
from minigrad.functions.creation import full
from minigrad.functions.shapes import cat, stack

__all__ = ["make_grid", "save_image"]


def make_grid(
    tensor: Tensor | list[Tensor], nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: tuple[float, float] | None = None,
    scale_each: bool = False, pad_value: float = 0.0,
) -> Tensor:
    """Return images, (n, C, H, W) or a list of (C, H, W), side by side as one of shape (C, height, width); grey ones get three channels.

    nrow, padding, pad_value: the number of images in a row, and the width and the value of the border around each. One image, also one
        of shape (C, H, W) or (H, W), gets no border.
    normalize: map `value_range`, or else the least and the greatest of all values (with `scale_each`, of each image), to 0 and 1.
    """
    images = stack(tensor) if isinstance(tensor, list) else tensor
    if not isinstance(images, Tensor) or not 2 <= images.ndim <= 4:
        found = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"make_grid: expected a tensor of shape (H, W), (C, H, W) or (n, C, H, W), or a list of tensors, found {found}")
    images = images.detach().reshape(*(1,) * (4 - images.ndim), *images.shape)
    images = cat([images] * 3, 1) if images.shape[1] == 1 else images
    if normalize:
        parts = images if scale_each else [images]
        images = stack([_to_unit(part, value_range) for part in parts]).reshape(images.shape)
    count, channels, height, width = images.shape
    if count == 1:
        return images[0]
    columns = min(nrow, count)
    down, right = height + padding, width + padding
    shape = (channels, down * math.ceil(count / columns) + padding, right * columns + padding)
    grid = full(shape, pad_value, dtype=images.dtype, device=images.device)
    for i, image in enumerate(images):
        top, left = i // columns * down + padding, i % columns * right + padding
        grid[:, top:top + height, left:left + width] = image
    return grid


def _to_unit(images: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    """Return (x - low) / (high - low) of all values, cut off at low and high."""
    low, high = value_range or (float(images.min()), float(images.max()))
    return images.clamp(low, high).sub_(low).div_(max(high - low, 1e-5))


def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **options: Any) -> None:
    """Write images with values from 0 to 1 to `fp`, a path or a file object, side by side as `make_grid` with its options puts them.

    The format is that of the path's ending (.png, .jpg, …), or `format`. Pillow writes it.
    """
    image = make_grid(tensor, **options).mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).cpu().to(uint8)
    pillow().fromarray(image.numpy()).save(fp, format=format)
