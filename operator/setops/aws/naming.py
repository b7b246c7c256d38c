"""How a resource gets its name at AWS. Pure.

This is the rule. Limits, prefixes and suffixes are in the modules of `products`.

A name is made once and stored in the Service's status. From then on the stored one counts
(`Product.ids`), so existing resources are still found after a change of this rule.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from setops.aws.identity import MANAGED_BY, Identity, OwnerKind

# 60 bits: among a million Services of one organization two share a hash once in two million tries.
_HASH_LENGTH: Final = 12


def resource_name(identity: Identity, limit: int, prefix: str = MANAGED_BY) -> str:
    """The name of an owner's AWS resource: `<prefix>-<project>-<stage>-<name>-<hash>`.

    Lowercase letters, digits and single dashes, starting with a letter: what S3, RDS, ElastiCache,
    OpenSearch and IAM all accept. At most `limit` characters; a longer name is cut before the hash.
    The hash covers the whole identity, so equal names mean the same owner. Raises ValueError if
    `limit` leaves no room for the prefix and the hash.
    """
    digest = hashlib.sha256("\0".join(_hashed(identity)).encode()).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_HASH_LENGTH]
    room = limit - len(suffix) - 1
    if room < len(prefix):
        raise ValueError(f"a name of {limit} characters has no room for {prefix!r} and a hash")
    inner = (identity.project, identity.stage, identity.name)
    parts = [each for each in inner if each] or [identity.organization]
    readable = "-".join((prefix, *parts))
    readable = re.sub(r"[^a-z0-9]+", "-", readable.lower())[:room].rstrip("-")
    return f"{readable}-{suffix}"


def _hashed(identity: Identity) -> tuple[str, ...]:
    who = (identity.organization, identity.project, identity.stage, identity.name)
    # Names of Services must stay as they were before other kinds of owners existed. An organization
    # always has a name, so the text of another owner never equals that of a Service.
    return who if identity.kind is OwnerKind.SERVICE else ("", identity.kind.value, *who)
