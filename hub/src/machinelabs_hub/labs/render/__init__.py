"""Turn what people published into HTML that is safe on our origin.

Nothing in here knows requests, labs or people: bytes come in, clean fragments go out.
"""
