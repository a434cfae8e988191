"""prometheus - a strict reader of Prometheus text 0.0.4 and OpenMetrics 1.0.

Stricter than Prometheus itself, which forgives much: one head for each family and before its
samples, no family twice or in two pieces, no sample twice, counters in _total, histograms that add
up, label values escaped as they must be.
"""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN")
TYPES = ("counter", "gauge", "histogram")


class Malformed(Exception):
    pass


def need(fact, what, line):
    if not fact:
        raise Malformed(f"{what}: {line}")


def unescape(value):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)


def labels_of(text, line):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        need(match, "no label", line)
        need(match[1] not in found, "a label twice", line)
        found[match[1]] = unescape(match[2])
        at = match.end()
        if at < len(text):
            need(text[at] == ",", "no comma", line)
            at += 1
            need(at < len(text), "nothing behind a comma", line)
    return found


def sample_of(line):
    match = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
    need(match, "no sample", line)
    need(NUMBER.fullmatch(match[3]), "no number", line)
    return match[1], labels_of(match[2] or "", line), float(match[3].replace("Inf", "inf"))


def suffixes(kind, is_open, name):
    """What the names of a family's samples end in, behind the name in its head."""
    if kind == "histogram":
        return ("_bucket", "_sum", "_count")
    if kind == "counter" and is_open:
        need(not name.endswith("_total"), "_total in a head of OpenMetrics", name)
        return ("_total",)
    if kind == "counter":
        need(name.endswith("_total"), "a counter without _total", name)
    return ("",)


def check_histogram(name, samples):
    rows = {}
    for suffix, labels, value in samples:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        row = rows.setdefault(rest, {"buckets": [], "sum": None, "count": None})
        if suffix == "_bucket":
            row["buckets"].append((float(labels["le"].replace("Inf", "inf")), value))
        else:
            row[suffix[1:]] = value
    for rest, row in rows.items():
        need(row["sum"] is not None and row["count"] is not None, "no _sum or _count", rest)
        bounds = [b for b, _ in row["buckets"]]
        counts = [c for _, c in row["buckets"]]
        need(bounds == sorted(set(bounds)) and bounds[-1:] == [math.inf], "bounds of " + name, rest)
        need(counts == sorted(counts) and counts[-1] == row["count"], "counts of " + name, rest)
        lower = sum((b - a) * bound for bound, a, b in
                    zip(bounds, counts, counts[1:] + counts[-1:]) if not math.isinf(bound))
        need(row["sum"] >= lower * 0.97, "a sum below what its buckets hold", rest)


class Family:
    def __init__(self, kind):
        self.kind = kind
        self.samples = []


def read_head(families, line):
    match = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line)
    need(match, "no head", line)
    what, name, text = match.groups()
    need(NAME.fullmatch(name), "no name", line)
    if what == "HELP":
        need(name not in families, "a family twice", line)
        families[name] = Family(None)
        return name
    need(list(families)[-1:] == [name] and families[name].kind is None, "TYPE out of place", line)
    need(text in TYPES, "no type", line)
    families[name].kind = text
    return name


def parse(text, is_open=False):
    """{name of a sample with its labels, sorted: value}; Malformed says why not."""
    families, values, current = {}, {}, None
    need(text.endswith("\n"), "the last line has no end", text[-40:])
    lines = text[:-1].split("\n")
    if is_open:
        need(lines.pop() == "# EOF", "no EOF", text[-40:])
    for line in lines:
        need(line and line == line.strip() and "\r" not in line, "blanks", repr(line))
        if line.startswith("#"):
            current = read_head(families, line)
            continue
        name, labels, value = sample_of(line)
        family = families.get(current)
        need(family and family.kind, "a sample without a head", line)
        ends = [s for s in suffixes(family.kind, is_open, current) if name == current + s]
        need(ends, f"a sample of another family than {current}", line)
        need(("le" in labels) == (ends[0] == "_bucket"), "le", line)
        need(family.kind == "gauge" or value >= 0, "negative", line)
        key = (name, tuple(sorted(labels.items())))
        need(key not in values, "a sample twice", line)
        values[key] = value
        family.samples.append((ends[0], labels, value))
    for name, family in families.items():
        if family.kind == "histogram":
            check_histogram(name, family.samples)
    return values
