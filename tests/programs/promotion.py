"""The dtypes of results: mixed arithmetic, Python numbers, 0-d tensors, reductions, division, comparisons, conversions."""

import torch

names = {torch.float32: "f4", torch.float64: "f8", torch.int64: "i8", torch.int32: "i4", torch.uint8: "u1",
         torch.bool: "b", torch.int16: "i2", torch.int8: "i1", torch.float16: "f2"}
kinds = [torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64]
for a in kinds:
    row = []
    for b in kinds:
        x, y, s = torch.ones(2, dtype=a), torch.ones(2, dtype=b), torch.ones((), dtype=b)
        row.append(names[(x * y).dtype] + names[(x + s).dtype] + names[(x / y).dtype])
    print(names[a], *row)
for a in kinds:
    x = torch.ones(2, dtype=a)
    results = [x + 1, x + 1.5, x * True, x / 2, x.sum(), 2 * x, 2.5 * x, x > 0, x == 1]
    print(names[a], *[names[r.dtype] for r in results])
for a in kinds[1:]:
    x = torch.ones(2, dtype=a)
    print(names[a], names[(x**2).dtype], names[(2**x).dtype], names[(-x).dtype], names[x.clamp(0, 1).dtype], names[abs(x).dtype])
print(names[torch.tensor(1).dtype], names[torch.tensor(1.0).dtype], names[torch.tensor([True]).dtype])
print(names[torch.arange(3).dtype], names[torch.arange(3.0).dtype], names[torch.zeros(2).dtype], names[torch.linspace(0, 1, 3).dtype])
print(names[torch.full((2,), 3).dtype], names[torch.full((2,), True).dtype], names[torch.eye(2).dtype], names[torch.tensor([1, 2.0]).dtype])
i = torch.tensor([1, 2, 3])
print(names[i.exp().dtype], names[i.sqrt().dtype], names[i.tanh().dtype], names[i.sigmoid().dtype], names[i.float().mean().dtype])
print(i / 2, i.sum() / 2, i.max(), i.float() / 2, True + i, i - 0.5)
try:
    i.mean()
except RuntimeError as error:
    print("RuntimeError", "dtype" in str(error) or "floating" in str(error))
try:
    i += 0.5
except RuntimeError as error:
    print("RuntimeError", "Float" in str(error) or "float" in str(error))
f = torch.ones(2)
f += torch.ones(2, dtype=torch.float64)
print(f, names[f.dtype])
torch.set_default_dtype(torch.float64)
print(names[torch.tensor(1.0).dtype], names[(i * 0.5).dtype], names[torch.ones(2).dtype], names[torch.get_default_dtype()])
print(torch.ones(2), torch.ones(2, dtype=torch.float32), torch.tensor([1], dtype=torch.uint8), i.to(torch.int32), i.bool())
x = torch.tensor([1.5, -2.5])
print(x.int(), x.long(), x.half(), x.type(torch.float32), x.to(i), x.double() is x, x.to(torch.float64) is x)
print(x.is_floating_point(), i.is_floating_point(), x.element_size(), i.to(torch.uint8).element_size())
print(torch.float64 == x.dtype, torch.double is torch.float64, torch.long is torch.int64, torch.float is torch.float32)
