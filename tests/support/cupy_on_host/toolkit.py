"""The CUDA release that the installed CuPy was built for."""

from cupy_backends.cuda.api import driver

from support.cuda_releases import RELEASES

installed = RELEASES[driver.get_build_version() // 1000]
