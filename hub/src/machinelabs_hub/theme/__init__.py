"""One look for the Hub's pages and the labs pages: tokens, mark, templates."""
