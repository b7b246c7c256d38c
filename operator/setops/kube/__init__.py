"""The Kubernetes API server: connection, client, informers, cache, apply, Lease, Events.

The only package that may import `kubernetes`, and only `connection` does. Everything that waits is
asyncio. Objects are plain JSON dictionaries; those from the cache are shared, so don't change them.
"""
