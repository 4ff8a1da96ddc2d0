"""What a rule of any kind is to the life of its alerts."""

import windows

PHASES = 10


def fnv1a(labels):
    """Alertmanager's fingerprint: 64-bit FNV-1a over name, 0xFF, value, 0xFF in order of names."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


class Rule:
    """Has name, by, where, levels, and the spec's labels."""

    def projection(self):
        return windows.Projection(self.by, self.where)

    def labels(self, values, level):
        """Identity of the alert of one level of one instance."""
        severity, freeze, _ = self.levels[level]
        words = {"CRITICAL": "critical", "INFO": "info"}
        labels = {name: value for name, value in zip(self.by, values) if value}
        labels.update(self.spec["labels"])
        labels.update(alertname=self.name, rule=self.name, severity=words.get(severity, "warning"))
        if freeze:
            labels["policy"] = "freeze"
        return labels

    def phase(self, values):
        return fnv1a({**dict(zip(self.by, values)), "rule": self.name}) % PHASES
