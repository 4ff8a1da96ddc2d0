"""What the reference model tells whom: routes, groups, silences, acknowledgements, inhibition.

Everything that may be asked is computed from lists each time: who is held back, which group is due.
docs/alerting.md says what it means; README.md which readings both programs take.
"""

import copy
import re

NAMED = 32  # alerts that one notice names
LEVELS = ["critical", "warning", "info"]


def fits(matchers, labels):
    for matcher in matchers:
        value = labels.get(matcher["name"], "")
        operator, wanted = matcher["op"], matcher["value"]
        if operator in ("=", "!="):
            holds = value == wanted
        else:
            holds = re.fullmatch(wanted, value) is not None
        if holds == operator.startswith("!"):
            return False
    return True


def key_of(labels):
    return tuple(sorted(labels.items()))


class Entry:
    """One life of an alert, as one group knows it."""

    def __init__(self, labels):
        self.labels = labels
        self.state, self.starts, self.ends = "firing", 0, 0
        self.told = None
        self.changed_at = 0
        self.silence_ended = False
        self.hushed = False  # it was held back and never told

    def changed(self):
        return self.told != self.state or self.silence_ended


class Group:
    def __init__(self, route, labels):
        self.route, self.labels = route, labels
        self.told_at = None
        self.entries = {}  # (alert, number of its life) -> Entry


class Notifier:
    def __init__(self, defect=None):
        self.defect = defect
        self.root, self.receivers, self.inhibitions = None, {}, []
        self.groups = {}
        self.silences = {}  # id -> [matchers, start, end, state]
        self.firing = {}  # alert -> labels
        self.lives = {}  # alert -> number of its life
        self.acknowledged = set()  # alerts, in their present life

    def configure(self, rules):
        """The routes stay what they are over the reloads of a stream."""
        self.root = rules.get("routes")
        self.receivers = {one["name"]: one for one in rules.get("receivers", ())}
        self.inhibitions = rules.get("inhibitions", [])

    # --- Who is told, and who is held back -------------------------------------------------------

    def routes(self, labels, node=None, path=()):
        node = node or self.root
        found = []
        for number, child in enumerate(node.get("children", ())):
            if fits(child["match"], labels):
                found += self.routes(labels, child, path + (number,))
                if not child["continue"]:
                    break
        return found or [(path, node)]

    def silenced(self, labels):
        return any(state == "active" and fits(matchers, labels)
                   for matchers, _, _, state in self.silences.values())

    def inhibited(self, labels, firing):
        for rule in self.inhibitions:
            if not fits(rule["target"], labels):
                continue
            both = fits(rule["source"], labels)
            for other in firing.values():
                equal = all(other.get(name, "") == labels.get(name, "") for name in rule["equal"])
                if self.defect == "inhibition-everywhere":
                    equal = True
                if not equal or not fits(rule["source"], other):
                    continue
                if not (both and fits(rule["target"], other)):
                    return True
        return False

    def held(self, entry, firing=None):
        firing = self.firing if firing is None else firing
        return entry.state == "firing" and (self.silenced(entry.labels) or
                                            self.inhibited(entry.labels, firing))

    def looked_after(self, entry, life):
        alert = key_of(entry.labels)
        return alert in self.acknowledged and self.lives[alert] == life

    # --- What happened ---------------------------------------------------------------------------

    def take_silence(self, silence):
        state = "active" if silence["starts_at_ns"] <= silence["at_ns"] else "pending"
        self.silences[silence["id"]] = [silence["matchers"], silence["starts_at_ns"],
                                        silence["ends_at_ns"], state]
        self.hush()

    def end_silence(self, name, at):
        silence = self.silences[name]
        was, silence[3] = silence[3], "ended"
        for group in self.groups.values():
            for (alert, _), entry in group.entries.items():
                covered = was == "active" and fits(silence[0], entry.labels)
                if not covered or entry.state != "firing" or self.silenced(entry.labels):
                    continue
                if alert not in self.acknowledged:
                    entry.silence_ended, entry.changed_at = True, at
        self.hush()

    def take_acknowledgement(self, matchers):
        for alert, labels in self.firing.items():
            if fits(matchers, labels):
                self.acknowledged.add(alert)

    def hush(self):
        for group in self.groups.values():
            for entry in group.entries.values():
                if entry.told is None and self.held(entry):
                    entry.hushed = True

    def step(self, groups, labels, state, at, fired_at, life, drop=True):
        """Puts one step into the groups of its routes. While a batch is weighed, a group that it
        empties is not gone: the batch may fill it again."""
        if self.root is None:
            return
        for path, node in self.routes(labels):
            names = {name: labels[name] for name in node["group_by"] if name in labels}
            place = (path, key_of(names))
            group = groups.setdefault(place, Group(node, names))
            identity = (key_of(labels), life)
            entry = group.entries.get(identity)
            unheard = entry is not None and entry.told is None and entry.hushed
            wanted = self.receivers[node["receiver"]]["send_resolved"]
            if state == "resolved" and (unheard or not wanted):
                group.entries.pop(identity, None)
            else:
                entry = group.entries.setdefault(identity, Entry(labels))
                entry.state, entry.changed_at, entry.starts = state, at, fired_at
                entry.ends = at if state == "resolved" else 0
                entry.silence_ended = False
            if drop and not group.entries:
                del groups[place]

    # --- What is decided -------------------------------------------------------------------------

    def due(self, group, firing=None):
        wants = [entry for entry in group.entries.values()
                 if entry.changed() and not self.held(entry, firing)]
        loud = [entry for (_, life), entry in group.entries.items()
                if entry.state == "firing" and not entry.changed() and
                not self.held(entry, firing) and not self.looked_after(entry, life)]
        route = group.route
        if wants:
            since = min(entry.changed_at for entry in wants)
            if any(entry.silence_ended for entry in wants):
                return since
            if group.told_at is None:
                return since + route["group_wait_ns"]
            return max(since, group.told_at + route["group_interval_ns"])
        if loud:
            wait = route["group_interval_ns" if self.defect == "repeat-early" else
                         "repeat_interval_ns"]
            return group.told_at + wait
        return None

    def notice(self, group, now, firing=None):
        wants = [entry for _, entry in sorted(group.entries.items(), key=lambda item: item[0])
                 if entry.changed() and not self.held(entry, firing)]
        stands = [entry for _, entry in sorted(group.entries.items(), key=lambda item: item[0])
                  if entry.state == "firing" and not entry.changed() and
                  not self.held(entry, firing)]
        for room, some in ((NAMED, wants), (NAMED - len(wants), stands)):
            if len(some) > room:  # the most severe ones are named
                some.sort(key=lambda entry: LEVELS.index(entry.labels["severity"]))
        if not wants:
            reason = "repeat interval elapsed"
        elif all(entry.silence_ended for entry in wants):
            reason = "silence ended"
        elif group.told_at is None:
            reason = "first notification"
        elif any(entry.state == "firing" for entry in wants):
            reason = "new alerts added"
        else:
            reason = "some alerts resolved" if stands else "all alerts resolved"
        named = (wants + stands)[:NAMED]
        return {"receiver": group.route["receiver"], "reason": reason, "at_ns": now,
                "group_labels": group.labels,
                "truncated": len(wants) + len(stands) - len(named),
                "members": [{"labels": entry.labels, "state": entry.state,
                             "starts_at_ns": entry.starts, "ends_at_ns": entry.ends}
                            for entry in named]}, wants

    def told(self, groups, place, now, wants):
        group = groups[place]
        group.told_at = now
        for identity, entry in list(group.entries.items()):
            if entry not in wants:
                continue
            entry.told, entry.silence_ended, entry.hushed = entry.state, False, False
            if entry.state == "resolved":
                del group.entries[identity]
        if not group.entries:
            del groups[place]

    def decide(self, steps, now):
        """The notices that a batch of steps brings at once; afterwards the steps are folded. A step
        is (labels, state, time of firing, number of the life)."""
        if not steps:
            return []
        notices = []
        firing = dict(self.firing)
        firing.update({key_of(labels): labels for labels, state, _, _ in steps
                       if state == "firing"})
        after = copy.deepcopy(self.groups)
        touched = []
        for labels, state, fired_at, life in steps:
            self.step(after, labels, state, now, fired_at, life, drop=False)
            for path, node in self.routes(labels) if self.root else ():
                names = {name: labels[name] for name in node["group_by"] if name in labels}
                touched.append((path, key_of(names)))
        told = []
        for place in dict.fromkeys(touched):
            group = after.get(place)
            due = self.due(group, firing) if group else None
            if due is None or due > now:
                continue
            notice, wants = self.notice(group, now, firing)
            if wants and len(wants) <= NAMED:
                notices.append(notice)
                told.append((place, [key for key, one in group.entries.items() if one in wants]))
        for labels, state, fired_at, life in steps:
            self.fold(labels, state, now, fired_at, life)
        for place, keys in told:
            wants = [self.groups[place].entries[key] for key in keys]
            self.told(self.groups, place, now, wants)
        return notices

    def fold(self, labels, state, now, fired_at, life):
        alert = key_of(labels)
        self.lives[alert] = life
        self.acknowledged.discard(alert)
        if state == "firing":
            self.firing[alert] = labels
            self.end_milder(labels)
        else:
            self.firing.pop(alert, None)
        self.step(self.groups, labels, state, now, fired_at, life)
        self.hush()

    def end_milder(self, labels):
        """The same thing fires at a higher severity."""
        if self.defect == "ack-for-ever" or labels.get("severity") not in LEVELS:
            return
        for level in LEVELS[LEVELS.index(labels["severity"]) + 1:]:
            self.acknowledged.discard(key_of({**labels, "severity": level}))

    def whole_second(self, now):
        """Starts and ends of silences, then the groups whose time has come. Also says whether
        anything of this is an event."""
        before = [silence[3] for silence in self.silences.values()]
        for name, silence in self.silences.items():
            if silence[3] in ("active", "pending") and silence[2] <= now:
                self.end_silence(name, now)
            elif silence[3] == "pending" and silence[1] <= now:
                silence[3] = "active"
                self.hush()
        notices = []
        for place, group in list(self.groups.items()):
            due = self.due(group)
            if due is not None and due <= now:
                notice, wants = self.notice(group, now)
                notices.append(notice)
                self.told(self.groups, place, now, wants)
        changed = before != [silence[3] for silence in self.silences.values()]
        return notices, changed or bool(notices)
