"""The program inside a run's container: it executes one revision and tells the site how it goes.

It is started as `python -m machinelabs.runner`, is the container's first process, and holds the
one credential of the run, which the code that it executes cannot read.
"""
