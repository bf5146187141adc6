"""The labs service: publish, read, fork and find labs. A FastAPI app of its own."""
