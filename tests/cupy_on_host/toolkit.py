"""The CUDA release that the installed CuPy was built for."""

from cuda_releases import RELEASES
from cupy_backends.cuda.api import driver

installed = RELEASES[driver.get_build_version() // 1000]
