"""Who may sign in: accounts of our own, a shared password, or an identity provider."""
