"""The documentation is true: its code runs and has right types, its paths, links and commands exist, its recipe works, its site builds."""

import contextlib
import html.parser
import inspect
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import minigrad as mg
from minigrad import cli, data, serialization, testing
from minigrad import inspect as inspecting

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
WITH_CODE = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8") and page.name != "examples.md"]


def named(path):
    return str(path.relative_to(ROOT))


def each(paths):
    return pytest.mark.parametrize("page", paths, ids=named)


def fenced(page, language):
    """Return the code blocks of a page in this language. Those in lists, which are to be put into files, lose their indentation."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for code in blocks]


# ---- code


@each(WITH_CODE)
def test_code_runs(page, tmp_path, monkeypatch):
    """All blocks of a page run one after the other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    examples = list(Sybil(parsers=[PythonCodeBlockParser()]).parse(page).examples())
    assert len(examples) == len(fenced(page, "python"))
    for example in examples:
        example.evaluate()


def test_code_and_examples_have_the_right_types(tmp_path):
    from support.type_checkers import check_types

    paths = sorted((ROOT / "examples").glob("*.py"))
    for page in WITH_CODE:
        paths.append(tmp_path / f"{page.parent.name}_{page.stem.lower()}_page.py")
        code = [block for block in fenced(page, "python") if "F.silu" not in block]  # this line belongs into a file, not into a program
        paths[-1].write_text("\n\n".join(["# mypy: allow-untyped-defs", *code]), encoding="utf-8")
    assert [str(problem) for problem in check_types(paths)] == []


# ---- paths, links, commands, names


FOLDERS = "minigrad|reference|benchmarks|tests|tools|docs|examples"
PATH = re.compile(rf"(?:{FOLDERS})/[\w./-]*\w/?|(?<=[`\s])[A-Za-z]\w+\.(?:md|toml|yml|svg)(?=`)")


@each([*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.svg", ROOT / "mkdocs.yml"])
def test_paths_exist(page):
    text = re.sub(r"https?://\S+", "", page.read_text(encoding="utf-8"))
    missing = {path for path in PATH.findall(text) if not (ROOT / path).exists() and not (page.parent / path).exists()}
    assert missing == set()


@each([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
def test_links_from_the_root_exist(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


def help_of(*words):
    """Return what `minigrad WORDS --help` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit, match=r"^0$"):
        cli.main([*words, "--help"])
    return printed.getvalue()


@each(TEXTS)
def test_commands_have_the_options_that_are_shown(page):
    for line in "\n".join(fenced(page, "sh")).splitlines():
        for command in re.split(r"&&|#", line):
            words = command.split()
            if words[:1] == ["minigrad"]:
                known = help_of(*itertools.takewhile(lambda word: not word.startswith("-"), words[1:]))
                assert [word for word in words if word.startswith("--") and word not in known] == [], command


def test_the_two_commands_are_in_the_readme():
    shown = "\n".join(fenced(ROOT / "README.md", "sh"))
    assert 'pip install -e ".[train,fast]" && minigrad train denoising --out runs/denoising\n' in shown
    assert 'pip install -e ".[test]" && pytest\n' in shown


def test_the_folders_of_tests_are_those_of_the_package():
    """As CONTRIBUTING.md says, except the folders that tests/README.md names beside them."""
    beside = ("benchmarks", "hostile", "programs", "support", "typed")
    folders = [path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py")]
    mirrored = {folder for folder in folders if folder.parts and folder.parts[0] not in beside}
    assert len(mirrored) > 10 and [folder for folder in mirrored if not (ROOT / "minigrad" / folder).is_dir()] == []
    assert [name for name in beside if f"`{name}/`" not in (ROOT / "tests" / "README.md").read_text(encoding="utf-8")] == []


def test_no_text_or_message_installs_the_other_minigrad():
    """PyPI's minigrad is another project, so its name may not stand in a command of pip, with or without extras."""
    wrong = re.compile(r"pip3? install (?:-\w+ |--\w+ )*['\"]?minigrad\b(?!` would)|(?<!/)minigrad\[")
    files = [*TEXTS, *(ROOT / "minigrad").rglob("*.py"), *(ROOT / "examples").rglob("*.py"), *(ROOT / "reference").rglob("*.py")]
    assert [named(file) for file in files if wrong.search(file.read_text(encoding="utf-8"))] == []
    assert wrong.search("pip install 'minigrad[train]'") and wrong.search("pip install -U minigrad")


def public_names():
    """Yield (module's name, name) for the names that a user may call."""
    for module in (mg, mg.autograd, mg.nn, mg.optim, data, serialization, testing, inspecting):
        for name in getattr(module, "__all__", None) or dir(module):
            if not name.startswith("_") and not inspect.ismodule(getattr(module, name)):
                yield module.__name__, name


def test_each_public_name_is_on_a_page_of_the_api():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    words = set(re.findall(r"\w+", pages))
    assert [f"{module}.{name}" for module, name in public_names() if name not in words] == []


# ---- the recipe


def recipe(page):
    """Return what a page says on adding an operation: its code, its twin's, its row, the four files, and pytest's arguments."""
    text = page.read_text(encoding="utf-8")
    text = text[text.index("## Add an operation"):]
    operation, twin = re.findall(r"(?:@op\n)?def swish\(x\):\n(?: +.*\n)+", "\n".join(fenced(page, "python")))
    row = re.search(r"`(op\(\"swish\".*?\),)`", text)[1]
    places = re.findall(r"^\d\. .*?`((?:minigrad|reference|tests)/[\w/]+\.py)`", text, re.MULTILINE)
    return operation, twin, row, places, re.search(r"`pytest (\S+) -k \"(.*?)\"`", text).groups()


def test_readme_and_contributing_have_the_same_recipe():
    assert recipe(ROOT / "README.md") == recipe(ROOT / "CONTRIBUTING.md")


def test_the_recipe_for_an_operation_works_to_the_letter(tmp_path):
    """A copy of the repository is changed in the four places as the README says; then the README's command runs."""
    operation, twin, row, (file, names, twins, table), (folder, chosen) = recipe(ROOT / "README.md")
    for name in ("minigrad", "reference", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    append(tmp_path / file, operation)
    replace(tmp_path / names, r"(from \.activations import .*?)relu, ", r"\1relu, swish, ")
    if '"relu", ' in (tmp_path / names).read_text(encoding="utf-8"):  # __all__ is a list of names
        replace(tmp_path / names, '"relu",', '"relu", "swish",')
    append(tmp_path / twins, twin)
    replace(tmp_path / table, r"^OPS = \[\n", f"OPS = [\n    {row}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(tmp_path / "tests")])}
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", folder, "-k", chosen]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 8


def append(path, code):
    path.write_text(path.read_text(encoding="utf-8") + "\n\n" + code, encoding="utf-8")


def replace(path, pattern, by):
    changed, count = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE | re.DOTALL)
    assert count == 1, (path, pattern)
    path.write_text(changed, encoding="utf-8")


# ---- the site


class Page(html.parser.HTMLParser):
    """The ids of a page, its links, and what a browser loads with it."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.update(found[key] for key in ("id", "name") if found.get(key))
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if found.get("src") or (tag == "link" and found.get("href")):
            self.loaded.append(found.get("src") or found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, which is built with every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_has_all_pages_and_its_links_lead_somewhere(site):
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 15
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_the_site_loads_nothing_from_elsewhere(site):
    for path in site.rglob("*.html"):
        assert [link for link in Page(path).loaded if urlsplit(link).scheme or link.startswith("//")] == [], path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", path.read_text(encoding="utf-8")), path.name


def test_each_public_function_is_documented_on_the_site(site):
    ids = set().union(*(Page(path).ids for path in (site / "api").glob("*.html")))
    functions = [name for module, name in public_names() if module == "minigrad" and inspect.isfunction(getattr(mg, name))]
    functions = [name for name in functions if getattr(mg, name).__name__ == name]  # subtract is another name of sub
    assert len(functions) > 80 and [name for name in functions if f"minigrad.{name}" not in ids] == []


def test_each_property_of_a_tensor_and_method_of_a_container_is_documented_on_the_site(site):
    """Also those that it inherits from a class that is not public."""
    ids = set().union(*(Page(path).ids for path in (site / "api").glob("*.html")))
    expected = {f"minigrad.Tensor.{name}" for name, found in inspect.getmembers(mg.Tensor) if isinstance(found, property)}
    expected |= {f"minigrad.nn.Module.{found.__name__}" for _, found in inspect.getmembers(mg.nn.Module, inspect.isfunction)}
    for container in (mg.nn.Sequential, mg.nn.ModuleList):
        names = dict(inspect.getmembers(container, inspect.isfunction)).keys() - dir(mg.nn.Module)
        expected |= {f"minigrad.nn.{container.__name__}.{name}" for name in names}
    expected = {name for name in expected if not name.split(".")[-1].startswith("_")}
    assert len(expected) > 40 and sorted(expected - ids) == []


def test_classes_show_how_they_are_made_on_the_site(site):
    for page, maker in (("nn", "in_features"), ("optim", "momentum"), ("data", "batch_size")):
        text = re.sub(r"<[^>]+>", "", (site / "api" / f"{page}.html").read_text(encoding="utf-8"))
        assert re.search(rf"^ *{maker}: ", text, re.MULTILINE), maker
