"""Start, watch and stop people's notebook containers."""
