"""nginx as the manual sets it up in front of a site, with a certificate of the test's own."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "put-tls-in-front.md"
WHOLE = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@contextmanager
def nginx(
    folder: Path, *, host: str, tls_port: int, plain_port: int, site_port: int
) -> Iterator[Path]:
    """Run the manual's nginx for a site at `host`; give the certificate that it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = self_signed(host, f"*.{host}")
    (folder / "fullchain.pem").write_text(certificate, encoding="ascii")
    (folder / "privkey.pem").write_text(key, encoding="ascii")
    changes = {
        "labs.example.org": host,
        "listen 443 ssl": f"listen 127.0.0.1:{tls_port} ssl",
        "listen 80": f"listen 127.0.0.1:{plain_port}",
        "/etc/ssl/labs": str(folder),
        "http://127.0.0.1:8000": f"http://127.0.0.1:{site_port}",
        "https://$host$request_uri": f"https://$host:{tls_port}$request_uri",
    }
    (servers,) = manual_blocks("nginx")
    for old, new in changes.items():
        assert old in servers, f"the manual does not say {old}"
        servers = servers.replace(old, new)
    config = folder / "nginx.conf"
    config.write_text(WHOLE.format(folder=folder, servers=servers), encoding="utf-8")
    process = subprocess.Popen(["nginx", "-e", str(folder / "nginx.log"), "-c", str(config)])
    try:
        _wait(f"http://127.0.0.1:{plain_port}/")
        yield folder / "fullchain.pem"
    finally:
        process.terminate()
        process.wait(timeout=30)


def manual_blocks(language: str) -> list[str]:
    """Return the manual's blocks of code in `language`, in order."""
    text = MANUAL.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def self_signed(*names: str) -> tuple[str, str]:
    """Return a certificate for hosts (names, addresses), its own authority, and its key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    hosts = [_host(name) for name in names]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(pem).decode(), private.decode()


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _wait(url: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            httpx.get(url)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("nginx does not come up")
