#!/usr/bin/env python3
"""A webhook receiver that believes only what is signed.

    HOOK_SECRET=whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk= python3 webhook_receiver.py --port 9000

Prints one line per alert. Standard library only; the signature is Standard Webhooks 1.0 (docs/webhooks.md).
"""
import argparse
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE_SECONDS = 300
REMEMBERED_IDS = 10_000
BODY_BYTES_MAX = 1 << 20


def verify(secret: str, headers, body: bytes, now: float) -> str:
    """The notice's id. Raises ValueError with the reason when the request is not genuine."""
    notice_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not notice_id or not timestamp.isdigit():
        raise ValueError("webhook-id or webhook-timestamp is missing")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("the timestamp is too old or in the future")
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    content = f"{notice_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    for given in headers.get("webhook-signature", "").split():
        version, _, signature = given.partition(",")
        if version == "v1" and hmac.compare_digest(signature.encode(), expected.encode()):
            return notice_id
    raise ValueError("no signature fits")


class Receiver(http.server.BaseHTTPRequestHandler):
    secret = ""
    seen = collections.OrderedDict()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        if size > BODY_BYTES_MAX:
            return self.answer(413, "too large")
        body = self.rfile.read(size)
        try:
            notice_id = verify(self.secret, self.headers, body, time.time())
        except ValueError as error:
            return self.answer(401, str(error))
        # At least once: the same id may come again and means nothing new.
        if notice_id not in self.seen:
            self.seen[notice_id] = True
            if len(self.seen) > REMEMBERED_IDS:
                self.seen.popitem(last=False)
            self.show(notice_id, json.loads(body))
        return self.answer(200, "ok")

    @staticmethod
    def show(notice_id, notice):
        for alert in notice["alerts"]:
            labels = " ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()))
            state = alert.get("status") or alert.get("state")
            summary = alert.get("summary") or alert.get("annotations", {}).get("summary", "")
            print(f"{state:8}  {labels}  {summary}  ({notice_id})", flush=True)

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    arguments = parser.parse_args()
    Receiver.secret = os.environ.get("HOOK_SECRET", "")
    if not Receiver.secret:
        sys.exit("webhook_receiver: HOOK_SECRET is not set")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/hook", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
