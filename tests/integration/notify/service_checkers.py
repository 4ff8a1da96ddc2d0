"""Stand-ins for Slack and PagerDuty that refuse whatever their documentation says that they refuse.

Slack: docs.slack.dev, Block Kit and incoming webhooks. PagerDuty: developer.pagerduty.com, Events API v2.
"""
import http.server
import json
import re
import threading

ACTIONS = {"trigger", "acknowledge", "resolve"}
SEVERITIES = {"critical", "error", "warning", "info"}


def check_slack(body):
    """What Slack would refuse; None when it takes the message."""
    if len(body) > 1 << 20:
        return "too long"
    message = json.loads(body)
    blocks = message.get("blocks", [])
    if not message.get("text") and not blocks:
        return "no_text"
    if len(blocks) > 50:
        return "invalid_blocks: more than 50"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_200:
        return "msg_blocks_too_long"
    for block in blocks:
        problem = check_block(block)
        if problem:
            return "invalid_blocks: " + problem
    return None


def check_block(block):
    if block["type"] == "header":
        text = block["text"]
        return None if text["type"] == "plain_text" and 1 <= len(text["text"]) <= 150 else "header"
    if block["type"] == "section":
        text = block["text"]
        if text["type"] != "mrkdwn" or not 1 <= len(text["text"]) <= 3000:
            return "section"
        return None if well_escaped(text["text"]) else "section escapes"
    if block["type"] == "context":
        return None if 1 <= len(block["elements"]) <= 10 else "context"
    return "unknown type " + block["type"]


def well_escaped(text):
    """Only links and entities may hold <, > and &: nobody is mentioned."""
    rest = re.sub(r"<https?://[^<>|\s]+\|[a-z]+>", "", text)
    rest = re.sub(r"&(amp|lt|gt);", "", rest)
    return not re.search(r"[<>&]", rest)


def check_pagerduty(body):
    if len(body) > 512_000:
        return "too large"
    event = json.loads(body)
    if not re.fullmatch(r"[0-9a-zA-Z]{32}", event.get("routing_key", "")):
        return "invalid routing_key"
    if event.get("event_action") not in ACTIONS:
        return "invalid event_action"
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        return "invalid dedup_key"
    if event["event_action"] != "trigger":
        return None
    payload = event.get("payload", {})
    if not 1 <= len(payload.get("summary", "")) <= 1024 or not payload.get("source"):
        return "invalid payload"
    if payload.get("severity") not in SEVERITIES:
        return "invalid severity"
    for link in event.get("links", []):
        if not link["href"].startswith(("http://", "https://")):
            return "invalid link"
    return None


class Service:
    """Answers as the service would. `before` are answered first: (status, headers)."""

    def __init__(self, check, good, before=()):
        self.taken, self.refused, self.requests, self.before = [], [], [], list(before)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append((self.path, dict(self.headers), body))
                status, headers, answer = good, {}, b"ok"
                if service.before:
                    status, headers = service.before.pop(0)
                else:
                    problem = check(body)
                    if problem:
                        service.refused.append(problem)
                        status, answer = 400, problem.encode() + b" at " + self.path.encode()
                    else:
                        service.taken.append(json.loads(body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
