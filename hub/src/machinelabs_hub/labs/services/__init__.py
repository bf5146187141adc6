"""What can be done with labs, by whom: the rules between the edges and the storage."""
