"""The process: settings, leadership, watches, the queue, health, metrics, logs.

The only package that may import `kopf`, and only `handlers` does. Nothing here knows what a
reconciler does: `wiring` names them, everything else passes keys and changes on.
"""
