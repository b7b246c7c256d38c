"""One module per type of Service, with everything about it: `TYPE`, and the type's own checks.

How a type is backed up belongs here as well. A new type must be listed in `catalogue`. The Service
resource then accepts its name and its options.

Pure data and pure checks. Source of versions, plans and options: the platform's table of services.
Source of deletion policies and deadlines: this project's design.
"""
