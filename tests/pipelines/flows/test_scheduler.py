"""A server that answers is no trouble; one that refuses, is ill, is gone or is none is named without its password."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.flows import scheduler
from tests.pipelines.flows.servers import free_port


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("url", [None, ""])
def test_where_no_server_is_named_there_is_no_trouble(url):
    assert scheduler.trouble(url) is None


def test_one_that_answers_is_well_and_one_that_is_ill_says_how():
    with answering(200) as url:
        assert scheduler.trouble(url) is None and scheduler.trouble(f"{url}/") is None
    with answering(503) as url:
        told = scheduler.trouble(url)
    assert told is not None and (told.code, told.values["detail"]) == ("W722", "HTTP 503")


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1:{port}/api?key=secret", "no address", "http://[::1"])
def test_what_does_not_answer_is_named_without_its_password(url):
    told = scheduler.trouble(url.format(port=free_port()))
    assert told is not None and told.code == "W722" and "secret" not in str(told.values)
