"""Certificates of the tests' own, good for names that lead to this machine."""

import ssl
import subprocess
from pathlib import Path

VALID = ["DNS:localhost", "IP:127.0.0.1", "IP:127.0.0.2", "IP:::1"]


class Certificate:
    """Signed by itself: trusted only by who is told to (SSL_CERT_FILE=certificate.file)."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.file, self.key = folder / "certificate.pem", folder / "key.pem"
        names = names or tuple(VALID)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subject = ["-subj", "/CN=a test", "-addext", f"subjectAltName={','.join(names)}"]
        files = ["-keyout", str(self.key), "-out", str(self.file), "-days", "2"]
        made = ["openssl", "req", "-x509", *curve, *subject, *files]
        subprocess.run(made, check=True, capture_output=True)

    @property
    def served(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context
