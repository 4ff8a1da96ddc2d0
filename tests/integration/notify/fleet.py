"""What the tests of receivers share: one rule, and agents that break it."""
import json

RULES = """
apiVersion: barograph/v1
slos:
  - name: task-success
    good: tasks.completed
    total: tasks.finished
    by: [agent]
    objective: 99%
    period: 30d
    min_events: 20
    keep_firing_for: 0s
    burn: [{long: 1h, short: 5m, budget: 2%, severity: critical}]
    annotations: {summary: "{{labels.agent}} burns {{value}} times too fast", runbook_url: "https://example.org/runbook"}
"""


def finish(server, agent, status, count):
    lines = (json.dumps({"agent": agent, "task": {"status": status, "type": "development"}}) + "\n" for _ in range(count))
    server.run("emit", stdin="".join(lines))


def fail(server, agent):
    finish(server, agent, "FAILED", 40)


def recover(server, agent):
    """So many good ones that the share of bad ones is tolerable again."""
    finish(server, agent, "COMPLETED", 5_000)
