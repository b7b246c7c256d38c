"""Side-by-side figures of the operator, as `make bench` prints them.

Times are only ever given as ratios: what is compared ran in turns on the same control plane, and
each ratio is the median of the rounds, so that the machine and whatever else it does cancel out.

    figures      a figure, the table, the file          (pure)
    work         the manifests that are applied         (pure)
    lab          a control plane, and one asynchronous client of it
    arrivals     when objects appear, by watches
    race         Apps and Changesets until all children exist, beside kubectl and beside raw applies
    process      what the operator process has used: CPU, memory, and whether it has come to rest
    fleet        a thousand Apps: writes, CPU and memory
"""
