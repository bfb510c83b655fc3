"""A stand-in for NVRTC: g++ compiles CuPy's kernels for the host, and keeps them in minigrad's cache."""

import hashlib
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from minigrad.backend.cpu.code_cache import folder as cache_folder

from . import toolkit

HERE = pathlib.Path(__file__).parent
LINKER = ("-fuse-ld=gold",) if shutil.which("ld.gold") else ()  # the quicker one
FLAGS = ("-std=c++17", "-O1", "-w", "-fpermissive", "-ffp-contract=off", "-fPIC", *LINKER)


def run_compiler(target, *arguments, source=None):
    """Run g++ on a file, or on the text of one; its output, `target`, appears only when it is complete."""
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=target.suffix, delete=False) as made:
        pass
    done = subprocess.run(["g++", *FLAGS, *arguments, "-o", made.name], input=source, text=True, capture_output=True)
    if done.returncode:
        os.unlink(made.name)
        raise RuntimeError(f"g++ rejects {target.name}:\n{done.stderr[:3000]}")
    os.replace(made.name, target)


def folder_of(*text):
    """Return the folder in minigrad's cache for the files that are compiled from this text."""
    folder = cache_folder() / "cupy_on_host" / hashlib.sha256("\0".join(text).encode()).hexdigest()[:24]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def built(name, source, *options):
    """Return the path of a library made of C++ text."""
    path = folder_of(source, *FLAGS, *options) / name
    if not path.exists():
        run_compiler(path, "-shared", *options, "-x", "c++", "-", source=source)
    return str(path)


def precompiled(text, *options):
    """Return the path of a compiled header with this text: g++ takes longer for CuPy's headers than for a kernel."""
    path = folder_of(text, *FLAGS, *options) / "headers.h"
    compiled = path.with_suffix(".h.gch")
    if not compiled.exists():
        path.write_text(text)
        run_compiler(compiled, *options, "-x", "c++-header", str(path))
    return path


def compile_by_gcc(source, options=(), *_, **__):
    """Return, in place of NVRTC's machine code, the path of a library with a launcher for each kernel in the text."""
    import cupy

    source = source.replace("#include <cupy/complex.cuh>", "")
    plain = re.sub(r"__launch_bounds__\([^)]*\)", "", source)
    together = str("__syncthreads" in source).lower()  # whether threads wait for each other
    launchers = [f"LAUNCHER({name}, {together})\n" for name in re.findall(r'extern "C"\s[\w\s]*?(\w+)\s*\(', plain)]
    cuda_headers = importlib.import_module(toolkit.installed.headers).__path__[0]
    folders = [f"-I{cupy._core.core._get_header_dir_path()}", f"-I{cuda_headers}/include"]
    defines = [option for option in options if option.startswith("-D")]
    includes, text = split_includes(source)
    header = precompiled((HERE / "kernel.h").read_text() + includes, *defines, *folders)
    flush = f"#define FLUSH {int('float' in text and 'double' not in text)}\n"
    return built("kernel.so", flush + text + "".join(launchers), *defines, *folders, "-include", str(header)).encode(), None


def split_includes(source):
    """Return the lines of a text that include headers, and the others."""
    lines = source.splitlines(keepends=True)
    return tuple("".join(line for line in lines if line.startswith("#include") == wanted) for wanted in (True, False))
