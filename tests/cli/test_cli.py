"""Misuse of the command line: one clear line, exit code 2 or 1, never a traceback."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import doctor, main
from minigrad.experiments import checkpoint, denoising, training
from minigrad.serialization import atomic
from support.small_mnist import first_arrays, write_mnist

TINY = ["--batch-size", "70", "--epochs", "1", "--finetune-epochs", "1"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(write_mnist(tmp_path_factory.mktemp("mnist"), first_arrays()))


@pytest.fixture(scope="module")
def run_folder(data_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("minigrad.experiments.plots.draw_all", lambda *arguments: None)
        assert main(["train", "denoising", *TINY, "--data-dir", data_dir, "--out", str(out), "--quiet"]) == 0
    return out


def failing(arguments, capsys):
    """Return the exit code and the one line of a command that fails."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert captured.err.endswith("\n")
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("minigrad")
    return code, captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "the following arguments are required: command"),
        ("cook", "invalid choice: 'cook'"),
        ("train", "the following arguments are required: lecture"),
        ("train lecture99", "invalid choice: 'lecture99'"),
        ("train denoising --learning-rate 1", "unrecognized arguments: --learning-rate 1 (see minigrad train denoising --help)"),
        ("train denoising --ep 1", "unrecognized arguments: --ep 1"),
        ("train denoising --epochs", "argument --epochs: expected one argument"),
        ("train denoising --epochs many", "--epochs: expected a whole number, at least 0; found 'many'"),
        ("train denoising --epochs -1", "--epochs: expected a whole number, at least 0; found '-1'"),
        ("train denoising --epochs 1.5", "--epochs: expected a whole number, at least 0; found '1.5'"),
        ("train denoising --batch-size 0", "--batch-size: expected a whole number, at least 1; found '0'"),
        ("train denoising --lr nan", "--lr: expected a number, more than 0; found 'nan'"),
        ("train denoising --lr 0", "--lr: expected a number, more than 0; found '0'"),
        ("train denoising --noise-std -0.1", "--noise-std: expected a number, at least 0; found '-0.1'"),
        ("train denoising --dtype int8", "--dtype: invalid choice: 'int8'"),
        ("train denoising --optimizer lbfgs", "--optimizer: invalid choice: 'lbfgs'"),
        ("train denoising more", "unrecognized arguments: more"),
        ("report", "the following arguments are required: DIR"),
        ("evaluate", "the following arguments are required: DIR"),
        ("evaluate a b", "unrecognized arguments: b (see minigrad evaluate --help)"),
        ("doctor now", "unrecognized arguments: now"),
    ],
)
def test_misuse_exits_with_2_and_says_where_to_read(arguments, message, capsys):
    code, error = failing(arguments.split(), capsys)
    assert code == 2
    assert message in error
    assert "--help)" in error


def test_folders_that_are_wrong(run_folder, data_dir, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    missing, empty = str(tmp_path / "missing"), str(tmp_path)
    for arguments, message in [
        (["train", "denoising", "--data-dir", missing], "expected a folder with train-images"),
        (["train", "denoising", "--data-dir", empty], "train-images-idx3-ubyte, found file"),
        (
            ["train", "denoising", "--data-dir", data_dir, "--out", str(run_folder)],
            "holds another run already",
        ),
        (["train", "denoising", "--data-dir", data_dir, "--out", str(tmp_path / "file")], "found a file"),
        (
            ["train", "denoising", "--data-dir", data_dir, "--out", str(tmp_path / "file" / "x")],
            "Not a directory",
        ),
        (["train", "denoising", "--resume", missing], "expected a run's folder"),
        (["train", "denoising", "--resume", empty], "expected a run's folder"),
        (["train", "denoising", "--resume", str(tmp_path / "file")], "expected a run's folder"),
        (
            ["train", "denoising", "--resume", str(run_folder), "--lr", "1"],
            "settings from that run; leave out --lr",
        ),
        (["train", "denoising", "--resume", str(run_folder), "--out", missing], "leave out --out"),
        (
            ["train", "autoencoder", "--resume", str(run_folder)],
            "go on with: minigrad train denoising --resume",
        ),
        (["report", missing], "expected a run's folder"),
        (["report", empty], "expected a run's folder"),
        (["report", str(run_folder), "--out", str(tmp_path / "no" / "x.html")], "No such file or directory"),
        (["report", str(run_folder), "--out", empty], "Is a directory"),
        (["evaluate", missing], "expected a run's folder"),
        (["evaluate", str(run_folder), "--data-dir", missing], "expected a folder with t10k-images"),
    ]:
        code, error = failing(arguments, capsys)
        assert code == 1, arguments
        assert message in error


@pytest.mark.skipif(mg.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_says_what_is_missing(data_dir, capsys):
    code, error = failing(["train", "denoising", "--device", "cuda", "--data-dir", data_dir], capsys)
    assert code == 1
    assert "--device cuda: CUDA is not available: CuPy" in error


def test_a_damaged_config_is_named(run_folder, tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"lecture": ')
    code, error = failing(["report", str(tmp_path)], capsys)
    assert code == 1
    assert f"{tmp_path / 'config.json'}: expected JSON" in error
    code, error = failing(["train", "denoising", "--resume", str(tmp_path)], capsys)
    assert code == 1
    assert f"{tmp_path / 'config.json'}: expected JSON" in error


# Disks and pipes


def test_a_full_disk_says_how_to_go_on(data_dir, tmp_path, monkeypatch, capsys):
    out, real = tmp_path / "run", atomic._write_and_sync

    def full(path, chunks):
        if (out / "metrics.jsonl").exists() and path.name.startswith(".checkpoint"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, chunks)

    monkeypatch.setattr(atomic, "_write_and_sync", full)
    arguments = ["train", "denoising", *TINY, "--data-dir", data_dir, "--out", str(out), "--quiet"]
    code, error = failing(arguments, capsys)
    assert code == 1
    again = f"to go on: minigrad train denoising --resume {out}"
    expected = f"{out / checkpoint.FILE}: No space left on device; the last checkpoint is whole; {again}\n"
    assert error == f"minigrad: error: {expected}"
    assert checkpoint.load_run(out).epoch == 0


def in_shell(line, data_dir):
    command = f"{sys.executable} -m minigrad train denoising {' '.join(TINY)} --data-dir {data_dir} {line}"
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not os.path.exists("/bin/sh"), reason="needs a shell")
@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        ("| read line", None, "minigrad: error: the output was closed before all was said\n"),
        (">&-", 0, ""),
        pytest.param(
            "> /dev/full",
            1,
            "minigrad: error: standard output: No space left on device\n",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full"),
        ),
    ],
)
def test_an_output_that_takes_nothing(redirection, code, message, data_dir):
    done = in_shell(redirection, data_dir)
    assert done.stderr == message
    assert code is None or done.returncode == code  # a pipe's exit code is that of its last command


# evaluate


def test_evaluate_gives_the_figures_of_the_summary(run_folder, capsys):
    summary = json.loads((run_folder / "summary.json").read_text())
    assert main(["evaluate", str(run_folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] == summary["test_accuracy"]
    assert result["class_accuracy"] == summary["class_accuracy"]
    assert result["confusion"] == summary["confusion"]


def test_evaluate_reads_any_idx_folder(run_folder, tmp_path, capsys):
    train_images, train_labels, test_images, test_labels = first_arrays()
    write_mnist(tmp_path, (train_images, train_labels, test_images[:7], test_labels[:7]), zipped=True)
    assert main(["evaluate", str(run_folder), "--data-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Accuracy after epoch 1 : ")
    assert lines[0].endswith(" %, 7 images")
    table = [[int(number) for number in line.split()[1:]] for line in lines[-10:]]
    assert [sum(row) for row in table] == np.bincount(test_labels[:7], minlength=10).tolist()
    assert main(["evaluate", str(run_folder), "--data-dir", str(tmp_path), "--train"]) == 0
    assert f"{len(train_labels)} images" in capsys.readouterr().out


def test_evaluate_wants_a_classifier(run_folder, tmp_path, capsys):
    run = checkpoint.load_run(run_folder)
    checkpoint.save_run(training.start(run.config, denoising), tmp_path)
    code, error = failing(["evaluate", str(tmp_path)], capsys)
    assert code == 1
    assert "expected a classifier, found an autoencoder after 0 epochs of pretraining" in error


# doctor


def test_doctor_says_what_is_there_without_importing_pytorch():
    program = (
        "import sys; from minigrad.cli import main\n"
        "code = main(['doctor']); print(sorted(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("minigrad", "Python", "NumPy", "BLAS", "threads", "Numba", "CUDA", "CuPy", "PyTorch"):
        assert f" {name} " in done.stdout
    assert np.__version__ in done.stdout
    assert "'numpy'" in done.stdout
    assert "'torch'" not in done.stdout


def test_doctor_says_what_to_install(monkeypatch):
    monkeypatch.setattr(doctor, "version_of", lambda distribution: None)
    monkeypatch.setattr(doctor, "driver_version", lambda: (13, 1))
    text = doctor.as_text(doctor.diagnose())
    for line in ("- Numba", "- matplotlib", "- CuPy", "- PyTorch", "+ CUDA "):
        assert line in text
    for extra in ("fast", "train", "cuda13", "test"):
        assert f"pip install -e '.[{extra}]'" in text
    monkeypatch.setattr(doctor, "driver_version", lambda: (12, 4))
    assert "pip install -e '.[cuda12]'" in doctor.cupy().advice
    monkeypatch.setattr(doctor, "driver_version", lambda: None)
    assert doctor.cupy().advice == ""


@pytest.mark.parametrize("can_use_gemm", [True, False])
def test_doctor_says_which_kernels_multiply(monkeypatch, can_use_gemm):
    library = type("Library", (), {"architecture": "Haswell"})
    monkeypatch.setattr(doctor.backend.products.blas, "found", [library])
    monkeypatch.setattr(doctor.backend.products, "can_use_gemm", lambda: can_use_gemm)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    text = doctor.blas().text
    assert "kernels for Haswell" in text and "preset" not in text
    assert ("large products by minigrad's own kernel" in text) == can_use_gemm
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "kernels for Haswell (preset by OPENBLAS_CORETYPE=Haswell)" in doctor.blas().text


def test_doctor_tells_a_numba_that_is_switched_off_from_a_broken_one(monkeypatch):
    monkeypatch.setattr(doctor, "version_of", lambda distribution: "0.61.0")
    monkeypatch.setattr(doctor.backend.compiling, "numba", lambda: None)
    monkeypatch.delenv("MINIGRAD_NUMBA", raising=False)
    assert doctor.numba().state == "broken"
    assert "import numba" in doctor.numba().advice
    monkeypatch.setenv("MINIGRAD_NUMBA", "0")
    assert doctor.numba().state == "missing"
    assert "switched off" in doctor.numba().text


def test_doctor_reports_a_broken_cupy_and_exits_with_1(monkeypatch, capsys):
    def broken():
        raise ImportError("libcublas.so.12: cannot open shared object file")

    monkeypatch.setattr(doctor, "version_of", {"cupy-cuda12x": "14.0.1"}.get)
    for module in (doctor.backend.cuda, doctor.backend.cuda.cupy_library):
        monkeypatch.setattr(module, "cupy", broken)
    assert main(["doctor"]) == 1
    output = capsys.readouterr().out
    assert "! CuPy" in output
    assert "14.0.1, but ImportError: libcublas.so.12" in output
    assert "reinstall, with CUDA's libraries, the build that fits the driver" in output


def test_doctor_sees_two_builds_of_cupy(monkeypatch):
    monkeypatch.setattr(doctor, "version_of", {"cupy-cuda12x": "14.2.0", "cupy-cuda13x": "14.2.0"}.get)
    found = doctor.cupy()
    assert found.state == "broken" and found.text == "cupy-cuda13x and cupy-cuda12x are installed, into the same folder"
    assert found.advice.startswith("pip uninstall cupy-cuda13x cupy-cuda12x, then install one again")


def test_a_broken_cupy_matters_on_cuda_alone(monkeypatch):
    def broken():
        raise ImportError("two CuPys")

    before = mg.backend.cuda.use(None)
    try:
        monkeypatch.setattr(mg.backend.cuda.cupy_library, "cupy", broken)
        assert mg.cuda.is_available() is False and mg.cuda.device_count() == 0
        with pytest.raises(RuntimeError, match="CuPy is installed, but cannot be imported: two CuPys"):
            mg.ones(2).cuda()
    finally:
        mg.backend.cuda.use(before)


@pytest.fixture
def without_cublas(monkeypatch):
    """A device whose products fail as CuPy's do if cuBLAS is not installed."""
    from support import strict_device

    def matmul(x, y):
        raise ImportError('Failure finding "libcublasLt.so.12"')

    with strict_device.strict_device():
        monkeypatch.setattr(strict_device, "matmul", matmul)
        yield


def test_doctor_tries_what_a_network_needs(monkeypatch, without_cublas):
    monkeypatch.setattr(doctor, "version_of", {"cupy-cuda12x": "14.2.0"}.get)
    found = doctor.cupy()
    assert found.state == "broken" and "libcublasLt" in found.text and "the extra cuda12" in found.advice


def test_training_on_a_device_without_cublas_ends_with_the_way_out(capsys, without_cublas):
    assert main(["train", "denoising", "--device", "cuda", "--limit", "10"]) != 0
    assert "come with minigrad's extras cuda12" in capsys.readouterr().err


def test_doctor_reports_tf32(monkeypatch):
    from support import strict_device

    monkeypatch.setattr(doctor, "version_of", {"cupy-cuda12x": "14.2.0"}.get)
    with strict_device.strict_device():
        assert doctor.cupy().text == "14.2.0 on strict device"
        before = doctor.backend.cuda.allow_tf32(True)
        try:
            assert doctor.cupy().text == "14.2.0 on strict device, float32 products in TF32"
        finally:
            doctor.backend.cuda.allow_tf32(before)
