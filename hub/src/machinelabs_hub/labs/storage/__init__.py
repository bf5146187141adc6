"""Where labs are kept: content in git stores, the index of it in SQL."""
