"""The report: runs side by side in one HTML file that needs neither network nor JavaScript."""

from minigrad.experiments.report.page import render, write_report
from minigrad.experiments.report.run_reader import RunRecord, read_run

__all__ = ["RunRecord", "read_run", "render", "write_report"]
