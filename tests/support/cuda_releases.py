"""The CUDA releases that minigrad's extras name, with the names of CuPy's wheel and of NVIDIA's packages for each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A CUDA release: its number, and the packages whose folders have NVRTC's library (in lib) and CUDA's headers (in include)."""

    major: int
    nvrtc: str
    headers: str

    @property
    def extra(self):
        """The name of minigrad's extra for this release."""
        return f"cuda{self.major}"

    @property
    def cupy(self):
        """The name of CuPy's wheel for this release."""
        return f"cupy-cuda{self.major}x"

    @property
    def cublas(self):
        """The file name of this release's cuBLAS."""
        return f"libcublas.so.{self.major}"


RELEASES = {
    12: Release(12, "nvidia.cuda_nvrtc", "nvidia.cuda_runtime"),
    13: Release(13, "nvidia.cu13", "nvidia.cu13"),
}
