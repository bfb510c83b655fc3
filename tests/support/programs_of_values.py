"""Programs that make values again: a value is written, the program is run, and what it made is returned."""

import ast
import importlib.util
import sys

from minigrad.testing.program.writer import Writer


def written(value, call="gradcheck", **names):
    """The expression for a value, and what it is in a program with the imports and definitions that were written for it.

    names: what the program is given besides: an array library that cannot be imported.
    """
    writer, space = Writer(call), dict(names)
    text = writer.value(value)
    program = "\n".join(writer.lines())
    ast.parse(f"{program}\n{text}")
    exec(program.replace("import cupy as cp\n", "" if "cp" in names else "import cupy as cp\n"), space)
    return text, eval(text, space)


def program_of(value, call="gradcheck"):
    """The program that makes a value, without its first import: that of the check."""
    writer = Writer(call)
    text = writer.value(value)
    ast.parse("\n".join(writer.lines()))
    return "\n".join(line for line in (*writer.lines(), text) if "minigrad.testing" not in line)


def module_of(text, folder, name="of_a_user"):
    """A module with this text, in a file, that is imported."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
