"""The products that there are, one module each."""

from __future__ import annotations

from typing import Final

from setops.aws.products.postgresql import Postgresql
from setops.aws.products.s3 import S3
from setops.aws.registry import Registry

PRODUCTS: Final = Registry((S3(), Postgresql()))
