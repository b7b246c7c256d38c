"""The AWS layer, and the only user of boto3.

    parts/      one kind of AWS resource each: found, told apart, made, compared, changed, deleted
    products/   one type of Service each: a declaration of its parts
    composite   what is done to the parts of a Service, in which order, and to which never
    decide      what to do next, from what was observed (pure)
    gateway     the way from asyncio to threads: limits, back-off, shared inventories
    converge    the loop: observe, decide, perform

Of ours it imports `setops.api` alone. What goes wrong is always an `errors.AwsError`.
"""
