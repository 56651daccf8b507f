"""Outbound I/O to where things are kept. Each store is a Protocol with an embedded default, so nothing outside is needed."""
