"""The site's GPUs: what there is, who holds what, who waits for it, who lets it idle."""
