"""What users write: one model file per kind, conditions, names, and the CRDs made from them.

Pure data: no I/O, no clock, no client. Every other package may import this one.
"""
