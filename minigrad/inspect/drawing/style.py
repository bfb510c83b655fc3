"""The colours and fonts of a picture, in light and dark."""

from __future__ import annotations

LEVELS = 9  # strengths of the colours in a heat map

_LIGHT = {
    "paper": "#ffffff", "ink": "#1c2430", "faint": "#566172", "box": "#f5f7fa", "edge": "#b8c2cf", "leaf": "#e7f0fb",
    "leaf-edge": "#6f9bd1",
    "frame": "#fbfcfd", "line": "#7b8798", "cell": "#ffffff", "positive": "#c2410c", "negative": "#0b62a4", "bad": "#c8102e",
    "zero": "#e4e6ea",
    "cross": "#ffffff", "none": "#e8ecf1",
}  # fmt: skip
_DARK = {
    "paper": "#12161c", "ink": "#e6ebf2", "faint": "#a3afbe", "box": "#1c232d", "edge": "#46536a", "leaf": "#172c44",
    "leaf-edge": "#4d84c4",
    "frame": "#161b22", "line": "#8593a6", "cell": "#10141a", "positive": "#fb923c", "negative": "#5aa9e6", "bad": "#ff5a6e",
    "zero": "#2b3038",
    "cross": "#12161c", "none": "#2a323d",
}  # fmt: skip

_SHAPES = """
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.name{font-size:13px;font-weight:600}.call{font:10.5px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.head{font-size:15px;font-weight:600}.end{text-anchor:end}.figure{font-size:13px}
.box,.frame,.map{stroke-width:1}.root .box{stroke-width:2}.leaf .box{stroke-width:1.5}.constant .box,.older .box{stroke-dasharray:4 3}
.bad .box{stroke-width:3;stroke-dasharray:none}
.line{fill:none;stroke-width:1.5}.line.constant{stroke-dasharray:4 3}.line.none,.line.zero{stroke-dasharray:1 4}
.label,.frame-name{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}.label{text-anchor:middle;font-size:10.5px}
.frame-name{font-weight:600}.cross{fill:none;stroke-width:1.2}
"""


def _colours(c: dict[str, str]) -> str:
    """Return the rules that depend on the colours."""
    return f"""
.paper{{fill:{c['paper']}}}text,.name,.head,.figure{{fill:{c['ink']}}}.call,.faint{{fill:{c['faint']}}}
.box{{fill:{c['box']};stroke:{c['edge']}}}.root .box{{stroke:{c['ink']}}}.leaf .box{{fill:{c['leaf']};stroke:{c['leaf-edge']}}}
.constant .box,.older .box{{fill:{c['paper']}}}.frame{{fill:{c['frame']};stroke:{c['edge']}}}.zero .box{{fill:{c['zero']}}}
.bad .box{{stroke:{c['bad']}}}.wrong{{fill:{c['bad']};font-weight:600}}.map{{fill:{c['cell']};stroke:{c['edge']}}}
.line{{stroke:{c['line']}}}.line.bad{{stroke:{c['bad']}}}.tip{{fill:{c['line']}}}.tip.bad{{fill:{c['bad']}}}
.label,.frame-name{{fill:{c['faint']};stroke:{c['paper']}}}.p{{fill:{c['positive']}}}.o{{fill:{c['none']}}}.n{{fill:{c['negative']}}}.x{{fill:{c['bad']}}}.cross{{stroke:{c['cross']}}}
"""


def style(scope: str) -> str:
    """Return the rules of a picture, which hold within elements of the class `scope` alone.

    The colours are dark where the system's are, and in the dark themes of notebooks and documentation, which have marks of their own.
    """
    levels = "".join(f".l{i}{{fill-opacity:{round(0.1 + 0.9 * i / LEVELS, 2)}}}" for i in range(LEVELS + 1))
    marks = ('body[data-jp-theme-light="{2}"]', "body.vscode-{0}", '[theme="{0}"]', '[data-theme="{0}"]', '[data-md-color-scheme="{1}"]')
    dark, light = (f":is({','.join(marks)})".format(*words) for words in (("dark", "slate", "false"), ("light", "default", "true")))
    return (_scoped(_SHAPES + levels + _colours(_LIGHT), scope)
            + "@media(prefers-color-scheme:dark){" + _scoped(_colours(_DARK), scope) + "}"
            + _scoped(_colours(_DARK), f"{dark} {scope}") + _scoped(_colours(_LIGHT), f"{light} {scope}"))


def _scoped(rules: str, scope: str) -> str:
    """Return the rules, with the scope before each selector."""
    found = []
    for rule in rules.replace("\n", "").split("}")[:-1]:
        selectors, body = rule.split("{")
        found.append(",".join(f"{scope} {selector}" for selector in selectors.split(",")) + "{" + body + "}")
    return "".join(found)
