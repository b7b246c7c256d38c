"""The operator's program without its dependencies."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_missing_is_said_in_a_sentence() -> None:
    code = "import sys; sys.modules['kopf'] = None; from setops.runtime.start import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "pip install 'setops[operator]'" in ended.stderr
    assert "Traceback" not in ended.stderr
