"""Tensors, modules and functions of CuPy, PyTorch and JAX in the program that repeats a failed check."""

import functools
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from minigrad.testing import GradcheckError, check_jax, check_torch
from minigrad.testing.program.elements import LARGE
from support.programs_of_values import program_of, written
from support.strict_device import strict_device
from support.subprocesses import run, succeed

# ---- CuPy


def test_arrays_of_cupy_are_made_on_the_device():
    with strict_device() as cp:
        for numbers in ([1.0, 2.0], np.zeros((0, 2)), np.arange(LARGE + 1.0)):
            array = cp.asarray(np.array(numbers))
            text, back = written(array, "check_vjp", cp=cp)
            assert text.startswith("cp.asarray(np.") and type(back) is type(array) and back.get().tolist() == np.array(numbers).tolist()
    assert text.startswith("cp.asarray(np.frombuffer(")


# ---- PyTorch: tensors


def same(a, b):
    """Whether tensors are the same in every bit, apart from the layout."""
    return (a.dtype, a.shape, a.requires_grad, type(a)) == (b.dtype, b.shape, b.requires_grad, type(b)) and torch.equal(
        a.detach().contiguous().reshape(-1).view(torch.uint8), b.detach().contiguous().reshape(-1).view(torch.uint8))


DTYPES = [torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.float16, torch.bfloat16, torch.float32,
          torch.float64, torch.float8_e4m3fn]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_dtype_come_back(dtype):
    for shape in ((), (2, 3), (0, 2), (30, 20)):
        x = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape).div(3).to(dtype)
        text, back = written(x, "check_torch")
        assert same(back, x) and ("frombuffer" in text) == (x.numel() > LARGE) and f"dtype={dtype}" in text


def test_tensors_keep_what_they_are():
    x = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
    special = torch.tensor([-0.0, float("nan"), float("inf"), -float("inf")])
    complex_numbers = torch.tensor([1 - 2j, complex(-0.0, float("inf"))])
    large = torch.linspace(0, 1, LARGE + 1)
    for tensor in (x, x.T, x[:, ::2], x[0].expand(3, 3), special, complex_numbers, complex_numbers.conj(), x.clone().requires_grad_(),
                   large.clone().requires_grad_(), torch.nn.Parameter(x), torch.nn.Parameter(large, requires_grad=False),
                   torch.nn.Parameter(x, requires_grad=False), torch.zeros(0, 2).requires_grad_()):
        _, back = written(tensor, "check_torch")
        assert same(back, tensor.resolve_conj()) and back.is_leaf
    assert written(special, "check_torch")[0] == "torch.tensor([-0.0, torch.nan, torch.inf, -torch.inf], dtype=torch.float32)"
    result = (x.clone().requires_grad_() * 2)
    assert written(result, "check_torch")[1].requires_grad and written(result, "check_torch")[1].is_leaf


def test_tensors_on_other_devices_name_them():
    class Elsewhere:
        type = "cuda"

        def __str__(self):
            return "cuda:0"

    from minigrad.testing.program import elements

    class Program:
        library = staticmethod(lambda path: path)

    real = torch.Tensor.device
    try:
        torch.Tensor.device = Elsewhere()
        small = elements.torch_tensor(Program, torch.ones(1), torch)
        large = elements.torch_tensor(Program, torch.ones(LARGE + 1, requires_grad=True), torch)
    finally:
        torch.Tensor.device = real
    assert small == "torch.tensor([1.0], dtype=torch.float32, device='cuda:0')"
    assert large.endswith(f".reshape(({LARGE + 1},)).to('cuda:0').requires_grad_()")


def test_constants_of_torch():
    values = (torch.float64, torch.strided, torch.device("cpu"), torch.channels_last, torch.tanh, F.softmax, torch.nn.Tanh)
    text, back = written(values, "check_torch")
    assert back == values and "torch.tanh, torch.nn.functional.softmax, torch.nn.Tanh" in text


# ---- PyTorch: modules and functions


MODULES = {
    "torch.nn.Linear(in_features=2, out_features=3, bias=False)": torch.nn.Linear(2, 3, bias=False),
    "torch.nn.Sequential(torch.nn.Linear(in_features=2, out_features=3, bias=True), torch.nn.Tanh())":
        torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()).double().eval(),
    "torch.nn.BatchNorm1d(": torch.nn.BatchNorm1d(2, affine=False),
    "torch.nn.LayerNorm((2,), eps=0.1, elementwise_affine=True": torch.nn.LayerNorm(2, eps=0.1),
    "torch.nn.Softmax(dim=1)": torch.nn.Softmax(dim=1),
}


@pytest.mark.parametrize("made", MODULES)
def test_modules_come_back(made):
    module = MODULES[made]
    state = torch.random.get_rng_state()
    program = program_of(module, "check_torch")
    assert torch.equal(torch.random.get_rng_state(), state)
    text, back = written(module, "check_torch")
    assert f"{text} = {made}" in program and repr(back) == repr(module)
    assert [m.training for m in back.modules()] == [m.training for m in module.modules()]
    pairs = list(zip(back.state_dict().items(), module.state_dict().items()))
    assert len(pairs) == len(module.state_dict()) and all(a == b and same(x, y) for (a, x), (b, y) in pairs)
    assert [p.requires_grad for p in back.parameters()] == [p.requires_grad for p in module.parameters()]
    x = torch.randn(3, 2, dtype=next(module.parameters(), torch.ones(1)).dtype)
    assert torch.equal(*[m(x) for m in (back, module)])


def test_what_modules_share_stays_shared():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()).double()
    text, (function, back, weight) = written((lambda x: net(x), net, net[0].weight), "check_torch")
    assert text == "((lambda x: net(x)), net, net.get_parameter('0.weight'))"
    assert weight is back[0].weight and function(torch.ones(1, 2).double()).shape == (1, 3)


def modules_with_more():
    """Modules of which the printed form does not tell all."""
    hooked, linear, mixed = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1), torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Tanh())
    hooked.register_forward_hook(lambda module, args, output: output * 2)
    mixed[1].eval()
    return [hooked, mixed, torch.nn.Sequential(linear, torch.nn.Tanh(), linear), torch.nn.Linear(2, 2).requires_grad_(False),
            torch.nn.LSTM(2, 2), torch.nn.ModuleList([torch.nn.Tanh()]), torch.nn.Sequential(torch.nn.LSTM(2, 2))]


@pytest.mark.parametrize("module", modules_with_more())
def test_other_modules_are_asked_for(module):
    name = type(module).__name__.lower()
    assert f"\n{name} = ...  # put your {name} here: its source was not found" in program_of(module, "check_torch")


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.softmax(x, -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


@torch.no_grad()
def without_gradient(x):
    return x * 2


def test_functions_of_torch_come_back():
    x = torch.ones(2, dtype=torch.float64)
    text, (apply, kind) = written((Softmax.apply, Softmax), "check_torch")
    assert text == "(Softmax.apply, Softmax)" and apply(x).tolist() == [0.5, 0.5] and issubclass(kind, torch.autograd.Function)
    assert "@torch.no_grad()" in program_of(without_gradient, "check_torch")
    assert "put your" in program_of(torch.func.vmap(lambda x: x * 2, in_dims=1), "check_torch")
    assert written(functools.partial(F.softmax, dim=0), "check_torch")[0] == "functools.partial(torch.nn.functional.softmax, dim=0)"


# ---- JAX


@pytest.fixture
def jax():
    library = pytest.importorskip("jax", reason="JAX is in the extra named peers")
    before = library.config.jax_enable_x64
    yield library
    library.config.update("jax_enable_x64", before)  # programs that are run here set it


@pytest.fixture
def jnp(jax):
    return pytest.importorskip("jax.numpy")


def test_arrays_of_jax_come_back(jax, jnp):
    with jax.enable_x64(True):
        for dtype in ("bool", "int8", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"):
            for shape in ((), (2, 3), (0, 2), (30, 20)):
                array = jnp.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
                text, back = written(array, "check_jax")
                assert (back.dtype, back.shape, np.asarray(back).tobytes()) == (array.dtype, array.shape, np.asarray(array).tobytes())
                assert ("frombuffer" in text) == (not 0 < array.size <= LARGE or "complex" in dtype)
        assert written(jnp.array([-0.0, jnp.nan, -jnp.inf]), "check_jax")[0] == "jnp.array([-0.0, jnp.nan, -jnp.inf], dtype=jnp.float64)"
        assert 'jax.config.update("jax_enable_x64", True)' in program_of(jnp.ones(2), "check_jax")
        wide = jnp.ones(2, "float64")
    jax.config.update("jax_enable_x64", False)
    assert "jax_enable_x64" not in program_of(jnp.ones(2), "check_jax") and "jax_enable_x64" in program_of(wide, "check_jax")


def test_traced_values_are_asked_for(jax, jnp):
    programs = []
    jax.jit(lambda x: programs.append(program_of(x, "check_jax")) or x)(jnp.ones(2))
    assert "put your" in programs[0]


def functions_of_jax():
    from support.jax_functions import FUNCTIONS

    return FUNCTIONS


NAMES = ["soft", "power", "sine", "compiled", "compiled_with_options", "called", "jit of soft", "jit of power", "jit of a partial", "named"]


@pytest.mark.parametrize("name", NAMES)
def test_functions_of_jax_come_back(jax, jnp, name):
    function = functions_of_jax()[name]
    _, back = written(function, "check_jax")
    arguments = (jnp.linspace(0.5, 1, 3),)
    results = [jax.tree.leaves(f(*arguments)) for f in (back, function)]
    assert all(np.array_equal(a, b) for a, b in zip(*results)) and back is not function
    gradients = [jax.grad(lambda *xs, f=f: sum(leaf.sum() for leaf in jax.tree.leaves(f(*xs))))(*arguments) for f in (back, function)]
    assert np.array_equal(*gradients) and np.any(gradients[1] != 0)
    assert len(program_of(function, "check_jax")) < 1000


def test_the_rules_of_jax_are_repeated(jax):
    functions = functions_of_jax()
    assert "soft.defvjp(soft_forward, soft_backward)" in program_of(functions["soft"], "check_jax")
    assert "sine.defjvp(sine_rule)" in program_of(functions["sine"], "check_jax")
    assert written(functions["jit of soft"], "check_jax")[0] == "jax.jit(soft)"
    assert "nondiff_argnums=(1,)" in program_of(functions["power"], "check_jax") and "defvjp" not in program_of(
        functions["without_rules"], "check_jax")
    assert "put your" in program_of(jax.vmap(functions["soft"]), "check_jax")
    assert written(jax.numpy.tanh, "check_jax") == ("jnp.tanh", jax.numpy.tanh)


def test_registered_classes_of_jax_come_back(jax, jnp):
    from support.jax_functions import Point, Weights

    for value in (Point(jnp.ones(2), "p"), Weights(jnp.ones(2))):
        back = written(value, "check_jax")[1]
        assert [leaf.tolist() for leaf in jax.tree.leaves(back)] == [[1, 1]]


# ---- programs that are run


def failure(text, folder):
    """Return the first line of the GradcheckError that ends a program, which runs in a process of its own."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    done = run(path, warnings="default", limit=120)
    assert done.returncode == 1 and "GradcheckError: " in done.stderr, done.stderr
    return done.stderr.partition("GradcheckError: ")[2].splitlines()[0]


def first_line(error):
    return str(error.value).splitlines()[0]


def test_a_failed_check_of_torch_is_repeated(tmp_path):
    net = torch.nn.Linear(3, 2).double()
    with pytest.raises(GradcheckError) as error:
        check_torch(lambda x: Softmax.apply(net(x)), torch.linspace(0, 1, 6, dtype=torch.float64).reshape(2, 3), params=net)
    assert "params=net)" in error.value.reproducer and failure(error.value.reproducer, tmp_path) == first_line(error)


def test_a_failed_check_of_jax_is_repeated(jax, tmp_path):
    soft = functions_of_jax()["soft"]
    with pytest.raises(GradcheckError) as error:
        check_jax(lambda tree: soft(tree["x"]) * tree["s"], {"x": np.linspace(0, 1, 3), "s": 2.0})
    assert "soft.defvjp(" in error.value.reproducer and failure(error.value.reproducer, tmp_path) == first_line(error)


# ---- what is imported


def test_a_library_is_imported_only_for_its_own_values(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(IMPORTS_NOTHING)
    printed = succeed(path)
    assert "import torch" not in printed and "import jax" not in printed and "import minigrad" not in printed
    assert "check_vjp(forward, (lambda g, x: g * 2), x0, x1, rtol=0.001)" in printed
    assert "torch" in sys.modules and "torch" not in program_of(np.ones(2), "check_vjp")


IMPORTS_NOTHING = """
import sys
import numpy as np
from minigrad.testing.reproducer import reproducer


def forward(x):
    return x * 2


print(reproducer("check_vjp", (forward, lambda g, x: g * 2), [np.ones(2), {"a": None, "b": forward}], {"rtol": 1e-3}))
assert not {"torch", "jax", "cupy", "hypothesis", "pytest"} & set(sys.modules)
"""
