"""What users write: the models of our kinds, their names, conditions, and the CRDs made from them.

Pure data: no I/O, no clock, no client. Every other package may import this one.
"""
