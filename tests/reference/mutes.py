"""Hours of the week in which routes are silent, by the clocks of a zone (docs/alerting.md)."""

import datetime
import zoneinfo

from windows import SECOND


def is_muted(mute, at):
    zone = zoneinfo.ZoneInfo(mute["timezone"])
    local = datetime.datetime.fromtimestamp(at // SECOND, zone).replace(tzinfo=None)
    local += datetime.timedelta(microseconds=at % SECOND // 1000)
    begin, end = mute["from_minute"], mute["to_minute"]
    length = datetime.timedelta(minutes=end - begin + (24 * 60 if end <= begin else 0))
    for days_ago in (0, 1):  # they may have begun yesterday
        day = local.date() - datetime.timedelta(days=days_ago)
        start = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=begin)
        if mute["weekdays"] >> day.weekday() & 1 and start <= local < start + length:
            return True
    return False
