"""Compare two states of a lab: files, lines, cells. Pure; nothing here reads, shows or decides."""
