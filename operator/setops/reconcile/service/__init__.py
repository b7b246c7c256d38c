"""Services: their resources at AWS, and the Secret that linked Apps read.

reconciler   keeps a Service as its spec wants it, and reports
deletion     deletes or releases it, as its policy says
placement    the account and network that it lives in, stored before anything is created
claim        whose the identity at AWS is that a Service has stored
target       what AWS should make of it
rollback     the note that a rollback deletes the Service again
asked_before what AWS has accepted, kept across a restart
version_pin  the note that a rollback has restored an older version
secret       the Secret in the cluster
"""

from setops.reconcile.service.reconciler import reconcile

__all__ = ["reconcile"]
