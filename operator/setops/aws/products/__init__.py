"""The products that there are, one module each.

To add one, write a module here that declares its parts, add it to `PRODUCTS`, and write a module
in `parts` for each kind of AWS resource that no product has yet. Its rights, error codes and
clients follow from its parts. `tests/cluster/aws/queue.py` is a small example, and
`tests/cluster/aws/test_products.py` has the table of cases to extend.
"""

from __future__ import annotations

from typing import Final

from setops.aws.products.postgresql import Postgresql
from setops.aws.products.s3 import S3
from setops.aws.registry import Registry

PRODUCTS: Final = Registry((S3(), Postgresql()))
