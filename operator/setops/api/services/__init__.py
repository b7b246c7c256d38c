"""One module per type of Service, holding all that is said of it: `TYPE`, and its own checks.

How a type is backed up will be said here too. A new type is listed in `catalogue`; its option
fields and its name in the Service resource follow from that.

Pure data and pure checks. Source of versions, plans and options: the platform's table of services;
of the deletion policies and deadlines: the design of this project.
"""
