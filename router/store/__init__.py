"""Outbound I/O to where things are kept. Each store is a Protocol with an embedded default: nothing else is needed."""
