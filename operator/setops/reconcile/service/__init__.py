"""Services: what stands behind them at AWS, and the Secret that linked Apps read.

reconciler   keeps a Service as its spec wants it, and reports
deletion     brings one to its end
placement    the account and network that it lives in, stored before anything is made
target       what AWS is to make of it
version_pin  the note that a rollback has restored an older version
secret       the Secret in the cluster
"""

from setops.reconcile.service.reconciler import reconcile

__all__ = ["reconcile"]
