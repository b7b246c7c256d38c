"""From definition entries to Kubernetes objects.

Pure: each builder takes one frozen description and returns new manifests; no client, no clock, no
mutation of its input. What a builder doesn't name is left to the API server's defaults. Imports
only `api`.
"""
