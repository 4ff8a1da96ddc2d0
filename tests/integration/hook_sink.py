"""A webhook receiver inside a test: verifies every signature with the sample receiver's own code and keeps what came."""
import http.server
import importlib.util
import json
import threading
import time

from server import ROOT

SECRET = "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk="

_spec = importlib.util.spec_from_file_location("webhook_receiver", ROOT / "clients/python/examples/webhook_receiver.py")
webhook_receiver = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(webhook_receiver)


class HookSink:
    def __init__(self, statuses=()):
        """`statuses` are answered first, one a request; then 200."""
        self.notices, self.problems, self.requests = [], [], []
        self.statuses = list(statuses)
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = sink.statuses.pop(0) if sink.statuses else 200
                try:
                    notice_id = webhook_receiver.verify(SECRET, self.headers, body, time.time())
                    sink.requests.append((notice_id, status, body))
                    if status == 200:
                        sink.notices.append((notice_id, json.loads(body)))
                except ValueError as error:
                    sink.problems.append(str(error))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def alerts(self):
        """(status, labels) of every alert told, in order of arrival."""
        return [(alert.get("status") or alert["state"], alert["labels"]) for _, notice in self.notices for alert in notice["alerts"]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
