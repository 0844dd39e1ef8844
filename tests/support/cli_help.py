"""What a command's --help prints. It runs in this process: every process of its own would import torch anew."""

import os
import sys
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from unittest.mock import patch

from sargan_hf.cli import main

# Else names of options are cut.
WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}


@cache
def help_of(*words: str) -> str:
    """What `sargan WORDS --help` prints; it must end well."""
    printed, status = StringIO(), None
    with (
        patch.dict(os.environ, WIDE),
        patch.object(sys, "argv", ["sargan", *words, "--help"]),
        redirect_stdout(printed),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert not status, f"sargan {' '.join(words)} --help ended with {status}"
    return printed.getvalue()
