"""Runs a whole site on one machine: prepares it, starts its processes and keeps them running."""
