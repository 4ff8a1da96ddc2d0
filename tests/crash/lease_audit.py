"""Spend leases once more, naively: reads an exported log in order and decides every reservation again.

Amounts are integers of 1e-9. Nothing here is shared with the server: budgets are counted from the Costs of the log, holds from the
leases' own events. An enforced budget is (name, limit, dimensions of `by`).
"""
import collections
import datetime
import decimal

NANO = 10 ** 9


class Breach(Exception):
    """What must never be in a log."""


def nanos_of_text(text):
    return int(decimal.Decimal(text) * NANO)


def nanos_of_money(money):
    return int(money.get("units", 0)) * NANO + int(money.get("nanos", 0))


def time_of(text):
    """Nanoseconds since 1970 of an RFC 3339 time in UTC."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * NANO + int((fraction + "0" * 9)[:9])


class Lease:
    def __init__(self, amount, accounts):
        self.amount, self.accounts = amount, accounts
        self.spent = self.credit = 0
        self.state = "open"

    def held(self):
        return max(0, self.amount - self.spent) if self.state in ("open", "expired") else 0

    def count(self, total):
        """The part of a Cost that counts: not what Settle wrote already."""
        known = min(total, self.credit)
        self.credit -= known
        self.spent += total - known
        return total - known

    def end(self, state, credit=0):
        self.state, self.credit = state, credit

    def overrun(self):
        return max(0, self.spent - self.amount)


class Audit:
    def __init__(self, budgets, calendar="day@UTC"):
        self.budgets, self.calendar = budgets, calendar
        self.periods = []
        self.cost = collections.Counter()           # by account
        self.unleased = collections.Counter()       # Costs without a lease, by account
        self.leases = {}
        self.keys = {}
        self.denials = []                           # (sequence, key)
        self.held = collections.Counter()           # by account
        self.totals = collections.Counter()

    def change(self, lease, step):
        """A step of a lease; what it holds changes in all its accounts."""
        before = lease.held()
        result = step(lease)
        for account in lease.accounts:
            self.held[account] += lease.held() - before
        return result

    def accounts(self, agent, labels, at):
        """(name, by values, start of the period) of each budget that counts a Cost with these dimensions at that time."""
        found = {}
        for name, limit, by in self.budgets:
            values = tuple(agent if dimension == "agent" else labels.get(dimension, "") for dimension in by)
            for start, end in self.periods:
                if start <= at < end:
                    found[name, values, start] = limit
        return found

    def take(self, sequence, event, log_time):
        event.setdefault("time", log_time)
        for kind in ("period_opened", "cost", "lease_reserved", "lease_denied", "lease_settled", "lease_released", "lease_expired"):
            if kind in event:
                getattr(self, "take_" + kind)(sequence, event, event[kind])
                self.totals[kind] += 1

    def take_period_opened(self, _, __, opened):
        if opened["calendar"] == self.calendar:
            self.periods.append((time_of(opened["start"]), time_of(opened["end"])))

    def take_cost(self, _, event, cost):
        total = nanos_of_money(cost["amount"]) * int(event.get("count", 1) or 1)
        lease = self.leases.get(cost.get("lease_id", ""))
        counted = total
        if lease:
            counted = self.change(lease, lambda one: one.count(total))
        for account in self.accounts(event.get("agent", ""), event.get("labels", {}), time_of(event["time"])):
            self.cost[account] += counted
            if not lease or account not in lease.accounts:
                self.unleased[account] += counted

    def decide(self, said):
        """Path of a wish, and what each of its budgets lacks."""
        wish, amount = said["wish"], int(said["wish"]["amount_nanos"])
        path = self.accounts(wish.get("agent", ""), wish.get("labels", {}), time_of(said["at"]))
        rooms = {account: (limit, self.cost[account], self.held[account]) for account, limit in path.items()}
        return amount, rooms, {account for account, (limit, cost, held) in rooms.items() if cost + held + amount > limit}

    @staticmethod
    def said_rooms(said):
        rooms = {}
        for row in said.get("budgets", []):
            values = tuple(row.get("labels", {}).values())
            rooms[row["budget"], values, time_of(row["start"])] = tuple(nanos_of_text(row[field]) for field in ("limit", "spent", "held"))
        return rooms

    def take_lease_reserved(self, sequence, _, said):
        amount, rooms, lacking = self.decide(said)
        if lacking:
            raise Breach(f"{sequence}: lease {said['id']} of {amount} was granted beyond {sorted(lacking)}: {rooms}")
        if self.said_rooms(said) != rooms:
            raise Breach(f"{sequence}: lease {said['id']} says {self.said_rooms(said)}, and it is {rooms}")
        key = said["wish"].get("key", "")
        if key and key in self.keys:
            raise Breach(f"{sequence}: key {key} got {self.keys[key]} and {said['id']}")
        self.keys[key] = said["id"]
        lease = self.leases[said["id"]] = Lease(amount, set(rooms))
        for account in lease.accounts:
            self.held[account] += lease.held()

    def take_lease_denied(self, sequence, _, said):
        amount, rooms, lacking = self.decide(said)
        if not lacking:
            raise Breach(f"{sequence}: {amount} was denied, and every budget could take it: {rooms}")
        if self.said_rooms(said) != {account: rooms[account] for account in lacking}:
            raise Breach(f"{sequence}: denied by {self.said_rooms(said)}, and it is {rooms}")
        self.denials.append((sequence, said["wish"].get("key", "")))

    def take_lease_settled(self, _, __, said):
        # The Cost that Settle wrote is the event before, and has counted already.
        self.change(self.leases[said["id"]], lambda lease: lease.end("settled", int(said.get("written_nanos", 0))))

    def take_lease_released(self, _, __, said):
        self.change(self.leases[said["id"]], lambda lease: lease.end("released"))

    def take_lease_expired(self, _, __, said):
        self.change(self.leases[said["id"]], lambda lease: lease.end("expired"))

    def finish(self):
        """Any excess is overruns and Costs without a lease."""
        overruns = collections.Counter()
        for lease in self.leases.values():
            for account in lease.accounts:
                overruns[account] += lease.overrun()
        limits = {name: limit for name, limit, _ in self.budgets}
        for account, cost in self.cost.items():
            excess = cost - limits[account[0]]
            if excess > overruns[account] + self.unleased[account]:
                raise Breach(f"{account} is {excess} over its limit; overruns {overruns[account]}, "
                             f"Costs without a lease {self.unleased[account]}")
            self.totals["budgets over their limit"] += excess > 0
