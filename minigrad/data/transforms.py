"""Transforms of the items of a data set: torchvision's, on NumPy arrays and tensors."""

from collections.abc import Callable, Sequence
from enum import Enum
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
    """Turn an image, of Pillow or an array of shape (H, W) or (H, W, C), into a tensor of shape (C, H, W).

    Bytes 0 to 255 become the default dtype, 0 to 1; other dtypes are left as they are.
    """

    def __call__(self, image: Any) -> Tensor:
        image = pixels(image) if is_of_pillow(image) else image
        if not isinstance(image, np.ndarray):
            raise TypeError(f"ToTensor: expected an image of Pillow or a NumPy array, found {type(image).__name__}")
        image = plain_array(image, "ToTensor")
        if image.ndim not in (2, 3):
            raise ValueError(f"ToTensor: expected shape (H, W) or (H, W, C), found {image.shape}")
        return _scaled(image[None] if image.ndim == 2 else image.transpose(2, 0, 1))

    def batch(self, images: Any) -> Any:
        """Return grey images, (n, H, W), as a tensor of shape (n, 1, H, W)."""
        return _scaled(images[:, None]) if isinstance(images, np.ndarray) and images.ndim == 3 else None

    def __repr__(self) -> str:
        return "ToTensor()"


# how Resize computes what lies between the pixels, in the order of Pillow's numbers
InterpolationMode = Enum("InterpolationMode", {"NEAREST": "nearest", "LANCZOS": "lanczos", "BILINEAR": "bilinear", "BICUBIC": "bicubic",
                                               "BOX": "box", "HAMMING": "hamming"})  # fmt: skip


class Resize:
    """Bring an image of Pillow, an array (H, W) or (H, W, C), or a tensor (..., H, W) to the size (height, width).

    A number as size stands for the shorter side, unless the longer one would then be longer than `max_size`. An image that has the size is
    returned as it is; Pillow resizes all others, in float32 if they are no bytes. It takes means of the pixels that become one, whatever
    `antialias` says.
    """

    def __init__(self, size: int | Sequence[int], interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
                 antialias: bool | None = True) -> None:
        sizes = [size] if isinstance(size, int) else size
        if len(sizes) not in (1, 2):
            raise ValueError(f"Resize: expected a size (height, width) or the length of the shorter side, found {size}")
        if max_size is not None and (len(sizes) == 2 or max_size <= sizes[0]):
            raise ValueError(f"Resize: expected max_size only with a shorter side, and greater than it, found {max_size} with size {size}")
        self.size = size
        self.interpolation = list(InterpolationMode)[interpolation] if isinstance(interpolation, int) else interpolation
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, image: Any) -> Any:
        old = image.size[::-1] if is_of_pillow(image) else image.shape[-2:] if isinstance(image, Tensor) else image.shape[:2]
        size = self._size(*old)
        if size == tuple(old):
            return image
        if is_of_pillow(image):
            return image.resize(size[::-1], list(InterpolationMode).index(self.interpolation))
        if not isinstance(image, Tensor):
            return np.array(self(pillow().fromarray(image)), image.dtype)
        planes = [self(plane) for plane in image.detach().cpu().numpy().reshape(-1, *old)]
        return from_numpy(np.stack(planes).reshape(*image.shape[:-2], *size)).to(image.device)

    def batch(self, images: Any) -> Any:
        """Return images, (..., H, W), as they are if they have the size, else None."""
        return images if self._size(*images.shape[-2:]) == images.shape[-2:] else None

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that an image of this height and width is brought to."""
        if isinstance(self.size, Sequence) and len(self.size) == 2:
            return self.size[0], self.size[1]
        short = self.size if isinstance(self.size, int) else self.size[0]
        long = int(short * max(height, width) / min(height, width))
        if self.max_size is not None and long > self.max_size:
            short, long = int(self.max_size * short / long), self.max_size
        return (long, short) if height > width else (short, long)

    def __repr__(self) -> str:
        return f"Resize(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, antialias={self.antialias})"


def pillow() -> Any:
    """Return Pillow's module Image; raise ImportError that says how to get it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images need Pillow, which is not installed: pip install pillow, or minigrad with the extra train") from error
    return Image


def is_of_pillow(image: Any) -> bool:
    """Return whether something is an image of Pillow, without importing Pillow."""
    return hasattr(image, "getbands")


def pixels(image: Any) -> Any:
    """Return the pixels of an image of Pillow, an array of shape (H, W) or (H, W, C); black and white are 0 and 255."""
    array = np.array(image, {"I": np.int32, "I;16": np.int16, "F": np.float32}.get(image.mode, np.uint8))
    return array * np.uint8(255) if image.mode == "1" else array


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
        if array.size not in (1, image.shape[-3]):
            raise RuntimeError(f"Normalize: expected one number, or one for each of {image.shape[-3]} channels, found {values}")
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
