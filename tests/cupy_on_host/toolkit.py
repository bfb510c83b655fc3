"""What differs between CuPy's wheels for CUDA 12 and for CUDA 13."""

from dataclasses import dataclass

from cupy_backends.cuda.api import driver


@dataclass(frozen=True)
class Toolkit:
    """A CUDA release: its number, and the package that has its headers in the folder include."""

    major: int
    headers: str

    @property
    def cublas(self):
        """The file name of cuBLAS."""
        return f"libcublas.so.{self.major}"


TOOLKITS = {12: Toolkit(12, "nvidia.cuda_runtime"), 13: Toolkit(13, "nvidia.cu13")}
installed = TOOLKITS[driver.get_build_version() // 1000]  # what CuPy was built for
