"""TLS in front of a fake, with a certificate that nobody but the test trusts; and a proxy that makes tunnels."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_ADDRESS = "127.0.0.1"


def make_certificate(directory: Path) -> Path:
    """A new self-signed certificate for 127.0.0.1, in one PEM file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _ADDRESS)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_ADDRESS))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind = serialization.PrivateFormat.PKCS8
    path = directory / "certificate.pem"
    path.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, kind, serialization.NoEncryption()))
    return path


@contextlib.contextmanager
def tls_in_front(url: str, certificate: Path) -> Iterator[str]:
    """The https URL at which `url`, the URL of a fake, is served. Either side's end is the end of the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = int(url.rpartition(":")[2])
    with socket.create_server((_ADDRESS, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    threading.Thread(target=_forward, args=(plain, context, port), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://{_ADDRESS}:{listener.getsockname()[1]}"


def _forward(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One thread serves both directions: a TLS connection must not be used by two at a time."""
    with client, contextlib.suppress(OSError), socket.create_connection((_ADDRESS, port)) as fake:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(client, server_side=True) as encrypted:
            while True:
                readable = [encrypted] if encrypted.pending() else select.select([encrypted, fake], [], [])[0]
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    (fake if source is encrypted else encrypted).sendall(data)


@contextlib.contextmanager
def tunnels() -> Iterator[tuple[str, list[bytes]]]:
    """The URL of an HTTP proxy, and the first lines of what it was asked for. Each side's end is that of the other."""
    heard: list[bytes] = []
    with socket.create_server((_ADDRESS, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_tunnel, args=(client, heard), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://{_ADDRESS}:{listener.getsockname()[1]}", heard


def _tunnel(client: socket.socket, heard: list[bytes]) -> None:
    with client, contextlib.suppress(OSError):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(65536)
        heard.append(head.partition(b"\r\n")[0])
        host, _, port = heard[-1].split()[1].partition(b":")
        with socket.create_connection((host.decode(), int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
