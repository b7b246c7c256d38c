"""AWS: one module per product with the same four verbs, and the frame that runs them.

Only this package uses boto3; it may import `setops.api.catalogue` and nothing else of ours. The
verbs are synchronous and idempotent and run in a bounded pool of threads; an observation is data,
and what to do about it is decided without I/O (`decide`). `gateway.Gateway` is the door for
callers; what it raises is always an `errors.AwsError`.
"""
