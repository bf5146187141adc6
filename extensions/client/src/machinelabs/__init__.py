"""A typed client of a MachineLabs site."""
