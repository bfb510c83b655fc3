"""The extras for CUDA 12 and CUDA 13: wherever one is named, installed or recognised, the other is too."""

import tomllib
from pathlib import Path

import pytest

import benchmarks.gpu.machine
import benchmarks.machine
from minigrad.backend import cuda
from minigrad.cli import doctor
from minigrad.experiments import training
from support.cuda_releases import RELEASES

ROOT = Path(__file__).parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def test_the_releases_are_those_of_the_extras():
    assert {release.extra for release in RELEASES.values()} == {name for name in EXTRAS if name.startswith("cuda")}


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.extra)
class TestEach:
    def test_the_extra_brings_cupy_with_cudas_libraries(self, release):
        (requirement,) = EXTRAS[release.extra]
        assert requirement.startswith(f"{release.cupy}[ctk]>=14")

    def test_its_compiler_comes_with_the_extra_kernels(self, release):
        suffix = f"-cu{release.major}" if release.major < 13 else ""  # from 13 on NVIDIA's names have no suffix
        for package in ("nvidia-cuda-nvrtc", "nvidia-cuda-runtime"):
            assert any(r.startswith(f"{package}{suffix}>=") and f"<{release.major + 1};" in r for r in EXTRAS["kernels"])

    def test_a_run_and_the_benchmarks_report_its_version(self, release):
        for packages in (training.PACKAGES, benchmarks.machine.PACKAGES, benchmarks.gpu.machine.PACKAGES):
            assert release.cupy in packages

    def test_the_doctor_knows_it(self, release, monkeypatch):
        monkeypatch.setattr(doctor, "version_of", {release.cupy: "14.2.0"}.get)
        assert doctor.cupy().text.startswith("14.2.0")
        monkeypatch.setattr(doctor, "version_of", {}.get)
        monkeypatch.setattr(doctor, "driver_version", lambda: (release.major, 0))
        assert doctor.cupy().advice == f"in a clone of minigrad: pip install -e '.[{release.extra}]'"

    def test_texts_and_hints_name_it(self, release, monkeypatch):
        for text in ("README.md", "docs/gpu.md"):
            assert release.extra in (ROOT / text).read_text(encoding="utf-8")
        monkeypatch.setattr(cuda.cupy_library, "cupy", lambda: None)
        before = cuda.use(None)
        try:
            with pytest.raises(RuntimeError, match=rf"CuPy is not installed; .*\.\[{release.extra}\]"):
                cuda.library()
        finally:
            cuda.use(before)
