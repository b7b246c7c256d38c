"""The definition file (`*.setops.yaml`, schema version 2): the same data as a Stage definition, in
the platform's spelling.

    nodes     YAML text to a tree that knows lines and columns and means no types yet
    reading   the tree to a definition in the resources' spelling, by the models' own fields
    writing   a definition to text
    secrets   {{ .Secrets.NAME }}
    schema    the JSON Schema of such files

Keys are the models' field names; FORMAT lists where the platform has others. Source of the shape:
the platform's Stage definition.
"""
