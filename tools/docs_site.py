"""Hooks that MkDocs calls as it builds the site.

They add files from outside docs/ and the pages of the lessons, and write out the lists of names on the API's pages.
"""

import inspect
import pydoc
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
TEXTS = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
PICTURES = ["benchmarks/results/scaling-float64-cpu.png"]
LIST = re.compile(r"^each (\S+): (.*)$", re.MULTILINE)
METHODS = "the functions that are methods"


def on_files(files, config):
    """Add the texts and the pictures. The texts' links lead from the repository's root to docs/, and are changed to lead from docs/."""
    for page, source in TEXTS.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for picture in PICTURES:
        files.append(File.generated(config, picture, abs_src_path=str(ROOT / picture)))
    for name, text in lesson_files():
        files.append(File.generated(config, f"lessons/{name}", content=text))
    return files


def lesson_files():
    """Yield (name, text) of the page, the file to edit and the notebook of each lesson, as they are made of its one source."""
    from minigrad.lessons import lessons, writing

    for lesson in lessons():
        for suffix, write in (("md", writing.as_page), ("py", writing.as_file), ("ipynb", writing.as_notebook)):
            yield f"lesson_{lesson.number}.{suffix}", write(lesson)


def on_page_markdown(markdown, page, config, files):
    """Let links from docs/ to the pictures lead to their place in the site, and write out the lists of names."""
    for picture in PICTURES:
        markdown = markdown.replace(f"](../{picture})", f"]({picture})")
    markdown = LIST.sub(lambda line: entries(f"{line[1]}.{name}" for name in line[2].split()), markdown)
    return markdown.replace(METHODS, methods()) if METHODS in markdown else markdown


def entries(names):
    """Return Markdown for the documentation of these names, one after the other."""
    return "\n\n".join(entry(name, pydoc.locate(name)) for name in names)


def entry(name, found):
    """Return the line that mkdocstrings replaces by the documentation of this name, which is `found`.

    mkdocstrings finds no function that a table makes, without a `def` of its name: then return the same heading, signature and docstring.
    """
    last = name.rpartition(".")[2]
    if not inspect.isfunction(found) or inspect.unwrap(found).__code__.co_name == last:
        return f"::: {name}"
    signature = str(inspect.signature(found)).replace("'", "")
    badge = '<code class="doc-symbol doc-symbol-heading doc-symbol-function"></code>'
    heading = f"### {badge} {last} {{ #{name} .doc-heading data-toc-label='{last}' }}\n\n```python\n{last}{signature}\n```"
    return f'{heading}\n\n<div class="doc doc-contents" markdown="1">\n\n{inspect.getdoc(found)}\n\n</div>'


def methods():
    """Return links to the public functions that are methods of Tensor too, and the entries of its other methods outside the class."""
    import minigrad

    functions = {name: f for name, f in vars(minigrad.Tensor).items() if name[0] != "_" and inspect.isfunction(f)}
    found = {name: f for name, f in functions.items() if f.__name__ == f.__qualname__}  # not defined in the class
    public = sorted(name for name, f in found.items() if f.__name__ == name and getattr(minigrad, name, None) is f)
    others = {f"{f.__module__}.{f.__name__}": f for f in found.values() if f.__name__ not in public}
    shown = [entry(name, f) for name, f in sorted(others.items())]
    return "\n\n".join([" · ".join(f"[`{name}`](functions.md#minigrad.{name})" for name in public), *shown])
