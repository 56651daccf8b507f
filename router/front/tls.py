"""TLS of our own listeners, from files."""

from __future__ import annotations

import ssl


class Tls:
    """A certificate and its key. New connections see what `renew` read last.

    Args:
        cert: PEM file, the chain included.
        key: PEM file of the private key.
    """

    def __init__(self, cert: str, key: str) -> None:
        self._cert = cert
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])

    def renew(self) -> None:
        """Read the files. Raises `OSError` naming them; what was read before stays."""
        try:
            # Into another context first: half of a pair that does not fit would stay in this one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key)
            self.context.load_cert_chain(self._cert, self._key)
        except OSError as error:
            why = error.strerror or getattr(error, "reason", None) or type(error).__name__
            raise OSError(f"the certificate {self._cert} with the key {self._key} cannot be used: {why}") from error
