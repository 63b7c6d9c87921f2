"""A certificate authority for one test, and leaves of every kind."""

import hashlib
import os
import ssl
import subprocess

KINDS = ("good", "wrong-name", "expired", "self-signed")


class CertificateError(Exception):
    """openssl refused."""


class Certificates:
    """A certificate authority of its own and leaves of every kind, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca_file = os.path.join(folder, "ca.pem")
        self._ca_key = os.path.join(folder, "ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-days", "30", "-subj", "/CN=twinbox test authority", "-keyout", self._ca_key,
                      "-out", self.ca_file, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def make(self, kind):
        """Returns (certificate file, key file) of a leaf for localhost and 127.0.0.1."""
        certificate = os.path.join(self.folder, f"{kind}.pem")
        key = os.path.join(self.folder, f"{kind}.key")
        if os.path.exists(certificate):
            return certificate, key
        names = "DNS:mail.other.example" if kind == "wrong-name" else "DNS:localhost,IP:127.0.0.1"
        subject = "/CN=mail.other.example" if kind == "wrong-name" else "/CN=localhost"
        if kind == "self-signed":
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-days", "30", "-subj", subject, "-keyout", key, "-out", certificate,
                          "-addext", f"subjectAltName={names}")
            return certificate, key
        request = os.path.join(self.folder, f"{kind}.csr")
        extensions = os.path.join(self.folder, f"{kind}.ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\n"
                       "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", subject, "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._ca_key,
                      "-CAcreateserial", "-days", "-1" if kind == "expired" else "30",
                      "-extfile", extensions, "-out", certificate)
        return certificate, key

    @staticmethod
    def fingerprint(certificate):
        """SHA-256 of the certificate's DER form in lower-case hex, as a pin names it."""
        with open(certificate, encoding="ascii") as file:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(("openssl",) + arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise CertificateError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
