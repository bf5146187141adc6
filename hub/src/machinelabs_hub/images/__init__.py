"""Builds the images of the catalogue, without a registry where none answers."""
