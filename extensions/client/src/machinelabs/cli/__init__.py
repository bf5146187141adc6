"""The `ml` command: labs from a terminal."""
