"""The command language. Every command is declared once, as a pure function on a Stage definition.

Pure: no I/O, no clock, inputs never mutated. Imports only `api`. `parse` reads a line, `run`
applies it, `table` lists all commands. The CLI's parser, help, completion and reference come from
the same declarations.
"""
