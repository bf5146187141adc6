"""Merge two states of a lab that come from one: pure, and nothing that somebody wrote is lost."""
