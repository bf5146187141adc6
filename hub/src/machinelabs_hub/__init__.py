"""MachineLabs: sign-in, notebook containers and labs on today's Jupyter."""

__version__ = "0.1.0"
