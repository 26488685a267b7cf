"""Azure's manners in front of the local stack: TLS, tokens of a managed identity instead of keys, a Key Vault."""

import base64
import hashlib
import hmac
import ipaddress
import ssl
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import yarl
from aiohttp import web
from azure.storage.blob import ResourceTypes, Services, generate_account_sas
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from local.stack.azurite import ACCOUNT, ACCOUNT_KEY

CLIENT_ID = "5b1d3f5e-0000-4000-8000-00000000000a"
HEADER = "a header that only the platform knows"
HOP_BY_HOP = {"host", "authorization", "content-length", "transfer-encoding", "connection", "content-encoding"}
STORAGE, POSTGRES = "https://storage.azure.com", "https://ossrdbms-aad.database.windows.net"
COSMOS = "https://127.0.0.1"  # the account's own name
KEY_VAULT = "https://vault.azure.net"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_for(resource: str) -> str:
    """Return the token that the identity gets for a service: it opens that one alone."""
    digest = hmac.new(HEADER.encode(), resource.rstrip("/").encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Front:
    """Servers on 127.0.0.1, each with a port of its own; `asked` counts tokens by service, `refused` calls without."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self.asked: dict[str, int] = {}
        self.refused = 0
        self._tls = _self_signed(self.certificate)
        self._wrapping = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Open the client with which calls go on."""
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def stop(self) -> None:
        """Close all."""
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    async def serve(self, handler: Handler, *, tls: bool = True) -> str:
        """Serve on a new port and return the address without a slash at the end."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls if tls else None).start()
        return f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"

    async def identity(self) -> str:
        """Serve the managed identity as App Service does, and return its address."""

        async def answer(request: web.Request) -> web.Response:
            if request.headers.get("x-identity-header") != HEADER or request.query.get("client_id") != CLIENT_ID:
                return web.json_response({"message": "no such identity"}, status=400)
            resource = request.query["resource"].rstrip("/")
            self.asked[resource] = self.asked.get(resource, 0) + 1
            expires = int((datetime.now(UTC) + timedelta(hours=24)).timestamp())
            granted = {"access_token": token_for(resource), "expires_on": str(expires), "resource": resource}
            return web.json_response(granted | {"token_type": "Bearer"})

        return await self.serve(answer, tls=False)

    async def storage(self, port: int) -> str:
        """Serve a service of Azurite to those with a token for storage, and return its address."""
        signature = generate_account_sas(
            ACCOUNT,
            ACCOUNT_KEY,
            resource_types=ResourceTypes(service=True, container=True, object=True),
            permission="rwdlacup",
            expiry=datetime.now(UTC) + timedelta(hours=2),
            services=Services(blob=True, queue=True),
        )

        async def answer(request: web.Request) -> web.Response:
            if request.headers.get("authorization") != f"Bearer {token_for(STORAGE)}":
                return self._refuse()
            joint = "&" if "?" in request.raw_path else "?"
            return await self._pass_on(request, f"http://127.0.0.1:{port}{request.raw_path}{joint}{signature}", {})

        return f"{await self.serve(answer)}/{ACCOUNT}"

    async def cosmos(self, endpoint: str) -> str:
        """Serve the local Cosmos DB to those with a token for its account, and return its address."""
        upstream, address = endpoint.rstrip("/"), ""

        async def answer(request: web.Request) -> web.Response:
            said = urllib.parse.unquote(request.headers.get("authorization", ""))
            if said != f"type=aad&ver=1.0&sig={token_for(COSMOS)}":
                return self._refuse()
            headers = {"authorization": urllib.parse.quote("type=master&ver=1.0&sig=none")}
            return await self._pass_on(request, upstream + request.raw_path, headers, (upstream, address))

        address = await self.serve(answer)
        return f"{address}/"

    async def key_vault(self) -> str:
        """Serve one key that wraps and unwraps, and return its address without a version."""
        paths = {"/keys/source-secrets/wrapkey": self._wrap, "/keys/source-secrets/v1/unwrapkey": self._unwrap}

        async def answer(request: web.Request) -> web.Response:
            if request.headers.get("authorization") != f"Bearer {token_for(KEY_VAULT)}":
                return self._refuse()
            body = await request.json()
            assert body["alg"] == "RSA-OAEP-256"
            value = paths[request.path](_decode(body["value"]))
            return web.json_response({"kid": f"{address}/keys/source-secrets/v1", "value": _encode(value)})

        address = await self.serve(answer)
        return f"{address}/keys/source-secrets"

    def _wrap(self, raw: bytes) -> bytes:
        return self._wrapping.public_key().encrypt(raw, OAEP)

    def _unwrap(self, wrapped: bytes) -> bytes:
        return self._wrapping.decrypt(wrapped, OAEP)

    def _refuse(self) -> web.Response:
        self.refused += 1
        return web.Response(status=401)

    async def _pass_on(
        self, request: web.Request, url: str, headers: Mapping[str, str], renamed: tuple[str, str] = ("", "")
    ) -> web.Response:
        given = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body, target = await request.read(), yarl.URL(url, encoded=True)
        async with self._session.request(request.method, target, data=body, headers={**given, **headers}) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            raw = await answer.read()
            told = raw.replace(renamed[0].encode(), renamed[1].encode()) if renamed[0] else raw
            response = web.Response(status=answer.status, body=told)
            response.headers.extend(kept)
            return response


OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def _self_signed(path: Path) -> ssl.SSLContext:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
