"""Wrong answers: each kind of mistake gets its name, and an error in a student's code is told with its line."""

import io
import pathlib
import re
import textwrap

import numpy as np
import pytest

from minigrad.lessons import judge, lessons, read
from minigrad.lessons.judging import as_text, judged_text
from minigrad.lessons.pictures import side_by_side
from minigrad.lessons.writing import as_file

SLOW = re.compile("check_vjp|first_gradient|explain")  # examples in the lessons, on which no answer depends
SOLUTIONS = {lesson.number: [compile(cell.code(solved=True), "<solution>", "exec") for cell in lesson.shown
                             if cell.exercises or (cell.kind == "code" and not SLOW.search(cell.source))] for lesson in lessons()}


def solved(number):
    """Return the names that a solved lesson defines."""
    names = {"__name__": "lesson", "np": np}
    for code in SOLUTIONS[number]:
        exec(code, names)
    return names


def answered(number, exercise, answer):
    """Return the judgement of an exercise, with this answer in place of the solution's: Python code, or an expression for a name."""
    names = solved(number)
    exec(textwrap.dedent(answer), names)
    (judgement,) = judge(number, names, exercise)
    return judgement


CLASSIC = {  # the eleven classic mistakes of a hand-written backward: verdict, its words, lesson, exercise, answer
    "sign": ("the sign is wrong", 7, "case_1", "def subtract_backward(g, x, y): return g, g"),
    "constant factor": ("a constant factor is wrong", 1, "square_backward", "def square_backward(g, x): return g * x"),
    "broadcast": ("a sum over a broadcast axis is missing", 3, "bias_backward", "def bias_backward(g, x, b): return g, g[-1]"),
    "transposed": ("the gradient is transposed", 3, "linear_backward",
                   "def linear_backward(g, x, w, b): return g @ w, x.T @ g, g.sum(axis=0)"),
    "missing": ("the gradient is missing", 1, "product_backward", "def product_backward(g, a, b): return g * b, 0.0"),
    "diagonal": ("the backward is diagonal", 4, "log_softmax_backward",
                 "def log_softmax_backward(g, x): return g - np.exp(log_softmax(x)) * g"),
    "exchanged": ("the gradients of two arguments are exchanged", 1, "product_backward",
                  "def product_backward(g, a, b): return g * a, g * b"),
    "independent": ("the gradient does not depend on g", 1, "tanh_backward", "def tanh_backward(g, x): return 1 - math.tanh(x) ** 2"),
    "wrong axis": ("the backward works along the wrong axis", 4, "log_softmax_backward",
                   "def log_softmax_backward(g, x): return g - np.exp(log_softmax(x)) * g.sum(axis=0, keepdims=True)"),
    "input for output": ("the backward uses the input where it needs the output", 1, "tanh_backward",
                         "def tanh_backward(g, x): return g * (1 - x * x)"),
    "mask": ("the mask is inverted", 5, "relu_backward", "def relu_backward(g, x): return g * (x < 0)"),
}


@pytest.mark.parametrize("verdict", CLASSIC)
def test_each_of_the_eleven_classic_mistakes_gets_its_verdict(verdict):
    words, number, exercise, answer = CLASSIC[verdict]
    judgement = answered(number, exercise, answer)
    assert judgement.state == "wrong" and f"{verdict}: {words}" in judgement.kind
    assert (judgement.text and "==" in judgement.picture) or "!=" in judgement.picture or "expected" in judgement.picture
    said = " ".join(as_text(read(number), [judgement]).split())
    assert f"{verdict}: {words}" in said and f"{exercise}: wrong" in said


WRONG = [  # lesson, exercise, answer, words of its kind
    (1, "neuron_backward", """
        def neuron_backward(g, x, w, b):
            du = tanh_backward(g, w * x + b)
            return du * w, du * x, du""", "one use of a value is missing"),
    (1, "square_backward", "def square_backward(g, x): return 2 * x", "independent"),
    (1, "product_backward", "def product_backward(g, a, b): return g * b", "count"),
    (1, "product_backward", "def product_backward(g, a, b): return g * b, None", "missing"),
    (2, "multiply", "Value.__mul__ = lambda a, b: Value(a.data * b.data, (a, b), (lambda g: g * a.data, lambda g: g * b.data))",
     "exchanged"),
    (2, "multiply", "Value.__mul__ = lambda a, b: Value(a.data + b.data, (a, b), (lambda g: g, lambda g: g))", "the value is wrong"),
    (2, "multiply", "Value.__mul__ = lambda a, b: Value(a.data * b.data, (a, b), (lambda g: g,))", "count"),
    (2, "multiply", "Value.__mul__ = lambda a, b: a.data * b.data", "not a Value"),
    (2, "tanh", "Value.tanh = lambda a: Value(math.tanh(a.data), (a,), (lambda g: g * (1 - a.data**2),))", "input for output"),
    (2, "in_order", "def in_order(loss): return [loss, *loss.parents]", "values are missing"),
    (2, "in_order", "def in_order(loss): return [loss, *[v for p in loss.parents for v in in_order(p)]]", "visited twice"),
    (2, "in_order", "right = in_order\ndef in_order(loss): return right(loss)[::-1]", "from the oldest to the newest"),
    (2, "in_order", "right = in_order\ndef in_order(loss): return [loss, *right(loss)[:0:-1]]", "a value comes before one that uses it"),
    (2, "in_order", "right = in_order\ndef in_order(loss): return [*right(loss), Value(1.0)]", "too many values"),
    (2, "backward", """
        def backward(loss):
            loss.grad = 1.0
            for value in in_order(loss):
                for parent, function in zip(value.parents, value.backwards):
                    parent.grad = function(value.grad)""", "a use was overwritten"),
    (2, "backward", """
        def backward(loss):
            loss.grad = 1.0
            for value in in_order(loss):
                for parent, function in zip(value.parents, value.backwards):
                    parent.grad += function(1.0)""", "another gradient than minigrad's"),
    (2, "backward", "def in_order(loss): return [loss]", "it needs the other exercises"),
    (3, "bias_backward", "def bias_backward(g, x, b): return g, g.mean(axis=0)", "broadcast"),
    (3, "bias_backward", "def bias_backward(g, x, b): return g", "count"),
    (3, "bias_backward", "def bias_backward(g, x, b):\n    g *= 1\n    g += 1\n    return g, g.sum(axis=0)", "mutation"),
    (3, "unbroadcast", "def unbroadcast(g, shape): return g.sum(axis=tuple(range(g.ndim - len(shape))))", "broadcast"),
    (3, "linear_backward", "def linear_backward(g, x, w, b): return g @ w.T, x.T @ g, g", "broadcast"),
    (4, "log_softmax", "def log_softmax(x): return x - np.log(np.exp(x).sum(axis=1, keepdims=True))", "overflow"),
    (4, "log_softmax", "def log_softmax(x): return x - np.log(np.exp(x).sum())", "wrong axis: the sum runs over all"),
    (4, "log_softmax", "def log_softmax(x): return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)", "softmax, not its logarithm"),
    (4, "log_softmax", "def log_softmax(x): return x.sum(axis=1)", "shape"),
    (4, "log_softmax_backward", """
        def log_softmax_backward(g, x):
            p = np.exp(log_softmax(x))
            return p * (g - (g * p).sum(axis=1, keepdims=True))""", "the backward of another function"),
    (4, "nll_backward", "def nll_backward(g, y, t): return -g * np.eye(y.shape[1])[t]", "constant factor"),
    (4, "nll_backward", "def nll_backward(g, y, t): return g * np.eye(y.shape[1])[t] / len(t)", "sign"),
    (4, "cross_entropy_backward", "def cross_entropy_backward(g, x, t): return (np.exp(log_softmax(x)) - np.eye(3)[t]) / len(t)",
     "independent"),
    (5, "sigmoid_backward", "def sigmoid_backward(g, y): return g * (1 - y * y)", "the backward of another function"),
    (5, "sigmoid_backward", "def sigmoid_backward(g, y): return g * sigmoid(y) * (1 - sigmoid(y))", "output for input"),
    (5, "relu_backward", "def relu_backward(g, x): return g * (x >= 0)", "the convention at 0"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.normal(size=(n, m))", "the weights are not scaled"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.normal(size=(n, m)) / n", "the variance is used as the deviation"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.normal(size=(n, m)) / m**0.5", "outputs for inputs"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.normal(size=(m, n)) / n**0.5", "wrong shape"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.uniform(0, 1, size=(n, m)) * (12 / n)**0.5", "the mean is not 0"),
    (6, "sgd_step", "def sgd_step(p, g, lr): return p + lr * g", "uphill"),
    (6, "sgd_step", "def sgd_step(p, g, lr):\n    p -= lr * g\n    return p", "mutation"),
    (6, "momentum_step", "def momentum_step(p, g, b, lr, m):\n    b = m * b + (1 - m) * g\n    return p - lr * b, b",
     "multiplied by 1 - momentum"),
    (6, "momentum_step", "def momentum_step(p, g, b, lr, m): return p - lr * g, m * b + g", "made with g, not with b"),
    (6, "momentum_step", "def momentum_step(p, g, b, lr, m): return p - lr * (m * b + g)", "count"),
    (6, "adam_step", """
        right = adam_step
        def adam_step(p, g, m, v, t, lr, b1, b2, eps): return right(p, g, m, v, 10**6, lr, b1, b2, eps)""",
     "the bias correction is missing"),
    (6, "adam_step", """
        right = adam_step
        def adam_step(p, g, m, v, t, lr, b1, b2, eps): return right(p, g, m, v, t + 1, lr, b1, b2, eps)""", "t is too large by 1"),
    (6, "adam_step", """
        def adam_step(p, g, m, v, t, lr, b1, b2, eps):
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            return p - lr * m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + eps), m, v""", "eps stands inside the root"),
    (6, "adam_step", """
        def adam_step(p, g, m, v, t, lr, b1, b2, eps):
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            m, v = m / (1 - b1**t), v / (1 - b2**t)
            return p - lr * m / (np.sqrt(v) + eps), m, v""", "m̂ and v̂ are kept"),
    (6, "adam_step", "def adam_step(p, g, m, v, t, lr, b1, b2, eps): return p - 2 * lr * g, m, v", "another step"),
    (7, "case_1", "guilty_1 = 'divide_backward'", "another one has the bug"),
    (7, "case_1", "guilty_1 = divide_backward", "another one has the bug"),
    (7, "case_1", "guilty_1 = 'tanh'", "no function of this group"),
    (7, "case_1", "def root_backward(g, x): return g / np.sqrt(x)", "not mended yet (constant factor"),
    (7, "case_1", "def divide_backward(g, x, y): return g / y, g * x / y**2", "wrong now (sign"),
    (7, "case_2", "def transpose_backward(g, x, axes): return np.transpose(g, axes)", "not mended yet"),
    (7, "case_3", "def maximum_backward(g, x, y): return np.where(x >= y, g, 0), np.where(y >= x, g, 0)",
     "ties: both get all of g"),
    (7, "case_3", "def maximum_backward(g, x, y): return np.where(x >= y, g, 0), np.where(y > x, g, 0)", "the convention at ties"),
    (7, "case_3", "def clip_backward(g, x, low, high): return np.where((x > low) & (x < high), g, 0)", "the convention at the bounds"),
    (8, "second_derivative", "def second_derivative(f, x):\n    (a,) = grad(f(x).sum(), [x])\n    return grad(a.sum(), [x])[0]",
     "the graph is cut"),
    (8, "second_derivative", "def second_derivative(f, x): return grad(f(x).sum(), [x])[0]", "this is the first derivative"),
    (8, "second_derivative", "def second_derivative(f, x): return grad(f(x).sum(), [x])", "a tuple of one tensor"),
    (8, "second_derivative", "def second_derivative(f, x): return 6 * x.detach()", "the value is wrong"),
    (8, "tanh_backward_backward", "def tanh_backward_backward(h, g, y): return h * (1 - y * y), -h * g * y", "constant factor"),
    (8, "tanh_backward_backward", "def tanh_backward_backward(h, g, y): return -2 * h * g * y, h * (1 - y * y)", "exchanged"),
    (8, "gradient_penalty", """
        def gradient_penalty(critic, x):
            (slopes,) = grad(critic(x).sum(), [x])
            return (slopes.square().sum(dim=1).sqrt() - 1).square().mean()""", "the graph is cut"),
    (8, "gradient_penalty", """
        def gradient_penalty(critic, x):
            (slopes,) = grad(critic(x).sum(), [x], create_graph=True)
            return (slopes.square().sum().sqrt() - 1).square().mean()""", "wrong axis: one length for all examples"),
    (8, "gradient_penalty", """
        def gradient_penalty(critic, x):
            (slopes,) = grad(critic(x).sum(), [x], create_graph=True)
            return (slopes.square().sum(dim=1).sqrt() - 1).square().sum()""", "the sum, not the mean"),
    (8, "gradient_penalty", "def gradient_penalty(critic, x): return 0.5", "not a tensor"),
    (8, "second_derivative", "def second_derivative(f, x): return x.detach().reshape(3, 1)", "shape"),
    (8, "second_derivative", "def second_derivative(f, x): return x.sum().detach()", "shape"),
]


@pytest.mark.parametrize("number, exercise, answer, words", WRONG)
def test_a_typical_wrong_answer_is_named(number, exercise, answer, words):
    judgement = answered(number, exercise, answer)
    assert judgement.state == "wrong" and words in judgement.kind, judgement
    assert all(len(line) <= 74 for line in judgement.picture.splitlines())


RIGHT = [  # other ways to write a right answer
    (1, "tanh_backward", "def tanh_backward(g, x): return g / math.cosh(x) ** 2"),
    (1, "neuron_backward", """
        def neuron_backward(g, x, w, b):
            e = math.exp(2 * (w * x + b))
            du = g * 4 * e / (e + 1) ** 2
            return [g + w * du, x * du, du]"""),
    (2, "multiply", """
        def product(a, b):
            return Value(a.data * b.data, [b, a], [lambda g: g * a.data, lambda g: g * b.data])
        Value.__mul__ = product"""),
    (2, "in_order", """
        def in_order(loss):
            found = []
            def visit(value):
                if value not in found:
                    for parent in value.parents:
                        visit(parent)
                    found.append(value)
            visit(loss)
            return tuple(reversed(found))"""),
    (3, "unbroadcast", """
        def unbroadcast(g, shape):
            while g.ndim > len(shape):
                g = g.sum(axis=0)
            for axis, n in enumerate(shape):
                if n == 1:
                    g = g.sum(axis=axis, keepdims=True)
            return g"""),
    (3, "linear_backward", "def linear_backward(g, x, w, b): return [np.einsum('ij,kj->ik', g, w), (g.T @ x).T, np.ones(len(g)) @ g]"),
    (4, "log_softmax", "def log_softmax(x): return x - np.logaddexp.reduce(x, axis=1, keepdims=True)"),
    (4, "log_softmax_backward", """
        def log_softmax_backward(g, x):
            p = np.exp(log_softmax(x))
            return np.stack([(np.eye(len(row)) - row).T @ one for row, one in zip(p, g)])"""),
    (4, "cross_entropy_backward", """
        def cross_entropy_backward(g, x, targets):
            return g * (np.exp(log_softmax(x)) - np.eye(x.shape[1])[targets]) / len(targets)"""),
    (5, "relu_backward", "def relu_backward(g, x): return np.where(x > 0, g, 0)"),
    (5, "initial_weights", "def initial_weights(n, m, r): return r.uniform(-1, 1, size=(n, m)) * (3 / n) ** 0.5"),
    (6, "momentum_step", "def momentum_step(p, g, b, lr, momentum): return p - lr * g - lr * momentum * b, momentum * b + g"),
    (6, "adam_step", """
        def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
            m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
            return p - lr / (1 - beta1**t) * m / (np.sqrt(v) / np.sqrt(1 - beta2**t) + eps), m, v"""),
    (7, "case_1", "guilty_1 = root_backward\ndef root_backward(g, x): return 0.5 * g * x**-0.5"),
    (7, "case_2", """
        def transpose_backward(g, x, axes):
            back = [list(axes).index(i) for i in range(len(axes))]
            return g.transpose(back)"""),
    (8, "second_derivative", """
        def second_derivative(f, x):
            (a,) = grad(f(x), [x], mg.ones_like(x), create_graph=True)
            return grad(a, [x], mg.ones_like(a), create_graph=True)[0]"""),
    (8, "gradient_penalty", """
        def gradient_penalty(critic, x):
            (slopes,) = grad(critic(x).sum(), [x], create_graph=True)
            return (((slopes**2).sum(1) ** 0.5 - 1) ** 2).mean()"""),
]


@pytest.mark.parametrize("number, exercise, answer", RIGHT)
def test_another_right_answer_is_right(number, exercise, answer):
    judgement = answered(number, exercise, answer)
    assert judgement.state == "right", judgement


def test_each_lesson_has_two_wrong_answers_here():
    tried = [number for number, *_ in WRONG] + [number for _, number, *_ in CLASSIC.values()]
    assert all(tried.count(lesson.number) >= 2 for lesson in lessons())


# ---- a student's code that cannot be run


def judged(code, tmp_path, *exercises):
    """Return the judgement of a file with this code, as lesson 1."""
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    return judge(1, file, *(exercises or ("square_backward",)))[0], file


@pytest.mark.parametrize("code, words", [
    ("x = 1\ndef square_backward(g, x)\n    return 2\n",
     "{file}, line 2: Python cannot read this: expected ':'\n    def square_backward(g, x)"),
    ("x = 1\n\n1 / 0\n", "{file}, line 3: ZeroDivisionError: division by zero\n    1 / 0"),
    ("import no_such_module\n", "{file}, line 1: ModuleNotFoundError: No module named 'no_such_module'\n    import no_such_module"),
    ("exit()\n", "{file}, line 1: the code ends the program here (SystemExit); remove this\n    exit()"),
    ("def f(): return f()\nf()\n", "{file}, line 1, in f: a function calls itself without end (RecursionError)\n    def f(): return f()"),
    ("y = 2 * ...\n", "{file}: a line that is run computes with a `...`; put an answer in its place, or remove the line"),
    ("x = '\\0'\nx = \0\n", "Python cannot read this"),
    ("return 1\n", "{file}, line 1: Python cannot read this: 'return' outside function\n    return 1"),
])
def test_a_file_that_cannot_be_run_is_told_with_its_line(code, words, tmp_path):
    judgement, file = judged(code, tmp_path)
    assert judgement.kind == "the file cannot be run"
    assert words.format(file=file) in judgement.text


@pytest.mark.parametrize("code, kind, words", [
    ("", "nothing has this name", "square_backward is not defined: was it deleted, or renamed?"),
    ("square_backward = 3", "not a function", "square_backward must be a function of (g, x); it is an int."),
    ("def square_backward(x): return 2 * x", "it takes other arguments", "square_backward takes (x); it must take (g, x)."),
    ("def square_backward(g, x): 2 * g * x", "it returns nothing", "is its `return` missing?"),
    ("def square_backward(g, x): return '2gx'", "not a number or an array", "square_backward returned a str for dL/dx."),
    ("def square_backward(g, x): return [[2 * g * x]]", "not a number", "it returned an array"),
    ("def square_backward(g, x): return {'x': g}", "not a number or an array", "returned a dict"),
    ("def square_backward(g, x): return 2 * g * x, g", "count", "2 gradients for 1 input"),
    ("def square_backward(g, x):\n    return 2 * g * z", "an error stopped it",
     "{file}, line 2, in square_backward: NameError: name 'z' is not"),
    ("def square_backward(g, x):\n    return square_backward(g, x)", "an error stopped it", "calls itself without end"),
    ("def square_backward(g, x):\n    raise SystemExit(3)", "an error stopped it", "line 2, in square_backward: the code ends the program"),
])
def test_an_unusable_function_is_told_kindly(code, kind, words, tmp_path):
    judgement, file = judged(code, tmp_path)
    assert judgement.state == "wrong" and kind in judgement.kind
    assert words.format(file=file) in judgement.text, judgement.text


def test_only_the_broken_exercise_is_wrong(tmp_path):
    code = as_file(lessons()[0], solved=True).replace("return 2 * g * x", "return 2 * g * undefined")
    states = [judgement.state for judgement in (judge(1, write(tmp_path, code)))]
    assert states == ["wrong", "right", "right", "right"]


def write(folder, code):
    file = folder / "lesson_1.py"
    file.write_text(code, encoding="utf-8")
    return file


def test_what_a_function_prints_is_shown_in_part(tmp_path):
    judgement, _ = judged("def square_backward(g, x):\n    print('here', x)\n    return 2 * g * x", tmp_path)
    assert judgement.state == "right"
    lines = judgement.picture.splitlines()
    assert lines[0] == "while it was judged, it printed:" and lines[1].startswith("here") and len(lines) == 10
    assert lines[-1].startswith("(and ") and lines[-1].endswith(" more lines)")


def test_what_a_file_prints_is_shown_without_what_the_lesson_prints(tmp_path):
    file = write(tmp_path, as_file(lessons()[0], solved=True) + "\nprint('mine', square_backward(1.0, 3.0))\n")
    text, solved_all = judged_text(1, file)
    assert text.startswith("Your file prints:\nmine 6.0\n\nLesson 1: ") and solved_all


def test_numbers_of_numpy_and_a_tuple_of_one_are_accepted(tmp_path):
    assert judged("import numpy as np\ndef square_backward(g, x): return np.array(2.0) * g * x", tmp_path)[0].state == "right"
    assert judged("square_backward = lambda g, x: (2 * g * x,)", tmp_path)[0].state == "right"


def test_the_text_of_a_judgement_fits_80_columns_and_is_coloured_only_on_a_terminal(monkeypatch):
    names = solved(3)
    exec("def linear_backward(g, x, w, b): return g @ w, x.T @ g, g.sum(axis=0)", names)
    text, solved_all = judged_text(3, names)
    assert not solved_all and max(map(len, text.splitlines())) <= 80 and "\033" not in text
    assert "] != [" in " ".join(text.split())

    class Terminal(io.StringIO):
        isatty = lambda self: True

    judgements = judge(1, solved(1))
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[32mright\033[0m" in as_text(lessons()[0], judgements)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in as_text(lessons()[0], judgements)


def test_the_page_of_the_lessons_shows_a_real_judgement():
    names = solved(3)
    exec("def linear_backward(g, x, w, b): return g @ w, x.T @ g, g.sum(axis=0)\ndef unbroadcast(g, shape): return ...", names)
    page = (pathlib.Path(__file__).parents[2] / "docs" / "lessons" / "index.md").read_text(encoding="utf-8")
    assert f"```text\n{judged_text(3, names)[0]}\n```" in page
    assert all(f"[{lesson.heading}](lesson_{lesson.number}.md)" in page for lesson in lessons())


def test_pictures_show_small_matrices_only():
    assert side_by_side([[1.0, 2.0]], [[1.0, 2.5]], "t:").splitlines()[-1] == "[1.00 2.00]  !=  [1.00 2.50]"
    assert side_by_side([[1.0, float("nan")]], [[1.0, float("inf")]], "t:").splitlines()[-1] == "[1.00  nan]  !=  [1.00  inf]"
    assert side_by_side([1.0, 2.0], [1.0001, 2.0], "t:").splitlines()[-1] == "[1.0000 2.0000]  !=  [1.0001 2.0000]"
    assert side_by_side([[0.5] * 20], [[0.25] * 20], "t:") == ""
    assert side_by_side([[0.5]] * 20, [[0.25]] * 20, "t:") == ""
    assert side_by_side([1.0], [1.0, 2.0], "t:") == ""


def test_nothing_is_written_over_by_a_judgement(tmp_path, monkeypatch):
    """The gradient check writes long reports into a folder; a student's judgement leaves nothing there."""
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", str(tmp_path))
    answered(3, "bias_backward", "def bias_backward(g, x, b):\n" + "    'a long function'\n" * 300 + "    return g, g[0]")
    assert list(tmp_path.iterdir()) == []
