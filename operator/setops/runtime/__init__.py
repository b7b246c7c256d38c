"""The process: settings, leadership, watches, the queue, health, metrics, logs.

The only package that may import `kopf`, and only `handlers` does. Nothing here knows what a
reconciler does: `wiring` gives them what they need, and everything else passes on keys and changes.
"""
