"""The definition file (`*.setops.yaml`, schema version 2): a Stage in the platform's spelling.

    nodes        YAML text to a tree that knows lines and columns, but no types
    reading      the tree to a definition as resources spell it, guided by the models' fields
    writing      a definition to text
    secrets      {{ .Secrets.NAME }}
    json_schema  the JSON Schema of such files

Keys are the models' field names, except those in `format`. Source of the format: the platform's
Stage definition.
"""
