"""A real SMTP server (aiosmtpd) on a free loopback port, with TLS by a certificate made for the test, and log-in."""
import email
import email.policy
import pathlib
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

USER, PASSWORD = "barograph", "fake-mail-password"


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1: its file and that of its key."""
    certificate, key = str(pathlib.Path(folder) / "ca.pem"), str(pathlib.Path(folder) / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


class MailServer:
    """`mode`: starttls, tls or none. `answers` are given to the first messages; then they are taken."""

    def __init__(self, folder, mode, answers=(), refuse=()):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult

        self.messages, self.envelopes, self.answers, self.logins = [], [], list(answers), []
        self.certificate, key = make_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        mail = self

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address in refuse:
                    return "550 5.1.1 no such user"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                answer = mail.answers.pop(0) if mail.answers else "250 taken"
                mail.envelopes.append((answer, envelope.mail_from, list(envelope.rcpt_tos), envelope.content, bool(session.ssl)))
                if answer.startswith("250"):
                    mail.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
                return answer

        def authenticate(server, session, envelope, mechanism, data):
            good = data.login == USER.encode() and data.password == PASSWORD.encode()
            mail.logins.append(good)
            return AuthResult(success=good, handled=good)

        options = {}
        if mode != "none":
            options = {"authenticator": authenticate, "auth_required": True}
        if mode == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if mode == "tls":
            # The connection itself is encrypted, which this server does not know when a client logs in.
            options |= {"ssl_context": context, "auth_require_tls": False}
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=free_port(), **options)
        self.controller.start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.controller.port}"

    def close(self):
        self.controller.stop()


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
