"""The trainer's HTTP service on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.stand_ins.cohere_finetune.trainer import Trainer


class _Handler(BaseHTTPRequestHandler):
    trainer: Trainer
    lock: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are sent apart

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _serve(self) -> None:
        with self.lock:
            trainer = self.trainer
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            trainer.calls.append(f"{self.command} {self.path}")
            cut = trainer.cut.partition(" ")
            if trainer.gone or cut[::2] == ("before", self.path):
                self.close_connection = True
                return
            status, said = self._answer(body)
            if cut[::2] == ("after", self.path):
                self.close_connection = True
                return
        self.send_response(status)
        data = (f"<h1>{status}</h1>" if said is None else json.dumps(said)).encode()
        self.send_header("Content-Type", "text/html" if said is None else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, body: bytes) -> tuple[int, dict[str, str] | None]:
        """Status and JSON, or None for a page of HTML."""
        if self.trainer.proxied:
            return self.trainer.proxied, None
        match self.command, self.path:
            case "GET", "/status":
                return self.trainer.look()
            case "GET", "/terminate":
                return self.trainer.terminate()
            case "POST", "/finetune":
                if self.headers.get_content_type() != "application/json":
                    return 415, None
                try:
                    return self.trainer.finetune(json.loads(body))
                except json.JSONDecodeError:
                    return 400, None
                except Exception:
                    return 500, None
        known = self.path in ("/status", "/terminate", "/finetune")
        return (405 if known else 404), None


@contextmanager
def serving(trainer: Trainer) -> Iterator[str]:
    """The address at which the trainer is served, on loopback, until the end of the block."""
    handler = type("Handler", (_Handler,), {"trainer": trainer, "lock": threading.Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
