"""What the reference model tells whom: routes, groups, what holds notices back, ladders, flapping.

Everything that may be asked is computed from lists each time: who is held back, which group is due.
docs/alerting.md says what it means; README.md which readings both programs take.
"""

import copy
import re

import mutes

NAMED = 32  # alerts that one notice names
LEVELS = ["critical", "warning", "info"]
CAUSES = ["silence ended", "escalated", "flapping", "settled"]  # the later ones are said first


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


def order_of(identity):
    """Alerts stand in the order of their labels, as text in which 0xFF closes names and values."""
    alert, life = identity
    return "".join("%s\xff%s\xff" % pair for pair in alert), life


class Entry:
    """One life of an alert, as one group knows it."""

    def __init__(self, labels):
        self.labels = labels
        self.state, self.starts, self.ends = "firing", 0, 0
        self.told = None
        self.changed_at = 0
        self.cause = None  # why it is told although its receiver knows its state
        self.hushed = False  # it was held back and never told
        self.first_told = None
        self.steps = 0  # of the ladder that were taken

    def changed(self):
        return self.told != self.state or self.cause is not None

    def move(self, state, at, fired_at):
        self.state, self.changed_at, self.starts = state, at, fired_at
        self.ends = at if state == "resolved" else 0


class Group:
    """Alerts that go to one receiver in one message. One that a ladder told has no ladder."""

    def __init__(self, route, labels, receiver=None):
        self.route, self.labels = route, labels
        self.receiver, self.escalated = receiver or route["receiver"], receiver is not None
        self.told_at = None
        self.entries = {}  # (alert, number of its life) -> Entry


class Step:
    """An alert came to fire or to its end."""

    def __init__(self, alert, begins_to_flap=False):
        self.labels, self.state = alert.labels, alert.state
        self.fired_at, self.life = alert.fired_at, alert.life
        self.flapping, self.begins_to_flap = alert.flapping, begins_to_flap
        self.alert = key_of(alert.labels)


class Notifier:
    def __init__(self, defect=None):
        self.defect = defect
        self.root, self.receivers, self.inhibitions = None, {}, []
        self.mute_times, self.ladders = {}, {}
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
        self.mute_times = {one["name"]: one for one in rules.get("mute_times", ())}
        self.ladders = {one["name"]: one["steps"] for one in rules.get("escalations", ())}

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

    def muted(self, route, now):
        if self.defect == "mute-ignored":
            return False
        return any(mutes.is_muted(self.mute_times[name], now) for name in route["mute_times"])

    def audible(self, labels, now):
        """Routes that take a message about an event now."""
        return [node for _, node in self.routes(labels) if not self.muted(node, now)]

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

    def looked_after(self, alert, life):
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
                    entry.cause, entry.changed_at = "silence ended", at
        self.hush()

    def take_acknowledgement(self, matchers):
        """Returns the labels of those that nobody looked after before."""
        found = {alert: labels for alert, labels in self.firing.items()
                 if alert not in self.acknowledged and fits(matchers, labels)}
        self.acknowledged.update(found)
        return list(found.values())

    def hush(self):
        for group in self.groups.values():
            for entry in group.entries.values():
                if entry.told is None and self.held(entry):
                    entry.hushed = True

    def places(self, groups, step):
        """Groups that a step is told to: those of its routes, made where there are none, and those
        that it was escalated to."""
        found = []
        for path, node in self.routes(step.labels) if self.root else ():
            names = {name: step.labels[name] for name in node["group_by"] if name in step.labels}
            place = (path, key_of(names), node["receiver"], False)
            groups.setdefault(place, Group(node, names))
            found.append(place)
        for place, group in groups.items():
            lives = [life for alert, life in group.entries if alert == step.alert]
            if group.escalated and (step.life in lives or (step.flapping and lives)):
                found.append(place)
        return found

    def step(self, groups, step, at, drop=True):
        """Puts one step into its groups, and returns their places. While a batch is weighed, a
        group that it empties is not gone: the batch may fill it again."""
        places = self.places(groups, step)
        for place in places:
            self.step_into(groups[place], step, at)
            if drop and not groups[place].entries:
                del groups[place]
        return places

    def step_into(self, group, step, at):
        identity = (step.alert, step.life)
        resolved = step.state == "resolved"
        unwanted = resolved and not self.receivers[group.receiver]["send_resolved"]
        if step.flapping and self.defect != "flapping-told":
            self.flap_into(group, step, at, unwanted)
            return
        entry = group.entries.get(identity)
        unheard = (resolved and entry is not None and entry.told is None and
                   (entry.hushed or self.muted(group.route, at)))
        if unheard or unwanted:
            group.entries.pop(identity, None)
            return
        entry = group.entries.setdefault(identity, Entry(step.labels))
        entry.move(step.state, at, step.fired_at)
        entry.cause = "flapping" if step.begins_to_flap else None

    @staticmethod
    def flap_into(group, step, at, unwanted):
        """A flapping alert has one entry, which moves on without a word."""
        before = sorted((identity for identity in group.entries if identity[0] == step.alert),
                        key=order_of)
        entry = group.entries[before[-1]] if before else Entry(step.labels)
        for identity in before:
            del group.entries[identity]
        if unwanted:
            return
        if entry.cause is None:
            entry.told = step.state
        entry.move(step.state, at, step.fired_at)
        group.entries[step.alert, step.life] = entry

    def tell_again(self, alert, cause, at):
        """It began to flap, or settled."""
        for group in self.groups.values():
            for (of, _), entry in group.entries.items():
                if of == alert and (entry.state == "firing" or cause == "settled"):
                    entry.cause, entry.changed_at = cause, at

    # --- What is decided -------------------------------------------------------------------------

    def due(self, group, firing=None):
        """When the group speaks, mute times aside."""
        wants = [entry for entry in group.entries.values()
                 if entry.changed() and not self.held(entry, firing)]
        loud = [entry for (alert, life), entry in group.entries.items()
                if entry.state == "firing" and not entry.changed() and
                not self.held(entry, firing) and not self.looked_after(alert, life)]
        route = group.route
        if wants:
            since = min(entry.changed_at for entry in wants)
            if any(entry.cause for entry in wants):
                return since
            if group.told_at is None:
                return since + route["group_wait_ns"]
            return max(since, group.told_at + route["group_interval_ns"])
        # What was never told, as steps of an alert that flaps, is not told again.
        if loud and group.told_at is not None:
            wait = route["group_interval_ns" if self.defect == "repeat-early" else
                         "repeat_interval_ns"]
            return group.told_at + wait
        return None

    def notice(self, group, now, firing=None):
        entries = [group.entries[identity] for identity in sorted(group.entries, key=order_of)]
        wants = [entry for entry in entries
                 if entry.changed() and not self.held(entry, firing)]
        stands = [entry for entry in entries
                  if entry.state == "firing" and not entry.changed() and
                  not self.held(entry, firing)]
        for room, some in ((NAMED, wants), (NAMED - len(wants), stands)):
            if len(some) > room:  # the most severe ones are named
                some.sort(key=lambda entry: LEVELS.index(entry.labels["severity"]))
        if not wants:
            reason = "repeat interval elapsed"
        elif all(entry.cause for entry in wants):
            reason = max((entry.cause for entry in wants), key=CAUSES.index)
        elif group.told_at is None:
            reason = "first notification"
        elif any(entry.state == "firing" for entry in wants):
            reason = "new alerts added"
        else:
            reason = "some alerts resolved" if stands else "all alerts resolved"
        named = (wants + stands)[:NAMED]
        return {"receiver": group.receiver, "reason": reason, "at_ns": now,
                "group_labels": group.labels,
                "truncated": len(wants) + len(stands) - len(named),
                "members": [{"labels": entry.labels, "state": entry.state,
                             "starts_at_ns": entry.starts, "ends_at_ns": entry.ends}
                            for entry in named]}, wants, named

    def told(self, groups, place, now, wants, named):
        group = groups[place]
        group.told_at = now
        for identity, entry in list(group.entries.items()):
            if entry in named:  # a ladder begins with whatever notice speaks of the alert first
                entry.first_told = entry.first_told or now
            if entry not in wants:
                continue
            entry.told, entry.cause, entry.hushed = entry.state, None, False
            entry.first_told = entry.first_told or now
            if entry.state == "resolved":
                del group.entries[identity]
        if not group.entries:
            del groups[place]

    def decide(self, steps, now):
        """The notices that a batch of steps brings at once; afterwards the steps are folded."""
        if not steps:
            return []
        notices = []
        firing = dict(self.firing)
        firing.update({step.alert: step.labels for step in steps if step.state == "firing"})
        after = copy.deepcopy(self.groups)
        touched = []
        for step in steps:
            touched += self.step(after, step, now, drop=False)
        told = []
        for place in dict.fromkeys(touched):
            group = after[place]
            due = self.due(group, firing)
            if due is None or due > now or self.muted(group.route, now):
                continue
            notice, wants, named = self.notice(group, now, firing)
            if wants and len(wants) <= NAMED:
                notices.append(notice)
                told.append((place, *([key for key, one in group.entries.items() if one in some]
                                      for some in (wants, named))))
        for step in steps:
            self.fold(step, now)
        for step in steps:
            if step.begins_to_flap:
                self.tell_again(step.alert, "flapping", now)
        for place, *keys in told:
            entries = self.groups[place].entries
            self.told(self.groups, place, now, *([entries[key] for key in some] for some in keys))
        return notices

    def fold(self, step, now):
        self.lives[step.alert] = step.life
        self.acknowledged.discard(step.alert)
        if step.state == "firing":
            self.firing[step.alert] = step.labels
            self.end_milder(step.labels)
        else:
            self.firing.pop(step.alert, None)
        self.step(self.groups, step, now)
        self.hush()

    def end_milder(self, labels):
        """The same thing fires at a higher severity."""
        if self.defect == "ack-for-ever" or labels.get("severity") not in LEVELS:
            return
        for level in LEVELS[LEVELS.index(labels["severity"]) + 1:]:
            self.acknowledged.discard(key_of({**labels, "severity": level}))

    def climbs(self, group):
        """(when, which) of the entries whose next step of the ladder comes."""
        ladder = self.ladders.get(group.route["escalation"], [])
        if group.escalated:
            return []
        found = []
        for (alert, life), entry in group.entries.items():
            loud = (entry.state == "firing" and not entry.changed() and not self.held(entry) and
                    (not self.looked_after(alert, life) or
                     self.defect == "ladder-climbs-on"))
            if loud and entry.steps < len(ladder) and entry.first_told is not None:
                found.append((entry.first_told + ladder[entry.steps]["after_ns"], (alert, life)))
        return sorted(found, key=lambda climb: (climb[0], order_of(climb[1])))

    def escalate(self, place, step, identities, now):
        """That step of the ladder tells its receiver of these."""
        source = self.groups[place]
        receiver = self.ladders[source.route["escalation"]][step]["receiver"]
        target = self.groups.setdefault((place[0], place[1], (place[2], receiver), True),
                                        Group(source.route, source.labels, receiver))
        for identity in identities:
            entry = source.entries[identity]
            entry.steps = step + 1
            copied = target.entries.setdefault(identity, Entry(entry.labels))
            copied.state, copied.starts, copied.ends = entry.state, entry.starts, entry.ends
            copied.cause, copied.changed_at = "escalated", now
        self.hush()

    def whole_second(self, now, settled):
        """Starts and ends of silences, steps of ladders and alerts that settled; then the groups
        whose time has come. `settled` takes no argument, and returns alerts that stood still for
        long enough. Also says whether anything of this is an event."""
        any_event = False
        while True:
            silences = [name for name, (_, start, end, state) in self.silences.items()
                        if (state in ("active", "pending") and end <= now) or
                        (state == "pending" and start <= now)]
            ladders = []
            for place, group in self.groups.items():
                climbs = self.climbs(group)
                if not climbs or climbs[0][0] > now or self.muted(group.route, now):
                    continue
                step = group.entries[climbs[0][1]].steps
                ladders.append((place, step, [identity for when, identity in climbs if when <= now
                                              and group.entries[identity].steps == step]))
            still = settled()
            if not (silences or ladders or still):
                break
            any_event = True
            for name in silences:
                self.move_silence(name, now)
            for place, step, identities in ladders:
                self.escalate(place, step, identities, now)
            for alert in still:
                self.tell_again(alert, "settled", now)
        notices = []
        for place, group in list(self.groups.items()):
            due = self.due(group)
            if due is not None and due <= now and not self.muted(group.route, now):
                notice, wants, named = self.notice(group, now)
                notices.append(notice)
                self.told(self.groups, place, now, wants, named)
        return notices, any_event or bool(notices)

    def move_silence(self, name, now):
        silence = self.silences[name]
        if silence[2] <= now:
            self.end_silence(name, now)
        else:
            silence[3] = "active"
            self.hush()
