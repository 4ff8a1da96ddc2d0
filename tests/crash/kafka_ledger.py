"""What is sent to the topic of the Kafka loop, and what the log must hold of it.

Records are numbered per partition. Three sorts, told by the number alone:

- whole: a finished task, read at once. Every second one has no id: with an id the log would know it again, and nobody would see that it
  was read twice.
- broken: no event at all; waits in the quarantine until it is dropped.
- early: its event lies further ahead than the log takes, so it waits in the quarantine until its time has come and it is retried. A
  reader that lags finds it ripe and stores it at once.
"""
import collections
import json
import subprocess
import time

import producers

FUTURE_SECONDS_MAX = 300  # kFutureMax of the server
EARLY_SECONDS = 10
# The first byte would be field 0, which no message has.
BROKEN = b"\x07broken "
Place = collections.namedtuple("Place", "partition number")


class Failure(Exception):
    """The promise was broken."""


def is_broken(number):
    return number % 97 == 13


def is_early(number):
    return number % 211 == 17 and not is_broken(number)


def value(partition, number):
    """The record's bytes; its place is in all of them."""
    place = f"{partition}-{number}"
    if is_broken(number):
        return BROKEN + place.encode()
    event = producers.messages().Event(agent=f"agent-{number % 7}", task_id=place, id=place if number % 2 else "")
    event.task.status = producers.messages().Task.COMPLETED
    event.task.type = "development"
    if is_early(number):
        event.time.FromNanoseconds(time.time_ns() + (FUTURE_SECONDS_MAX + EARLY_SECONDS) * 10**9)
    return event.SerializeToString(deterministic=True)


def place_of(record):
    text = record[len(BROKEN):].decode() if record.startswith(BROKEN) else producers.messages().Event.FromString(record).task_id
    return Place(*map(int, text.split("-")))


class Log:
    """What a stopped server's log holds of the topic."""

    def __init__(self, binary, folder):
        self.read = collections.defaultdict(list)   # partition: numbers in the log's order
        self.aside = collections.defaultdict(list)  # partition: offsets in the log's order
        self.waiting = {}                           # sequence: place, of what was set aside
        self.ended = collections.defaultdict(list)  # place: outcomes
        self.retried = collections.Counter()        # place: times that its event came out of the quarantine
        self.strangers = 0
        export = subprocess.Popen([binary, "log", "export", "--quiet", "--data", str(folder)], stdout=subprocess.PIPE, text=True)
        for line in export.stdout:
            self.take(json.loads(line))
        if export.wait() != 0:
            raise Failure("log export failed")

    def take(self, line):
        event = line["event"]
        if "task" in event:
            place = Place(*map(int, event["task_id"].split("-")))
            if "kafka" in line:
                self.read[place.partition].append(place.number)
            else:
                self.retried[place] += 1
        elif "quarantined" in event:
            record = event["quarantined"]
            place = Place(int(record.get("partition", 0)), int(record.get("offset", 0)))
            self.aside[place.partition].append(place.number)
            self.waiting[int(line["sequence"])] = place
        elif "quarantine_ended" in event:
            ended = event["quarantine_ended"]
            place = self.waiting.get(int(ended["sequence"]))
            self.strangers += place is None
            self.ended[place].append(ended["outcome"])


def compare(topic, log, known_again):
    """`topic`: {partition: [record]} as an independent reader sees it. `known_again`: records that the server met twice and knew by their
    ids, which the log does not show. Returns counts; raises Failure."""
    lost, doubled = 0, known_again
    for partition, records in topic.items():
        numbers = [record.offset for record in records]
        if [place_of(record.value) for record in records] != [Place(partition, number) for number in numbers]:
            raise Failure(f"partition {partition}: the topic does not hold the records by their numbers: the producers or the broker lost some")
        stored = log.read[partition] + log.aside[partition]
        lost += len(set(numbers) - set(stored))
        doubled += len(stored) - len(set(stored))
    if lost or doubled:
        raise Failure(f"lost {lost}, doubled {doubled} of {sum(map(len, topic.values()))} records")
    for partition in topic:
        compare_order(partition, log.read[partition], log.aside[partition])
    compare_ends(log)
    return {"records": sum(map(len, topic.values())), "set_aside": len(log.waiting), "retried": sum(log.retried.values()),
            "lost": lost, "doubled": doubled}


def compare_order(partition, read, aside):
    if read != sorted(read) or aside != sorted(aside):
        raise Failure(f"partition {partition}: the log holds its records in another order")
    wrong = [number for number in aside if not is_broken(number) and not is_early(number)] + [number for number in read if is_broken(number)]
    if wrong:
        raise Failure(f"partition {partition}: {len(wrong)} records went the wrong way, first {wrong[0]}")


def compare_ends(log):
    """What was set aside ended once: dropped, or with its event, which is in the log then."""
    if log.strangers:
        raise Failure(f"{log.strangers} ends of records that were never set aside")
    for place in log.waiting.values():
        early = is_early(place.number)
        if log.ended[place] != ["RETRIED" if early else "DROPPED"] or log.retried[place] != int(early):
            raise Failure(f"the record {place} of the quarantine ended as {log.ended[place]} with {log.retried[place]} events")
    if sum(log.retried.values()) != sum(is_early(place.number) for place in log.waiting.values()):
        raise Failure("the log holds retried events that were never set aside")
