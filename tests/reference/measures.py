"""What one agent's event yields (docs/measures.md), written from the contract for the model.

Everything is exact: integers of 1e-9, fractions for prices. Nothing here is fast.
"""

import datetime
from decimal import Decimal
from fractions import Fraction

NANO = 10**9
NATURAL = (
    "agent environment type priority risk status category provider model unit product service "
    "route status_code severity code fingerprint name phase state version audience"
).split()
KINDS = "task cost payment error request sample activity change feedback".split()


def time_ns(text):
    """RFC 3339 in UTC, with up to nine digits, as nanoseconds since 1970."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since.days * 86400 + since.seconds) * NANO + int((fraction + "000000000")[:9])


def utc(seconds):
    """A whole second since 1970 as RFC 3339."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_ns(text):
    return int(Decimal(text.removesuffix("s")) * NANO)


def money(message):
    """(currency, nano-units) of a google.type.Money in JSON."""
    nanos = int(message.get("units", 0)) * NANO + int(message.get("nanos", 0))
    return message["currency_code"], nanos


def scaled(value):
    """A double in integers of 1e-9: one multiplication in double, then half away from zero."""
    product = float(value) * 1e9
    rounded = int(Decimal(abs(product)).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
    return rounded if product >= 0 else -rounded


def half_even(fraction):
    return round(fraction)


def kind_of(event):
    return next(kind for kind in KINDS if kind in event)


def dimensions(event):
    """Values of the natural dimensions and the labels; absent means ""."""
    kind = kind_of(event)
    body = event[kind]
    found = {name: body[name] for name in NATURAL if isinstance(body.get(name), str)}
    found.update(event.get("labels", {}))
    found["agent"] = event.get("agent", "")
    found["environment"] = event.get("environment", "") or "production"
    if kind == "payment" and body.get("type") == "FEE":
        found["category"] = "FEES"
    return found


class Prices:
    """All tables that were applied, in order."""

    RATES = "input output cache_read cache_write reasoning".split()

    def __init__(self):
        self.tables = []

    def apply(self, table):
        self.tables.append(table)

    def cost(self, body, time):
        """(currency, nano-units) of the tokens, or None."""
        newest_first = sorted(
            (table for table in self.tables if table["effective_from_ns"] <= time),
            key=lambda table: (table["effective_from_ns"], self.tables.index(table)),
            reverse=True,
        )
        for table in newest_first:
            entry = self.find(table["prices"], body.get("provider", ""), body.get("model", ""))
            if entry is not None:
                nanos = self.bill(entry, body["tokens"])
                return None if nanos is None else (table["currency"], nanos)
        return None

    @staticmethod
    def find(entries, provider, model):
        known = {(entry.get("provider", ""), entry["model"]): entry for entry in entries}
        prefix, slash, rest = model.partition("/")
        exact = []
        if provider:
            exact += [(provider, model), (provider, provider + "/" + model)]
            exact += [(provider, rest)] if slash else []
        if slash:
            exact += [(prefix, rest), (prefix, model)]
        for name in exact:
            if name in known:
                return known[name]
        for name in [model] + ([rest] if slash else []):
            same = [entry for entry in entries if entry["model"] == name]
            same.sort(key=lambda entry: entry.get("provider", ""))
            if same:
                if not same[0].get("provider"):
                    return same[0]
                return max(same, key=lambda e: int(e.get("input", 0)) + int(e.get("output", 0)))
        return None

    @classmethod
    def bill(cls, entry, tokens):
        count = {name: int(tokens.get(name, 0)) for name in cls.RATES}
        plain_input = max(0, count["input"] - count["cache_read"] - count["cache_write"])
        plain_output = max(0, count["output"] - count["reasoning"])
        parts = [
            (plain_input, "input", "input"),
            (count["cache_read"], "cache_read", "input"),
            (count["cache_write"], "cache_write", "input"),
            (plain_output, "output", "output"),
            (count["reasoning"], "reasoning", "output"),
        ]
        total = Fraction(0)
        for number, name, instead in parts:
            if number == 0:
                continue
            rate = entry.get(name, entry.get(instead))
            if rate is None:
                return None
            total += number * Fraction(int(rate), 10**15)
        return half_even(total * NANO)


class Yields:
    """Turns events into numbers, and keeps the tables that this needs: open tasks and counters."""

    def __init__(self):
        self.prices = Prices()
        self.open_tasks = {}  # id -> {"deadline", "late", "agent", "type"}
        self.counters = {}  # identity -> (time, value)
        self.at_most = []  # (distribution, bound)

    def of(self, event, time):
        """A list of tuples: ("sum", name, qualifier, amount), ("value", name, qualifier, value),
        ("level", ...), ("distinct", name, "", text), and the event's count. Sums are already
        multiplied by it, values are not."""
        self.out = []
        self.count = int(event.get("count", 1)) or 1
        kind = kind_of(event)
        getattr(self, "_" + kind)(event, event[kind], time)
        if event.get("agent"):
            self.out.append(("distinct", "agents", "", event["agent"]))
        return self.out, self.count

    def add(self, name, each=1, qualifier=""):
        self.out.append(("sum", name, qualifier, each * self.count))

    def value(self, name, nanos, qualifier=""):
        self.out.append(("value", name, qualifier, nanos))
        for base, bound in self.at_most:
            if base == name and not qualifier and nanos <= bound:
                self.add(name, 1, "<=%d" % bound)

    def distinct(self, name, text):
        if text:
            self.out.append(("distinct", name, "", text))

    def _task(self, event, body, time):
        status = body["status"]
        self.add("tasks." + status.lower())
        finished = status in ("COMPLETED", "FAILED")
        if finished:
            self.add("tasks.finished")
            self.add("operations")
            if "duration" in body:
                self.value("task.duration", duration_ns(body["duration"]))
            if "quality" in body:
                self.value("task.quality", scaled(body["quality"]))
        if status == "COMPLETED" and "value" in body:
            currency, nanos = money(body["value"])
            self.add("task.value", nanos, currency)
        deadline = time_ns(body["deadline"]) if "deadline" in body else None
        name = event.get("task_id", "")
        if status in ("STARTED", "PROGRESS", "BLOCKED"):
            if name:
                unknown = {"deadline": None, "late": False, "agent": "", "type": ""}
                task = self.open_tasks.setdefault(name, unknown)
                if deadline is not None:
                    task["deadline"] = deadline
                    task["agent"] = event.get("agent", "") or task["agent"]
                    task["type"] = body.get("type", "") or task["type"]
            return
        task = self.open_tasks.pop(name, None)
        if deadline is None and task is not None:
            deadline = task["deadline"]
        if finished and deadline is not None and not (task and task["late"]):
            self.add("tasks.on_time" if time <= deadline else "tasks.late")

    def overdue(self, now):
        """Open tasks that are past their deadline for the first time."""
        late = []
        for task in self.open_tasks.values():
            if task["deadline"] is not None and task["deadline"] < now and not task["late"]:
                task["late"] = True
                late.append(task)
        return late

    def _cost(self, event, body, time):
        del event
        if "tokens" in body:
            tokens = {name: int(body["tokens"].get(name, 0)) for name in Prices.RATES}
            self.add("tokens", tokens["input"] + tokens["output"])
            for name, number in tokens.items():
                self.add("tokens." + name, number)
        if "amount" in body:
            priced = money(body["amount"])
        else:
            priced = self.prices.cost(body, time) if "tokens" in body else None
        if priced is None:
            self.add("unpriced")
        else:
            self.spend(*priced)

    def spend(self, currency, nanos):
        self.add("cost", nanos, currency)
        self.value("cost.amount", nanos, currency)

    def _payment(self, event, body, time):
        del event, time
        currency, nanos = money(body["amount"])
        self.add("payments")
        self.value("payment.amount", nanos, currency)
        sign = {"CHARGE": 1, "REFUND": -1, "DISPUTE": -1, "DISPUTE_WON": 1}.get(body["type"], 0)
        self.add("revenue.net", sign * nanos, currency)
        if body["type"] == "CHARGE":
            self.add("revenue.gross", nanos, currency)
        elif body["type"] == "REFUND":
            self.add("revenue.refunds", nanos, currency)
        elif body["type"] == "FEE":
            self.add("fees", nanos, currency)
            self.spend(currency, nanos)
        elif body["type"] == "PAYOUT":
            self.add("payouts", nanos, currency)
        self.distinct("customers", body.get("customer", ""))

    def _error(self, event, body, time):
        del event, body, time
        self.add("errors")

    def _request(self, event, body, time):
        del event, time
        self.add("requests")
        self.add("operations")
        self.add("requests.ok" if body.get("ok") else "requests.failed")
        if "duration" in body:
            self.value("request.duration", duration_ns(body["duration"]))

    def _sample(self, event, body, time):
        nanos = scaled(body.get("value", 0))
        name = "sample:" + body["name"]
        if body["type"] == "GAUGE":
            self.out.append(("level", name, "gauge", nanos))
        elif body["type"] == "DELTA":
            self.add(name, nanos)
        else:
            identity = (body["name"], body.get("unit"), body.get("service"), event.get("agent"),
                        event.get("environment"), tuple(sorted(event.get("labels", {}).items())))
            before = self.counters.get(identity)
            if before is not None and time < before[0]:
                return
            self.counters[identity] = (time, nanos)
            if before is not None:
                growth = nanos - before[1] if nanos >= before[1] else max(nanos, 0)
                self.out.append(("sum", name, "", growth))

    def _activity(self, event, body, time):
        del event, time
        self.add("activity:" + body["name"])
        self.distinct("subjects", body.get("subject", ""))

    def _change(self, event, body, time):
        del event, body, time
        self.add("changes")

    def _feedback(self, event, body, time):
        del event, time
        self.add("feedback")
        if "score" in body:
            self.value("feedback.score", scaled(body["score"]))
        self.distinct("customers", body.get("customer", ""))
