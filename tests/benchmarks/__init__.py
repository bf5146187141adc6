"""Measure a site against stock JupyterHub on the same machine: `make bench`."""
