"""Sans-io: bytes to canon and back. Splitters (`sse`, ...) cut a byte stream into frames; a folder per dialect does the
rest, always in the same five files. `dialect.py` says what a dialect must offer."""
