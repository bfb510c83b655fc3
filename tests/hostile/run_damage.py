"""Random damage to the files of a run: other values in JSON, other bytes, other parts in checkpoints whose digests are right."""

import copy
import json

import minigrad as mg

DEEP = "[" * 300 + "]" * 300
ODD = [
    None, True, False, 0, 1, -1, 2, 10, 10**18, 2**63, 2**64, -(2**64), 10**400, -(10**4000), 0.5, -0.0, 1e-320, 1e308, -1.7e308,
    float("nan"), float("inf"), float("-inf"), "", "x", "\0", "\ud800", "\udcff\udc80", "\u2028", "<script>&\"'", "9" * 5000, "a" * 100_000,
    [], {}, [[]], [None], {"": None}, {"\ud800": "\udfff"}, [1, 2, 3], [1e308, -1e308], [float("nan")] * 3, json.loads(DEEP),
    "pretrain", "finetune", "float32", "cuda", "sgd", "autoencoder", "/dev/null", "~nobody/x", "a\0b",
]  # fmt: skip
BYTES = [b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\n", b"\r\n", b"}", b"[", b'"', b"\\ud800", b"NaN", b"-Infinity",
         b"1e999", b"9" * 5000, b"[" * 100_000, b'{"a":' * 100_000, b'"versions": null,', b"-", b"1e308"]  # fmt: skip


def places(value, at=()):
    """Yield every place in a nested value, as a path of keys; tensors are leaves."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def other_value(rng, value, odd=ODD):
    """Return a copy of a nested value with one place replaced, removed, wrapped, renamed or exchanged with another."""
    found = list(places(value))
    at = rng.choice(found)
    piece = value
    for key in at:
        piece = piece[key]
    kind = rng.randrange(8)
    if kind < 4:
        new = rng.choice(odd)
    elif kind == 4:
        new = rng.choice([[piece], {"x": piece}, [piece, piece]])
    elif kind == 5 and isinstance(piece, dict) and piece:
        new = dict(piece)
        new.pop(rng.choice(list(piece)))
    elif kind == 6 and isinstance(piece, dict):
        new = {**piece, rng.choice(["x", "\udc80", "\0", "versions", "lr"]): rng.choice(odd)}
    else:
        new = value
        for key in rng.choice(found):
            new = new[key]
    return replaced(value, at, new)


def replaced(value, at, new):
    """Return a copy of a nested value with `new` at the path `at`."""
    if not at:
        return new
    key, *rest = at
    if isinstance(value, tuple):
        return tuple(replaced(list(value), at, new))
    changed = copy.copy(value)
    changed[key] = replaced(value[key], rest, new)
    return changed


def other_bytes(rng, content):
    """Return `content` with one random damage."""
    at, length = rng.randrange(len(content) + 1), rng.choice([1, 2, 8, 64])
    before, after = content[:at], content[at:]
    kind = rng.randrange(6)
    if kind == 0 and after:
        return before + bytes([after[0] ^ 1 << rng.randrange(8)]) + after[1:]
    if kind == 1:
        return before
    if kind == 2:
        return before + after[length:]
    if kind == 3:
        return rng.choice(BYTES)
    return before + rng.choice([*BYTES, rng.randbytes(length)]) + after[rng.choice([0, 0, length]) :]


def damaged_text(rng, name, content):
    """Return the damaged content of a config.json, metrics.jsonl or summary.json."""
    if rng.random() < 0.3:
        return other_bytes(rng, content)
    lines = content.splitlines() if name == "metrics.jsonl" else [content]
    values = [json.loads(line) for line in lines]
    for _ in range(rng.choice([1, 1, 2])):
        index = rng.randrange(len(values))
        values[index] = other_value(rng, values[index])
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def odd_tensors():
    """Return tensors whose shapes and types are wrong wherever they are put into a checkpoint."""
    shapes = [(), (0,), (1,), (3, 5), (784, 784), (10, 784), (2, 2, 2), (0, 784), (16,)]
    return [mg.zeros(*shape, dtype=dtype) for shape in shapes for dtype in (mg.float64, mg.float32, mg.int64, mg.uint8, mg.bool)]


def damaged_state(rng, state):
    """Return a checkpoint's state with one or two other parts, or None if `save` itself refuses it."""
    odd = [*ODD, *odd_tensors(), mg.full((10, 784), float("nan"), dtype=mg.float64)]
    for _ in range(rng.choice([1, 1, 2])):
        part = rng.choice(list(state)) if rng.random() < 0.9 else None
        metrics = part == "metrics" and isinstance(state[part], mg.Tensor)
        if metrics:
            value = other_value(rng, json.loads(state[part].numpy().tobytes()))
            new = mg.tensor(list(json.dumps(value).encode()), dtype=mg.uint8)
        else:
            new = other_value(rng, state if part is None else state[part], odd)
        state = new if part is None else {**state, part: new}
        if not isinstance(state, dict) or not state:
            break
    return state
