"""The public interface, name by name: an expression gives the same in PyTorch and in minigrad."""

import copy
import inspect
import math
import operator
import types

import numpy as np
import pytest
import torch

import minigrad

LIBRARIES = (torch, minigrad)
NAMES = {
    "": """tensor zeros ones full empty arange linspace eye rand randn randint randperm from_numpy
        zeros_like ones_like full_like empty_like rand_like randn_like as_tensor manual_seed
        set_default_dtype get_default_dtype Generator float16 float32 float64 half float double int8
        int16 int32 int64 long int uint8 bool inf nan dtype device Size Tensor no_grad enable_grad
        set_grad_enabled is_grad_enabled cat concat stack where maximum minimum index_select add sub mul
        div matmul mm neg pow abs sign exp log sqrt square clamp tanh sigmoid relu softmax log_softmax
        sum mean max min amax amin argmax argmin all any eq ne lt le gt ge logical_and logical_or
        logical_not isnan isinf isfinite reshape flatten squeeze
        var std norm prod cumsum cumprod logsumexp count_nonzero topk sort argsort median unique bincount gather scatter
        scatter_add index_add masked_fill masked_select nonzero select narrow chunk split unbind tile flip diag repeat_interleave
        diagonal trace triu tril roll movedim unflatten ravel hstack vstack swapaxes swapdims broadcast_to meshgrid dot mv bmm outer
        ger addmm baddbmm einsum linalg unsqueeze t transpose permute clone
        numel is_tensor allclose equal save load set_printoptions set_num_threads get_num_threads
        initial_seed normal cuda nn optim autograd inference_mode is_inference_mode_enabled bernoulli multinomial randint_like
        get_rng_state set_rng_state seed random sin cos tan sinh cosh atan atan2 erf expm1 log1p log2 log10 rsqrt
        reciprocal floor ceil trunc round lerp addcmul addcdiv isclose logical_xor bitwise_and bitwise_or bitwise_xor
        bitwise_not bitwise_left_shift bitwise_right_shift""",
    "Tensor": """shape size ndim numel dtype device requires_grad grad grad_fn is_leaf data item numpy tolist
        detach clone to cpu cuda double float long int half bool type view reshape flatten squeeze
        unsqueeze t T transpose permute expand expand_as view_as matmul mm sum mean max min amax amin
        argmax argmin abs sign exp log sqrt square pow clamp tanh sigmoid relu softmax log_softmax add_
        sub_ mul_ div_ zero_ fill_ copy_ normal_ uniform_ clamp_ backward register_hook retain_grad
        register_post_accumulate_grad_hook
        requires_grad_ detach_ new new_zeros new_ones new_full new_empty new_tensor contiguous
        is_contiguous stride element_size nelement dim eq ne lt le gt ge all any isnan isinf isfinite
        repeat masked_fill_ scatter_ scatter_add_ index_add_ var std norm prod cumsum logsumexp topk sort gather scatter
        masked_fill split chunk unbind flip diagonal triu tril dot mv bmm outer movedim unflatten nonzero
        index_select is_cuda is_floating_point retains_grad is_sparse fill_diagonal_ add sub mul div neg __array__ __len__
        __iter__ __index__ bernoulli bernoulli_ exponential_ random_ multinomial
        sin cos tan sinh cosh atan atan2 erf expm1 log1p log2 log10 rsqrt reciprocal floor ceil trunc
        round lerp addcmul addcdiv isclose logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift
        bitwise_right_shift sin_ cos_ tan_ sinh_ cosh_ atan_ atan2_ erf_ expm1_ log_ log1p_ log2_ log10_ rsqrt_ reciprocal_
        floor_ ceil_ trunc_ round_ square_ sign_ lerp_ addcmul_ addcdiv_ resize_ type_as byte short char""",
    "nn": """Module Parameter Sequential ModuleList Linear Tanh ReLU Sigmoid Softmax LogSoftmax Identity
        Flatten MSELoss NLLLoss CrossEntropyLoss L1Loss functional init LeakyReLU PReLU ELU SELU GELU SiLU Softplus
        LogSigmoid Hardtanh ReLU6 ModuleDict ParameterList ParameterDict Dropout BatchNorm1d LayerNorm Embedding Unflatten
        CosineSimilarity PairwiseDistance BCELoss BCEWithLogitsLoss SmoothL1Loss HuberLoss KLDivLoss MultiMarginLoss
        MarginRankingLoss utils""",
    "nn.functional": """linear relu tanh sigmoid softmax log_softmax mse_loss nll_loss cross_entropy l1_loss leaky_relu
        prelu elu selu gelu silu softplus logsigmoid hardtanh relu6 dropout batch_norm layer_norm embedding
        normalize cosine_similarity pairwise_distance binary_cross_entropy binary_cross_entropy_with_logits smooth_l1_loss huber_loss
        kl_div multi_margin_loss margin_ranking_loss""",
    "nn.init": """uniform_ normal_ constant_ zeros_ ones_ xavier_uniform_ xavier_normal_ kaiming_uniform_
        kaiming_normal_ calculate_gain eye_ orthogonal_ trunc_normal_""",
    "nn.utils": "clip_grad_norm_ clip_grad_norm clip_grad_value_ parameters_to_vector vector_to_parameters",
    "nn.Module": """parameters named_parameters buffers named_buffers children named_children modules
        named_modules
        add_module register_module register_parameter register_buffer apply train eval zero_grad to
        double float cuda cpu state_dict load_state_dict requires_grad_ extra_repr get_submodule
        get_parameter get_buffer type half share_memory register_forward_hook register_forward_pre_hook forward""",
    "optim": "SGD Adam AdamW RMSprop Adagrad LBFGS Optimizer lr_scheduler",
    "optim.lr_scheduler": """LRScheduler StepLR MultiStepLR ExponentialLR CosineAnnealingLR LambdaLR ReduceLROnPlateau OneCycleLR LinearLR
        ConstantLR SequentialLR CosineAnnealingWarmRestarts""",
    "optim.Optimizer": "step zero_grad add_param_group state_dict load_state_dict",
    "autograd": "Function Variable functional grad backward gradcheck no_grad enable_grad set_grad_enabled inference_mode",
    "autograd.function": "Function FunctionCtx InplaceFunction once_differentiable",
    "autograd.functional": "vjp jvp jacobian hessian vhp hvp",
    "cuda": "is_available device_count synchronize",
}  # fmt: skip


def names_of(place):
    return NAMES[place].split()


@pytest.mark.parametrize("place", NAMES)
def test_every_name_is_there_as_in_pytorch(place):
    for library in LIBRARIES:
        home = operator.attrgetter(place)(library) if place else library
        assert [name for name in names_of(place) if not hasattr(home, name)] == []


def test_every_public_name_is_pytorch_s():
    """Except for a short list of names that minigrad adds on purpose."""
    in_minigrad = {name for name in dir(minigrad) if not name.startswith("_")} - set(dir(torch))
    modules = {name for name in in_minigrad if isinstance(getattr(minigrad, name), types.ModuleType)}
    assert in_minigrad - modules <= {"DeviceMismatchError", "CheckpointError", "bool_", "explain"}


# ---- expressions


def prepare(T):
    """Return the names that the expressions use."""
    x = T.tensor([[1.5, -2.0, 0.25], [4.0, 0.0, -1.0]], dtype=T.float64)
    return {
        "T": T, "F": T.nn.functional, "nn": T.nn, "x": x, "f": x.float(), "np": np, "copy": copy,
        "math": math,
        "w": T.tensor([[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]], dtype=T.float64),
        "v": T.tensor([1.0, -1.0, 2.0], dtype=T.float64),
        "i": T.tensor([[1, 2, 3], [4, 5, 6]]), "b": T.tensor([True, False, True]),
        "s": T.tensor(2.5, dtype=T.float64),
        "k": T.tensor([2, 0]), "e": T.zeros(0, 3), "u": T.tensor([200, 100], dtype=T.uint8),
        "q": T.tensor([[float("nan"), float("inf")], [-float("inf"), 1.0]]),
    }  # fmt: skip


EXPRESSIONS = """
T.tensor([1, 2]); T.tensor([1.0, 2]); T.tensor([True]); T.tensor(3)
T.tensor([[1, 2], [3, 4]], dtype=T.float64); T.tensor(np.arange(3)); T.tensor(np.float32(2))
T.tensor(np.array(2.5)); T.tensor([np.float64(1.5), 2]); T.tensor((1, 2.5))
T.tensor([x[0, 0], x[0, 1]]); T.tensor([]); T.tensor([[], []]); T.tensor(x); T.tensor(range(3))
T.tensor([1, 2], dtype=T.bool); T.tensor([1.7, -1.7], dtype=T.int64); T.tensor([True, 2])
T.tensor([True, 2.5]); T.tensor(data=[1.0], requires_grad=True); T.tensor([1, 2], device="cpu")
T.tensor([1.5], dtype=T.half); T.tensor(np.array([1, 2], dtype=np.int32)); T.tensor([np.True_])
T.zeros(2, 3); T.zeros((2, 3)); T.zeros([2]); T.zeros(()); T.zeros(2, dtype=T.long)
T.ones(2, 2, dtype=T.bool); T.zeros(x.size()); T.zeros(size=(2,)); T.ones(size=[1, 2])
T.zeros(x.shape[0], 2); T.zeros(k[0]); T.ones(x.shape); T.full((2,), 1); T.full([2], 1.5)
T.full((2,), True); T.full(size=(1,), fill_value=2, dtype=T.float32); T.full((), 3.0); T.full_like(i, 2)
T.full_like(x, 1, dtype=T.long); T.zeros_like(x); T.ones_like(i, dtype=T.float32); T.empty(2, 3).shape
T.empty((0,)); T.empty_like(i).dtype == T.int64; T.arange(5); T.arange(1, 5); T.arange(1, 5, 2)
T.arange(0.5, 3); T.arange(5, 0, -2); T.arange(3, dtype=T.float64); T.arange(0, 1, 0.3); T.arange(end=4)
T.arange(start=1, end=4); T.arange(1, 2.5, 0.5); T.arange(0); T.arange(2.0)
T.arange(0, 10, 3, dtype=T.int32); T.linspace(0, 1, 5); T.linspace(3, -3, steps=4); T.linspace(0, 1, 1)
T.linspace(start=0, end=2, steps=3, dtype=T.float64); T.eye(2); T.eye(2, 3)
T.eye(n=2, m=1, dtype=T.long); T.from_numpy(np.arange(3.0)); T.as_tensor([1, 2])
T.as_tensor(np.ones(2)); T.as_tensor(x) is x; T.rand(2, 3).shape; T.randn((2, 3)).dtype
T.randint(5, (2, 3)).dtype; T.randint(2, 5, (4,)).shape; T.randperm(5).dtype; T.randperm(0)
T.randint(low=0, high=1, size=(3,)); T.randint(3, 4, (2,), dtype=T.float32); T.rand(0)
T.randn(2, dtype=T.float64).dtype; T.rand_like(x).shape; T.normal(0.0, 1.0, (2, 3)).shape
T.normal(2.0, 0.0, size=(2,)); T.Tensor([1, 2]); T.Tensor(2, 0); T.Tensor(); T.Tensor([[1, 2]])
T.is_tensor(x); T.is_tensor(1); T.numel(x); T.get_default_dtype() == T.float32; T.Size([2, 3])
T.Size([2, 3]).numel(); x.shape[1:]; x.shape; x.size(); x.size(0); x.size(-1); x.size(dim=1); x.dim()
x.ndim; x.numel(); x.nelement(); len(x); x.stride(); x.t().stride(); x.stride(0); x.shape == (2, 3)
x.shape + (1,); x.is_contiguous(); x.t().is_contiguous(); x.t().contiguous().stride(); x.element_size()
i.element_size(); x.dtype == T.float64; x.is_floating_point(); i.is_floating_point(); x.requires_grad
x.is_leaf; x.grad; x.grad_fn; str(x.device); x.is_cuda; x.type(T.FloatTensor).dtype
i.type("torch.DoubleTensor"); T.LongTensor([1, 2]); T.FloatTensor([[0.1]]); T.DoubleTensor([0.1])
T.FloatTensor(2, 0); isinstance(x, T.DoubleTensor); isinstance(f, T.DoubleTensor); T.ByteTensor([1, 0])
T.BoolTensor([True]); x.to(float).dtype; T.zeros(1, dtype=float); T.zeros(1, dtype=int)
T.ones(2, dtype=bool); v[T.ByteTensor([1, 0, 1])]; T.LongTensor(); T.IntTensor([3])
T.arange(3, dtype=float); x.type(); i.type(); f.type(); b.type(); x.type(T.float32); i.type(T.float64)
x.item; s.item(); i[0, 0].item(); b[0].item(); x[0, 0].item(); x.tolist(); i.tolist(); s.tolist()
b.tolist(); x[0].tolist(); e.tolist(); float(s); int(s); bool(b[0]); bool(x[0, 0]); int(i[1, 2])
round(float(s)); x.float(); x.long(); x.int(); x.half(); x.bool(); i.double(); i.float(); b.float()
b.long(); x.double() is x; x.to(T.float32); x.to("cpu") is x; x.to(f).dtype == T.float32
x.to(dtype=T.int32); x.to("cpu", T.float32); x.to(device="cpu", dtype=T.long); x.cpu() is x
x.to(x.device).shape; x.clone(); x.detach(); x.data; x.data.new(x.size()).shape; x.new(2, 3).shape
x.new([1.0, 2.0]); x.new_zeros(2); x.new_ones((2, 2)); x.new_full((2,), 3); x.new_tensor([1, 2])
i.new_zeros(2, dtype=T.float64); i.new_tensor([1.5]); x.new_empty(2, 3).shape; x.new_zeros(2, 3)
f.new_ones(1).dtype == T.float32; x.view(3, 2); x.view(-1); x.view((6,)); x.view(2, -1)
x.view(-1, 1, 3).shape; x.reshape(3, -1); x.t().reshape(-1); x.reshape((1, 6)); x.view(6).view(2, 3)
x.view(x.size(0), -1).shape; x.view_as(w).shape; x.reshape_as(w); x.flatten(); x.flatten(0)
x.flatten(start_dim=1).shape; x.unsqueeze(0).flatten(1).shape; x.unsqueeze(0).shape
x.unsqueeze(-1).shape; x.unsqueeze(dim=1).shape; x.unsqueeze(1).squeeze(1).shape
x.unsqueeze(0).squeeze().shape; x.squeeze(0).shape; x[:1].squeeze(0)
x[None, :, None].squeeze((0, 2)).shape; s.squeeze(); s.unsqueeze(0); T.squeeze(x[:1])
T.unsqueeze(x, 1).shape; T.flatten(x, start_dim=0); x.t(); x.T; x.mT; v.t(); s.t(); x.transpose(0, 1)
x.transpose(-1, -2).shape; x.permute(1, 0); x.permute((1, 0)); x.permute(-1, 0).shape
T.transpose(x, 0, 1); T.permute(x, (1, 0)); T.t(x); T.reshape(x, (3, 2)); x.transpose(dim0=0, dim1=1)
v.expand(2, 3); v.unsqueeze(1).expand(-1, 2); v.expand_as(x); s.expand(2, 2); x.expand(2, 2, 3).shape
x[0]; x[1, 2]; x[-1]; x[:, 0]; x[..., 1]; x[1:]; x[:, ::2]; x[0, 1:]; x[None].shape; x[:, None].shape
x[[0, 1, 1]]; x[k[1]]; x[T.tensor([1, 0])]; x[T.tensor([0, 1]), T.tensor([2, 1])]
x[:, T.tensor([0, 2])]; x[:, b]; x[x > 0]; x[x > 100]; x[T.tensor(True)].shape; x[(0, 1)]
x[[True, False]]; x[np.array([0, 1])]; x[range(2)]; x[0][1]; x[..., None].shape
x[T.tensor([[0, 1], [1, 1]])].shape; e[:, 1]; s[None]; s[...]; x[1, T.tensor([0])]; x[0:100]; x[5:]
x[-1:]; x[:, -2:]; v[b]; i[i % 2 == 0]; x[i > 2]; x[True].shape; x[:, [0]]; x[k // 2]
[r.sum().item() for r in x]; list(v)[1]; x + 1; 1 + x; x - 1; 1 - x; x * 2; 2 * x; x / 2; 2 / (x + 10)
x**2; 2**x; -x; +x; abs(x); x @ w; v @ w; x @ v; v @ v; x + v; x * s; x + f; f + s; f * 2.5; i + 1
i + 1.5; i * True; i / 2; i / i; i // 2; -7 // i; i % 4; 7 % i; -i % 4; x % 1.5; x // 0.5; -x // 0.3
i**2; i**0.5; 2**i; b + b; b * 2; b + 1.5; u + u; u * 2; -u; u / 2; b & True; b | ~b; ~b; b ^ True
i & 3; i | 1; i ^ 2; ~i; x > 0; x >= 0; x < 0; x <= 0; x == 0; x != 0; x == x; i > 2.5; v > x; 0 < x
i == i.double(); b == True; x.add(1); x.add(v, alpha=2); x.sub(1); x.sub(v, alpha=3); x.mul(2); x.div(2)
x.div(other=2); x.neg(); x.pow(2); x.pow(exponent=3); x.abs(); T.add(x, 1); T.add(x, v, alpha=2)
T.sub(x, v); T.mul(x, v); T.div(x, s); T.neg(x); T.pow(x, 2); T.pow(2, x); T.abs(x); T.matmul(x, w)
T.mm(x, w); x.matmul(w); x.mm(w); x.sign(); i.sign(); T.sign(x); x.exp(); T.exp(x); i.exp()
x.abs().log(); T.log(x * x + 1); x.abs().sqrt(); T.sqrt(i); x.square(); T.square(i); x.tanh(); T.tanh(i)
x.sigmoid(); T.sigmoid(f); x.relu(); T.relu(x); i.relu(); x.clamp(0, 1); x.clamp(min=0)
x.clamp(max=0.5); T.clamp(x, -1, 1); T.clamp(x, min=v); x.clamp(v, s); i.clamp(2, 4); i.clamp(min=2.5)
T.clamp(i, max=3); x.softmax(0); x.softmax(dim=1); T.softmax(x, 1); T.softmax(x, dim=0)
x.log_softmax(1); T.log_softmax(x, dim=-1); T.softmax(f, 1, dtype=T.float64); s.softmax(0)
v.softmax(-1); F.softmax(x, dim=1); F.log_softmax(x, dim=0); F.relu(x); F.tanh(x); F.sigmoid(x)
F.linear(x, w.t()); F.linear(x, w.t(), v[:2]); F.linear(v, w.t(), v[:2])
F.softmax(i, 0, dtype=T.float32); x.sum(); x.sum(0); x.sum(1, True); x.sum(dim=1, keepdim=True)
x.sum((0, 1)); x.sum([0]); x.sum(axis=0); x.sum(1, keepdims=True); i.sum(); b.sum(); u.sum(); x.sum(-1)
e.sum(); e.sum(0); e.sum(1); T.sum(x); T.sum(x, 1); T.sum(x, dim=0, keepdim=True)
x.sum(dtype=T.float32); i.sum(dtype=T.float64); x.mean(); x.mean(0); x.mean(dim=1, keepdim=True)
T.mean(x, 0); f.mean(); i.float().mean(1); x.mean((0, 1)); e.mean(); i.mean(dtype=T.float64); x.max()
x.min(); i.max(); x.max(0); x.max(dim=1); x.max(1, keepdim=True); T.max(x); T.max(x, 1); T.min(x, dim=0)
x.max(1)[1]; x.min(1).values; x.max(0).indices; T.max(x, v); x.min(v); T.min(x, s); x.amax(1); x.amax()
x.amin(dim=0, keepdim=True); x.amax((0, 1)); x.argmax(); x.argmax(1); x.argmax(dim=0, keepdim=True)
x.argmin(1); T.argmax(x, dim=1); T.argmin(x); T.amax(x, 1); T.max(i, 1, True); s.max(); s.argmax()
s.max(0); (x > 0).all(); (x > 0).any(); (x > 0).any(1); (x > 0).all(dim=0, keepdim=True); T.any(b)
T.all(b); i.all(); e.all(); e.any(); x.isnan(); q.isnan(); q.isinf(); q.isfinite(); T.isnan(q)
T.isfinite(x); T.isinf(i); T.maximum(x, v); T.minimum(x, s); T.where(x > 0, x, v)
T.where(x > 0, 1.0, 0.0); T.where(x > 0, x, 0); T.where(b, 1, 0); T.where(x > 0); T.where(b, i, v)
T.where(x > 0, f, x); T.where(s > 0, x, v); T.where(x > 0, 1, 2.5); T.cat([x, x]); T.cat((x, x), 1)
T.cat([x, x[:1]], dim=0); T.cat([i, x]); T.cat(tensors=[v, v]); T.cat([v, T.tensor([])])
T.concat([v, v]); T.stack([v, v]); T.stack([v, v], 1); T.stack((s, s)); T.stack([x, x], dim=-1).shape
T.index_select(x, 0, k[1:]); T.index_select(x, dim=1, index=k); x.index_select(1, k); x.eq(x); x.eq(0)
x.ne(0); x.lt(1); x.le(v); x.gt(0); x.ge(0); T.eq(x, 0); T.gt(x, v); T.le(i, 3); T.ne(b, True)
x.eq(x).sum().item(); T.logical_and(b, ~b); T.logical_or(b, ~b); T.logical_not(i); b.logical_not()
T.logical_and(i, i - 1); T.allclose(x, x + 1e-9); T.allclose(x, x + 1e-3, atol=1e-2)
T.allclose(q, q, equal_nan=True); T.equal(x, x); T.equal(x, v); T.equal(i, i.clone()); q + 1; q * 0
q.max(); q.argmax(); q.sum(); T.relu(q); T.sigmoid(q); q.sign(); q.clamp(0, 1); q.softmax(1)
T.maximum(q, q.t()); q.log(); q.sqrt(); q.tanh(); q == q; q.abs(); q.exp(); (q > 0).sum()
q.long().shape; q.bool(); q**0; 0 * q; f"{s}"; f"{s:.2f}"; f"{i[0, 0]:d}"; "%.3f" % s; "%d" % i[1, 1]
str(x); repr(v); f"{x}"; f"{v[0].item():.1f}"; "{:.1f}".format(x[0, 0]); str(x.shape); f"{x.size()}"
str(list(v)); str(x.dtype == i.dtype); [10, 20, 30][i[0, 0]]; [10, 20, 30][k[0]]; list(range(i[0, 1]))
"ab" * i[0, 1]; np.asarray(x); np.array(i); x.numpy(); np.ones(2)[k[1]]; np.array([x[0, 0], 1.0])
len(x[0]); 2.5 in v; -1.0 in v; s in v; max(v); min(v); sum(v); sorted(v)[0]; math.sqrt(x[1, 0])
math.isnan(q[0, 0]); x.__array__().shape; hash(x) == hash(x); x is x.view(2, 3); copy.deepcopy(x)
copy.copy(x); any(b); all(b); x.sum().item() == x.numpy().sum(); divmod(7, 2); isinstance(x, T.Tensor)
type(x) is T.Tensor; nn.Linear(2, 3); nn.MSELoss(); nn.MSELoss(reduction="sum").reduction
nn.Softmax(dim=1)(x); nn.LogSoftmax(dim=0)(x); nn.ReLU()(x); nn.Tanh()(v); nn.Sigmoid()(s)
nn.Identity(3, a=4)(x); nn.Flatten()(x[None]).shape; nn.Flatten(0)(x).shape; F.mse_loss(x, x + 1)
F.mse_loss(x, x * 2, reduction="sum"); F.mse_loss(x, x * 2, reduction="none"); F.l1_loss(x, x * 2)
F.l1_loss(x, x * 3, reduction="none"); F.nll_loss(x, k); F.nll_loss(x, k, reduction="sum")
F.nll_loss(x, k, reduction="none"); F.nll_loss(x, k, weight=v); F.nll_loss(x, k, ignore_index=2)
F.cross_entropy(x, k); F.cross_entropy(x, k, v, reduction="sum")
F.cross_entropy(x, k, label_smoothing=0.2); F.cross_entropy(x, x.softmax(1))
F.cross_entropy(v, i[0, 0]); F.nll_loss(v, k[0]); nn.CrossEntropyLoss(weight=v, ignore_index=0)(x, k)
nn.NLLLoss(weight=v)(x, k); nn.NLLLoss(reduction="none")(x, k); nn.L1Loss(reduction="sum")(x, -x)
nn.MSELoss(reduction="none")(v, -v); nn.Parameter(v); nn.Parameter(v, requires_grad=False).requires_grad
nn.Parameter(v).requires_grad; isinstance(nn.Parameter(v), T.Tensor); isinstance(v, nn.Parameter)
nn.Parameter(v).is_leaf; (nn.Parameter(v) * 2).requires_grad; type(nn.Parameter(v) * 2) is T.Tensor
nn.Parameter(v).data; nn.Parameter(v).grad; nn.Parameter(v).shape; T.device("cpu"); T.device("cpu").type
T.device("cpu") == x.device; str(T.device("cuda:0")); T.device("cuda", 0); T.inf; T.nan != T.nan
T.cuda.is_available() in (True, False); T.double is T.float64; T.short is T.int16
i.floor(); u.ceil(); i.round(); i.trunc(); x.round(); (x / 3).round(decimals=1); T.round(x * 30, decimals=-1); T.floor(x)
x.half().round()
T.sin(i); i.log1p(); b.expm1(); T.rsqrt(i); T.reciprocal(i); T.erf(b); T.log2(u); i.log10(); b.tan(); T.sinh(i)
T.cosh(input=i); u.atan()
T.erf(q); q.sin(); q.cos(); q.expm1(); q.log1p(); q.floor(); q.round(); q.rsqrt(); q.reciprocal(); x.half().erf()
x.half().sin(); s.tan()
T.atan2(x, v); T.atan2(i, x); i.atan2(i); T.atan2(q, q); e.sin(); e.erf(); T.ceil(input=x); (x.t() * 1).erf(); x[:, ::2].erf()
x.div(v, rounding_mode="floor"); i.div(2, rounding_mode="trunc"); (-i).div(4, rounding_mode="floor")
(-i).div(4, rounding_mode="trunc")
T.div(x, 0.1, rounding_mode="floor"); T.div(x, 0.1, rounding_mode="trunc"); u.div(7, rounding_mode="floor")
(-i).div(i - 7, rounding_mode="trunc")
x.div(0, rounding_mode="floor"); T.div(x, v, rounding_mode=None); i.div(2.0, rounding_mode="floor")
T.lerp(x, x + 1, 0.5); x.lerp(x + 2, x); T.addcmul(x, x, v, value=2); T.addcdiv(x, v, s, value=0.5); i.addcmul(i, i)
x.addcdiv(v, v)
T.bitwise_and(i, 3); i.bitwise_or(i); T.bitwise_xor(b, ~b); T.bitwise_not(i); b.bitwise_not(); i.bitwise_left_shift(2)
i << 1; i >> 1
T.bitwise_right_shift(i, k[0]); T.bitwise_and(7, i); u.bitwise_xor(u); 1 << i; 9 >> i; T.logical_xor(i, i - 1); b.logical_xor(~b)
T.isclose(x, x + 1e-9); T.isclose(q, q, equal_nan=True); T.isclose(i, i + 1, atol=1); i.byte(); x.short(); x.char()
x.type_as(i); i.type_as(x)
x.clone().resize_(2, 2); v.clone().resize_((1, 2)); i.clone().resize_(6); i.clone().resize_(7).shape; x.clone().resize_(3, 2)
F.leaky_relu(x); F.leaky_relu(x, 0.3); F.elu(x, 0.5); F.selu(f); F.gelu(x); F.gelu(f, approximate="tanh"); F.silu(s); F.softplus(x)
F.softplus(x * 9, 2, 3); F.logsigmoid(x * 99); F.hardtanh(x, -2, 2); F.relu6(x * 3); F.prelu(x, s.reshape(1))
F.prelu(x, v)
F.gelu(x.half()); F.silu(x.half()); F.leaky_relu(x.half()); F.elu(x.half()); F.softplus(x.half()); F.gelu(e)
F.prelu(s, s.reshape(1)); F.elu(q)
nn.LeakyReLU(); nn.LeakyReLU(0.2, True); nn.LeakyReLU(0.2).negative_slope; nn.ELU(); nn.ELU(2, inplace=True).alpha
nn.SELU(True); nn.GELU()
nn.GELU("tanh"); nn.SiLU(); nn.SiLU(True).inplace; nn.Softplus(); nn.Softplus(2, 5); nn.LogSigmoid(); nn.Hardtanh()
nn.Hardtanh(-2, 2.0, True); nn.ReLU6(); nn.ReLU6(True); nn.PReLU(); nn.PReLU(3, 0.1); nn.PReLU(3).state_dict()["weight"]
nn.PReLU(3)(f); nn.ELU(0.5)(x)
nn.Sequential(nn.GELU(), nn.Softplus(), nn.PReLU(2)); list(nn.PReLU(2).state_dict()); nn.Softplus(2, 5)(x); nn.Hardtanh()(x)
nn.SELU()(x)
x.var(); x.std(0); x.var(False); x.std(dim=1, unbiased=False); x.var(1, keepdim=True); x.std((0, 1), correction=0); x.std([0])
T.std(x, 1, False, True); x.std(axis=0); T.var(x, axis=1, keepdims=True); T.cat([x, x], axis=1); T.stack([x, x], axis=1)
T.var(x, dim=()); x.norm(); x.norm(1); x.norm(p=2, dim=1); x.norm(math.inf, 0); x.norm(0)
x.norm(-math.inf, (0, 1), True); T.norm(x, 3, dim=1, keepdim=True); T.norm(x, "fro"); T.norm(f, dtype=T.float64)
T.norm(x, p="fro", dim=(0, 1)); e.norm(); s.norm(1); x.norm(2.5); T.linalg.norm(x); T.linalg.norm(x, dim=1)
T.linalg.vector_norm(x, 1, dim=0); T.linalg.norm(v, 3); T.linalg.norm(x, "fro"); x.norm(p=None); x.prod(); i.prod(); i.prod(0)
x.prod(1, True); b.prod(); T.prod(x, dim=0, dtype=T.float32); e.prod(); e.prod(0); s.prod(); s.prod(0); u.prod(); x.cumsum(0); i.cumsum(1)
b.cumsum(0); u.cumsum(-1); T.cumsum(x, dim=1, dtype=T.float32); s.cumsum(0); x.cumprod(1); i.cumprod(-1); e.cumsum(0); x.logsumexp(1)
T.logsumexp(x, (0, 1)); T.logsumexp(x, dim=0, keepdim=True); q.logsumexp(1); s.logsumexp(0); i.logsumexp(1)
T.logsumexp(T.full((2, 2), -math.inf), 1); x.count_nonzero(); T.count_nonzero(x, dim=0); i.count_nonzero((0, 1)); b.count_nonzero()
s.count_nonzero(0); x.topk(2); T.topk(x, 1, dim=0, largest=False); x.topk(k=2, dim=-1); v.topk(2).indices; v.topk(2)[0]; s.topk(1)
i.topk(0); x.topk(3, sorted=True).values; x.sort(); x.sort(0, True); x.sort(descending=True); i.sort(dim=0); b.sort(); T.sort(x, dim=1)[1]
T.sort(v, stable=True); s.sort(); q.sort(); q.sort(descending=True); x.argsort(); x.argsort(0, True); T.argsort(v, descending=True)
s.argsort(); e.sort(1); x.median(); v.median(0); x.median(dim=1, keepdim=True); x.median(1)[0]
q.median(); i.median(); i.unique(); T.unique(i % 2, return_counts=True); T.unique(x, return_inverse=True)
T.unique(T.tensor([[1, 2], [1, 2]]), dim=0); T.unique(b, sorted=True, return_inverse=True, return_counts=True); T.bincount(k)
T.bincount(k, minlength=5); T.bincount(k, weights=v[:2]); T.bincount(k, v[:2].float()); x.gather(1, k[:, None])
T.gather(x, 0, T.tensor([[1, 0, 1]])); T.gather(i, dim=1, index=T.tensor([[0, 0]])); s.gather(0, k[1]); T.gather(v, 0, k)
x.scatter(1, k[:, None], 7.0); x.scatter(1, k[:, None], w[:2]); x.scatter(dim=0, index=T.tensor([[1, 1]]), src=w)
T.scatter(x, 1, k[:, None], value=2.0); i.scatter(0, T.tensor([[1, 0]]), 9); T.zeros(2, 3).scatter_(1, k.unsqueeze(1), 1)
T.scatter_add(x, 1, T.tensor([[0, 0], [1, 1]]), w[:2]); x.scatter(1, k[:, None], 2.0, reduce="add"); v.scatter_add(0, k, v[:2])
v.index_add(0, k, v[:2]); x.index_add(1, k, w[:2], alpha=2)
v.repeat_interleave(2); T.repeat_interleave(x, 2, dim=1); x.repeat_interleave(k, 0); x.repeat_interleave(T.tensor([1]), -1)
s.repeat_interleave(3); x.is_sparse; x.clone().fill_diagonal_(9); x.t().clone().fill_diagonal_(0.5); i.clone().fill_diagonal_(7)
x.masked_fill(x > 0, 0.0); x.masked_fill(b, -math.inf); T.masked_fill(x, x < 0, s); i.masked_fill(i > 2, 5); x.masked_select(x > 0)
T.masked_select(x, b); T.masked_select(v, x > 0); x.nonzero(); T.nonzero(x, as_tuple=True); s.nonzero(); b.nonzero(); e.nonzero()
s.nonzero(as_tuple=True); F.one_hot(k); F.one_hot(k, 4); F.one_hot(i, num_classes=8)
F.one_hot(k[0]); F.one_hot(T.zeros(0, dtype=T.int64), 3); x.select(0, 1); x.select(1, -1); T.select(x, dim=1, index=0); x.narrow(1, 1, 2)
T.narrow(x, 0, -1, 1); x.narrow(dim=0, start=0, length=0); x.narrow(1, k[1], 1); x.chunk(2, 1); T.chunk(v, 2); v.chunk(5); e.chunk(2)
T.chunk(x, chunks=3, dim=-1); x.split(2, dim=1); T.split(v, [1, 2]); T.split(v, 1); x.split((1, 1)); v.split(5); e.split(0); e.split(3)
x.unbind(); T.unbind(x, 1); x.unbind(dim=-1)[0]; x.repeat(2, 1); v.repeat(2); x.repeat((1, 2)); x.repeat(2, 1, 1); v.repeat(2, 0)
s.repeat(3); x.repeat(repeats=(2, 2)); x.tile(2); T.tile(x, (2, 1)); v.tile(2, 2); x.tile(dims=(1, 2)); T.flip(x, (0,)); x.flip(0)
x.flip([0, 1]); x.flip(-1, 0); T.flip(x, dims=[1]); s.flip(()); i.flip(1); x.flip(dims=(0,)); T.diag(v); T.diag(v, 1); T.diag(x)
T.diag(x, -1); x.diag(1); v.diag(-2); x.diagonal(); T.diagonal(x, 1); x.diagonal(0, 1, 0); T.diagonal(x, offset=-1, dim1=0, dim2=1)
i.diag(); b.diag(); x.trace(); i.trace(); x.triu(); x.tril(-1); T.triu(x, 1); T.tril(x, diagonal=1); i.triu(); b[None].tril()
T.ones(2, 2, 2).tril(); x.roll(1); x.roll(1, 0); T.roll(x, (1, -1), (0, 1)); T.roll(v, shifts=4, dims=0); x[None].movedim(0, -1).shape
T.movedim(x, (0, 1), (1, 0)); x.unflatten(1, (3, 1)); T.unflatten(x, -1, (-1, 3)); x.swapdims(0, 1); x.swapaxes(0, 1); T.swapaxes(x, 0, 1)
x.ravel(); T.ravel(x.t()); T.hstack([v, v]); T.hstack((x, x)); T.vstack([v, v]); T.vstack((x, v)); T.hstack([s, s]); T.vstack([s, s])
T.broadcast_to(v, (2, 3)); T.meshgrid(v, indexing="ij"); x.reshape(shape=(3, 2)); T.reshape(x, shape=(6,)); x.view(size=(3, 2))
v.expand(size=(2, 3)); x.permute(dims=(1, 0)); v.dot(v); T.dot(v, v); T.bmm(x[None], w[None]); x[None].bmm(w[None]); T.outer(v, k)
v.outer(v); T.ger(v, v); v.ger(v); x.mv(v); T.mv(x, v); T.addmm(s, x, w)
T.addmm(w[:2], x, w, beta=0.5, alpha=2); w[:2].addmm(x, w); T.baddbmm(w[:2], x[None], w[None])
T.addmm(T.full((2, 2), math.nan, dtype=T.float64), x, w, beta=0); i.mv(T.tensor([1, 2, 3])); T.dot(k, k); T.einsum("ij,jk->ik", x, w)
T.einsum("ij->ji", x); T.einsum("ii", x[:, :2]); T.einsum("ii->i", x[:, :2]); T.einsum("i,j", v, v); T.einsum("ij,ij", x, x)
T.einsum("...j,jk", x, w); T.einsum("ij", x); T.einsum("ba", x); T.einsum(" ij , kj -> i k", [x, x]); T.einsum("i->", k)
T.einsum("ij,j", i, T.tensor([1, 2, 3])); T.einsum("...->...", x); T.einsum("Ab->b", x); T.einsum("i...->...", x)
T.einsum("ij,kj,kl->il", x, x, x)
repr(x.topk(1)); repr(v.sort()); repr(x.median(0))
f.half().std(); f.half().norm(); f.half().logsumexp(1); f.half().cumsum(0); f.half().prod(); f.half().var(0); f.half().sort()
q.median(0); (v * math.nan).median(0); q[0].median(0, True); T.where(x > 0, x, math.nan).median(1)
e.prod(0, dtype=T.uint8); i[:0].prod(dtype=T.int32); e.prod(dtype=T.bool); x.index_select(1, k[0]); s.median(0)
f.half().norm(1); T.meshgrid(v, x[0], indexing="ij"); T.meshgrid([v, x[0]], indexing="xy"); T.meshgrid(v, s, v[1:], indexing="ij")
"""


def expressions():
    found = []
    for line in EXPRESSIONS.strip().split("\n"):
        found += [part.strip() for part in line.split("; ")]
    return found


def compared(value):
    """Return a result in a form that is equal for equal results of the two libraries."""
    if isinstance(value, torch.Tensor | minigrad.Tensor):
        array = value.detach().numpy()
        return "tensor", str(array.dtype), array.shape, array, value.requires_grad
    if isinstance(value, np.ndarray):
        return "array", str(value.dtype), value.shape, value
    if isinstance(value, tuple | list):
        return [compared(part) for part in value]
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, torch.device | minigrad.device | torch.nn.Module | minigrad.nn.Module):
        return repr(value)
    return value if not callable(value) else "callable"


def same(a, b):
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        tolerance = 1e-3 if a.dtype == np.float16 else 1e-6 if a.dtype == np.float32 else 1e-12
        exact = a.dtype.kind != "f"
        return np.array_equal(a, b) if exact else np.allclose(a, b, tolerance, tolerance, equal_nan=True)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12) or (a != a and b != b)
    return type(a) is type(b) and a == b


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:To copy construct", "ignore:indexing with dtype")
@pytest.mark.parametrize("expression", expressions())
def test_expression(expression):
    in_torch, in_minigrad = (compared(eval(expression, prepare(T))) for T in LIBRARIES)
    assert same(in_minigrad, in_torch), f"{expression}\nminigrad {in_minigrad}\nPyTorch  {in_torch}"


@pytest.mark.parametrize("T", LIBRARIES, ids=lambda T: T.__name__)
def test_names_that_pytorch_still_has_from_the_time_of_the_lectures(T):
    class Penalty(T.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x)
            ctx.weight = weight
            return x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_variables
            return x.clone().mul(ctx.weight) + g, None

    x = T.autograd.Variable(T.FloatTensor([1.0, -2.0]), requires_grad=True)
    assert isinstance(x, T.autograd.Variable)
    with pytest.warns(DeprecationWarning, match="saved_variables"):
        Penalty.apply(x, 0.5).sum().backward()
    assert x.grad.data.tolist() == [1.5, 0.0]
    with pytest.warns(UserWarning, match="volatile"):
        T.autograd.Variable(T.ones(1), volatile=True)
    with pytest.warns(UserWarning, match="indexing with dtype"):
        assert T.ones(3)[T.ByteTensor([1, 0, 1])].shape == (2,)


# ---- in place, recorded and not

IN_PLACE = """
y.add_(2); y.add_(w); y.add_(w, alpha=3); y.sub_(w); y.sub_(1, alpha=2); y.mul_(w); y.mul_(3); y.div_(w); y.div_(2); y.pow_(2)
y.zero_(); y.fill_(3); y.fill_(s); y.copy_(w); y.copy_(s); y.clamp_(0, 1); y.clamp_(min=0); y.clip_(max=1); y.exp_(); y.neg_()
y.sin_(); y.floor_(); y.round_(); y.round_(decimals=1); y.lerp_(w, 0.5); y.lerp_(w, s); y.addcmul_(w, w, value=2)
y.addcdiv_(w, w)
y.atan2_(w); y.square_(); y.sign_(); y.sinh_(); y.cosh_(); y.abs_().log_(); y.reciprocal_(); y.div_(2, rounding_mode="floor")
y.div_(w, rounding_mode="trunc")
y.abs_(); y.tanh_(); y.sigmoid_(); y.relu_(); y.abs_().sqrt_(); y.add_(w[0]); y.mul_(s); y.sub_(y); y.add_(y); y.remainder_(2)
y.__iadd__(w); y.__imul__(w); y.__itruediv__(w); y.__isub__(1); y.__ipow__(2); y.__imod__(2); y.__setitem__(0, 5.0)
y.__setitem__((slice(None), 1), w[:, 0]); y.__setitem__(y > 0, 0.0); y.__setitem__([0, 1], w[:2]); y.__setitem__(..., w)
y.__setitem__((0, 1), s); y.__setitem__(slice(1, None), s); y.__setitem__(y < 0, s); y.__setitem__((0, [0, 2]), w[1, :2])
y.masked_fill_(y > 0, 2.0); y.masked_fill_(y > 0, s); y.scatter_(1, (y[:, :1] > 0) * 2, w[:, 1:2]); y.scatter_(0, (y[:1] > 0) * 1, 3.0)
y.scatter_add_(1, (y > 0) * 1, w); y.index_add_(1, (y[0] > 0) * 2, w, alpha=2)
y.diagonal().add_(w[0, :2]); y.select(1, 0).mul_(w[:, 1]); y.narrow(1, 1, 2).copy_(w[:, :2]); y.T.tril().add_(1)
y.flip(0).add_(1); y.movedim(0, 1).mul_(w.T); y.ravel().add_(w.ravel())
"""


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "not recorded"])
@pytest.mark.parametrize("code", [code for line in IN_PLACE.strip().split("\n") for code in line.split("; ")])
def test_in_place(code, recorded):
    results = []
    for T in LIBRARIES:
        x, w, s = (
            T.tensor(values, dtype=T.float64, requires_grad=recorded)
            for values in ([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]], [[1.5, 2.0, -0.5], [0.75, 1.0, 2.0]], 1.25)
        )
        y = x * 1
        before = y
        eval(code, {"y": y, "w": w, "s": s})
        assert y is before
        if recorded:
            (y * T.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).sum().backward()
        results.append([compared(y.detach()), *[t.grad if t.grad is None else compared(t.grad) for t in (x, w, s)]])
    assert same(results[1], results[0]), results


def test_in_place_writes_into_the_memory_when_nothing_is_recorded():
    for code in (code for line in IN_PLACE.strip().split("\n") for code in line.split("; ")):
        y = minigrad.tensor([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])
        array = y.array
        eval(code, {"y": y, "w": minigrad.ones(2, 3), "s": minigrad.tensor(1.25)})
        assert y.array is array, code


# ---- arguments

SIGNATURES = {
    "nn": """Linear ReLU Softmax LogSoftmax Flatten MSELoss NLLLoss CrossEntropyLoss L1Loss Parameter ModuleList LeakyReLU
        PReLU ELU SELU GELU SiLU Softplus Hardtanh ReLU6 ParameterList ParameterDict Dropout BatchNorm1d LayerNorm Embedding
        Unflatten CosineSimilarity PairwiseDistance BCELoss BCEWithLogitsLoss SmoothL1Loss HuberLoss KLDivLoss MultiMarginLoss
        MarginRankingLoss""",
    "nn.utils": "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters",
    "nn.functional": """relu tanh sigmoid softmax log_softmax mse_loss nll_loss cross_entropy l1_loss leaky_relu elu selu silu
        hardtanh relu6 dropout batch_norm layer_norm embedding binary_cross_entropy
        binary_cross_entropy_with_logits smooth_l1_loss huber_loss kl_div multi_margin_loss
        margin_ranking_loss""",
    "nn.init": NAMES["nn.init"],
    "nn.Module": """parameters named_parameters buffers named_buffers named_modules add_module register_parameter
        register_buffer apply train zero_grad load_state_dict state_dict cuda requires_grad_ get_submodule get_parameter
        get_buffer type share_memory register_forward_hook register_forward_pre_hook""",
    "optim": "SGD Adam AdamW RMSprop Adagrad LBFGS",
    "optim.lr_scheduler": """StepLR MultiStepLR ExponentialLR CosineAnnealingLR LambdaLR ReduceLROnPlateau OneCycleLR LinearLR ConstantLR
        SequentialLR CosineAnnealingWarmRestarts""",
    "optim.Optimizer": "step zero_grad add_param_group load_state_dict",
    "autograd": "grad backward",
    "Tensor": "backward register_hook",
}
NOT_HERE = {
    "weight", "args", "destination", "prepend", "with_kwargs", "always_call", "only_inputs", "is_grads_batched", "grad_variables",
    "inputs", "min_value", "max_value",
}  # fmt: skip


@pytest.mark.parametrize(("place", "name"), [(place, name) for place in SIGNATURES for name in SIGNATURES[place].split()])
def test_arguments(place, name):
    """minigrad's arguments are PyTorch's, in its order and with its defaults; NOT_HERE lists those that are missing."""
    in_torch, in_minigrad = ({**inspect.signature(getattr(operator.attrgetter(place)(T), name)).parameters} for T in LIBRARIES)
    assert set(in_minigrad) <= set(in_torch)
    assert set(in_torch) - set(in_minigrad) <= NOT_HERE
    assert list(in_minigrad) == [key for key in in_torch if key in in_minigrad]
    for key, parameter in in_minigrad.items():
        assert parameter.default == in_torch[key].default, key
    positional = [[key for key, p in found.items() if p.kind is p.POSITIONAL_OR_KEYWORD] for found in (in_minigrad, in_torch)]
    shared = zip(*positional)
    assert all(a == b for a, b in shared)


# ---- errors


ERRORS = """
x.view(4); x.reshape(4); x.view(-1, -1); x.t().view(-1); x.view(-1, 4); x @ x; T.mm(x, v); x.mm(x)
s @ s; x @ s; x + w; x * w; x == w; T.maximum(x, w); x.expand(3, 3); x.expand(3); x[5]; x[:, 7]
x[0, 0, 0]; x[-3]; x[1.5]; x[T.tensor([0.5])]; x[T.tensor([7])]; x[b]; x[::-1]; s[0]
x[[0, 1], [0, 1, 2]]; x[:, T.tensor([3])]; T.index_select(x, 0, T.tensor([5])); T.index_select(x, 3, k)
T.tensor([[1], [2, 3]]); T.tensor("a"); T.tensor(1, requires_grad=True); T.tensor([1, "a"])
T.tensor(None); T.tensor([None]); T.tensor([1 + 2j]); T.from_numpy([1]); T.zeros(-1); T.zeros(2.5)
T.full(2); T.arange(0, 5, -1); T.arange(0, 5, 0); T.linspace(0, 1, -1); T.eye(-1); T.randint(3, 3, (1,))
T.randperm(-1); T.set_default_dtype(T.int64); T.device("nope"); x.to("nope"); T.normal(0.0, -1.0, (2,))
T.cat([]); T.cat([x, v]); T.cat([x, w]); T.cat([x, x], 2); T.stack([v, s]); T.stack([])
T.stack([v, v], 3); T.where(x, x, x); T.cat(x[0, 0]); x.sum(5); x.sum((0, 0)); x.mean(2); i.mean()
x.max(3); x.argmax(2); e.max(); e.argmax(); e.max(0); x.softmax(2); x.softmax(); F.log_softmax(x, dim=5)
nn.LogSoftmax(10)(x); nn.Softmax(dim=-3)(x); x.all(2); x.amax(3); e.amax(0); x.permute(0, 0)
x.permute(0); x.transpose(0, 3); x.squeeze(4); x.unsqueeze(5); x.flatten(1, 0); x.flatten(3)
x[None].t(); x.size(3); len(s); list(s); x.item(); bool(x); int(x); float(v); if_x = 1 if x else 2
range(s); [1, 2][s]; e.item(); x.clamp(); x.pow(); x.add(); x.sub_("a"); x + "a"; x * None; x @ [1]
i // 0; i % 0; -i ** -1; b - b; -b; x & 1; ~x; x | i; T.exp("a"); T.relu(3); T.sum([1]); T.matmul(x, 2)
x.new_zeros("a"); x.float(3, 4, 5); x.copy_(w); x.add_(w); v.sub_(x); i.div_(2); i.add_(0.5)
i.mul_(1.5); i.exp_(); i.sigmoid_(); x.normal_(0, -1); x.uniform_(2, 1); x.fill_(v); i.normal_()
x.__setitem__(5, 1); x.__setitem__(0, w); x.data.sub_(w); b.add_(2.5); x.backward()
x.requires_grad_().backward(); x.requires_grad_().add_(1)
(x.requires_grad_() * 2).requires_grad_(False); x.long().requires_grad_(); x.requires_grad_().numpy()
np.asarray(x.requires_grad_()); x.register_hook(print); x.retain_grad()
copy.deepcopy(x.requires_grad_() * 2); x.requires_grad_().sum().backward(v)
T.autograd.grad(x.requires_grad_().sum(), w); T.autograd.grad(x.sum(), x)
T.autograd.grad(x.requires_grad_().sum(), w.requires_grad_()); x.requires_grad_().zero_()
x.requires_grad_().sum().backward(gradient=T.ones(2)); setattr(x, "grad", w); setattr(x, "grad", 3)
F.nll_loss(x, T.tensor([0, 3])); F.nll_loss(x, T.tensor([-1, 0])); F.nll_loss(x, v)
F.nll_loss(x, k.float()); F.cross_entropy(x, T.tensor([0, 1, 2])); F.mse_loss(x, x, reduction="avg")
F.nll_loss(x, k, weight=w[0]); F.cross_entropy(x, k, label_smoothing=2.0); F.mse_loss(x, 3)
nn.Linear(3, 2)(w); nn.Linear(3, 2)(x); nn.Linear(3, 2)(3); F.linear(x, x.t()); nn.Module()(x)
nn.Sequential(3); nn.Sequential(nn.Tanh())[1]; nn.ModuleList([nn.Tanh()])[2]; nn.ModuleList([3])
nn.Linear(2, 2).nope; nn.Linear(2, 2).load_state_dict({}); nn.Linear(2, 2).load_state_dict(3)
nn.Parameter(3); setattr(nn.Linear(2, 2), "weight", w); setattr(nn.Linear(2, 2), "weight", 3)
nn.Module().add_module("a.b", nn.Tanh()); nn.Module().add_module("", nn.Tanh())
nn.Module().add_module(3, nn.Tanh()); nn.Module().add_module("a", 3)
nn.Module().add_module("training", nn.Tanh()); nn.Module().register_buffer("a", 3)
nn.Module().register_parameter("a", w); nn.Module().train(3); nn.Linear(2, 2).to(T.int64)
nn.Linear(2, 2).to("nope"); nn.Linear(2, 2).get_submodule("a"); nn.Linear(2, 2).get_parameter("a")
nn.init.xavier_uniform_(v); nn.init.calculate_gain("nope"); nn.init.kaiming_normal_(w, mode="nope")
delattr(nn.Linear(2, 2), "nope"); T.optim.SGD([], lr=0.1); T.optim.SGD([x], lr=-1)
T.optim.SGD(x, lr=0.1); T.optim.SGD([x.requires_grad_() * 2], lr=0.1)
T.optim.SGD([x], lr=0.1, nesterov=True); T.optim.SGD([x], lr=0.1, momentum=-1)
T.optim.Adam([x], betas=(1.0, 0.9)); T.optim.Adam([x], eps=-1)
T.optim.SGD([{"params": [x]}, {"params": [x]}], lr=0.1); T.optim.SGD([3], lr=0.1)
T.optim.SGD([{"lr": 1}], lr=0.1); T.optim.Adam([x], lr=-1); T.optim.SGD([x], lr=0.1, weight_decay=-1)
T.optim.lr_scheduler.StepLR(3, 2); T.optim.lr_scheduler.StepLR(T.optim.SGD([x], lr=1), 2, last_epoch=3)
T.optim.lr_scheduler.LambdaLR(T.optim.SGD([x], lr=1), [])
x.all(5); x.any((0, 3)); x.all("a"); x.sum(1.5); x.sum("a"); x.sum(x); x.mean(np.ones(2)); x.amax(1.5); x.argmax("a"); x.max(1.5)
x.softmax(1.5); x.softmax("a"); s.softmax(3); s.softmax("a"); s.flatten(3); s.flatten("a"); x.flatten(1.5); x.flatten(x)
s.transpose("a", 0)
x.unsqueeze(1.5); x.squeeze(x); x.transpose(0, None); x.view_as(3); x.expand_as("a"); x.mm(None); s.mm(None)
x.index_select(0, None)
x.logical_and(3); x.logical_or(None); None in x; "a" in x; x.normal_("a"); x.normal_([]); x.uniform_(x); x.uniform_("a", 1)
x.requires_grad_("yes"); x.requires_grad_(None); setattr(x, "requires_grad", 1); setattr(x, "data", 3); x.clamp("a")
x.clamp_(object())
x.new_zeros(-1); x.new_empty(2, -1); T.zeros_like(3); T.full_like("a", 1); T.randn_like(None); T.randint(1.5, (2,))
T.randint(3, "ab")
T.randperm(1.5); T.normal("a", 1.0, (2,)); T.normal([], 1.0, (2,)); T.set_default_dtype(None); T.set_grad_enabled("a")
T.zeros(2, requires_grad=3)
T.cat([x, None]); T.cat("ab"); T.stack([x, 3]); T.stack("ab"); T.where(3, x, x); T.equal(x, None); T.allclose(x, 3); T.numel(3)
nn.Parameter(x, "yes"); F.linear(x, x, 3); F.nll_loss(x, k, weight=3); F.cross_entropy(x, k, weight="a")
T.Generator().manual_seed(1.5)
T.optim.SGD([x]).load_state_dict({}); T.optim.SGD([x], lr=None); T.optim.SGD({"params": x})
T.round(b); b.floor(); T.sin("a"); x.div(v, rounding_mode="up"); T.bitwise_and(x, 1); x.bitwise_not(); i.sin_(); i.rsqrt_()
b.round_()
F.silu(i); F.gelu(x, approximate="no"); nn.GELU("no")(x); F.elu(3); F.prelu(x, 3); F.softplus("a"); F.leaky_relu(i); T.atan2(x, 3)
x.requires_grad_().resize_(2); x.resize_(-1); T.lerp(x, 3, 0.5); T.logical_xor(x, 3); x.requires_grad_().sin_(); x.type_as(3)
T.isclose(x, 3)
T.addcmul(x, 3, x); T.addcdiv(x, x, None); T.round(i, decimals=1); T.floor([1.5]); i.div(0, rounding_mode="floor")
F.prelu(x, v[:2])
T.autograd.grad(x.requires_grad_().sum(), []); x.requires_grad_().sum().backward(inputs=[]); x.requires_grad_().sum().backward(inputs=[w])
i.var(); i.std(0); x.var(3); x.norm(2, 3); i.norm(); x.prod(2); x.prod("a"); x.cumsum(2); x.cumsum(); x.logsumexp(5); x.logsumexp()
x.repeat_interleave(-1); x.repeat_interleave(k, 1); x.repeat_interleave(2, 2); v.fill_diagonal_(1.0); x.fill_diagonal_("a")
x.topk(7); x.topk(1, 3); x.topk(-1); v.topk(4); x.sort(2); x.argsort("a"); x.median(4); T.unique(x, dim=3)
T.bincount(T.tensor([-1])); T.bincount(3); x.gather(0, k); x.gather(1, T.tensor([[5], [0]])); x.gather(1, T.tensor([[-1], [0]]))
x.gather(0, x); x.gather(5, i); x.gather(0, T.zeros(1, 4, dtype=T.int64)); x.gather(0, None); x.scatter(1, k, 1.0)
x.scatter(1, k[:, None], v); x.scatter(1, k[:, None], w[:2].float()); x.scatter(1, T.tensor([[3]]), 1.0); x.scatter(1, k[:, None])
x.scatter_add(1, k[:, None], 1.0); x.scatter_(1, k[:, None], w[:2].float()); x.scatter(1, k[:, None], "a")
x.masked_fill(i, 1.0); x.masked_fill(v > 0, v); x.masked_fill(w > 0, 1.0)
i.masked_fill(i > 0, 1e300); x.masked_select(v); x.masked_select(w > 0); x.masked_fill_(w > 0, 1.0); T.nonzero(3)
x.select(0, 2); x.select(3, 0); x.narrow(0, 1, 2); x.narrow(0, 0, -1); s.narrow(0, 0, 1); x.chunk(0); s.chunk(1); x.split([1, 2])
x.split(-1); v.split(0); s.split(1); x.unbind(2); x.split("a"); x.split([-1, 3]); x.repeat(2); x.repeat(-1, 1); x.flip(2); x.flip(0, 0)
T.diag(s); T.diag(x[None]); x.diagonal(0, 0, 0); x.diagonal(0, 2); v.trace(); v.triu(); s.tril(); x.roll((1, 2), 0); x.roll(1, 5)
x.movedim(0, 3); x.movedim((0, 0), (0, 1)); x.unflatten(1, (2, 2)); x.unflatten(5, (1,)); T.vstack([x, w]); T.hstack([x, 3])
T.meshgrid(x, v, indexing="ij"); T.meshgrid(v, indexing="ab"); T.meshgrid(3, indexing="ij"); T.broadcast_to(v, (2, 2)); v.dot(x)
v.dot(v[:2]); T.bmm(x, w); T.bmm(x[None], w[None].expand(2, 3, 2)); v.outer(x); x.mv(x); x.mv(k); T.addmm(v, x, w)
T.addmm(x, x, x); T.dot(v, 3); T.mv(3, v); x.mv(v.float()); T.einsum("ij,jk", x); T.einsum("ijk", x); T.einsum("ij->ik", x)
T.einsum("ij->ii", x); T.einsum("ii", x); T.einsum("ij,jk", x, x); T.einsum("i1", x); T.einsum("", x); T.einsum("ij", 3); T.einsum(3, x)
T.einsum("i...", s); F.one_hot(x); F.one_hot(T.tensor([-1])); F.one_hot(k, 2); F.one_hot(T.zeros(0, dtype=T.int64))
x.norm("nope"); T.linalg.norm(i); T.std("a"); T.topk(x, 1.5); x.topk(None); T.gather([1], 0, k)
T.cat(x.unbind(), 3); T.cat([s, s]); T.isclose(x, w); i & k; T.bitwise_right_shift(i, k); T.bincount(k, minlength=-1); T.bincount(k, v)
e.median(0); x.expand(-1, 2, 3); T.broadcast_to(s, (-1,)); e.unflatten(1, (2, -1)); s.unflatten(0, (1,)); x.index_add(1, k, w[:1])
x.index_add(1, k[:1], w[:2]); x.index_add(1, k, x[0]); x.index_select(1, k[None]); x.index_add(1, k[None], w[:2])
"""
OTHERS = {  # an argument of the wrong type is a TypeError in minigrad, whatever PyTorch raises
    "T.tensor(None)", "T.tensor([None])", "T.tensor([1 + 2j])", "x & 1", "x | i", "F.mse_loss(x, 3)",
    "T.bitwise_and(x, 1)", "x.bitwise_not()",
    "nn.Parameter(3)", 'setattr(x, "requires_grad", 1)', "T.Generator().manual_seed(1.5)",
    'x.to("nope")', 'nn.Linear(2, 2).to("nope")',
}  # fmt: skip


def errors():
    found = []
    for line in ERRORS.strip().split("\n"):
        found += [part.strip() for part in line.split("; ")]
    return found


def raised(expression, T):
    code = expression.partition(" = ")[2] if expression.startswith("if_x") else expression
    try:
        return eval(code, prepare(T)), None
    except Exception as error:
        return None, error


@pytest.mark.parametrize("expression", errors())
def test_error(expression):
    (_, in_torch), (value, in_minigrad) = (raised(expression, T) for T in LIBRARIES)
    assert in_torch is not None or expression == "T.tensor([1 + 2j])", expression
    assert in_minigrad is not None, f"{expression} gave {value}, PyTorch raises {in_torch!r}"
    expected = TypeError if expression in OTHERS else type(in_torch)
    assert isinstance(in_minigrad, expected), f"{expression}\nminigrad {in_minigrad!r}\nPyTorch  {in_torch!r}"
    assert len(str(in_minigrad)) > 10
