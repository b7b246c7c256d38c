"""How the body of a request is written: JSON that every reader of the API server takes.

The API server reads the body of a server-side apply as YAML, of which JSON is nearly a subset. It
isn't where text is concerned. YAML refuses surrogate pairs, by which JSON in ASCII spells a
character beyond U+FFFF. It also refuses control characters and noncharacters that stand for
themselves, and takes some for line breaks. So the first are written as they are, and the second
are escaped.
"""

from __future__ import annotations

import json
import re
from typing import Final

_NOT_AS_IT_IS: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON lets stand for itself and YAML doesn't; JSON escapes what is below U+0020 anyway."""


class TextError(ValueError):
    """A text that no request can carry, since it isn't Unicode."""


def encoded(body: object) -> bytes:
    """A body as JSON in UTF-8, which is read as the same whether as JSON or as YAML.

    Raises TextError for half of a surrogate pair, which the API server would silently replace.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if not text.isascii() or "\x7f" in text:
        text = _NOT_AS_IT_IS.sub(_escape, text)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        code = f"U+{ord(error.object[error.start]):04X}"
        raise TextError(
            f"the text holds {code}, half of a surrogate pair, which is no character; "
            "replace or remove it"
        ) from error


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
