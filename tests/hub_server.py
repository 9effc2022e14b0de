"""A loopback model and data-set hub: as much of its API as the real clients ask for.

The clients are pointed at it by the environment variable HF_ENDPOINT of their process.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


class _Hub(ThreadingHTTPServer):
    def __init__(self, models: Mapping[str, Path], datasets: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = {"models": models, "datasets": datasets}


class _Handler(BaseHTTPRequestHandler):
    server: _Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the tests' output is not a server's log."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for kind, repositories in self.server.repositories.items():
            prefix = "" if kind == "models" else "/datasets"
            for name, folder in repositories.items():
                files = {file.name: file for file in sorted(folder.iterdir())}
                api = f"/api/{kind}/{name}"
                if path == api or path.startswith(f"{api}/revision/"):
                    return self._json(_describe(name, files))
                if path.startswith(f"{api}/tree/"):
                    return self._json([_entry(file) for file in files.values()])
                if path.startswith(f"{prefix}/{name}/resolve/"):
                    return self._file(files.get(path.rsplit("/", 1)[1]))
        return self._json({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET  # noqa: N815

    def _file(self, file: Path | None) -> None:
        if file is None:
            about = {"X_Error_Code": "EntryNotFound", "X_Repo_Commit": COMMIT}
            return self._json({"error": "Entry not found"}, 404, **about)
        content = file.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self._send(content, 200, ETag=tag, X_Repo_Commit=COMMIT)

    def _json(self, content: Any, status: int = 200, **headers: str) -> None:
        self._send(json.dumps(content).encode(), status, Content_Type="application/json", **headers)

    def _send(self, body: bytes, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content_Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _describe(name: str, files: Mapping[str, Path]) -> dict[str, Any]:
    about = {"private": False, "gated": False, "disabled": False, "tags": []}
    siblings = [{"rfilename": file} for file in files]
    return {"id": name, "sha": COMMIT, "downloads": 0, "likes": 0, "siblings": siblings, **about}


def _entry(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    oid = hashlib.sha1(content).hexdigest()
    return {"type": "file", "path": file.name, "size": len(content), "oid": oid}


@contextmanager
def hub_server(
    models: Mapping[str, Path] | None = None, datasets: Mapping[str, Path] | None = None
) -> Iterator[str]:
    """Serves folders as repositories while the block runs; yields the hub's address."""
    hub = _Hub(models or {}, datasets or {})
    thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{hub.server_port}"
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
