"""Files: written whole or line by line, checked before and after, and what the system says of them."""

from darkdiff_cli.files.checks import (
    begins_with_mark,
    check_input,
    check_name,
    check_windows,
    same_content,
    same_file,
    unchanged,
)
from darkdiff_cli.files.faults import FULL, NO_ROOM, OF_A_DRIVE, input_error, number_of, output_error, why_missing
from darkdiff_cli.files.json_lines import JsonLines
from darkdiff_cli.files.writing import atomically, atomically_by_any, remove_partials

__all__ = [
    "FULL",
    "NO_ROOM",
    "OF_A_DRIVE",
    "JsonLines",
    "atomically",
    "atomically_by_any",
    "begins_with_mark",
    "check_input",
    "check_name",
    "check_windows",
    "input_error",
    "number_of",
    "output_error",
    "remove_partials",
    "same_content",
    "same_file",
    "unchanged",
    "why_missing",
]
