"""A course of eight short lessons on backpropagation, whose exercises are judged by the gradient check.

`minigrad lesson` starts and checks them; `check(1, globals())` is the same in a notebook, `judge(1, globals())` for programs.
"""

from .judging import Judgement, check, judge
from .sources import Cell, Lesson, lessons, read

__all__ = ["Cell", "Judgement", "Lesson", "check", "judge", "lessons", "read"]
