"""Streams as no document has them: what was met, or may be, in each dialect, and what is to be understood of it."""
