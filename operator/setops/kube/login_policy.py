"""Which login programs kubectl's own settings allow: `credentialPluginPolicy` of a kuberc file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from setops.kube.access import KubeconfigError
from setops.kube.kubeconfig_file import parsed

_OFF: Final = "off"


def check_login(command: str, path: str, found: Callable[[str], str]) -> None:
    """Raise KubeconfigError for a program that the user doesn't let kubectl run.

    `path` is where it is; `found` looks for a name in PATH.
    """
    where = os.environ.get("KUBERC", "")
    if where.lower() == _OFF:
        return
    file = Path(where or Path(os.environ.get("HOME", ""), ".kube", "kuberc"))
    try:
        said: Any = parsed(file.read_bytes(), str(file))
    except FileNotFoundError:
        return
    except OSError as error:
        raise KubeconfigError(f"{file} can't be read: {error.strerror}; mend that") from None
    rules: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    policy = rules.get("credentialPluginPolicy")
    if policy in (None, "", "AllowAll"):
        return
    listed = rules.get("credentialPluginAllowlist") if policy == "Allowlist" else None
    for entry in listed if isinstance(listed, list) else ():
        name = next(iter(entry.values()), None) if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name and path == (name if os.sep in name else found(name)):
            return
    raise KubeconfigError(
        f"the login program {command} isn't allowed by credentialPluginPolicy in {file}; allow it "
        "there, or use another context"
    )
