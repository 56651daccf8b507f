"""An OTLP/HTTP collector on a real socket, in threads of its own: it works, or hangs, or refuses."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What arrived. `status` is what it answers; one that `hangs` reads and answers nothing until `released`.

    Conformance is checked on arrival: path, content type and a body that parses whole, else 400 and `faults` says why.
    """

    def __init__(self, *, status: int = 200, hangs: bool = False) -> None:
        self.status = status
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        if not hangs:
            self.released.set()
        self.url = ""

    @property
    def spans(self) -> list[Span]:
        """Every span of every request."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Check one request and keep it; the status to answer."""
        if path != "/v1/traces" or headers.get("content-type") != "application/x-protobuf":
            self.faults.append(f"{path} {headers.get('content-type')}")
            return 400
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.headers.append(headers)
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        return self.status


@contextmanager
def collecting(collector: Collector) -> Iterator[Collector]:
    """Serve on a free port until the block ends; what hangs is released then."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = collector.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            collector.arrived.release()
            collector.released.wait()
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
