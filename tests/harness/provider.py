"""A provider of OpenID Connect on loopback: a real one, that also lies and fails when a test says so."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "filehost", "s3cret of: the client"
ACCESS = "access-token-of-the-provider"


@dataclass
class Provider:
    """`user` signs in without being asked. What a test changes is how it answers from then on."""

    issuer: str = ""
    user: str = "anna"
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    signs_with: Any = None
    about: dict[str, Any] = field(default_factory=dict)
    fails: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    slow: float = 0
    requests: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})

    def new_key(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})

    def discovery(self) -> dict[str, Any]:
        places = {
            f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token", "userinfo")
        }
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", **places, **self.about}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        query = self.codes.pop(form["code"], None)
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if authorization != _basic():
            return 401, {"error": "invalid_client"}
        expected = (form["redirect_uri"], challenge)
        if query is None or (query["redirect_uri"], query["code_challenge"]) != expected:
            return 400, {"error": "invalid_grant"}
        token = self.id_token(query["nonce"])
        return 200, {"access_token": ACCESS, "token_type": "Bearer", "id_token": token}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": CLIENT, "sub": f"id of {self.user}", "nonce": nonce,
            "iat": now, "exp": now + 300, "preferred_username": self.user, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
            return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        if self.algorithm == "HS256":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = self.signs_with or self.key
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, key)


def _basic() -> str:
    return "Basic " + b64encode(f"{CLIENT}:{quote(SECRET, safe='')}".encode()).decode()


@contextmanager
def provided(host: str = "127.0.0.1") -> Iterator[Provider]:
    """A provider that listens. As `localhost` it is another site than a server on 127.0.0.1."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if self.fail(parts.path):
                return
            if parts.path == "/.well-known/openid-configuration":
                self.say(200, provider.discovery())
            elif parts.path == "/jwks":
                self.say(200, {"keys": [provider.key.as_dict(private=False)]})
            elif parts.path == "/userinfo":
                self.say(200, {"sub": f"id of {provider.user}", **provider.userinfo})
            else:
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if not self.fail("/token"):
                self.say(*provider.token(form, self.headers.get("Authorization", "")))

        def fail(self, path: str) -> bool:
            provider.requests.append(unquote(path))
            time.sleep(provider.slow)
            if path not in provider.fails:
                return False
            status, body = provider.fails[path]
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(body)
            return True

        def say(self, status: int, content: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            """Nothing to say in a test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
