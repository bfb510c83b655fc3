"""Transforms of the items of a data set: torchvision's, on NumPy arrays and tensors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad._tensor import Tensor
from minigrad.backend import get_default_dtype, plain_array
from minigrad.functions.creation import from_numpy

Transform = Callable[[Any], Any]


class Compose:
    """Apply several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(self, item: Any) -> Any:
        for transform in self.transforms:
            item = transform(item)
        return item

    def batch(self, items: Any) -> Any:
        """Return the transformed items, made at once; None if a transform is not known to work on many at once."""
        for transform in self.transforms:
            items = apply_to_batch(transform, items)
            if items is None:
                return None
        return items

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {transform}\n" for transform in self.transforms) + ")"


class ToTensor:
    """Turn an image, an array of shape (H, W) or (H, W, C), into a tensor of shape (C, H, W).

    Bytes 0 to 255 become the default dtype, 0 to 1; other dtypes are left as they are.
    """

    def __call__(self, image: Any) -> Tensor:
        if not isinstance(image, np.ndarray):
            raise TypeError(f"ToTensor: expected a NumPy array, found {type(image).__name__}; numpy.asarray makes one of a PIL image")
        image = plain_array(image, "ToTensor")
        if image.ndim not in (2, 3):
            raise ValueError(f"ToTensor: expected shape (H, W) or (H, W, C), found {image.shape}")
        return _scaled(image[None] if image.ndim == 2 else image.transpose(2, 0, 1))

    def batch(self, images: Any) -> Any:
        """Return grey images, (n, H, W), as a tensor of shape (n, 1, H, W)."""
        return _scaled(images[:, None]) if isinstance(images, np.ndarray) and images.ndim == 3 else None

    def __repr__(self) -> str:
        return "ToTensor()"


def _scaled(image: Any) -> Tensor:
    """Return a copy of an array as a tensor: bytes divided by 255, in the default dtype, anything else unchanged."""
    if image.dtype == np.uint8:
        return from_numpy(image.astype(get_default_dtype(), order="C") / 255)
    return from_numpy(np.array(image, order="C"))


class Normalize:
    """Compute (x - mean) / std for each channel of an image, a float tensor of shape (..., C, H, W)."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, image: Tensor) -> Tensor:
        if not isinstance(image, Tensor) or not image.is_floating_point():
            found = image.dtype if isinstance(image, Tensor) else type(image).__name__
            raise TypeError(f"Normalize: expected a tensor of floating-point numbers, found {found}; ToTensor makes one")
        if image.ndim < 3:
            raise ValueError(f"Normalize: expected shape (..., C, H, W), found {tuple(image.shape)}")
        mean, std = (self._by_channel(values, image) for values in (self.mean, self.std))
        if (std == 0).any():
            raise ValueError(f"Normalize: expected std other than 0 in {image.dtype}, found {self.std}")
        return image.sub_(mean).div_(std) if self.inplace else (image - mean) / std

    batch = __call__

    @staticmethod
    def _by_channel(values: Any, image: Tensor) -> Tensor:
        """Return a number, or one number for each channel, as a tensor that broadcasts over the channels of `image`."""
        array = np.asarray(plain_array(values, "Normalize"), dtype=image.dtype)
        return from_numpy(array.reshape(-1, 1, 1) if array.ndim == 1 else array).to(image.device)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Lambda:
    """Use any function as a transform."""

    def __init__(self, lambd: Transform) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: expected a function, found {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, item: Any) -> Any:
        return self.lambd(item)

    def __repr__(self) -> str:
        return "Lambda()"


def apply_to_batch(transform: Transform | None, items: Any) -> Any:
    """Return the result of `transform` for many items at once; None if there is no transform, or it is not known to work so."""
    return transform.batch(items) if goes_with(transform, "__call__", "batch") else None  # type: ignore[union-attr]


def goes_with(thing: Any, name: str, other: str) -> bool:
    """Return whether the class that defines `name` for `thing` defines `other` as well, so that both mean the same.

    A subclass with a `name` of its own does not inherit the shortcut that `other` is.
    """
    definer = next((kind for kind in type(thing).__mro__ if name in vars(kind)), object)
    return other in vars(definer)
