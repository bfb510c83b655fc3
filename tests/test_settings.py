"""Names around the engine: PyTorch's settings, constants and switches, and the places that import lines name."""

import importlib
import math

import pytest
import torch

import minigrad as mg
from minigrad import data


@pytest.fixture
def default_dtype():
    yield
    mg.set_default_dtype(mg.float32)


def test_limits_of_dtypes_are_pytorchs():
    for name in ("float16", "float32", "float64"):
        found, expected = mg.finfo(getattr(mg, name)), torch.finfo(getattr(torch, name))
        for limit in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
            assert getattr(found, limit) == getattr(expected, limit) and type(getattr(found, limit)) is type(getattr(expected, limit))
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        found, expected = mg.iinfo(getattr(mg, name)), torch.iinfo(getattr(torch, name))
        assert all(getattr(found, limit) == getattr(expected, limit) for limit in ("bits", "max", "min", "dtype"))
    assert mg.finfo().eps == torch.finfo().eps
    for wrong in (lambda lib: lib.finfo(lib.int64), lambda lib: lib.iinfo(lib.float32)):
        for lib in (mg, torch):
            with pytest.raises((TypeError, ValueError)):
                wrong(lib)


def test_constants_are_pytorchs():
    for name in ("pi", "e", "inf", "newaxis"):
        assert getattr(mg, name) == getattr(torch, name)
    assert math.isnan(mg.nan) and mg.arange(3)[:, mg.newaxis].shape == (3, 1)
    assert mg.random.manual_seed(3) is mg.default_generator and mg.initial_seed() == 3


@pytest.mark.parametrize("kind", ["torch.DoubleTensor", "DoubleTensor", mg.DoubleTensor])
def test_the_default_tensor_type_is_that_of_new_tensors(default_dtype, kind):
    mg.set_default_tensor_type(kind)
    assert mg.get_default_dtype() == mg.ones(1).dtype == mg.float64
    for wrong in ("torch.cuda.FloatTensor", mg.Tensor, 3):
        with pytest.raises(TypeError, match="set_default_tensor_type: expected DoubleTensor"):
            mg.set_default_tensor_type(wrong)
    with pytest.raises(TypeError):
        mg.set_default_tensor_type(mg.LongTensor)


def test_settings_without_effect_are_accepted():
    mg.use_deterministic_algorithms(True)
    mg.use_deterministic_algorithms(False, warn_only=True)
    mg.set_default_device("cpu")
    mg.set_default_device(mg.device("cpu"))
    with pytest.raises(NotImplementedError, match=r"new tensors lie on the CPU, found cuda; give them device='cuda'"):
        mg.set_default_device("cuda")


def test_switches_of_other_libraries_can_be_set_and_read(monkeypatch):
    cudnn = importlib.import_module("minigrad.backends.cudnn")
    assert mg.backends.cudnn is cudnn and mg.backend is not mg.backends
    for name in ("enabled", "benchmark", "deterministic"):
        assert getattr(cudnn, name) == getattr(torch.backends.cudnn, name)
        monkeypatch.setattr(cudnn, name, not getattr(cudnn, name))
    assert not cudnn.is_available() and not mg.backends.mps.is_available() and not mg.backends.mps.is_built()
    device = mg.device("mps" if mg.backends.mps.is_available() else "cpu")
    assert device.type == "cpu"


def test_questions_about_the_gpu_have_answers_without_one():
    mg.cuda.manual_seed(1)
    mg.cuda.manual_seed_all(1)
    if not mg.cuda.is_available():
        mg.cuda.empty_cache()
        for question in (mg.cuda.current_device, mg.cuda.get_device_name):
            with pytest.raises(RuntimeError, match="CUDA is not available"):
                question()


@pytest.mark.parametrize("module, name", [
    ("minigrad.utils.data", "DataLoader"), ("minigrad.utils.data", "random_split"), ("minigrad.utils.data.sampler", "SubsetRandomSampler"),
    ("minigrad.utils.data.sampler", "WeightedRandomSampler"), ("minigrad.utils.data.dataset", "Dataset"),
    ("minigrad.utils.data.dataset", "TensorDataset"), ("minigrad.utils.data.dataloader", "DataLoader"),
    ("minigrad.utils.data.dataloader", "default_collate"),
])  # fmt: skip
def test_import_lines_of_torch_utils_find_the_same_things(module, name):
    found = getattr(importlib.import_module(module), name)
    assert found is getattr(data, name) is getattr(mg.utils.data, name)
    assert getattr(importlib.import_module(module.replace("minigrad.utils", "minigrad")), name) is found
    assert hasattr(importlib.import_module(module.replace("minigrad", "torch")), name)


def test_import_lines_of_torchvision_find_data_transforms_and_utils():
    torchvision = importlib.import_module("minigrad.data")
    assert torchvision.datasets.MNIST is data.MNIST and torchvision.transforms.Resize and torchvision.utils.make_grid
    assert importlib.import_module("minigrad.data.utils") is torchvision.utils
    assert mg.utils.data.__all__ == data.__all__
