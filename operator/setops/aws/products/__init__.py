"""The products that there are, one module each.

A further one is a module here that declares its parts, an entry in `PRODUCTS`, and a module in
`parts` for each kind of AWS resource that no product has yet. Its rights, error codes and clients
follow from its parts. `tests/cluster/aws/queue.py` is a small one to read, and
`tests/cluster/aws/test_products.py` the table of cases that it joins.
"""

from __future__ import annotations

from typing import Final

from setops.aws.products.postgresql import Postgresql
from setops.aws.products.s3 import S3
from setops.aws.registry import Registry

PRODUCTS: Final = Registry((S3(), Postgresql()))
