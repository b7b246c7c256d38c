"""The AWS layer, and the only user of boto3.

    parts/           one kind of AWS resource each: find, own, create, compare, change, delete it
    products/        one type of Service each: a declaration of its parts
    composite        what is done to the parts of a Service, in which order, and never to which
    decide           what to do next, from what was observed (pure)
    gateway          from asyncio to threads: limits, back-off, shared inventories
    converge         the loop: observe, decide, perform
    operator_rights  the operator's own IAM policies, for docs/

Of our packages it imports only `setops.api`. Every failure is an `errors.AwsError`.
"""
