"""A model hub on loopback, as far as the Hugging Face client asks: the list of files, and the files by revision."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub.constants
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """A hub with one repository, "here/toy".

    Attributes:
        folders: of each commit.
        main: the newest commit.
        lies: send other bytes than the digests say.
        asked: the paths of all requests.
        port: on 127.0.0.1.
    """

    port = 0

    def __init__(self, folder: Path) -> None:
        self.folders, self.main = {COMMIT: folder}, COMMIT
        self.lies = False
        self.asked: list[str] = []

    def publish(self, commit: str, folder: Path) -> None:
        """A newer commit."""
        self.folders[commit], self.main = folder, commit

    def answer(self, path: str) -> tuple[bytes, str, str] | None:
        """Content, digest and commit at a path; None where there is nothing."""
        self.asked.append(path)
        if path.startswith("/api/models/here/toy"):
            asked = path.rpartition("/")[2]
            commit = self.main if asked == "main" else asked
            if commit not in self.folders:
                return None
            names = self._names(commit)
            if "/tree/" in path:
                found: object = [
                    {
                        "type": "file",
                        "path": name,
                        "size": (self.folders[commit] / name).stat().st_size,
                        "oid": "0" * 40,
                    }
                    for name in names
                ]
            else:
                found = {"id": "here/toy", "sha": commit, "siblings": [{"rfilename": name} for name in names]}
            return json.dumps(found).encode(), "0", commit
        commit, _, name = path.partition("/here/toy/resolve/")[2].partition("/")
        if commit not in self.folders or name not in self._names(commit):
            return None
        content = (self.folders[commit] / name).read_bytes()
        return (bytes(len(content)) if self.lies else content), _digest(name, content), commit

    def _names(self, commit: str) -> list[str]:
        folder = self.folders[commit]
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _digest(name: str, content: bytes) -> str:
    """As the hub gives it: SHA-256 of large files, what git calls the small ones."""
    if name.endswith(".safetensors"):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(folder: Path, cache: Path) -> Iterator[Hub]:
    """A hub for the client in this process, which keeps what it fetches in `cache`."""
    hub = Hub(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def do_GET(self, body: bool = True) -> None:
            found = hub.answer(self.path.split("?")[0])
            if found is None:
                return self.send_error(404)
            content, digest, commit = found
            self.send_response(200)
            for name, value in (
                ("Content-Length", str(len(content))),
                ("ETag", f'"{digest}"'),
                ("X-Repo-Commit", commit),
            ):
                self.send_header(name, value)
            self.end_headers()
            return self.wfile.write(content) if body else None

    constants = huggingface_hub.constants
    with pytest.MonkeyPatch.context() as patch, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hub.port = server.server_port
        patch.setenv("no_proxy", "127.0.0.1")
        patch.delenv("HF_HUB_OFFLINE", raising=False)
        patch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{hub.port}")
        files = constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        yield hub
        server.shutdown()
