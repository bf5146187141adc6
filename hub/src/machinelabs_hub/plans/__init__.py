"""Plans: who may start what, how many hours are left, and what was used."""
