"""The Kubernetes API server: connection, client, cache, apply, lease, Events. All I/O, all asyncio.

The only package that may import `kubernetes`, and only `connection` does. Objects are plain JSON
dictionaries; one that came out of the cache is shared and must not be changed.
"""
