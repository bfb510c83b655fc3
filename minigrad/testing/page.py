"""The page of `--gradcheck-report`: one HTML file, readable offline, on all checks of a pytest session."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

LONGEST_REPRODUCER = 20_000  # characters; the program of a longer one is in a file, whose name is shown

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --faint: #5b6675; --paper: #ffffff; --soft: #f3f5f8; --rule: #d8dee6;
  --right: #15803d; --wrong: #b3121d; --unsure: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9f0; --faint: #9aa6b5; --paper: #12161c; --soft: #1a2028; --rule: #333d49;
    --right: #4ade80; --wrong: #ff8a80; --unsure: #facc15; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.6rem; padding-bottom: 0.2rem; border-bottom: 1px solid var(--rule); }
p { margin: 0.4rem 0; max-width: 48rem; }
.faint { color: var(--faint); font-size: 0.875rem; }
.right, .wrong, .unsure { font-weight: 600; }
.right { color: var(--right); } .wrong { color: var(--wrong); } .unsure { color: var(--unsure); }
.counts { display: flex; flex-wrap: wrap; gap: 0.6rem; list-style: none; margin: 0.8rem 0; padding: 0; }
.counts li { background: var(--soft); border-radius: 0.5rem; padding: 0.4rem 0.9rem; }
.counts b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
details { background: var(--soft); border-left: 4px solid currentColor; border-radius: 0.3rem; margin: 0.6rem 0; padding: 0.5rem 0.9rem; }
summary { cursor: pointer; font-weight: 600; }
details > div { color: var(--ink); font-weight: 400; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0.5rem 0; }
dt { color: var(--faint); } dd { margin: 0; }
pre { overflow-x: auto; overflow-wrap: normal; background: var(--paper); border: 1px solid var(--rule); border-radius: 0.3rem;
  padding: 0.6rem; font-size: 0.8rem; line-height: 1.4; max-height: 30rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap; }
th.word, td.word { white-space: nowrap; }
td ul { margin: 0; padding-left: 1.1rem; }
@media (max-width: 46rem) {
  thead { display: none; }
  table, tbody, tr, td { display: block; width: 100%; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--rule); }
  td { border: 0; padding: 0.05rem 0; }
  td.number, td.word { display: inline-block; width: auto; margin-right: 1.2rem; }
  td:not(:first-child)::before { content: attr(data-name) ": "; color: var(--faint); font-weight: 400; }
}
"""


def write_page(rows: Sequence[dict[str, Any]], path: Path, *, seed: int) -> None:
    """Write the page on the checks `rows` to `path`, and make its folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(rows, seed=seed), encoding="utf-8")


def render(rows: Sequence[dict[str, Any]], *, seed: int) -> str:
    """Return the page as HTML.

    rows: for each function and verdict in a test the dict of its Report, with "test", the test's name; "checks", how many checks the row
        counts together; and "expected", whether the test passed, as one does that expects the finding.
    """
    found = [row for row in rows if row["verdict"] != "right"]
    audited = [row for row in rows if row["blind_spots"]]
    sections = [
        ("Findings", "\n".join(finding(row) for row in sorted(found, key=lambda row: (row["expected"], not row["accuses"])))),
        ("Checks", table(CHECKS, map(check_cells, rows)) if rows else '<p>No test used the fixture <code>gradcheck</code>.</p>'),
        ("Blind spots", blind_spots(audited) if audited else ""),
    ]
    body = "\n".join(f"<section>\n<h2>{name}</h2>\n{content}\n</section>" for name, content in sections if content)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Gradient checks: {text(counts(rows))}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Gradient checks</h1>
{overview(rows, seed)}
{body}
</body>
</html>
"""


# ---- the numbers at the top


def kind(row: dict[str, Any]) -> str:
    """Return "right", "wrong" or "unsure": the class of the row's verdict in the page's style."""
    return "right" if row["verdict"] == "right" else "wrong" if row["accuses"] else "unsure"


KINDS = {"right": "right", "wrong": "wrong", "expected": "wrong, as the test expects", "unsure": "cannot be judged"}


def tally(rows: Sequence[dict[str, Any]]) -> Counter[str]:
    """Return the number of checks of each of the KINDS."""
    found: Counter[str] = Counter()
    for row in rows:
        found["expected" if kind(row) == "wrong" and row["expected"] else kind(row)] += row["checks"]
    return found


def counts(rows: Sequence[dict[str, Any]]) -> str:
    """Return the counts in words, such as "12 checks: 11 right, 1 wrong"."""
    found = tally(rows)
    total = found.total()
    words = ", ".join(f"{found[name]} {words}" for name, words in KINDS.items() if found[name])
    return f"{total} check{'' if total == 1 else 's'}" + (f": {words}" if words else "")


def overview(rows: Sequence[dict[str, Any]], seed: int) -> str:
    """Return the counts as a row of boxes, and a line on what was compared."""
    found = tally(rows)
    boxes = "".join(f'<li><b class="{"unsure" if name == "expected" else name}">{found[name]}</b>{words}</li>'
                    for name, words in KINDS.items() if found[name] or name in ("right", "wrong"))
    functions = len({(row["library"], row["function"]) for row in rows})
    derivatives, seconds = sum(row["derivatives"] for row in rows), sum(row["seconds"] for row in rows)
    return (f'<ul class="counts">{boxes}</ul>\n<p class="faint">{functions} function{"" if functions == 1 else "s"}, '
            f'{derivatives} derivatives compared in {seconds:.1f} s, seed {seed}</p>')


# ---- findings


def finding(row: dict[str, Any]) -> str:
    """Return a failed check, folded up below the line that a person reads first."""
    worst = row["findings"][0]
    lines = [("test", code(row["test"])), ("verdict", f'<b class="{kind(row)}">{text(row["verdict"])}</b>: {text(worst["detail"])}')]
    lines += [(name, code(worst[name])) for name in ("numeric", "analytic", "ratio") if worst[name] is not None]
    lines += [("also", text(other["headline"])) for other in row["findings"][1:6]]
    lines += [("note", text(note)) for note in row.get("notes", [])]
    if row["checks"] > 1:
        lines.append(("examples", f"{row['checks']} checks ended so; this is the last"))
    if row["expected"]:
        lines.append(("outcome", "the test passed, and so expects this" if row["accuses"] else "the test passed without this check"))
    if row.get("reproducer_file"):
        lines.append(("reproduce", code(f"python {row['reproducer_file']}")))
    program = row["reproducer"] if len(row["reproducer"]) <= LONGEST_REPRODUCER else ""
    shown = f"<pre>{text(program)}</pre>" if program else ""
    names = "".join(f"<dt>{name}</dt><dd>{content}</dd>" for name, content in lines)
    opened = " open" if not row["expected"] else ""
    return f'<details class="{kind(row)}"{opened}><summary>{text(worst["headline"])}</summary><div><dl>{names}</dl>{shown}</div></details>'


# ---- tables

CHECKS = ("function", "verdict", "library", "test", "precision", "derivatives", "ms")
CLASSES = {"verdict": "word", "library": "word", "precision": "number", "derivatives": "number", "ms": "number", "noticed": "number"}


def table(names: Sequence[str], rows: Any) -> str:
    """Return a table with these names of columns; its cells are HTML. On a narrow screen each row becomes a few lines."""
    head = "".join(f'<th class="{CLASSES.get(name, "")}">{name}</th>' for name in names)
    body = "\n".join("<tr>" + "".join(cell(name, content) for name, content in zip(names, row)) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def cell(name: str, content: str) -> str:
    """Return one cell of the column `name`."""
    return f'<td class="{CLASSES.get(name, "")}" data-name="{name}">{content}</td>'


def check_cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of one check in the order of CHECKS."""
    sign = {"right": "✓", "wrong": "✗", "unsure": "?"}[kind(row)]
    verdict = f'<span class="{kind(row)}">{sign} {text(row["verdict"])}</span>'
    many = f' <span class="faint">× {row["checks"]}</span>' if row["checks"] > 1 else ""
    milliseconds = 1e3 * row["seconds"]
    return (f"<b>{text(row['function'])}</b>", verdict + many, text(row["library"]), code(row["test"]), precision(row["precision"]),
            str(row["derivatives"]), f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}")


def precision(value: float | None) -> str:
    """Return the relative precision with one digit, or a dash where nothing was judged."""
    return f"{value:.0e}" if value and math.isfinite(value) else "–"


def blind_spots(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table of the mistakes that were planted into right gradients, with those that the check would not have noticed."""
    text_above = "<p>Mistakes were planted into the gradient of each argument. What a check does not notice it cannot exclude: " \
                 "give it other inputs.</p>"
    cells = []
    for row in rows:
        by_argument: dict[str, list[dict[str, Any]]] = {}
        for spot in row["blind_spots"]:
            by_argument.setdefault(spot["argument"], []).append(spot)
        for argument, spots in by_argument.items():
            missed = [spot for spot in spots if not spot["noticed"]]
            words = "".join(f"<li><b>{text(s['mistake'])}</b>{': ' if s['detail'] else ''}{text(s['detail'])}</li>" for s in missed)
            noticed = f'<span class="{"unsure" if missed else "right"}">{len(spots) - len(missed)} of {len(spots)}</span>'
            cells.append((f"<b>{text(row['function'])}</b>", text(argument), noticed, f"<ul>{words}</ul>" if missed else "none",
                          code(row["test"])))
    return text_above + table(("function", "argument", "noticed", "not noticed", "test"), cells)


# ---- escaping


def text(value: Any) -> str:
    """Return the value as text that HTML shows as it is; control characters and half surrogates become backslash sequences."""
    allowed = (c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode("ascii") for c in str(value))
    return escape("".join(allowed))


def code(value: Any) -> str:
    """Return the value as text in the font of programs."""
    return f"<code>{text(value)}</code>"
