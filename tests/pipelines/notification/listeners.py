"""Receivers on this machine: a web server that keeps what is posted to it, and one that takes mail."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Posts:
    """What was posted, and how it is answered.

    Attributes
    ----------
    url
        Of the server.
    taken
        (path, query, JSON) of every request.
    status, answer
        What it says to each.
    """

    url: str = ""
    taken: list[tuple[str, dict[str, list[str]], Any]] = field(default_factory=list)
    status: int = 200
    answer: bytes = b'{"errcode": 0, "errmsg": "ok"}'


@contextmanager
def web() -> Iterator[Posts]:
    """A web server for as long as the block lasts."""
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            parts = urlsplit(self.path)
            posts.taken.append((parts.path, parse_qs(parts.query), json.loads(body)))
            self.send_response(posts.status)
            self.send_header("Content-Length", str(len(posts.answer)))
            self.end_headers()
            self.wfile.write(posts.answer)

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        posts.url = f"http://127.0.0.1:{server.server_address[1]}"
        with _running(server):
            yield posts


@dataclass
class Mails:
    """The port of a mail server, and the mails that it took."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail() -> Iterator[Mails]:
    """A mail server for as long as the block lasts: as much of SMTP as a client without a password speaks."""
    mails = Mails()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while word := self.rfile.readline().decode().strip()[:4].upper():
                if word == "DATA":
                    self.say("354 go on")
                    mails.taken.append(message_from_bytes(self.text(), policy=policy.default))  # type: ignore[arg-type]
                self.say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    return

        def text(self) -> bytes:
            return b"".join(iter(self.rfile.readline, b".\r\n"))

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mails.port = server.server_address[1]
        with _running(server):
            yield mails


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
