"""Tables, one file for each owner; importing all of them fills the metadata."""
