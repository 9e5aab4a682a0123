# SPDX-License-Identifier: Apache-2.0
"""Rows to a table and a plot. All ratios are speed of hffs to speed of somebody else in the same pair: above 1 hffs is faster."""
import html
import math
import statistics

import hub as hubs

PEERS = ("curl", "curls", "local", "rclone", "httpdirfs")
TITLES = {"curl": "one curl", "curls": "parallel curls", "local": "local file", "rclone": "rclone mount", "httpdirfs": "httpdirfs"}
COLORS = {"curl": "#b07aa1", "curls": "#4e79a7", "local": "#59a14f", "rclone": "#f28e2b", "httpdirfs": "#9c755f"}
GB = 1e9


def figure(row):
    """In the row's own unit."""
    if row["unit"] == "MB/s":
        return row["bytes"] / row["seconds"] / 1e6
    return row["seconds"] * 1e3 / (row.get("jobs") or 1 if row["unit"] == "ms each" else 1)


def figure_text(unit, n):
    return (f"{n:.0f}" if n >= 100 else f"{n:.3g}") + " " + unit


def one_line(row):
    wire = f", {row['wire'] / max(row['bytes'], 1):.3f} x on the wire" if row["peer"] != "local" and row["unit"] != "ms" else ""
    marks = [row["trouble"]] if row["trouble"] else []
    if not row.get("complete", True):
        marks.append("cut off")
    if row["disturbed"]:
        marks.append(f"{row['foreign_cores'] + row['stolen_cores']:.2f} cores used by others")
    value = figure_text(row["unit"], figure(row))
    return ", ".join([f"{row['case']} {row['stage']} {row['shape']} #{row['rep']} {row['peer']}: {value}{wire}", *marks])


def speed(row):
    return row["bytes"] / row["seconds"] if not row["trouble"] and row["bytes"] else None


class Entry:
    """One case, stage and network: medians of hffs, and its ratios."""

    def __init__(self, key, rows):
        self.case, self.stage, self.shape = key
        self.network = self.shape if self.stage == "cold" else ""  # otherwise it plays no part
        self.own = sorted((r for r in rows if r["peer"] == "hffs"), key=lambda r: r["rep"])
        self.title, self.unit = rows[0]["title"], rows[0]["unit"]
        self.rows = rows
        self.ratios = {}
        for peer in PEERS:
            pairs = self.pairs(peer)
            if pairs:
                self.ratios[peer] = (statistics.median(pairs), min(pairs), max(pairs))
        self.disturbed = sum(r["disturbed"] for r in rows)

    def pairs(self, peer):
        """Of the undisturbed pairs where there are as many as disturbed ones, else of all."""
        clean, every = [], []
        for own in self.own:
            for other in self.rows:
                if other["peer"] == peer and other["rep"] == own["rep"] and speed(own) and speed(other):
                    every.append(speed(own) / speed(other))
                    if not own["disturbed"] and not other["disturbed"]:
                        clean.append(every[-1])
        return clean if 2 * len(clean) >= len(every) else every

    def median(self, value):
        values = [v for v in (value(r) for r in self.own) if v is not None]
        return statistics.median(values) if values else None

    def marks(self):
        marks = [f"{r['peer']}: {r['trouble']}" for r in self.rows if r["trouble"]]
        marks += [f"{r['peer']} cut off" for r in self.rows if not r["trouble"] and not r.get("complete", True)]
        marks += [f"{r['peer']} still fetched" for r in self.rows if self.stage != "cold" and r["case"] != "serve" and r["wire"]]
        if self.disturbed:
            marks.append(f"~{self.disturbed}/{len(self.rows)}")
        return ", ".join(dict.fromkeys(marks))


def summarise(rows):
    groups = {}
    for row in rows:
        groups.setdefault((row["case"], row["stage"], row["shape"]), []).append(row)
    return [Entry(key, group) for key, group in groups.items()]


def number(value, digits=2):
    return "" if value is None else f"{value:.{digits}f}"


def ratio(r):
    if not r:
        return ""
    return " ".join((f"{r[0]:.3g}", f"({r[1]:.3g}-{r[2]:.3g})")) if r[1] != r[2] else f"{r[0]:.3g}"


def table(head, entries):
    """Markdown."""
    lines = [f"{head['machine']}; {head['size']} MiB, {head['reps']} pairs, {head['date']}.", "",
             "Ratios are hffs to the other, above 1 hffs is faster: median (least - most) of pairs. wire: bytes sent to bytes needed. "
             "~n/m: others used the processors in n of m measurements.", "",
             "| case | cached | network | hffs | " + " | ".join(f"/ {TITLES[p]}" for p in PEERS) +
             " | wire | requests | CPU s/GB | RssAnon MiB | server cores | |", "|" + "---|" * (len(PEERS) + 10)]
    for e in entries:
        over_wire = e.stage in ("cold", "restarted") and e.case != "ls"
        cells = [e.title, e.stage, e.network, figure_text(e.unit, e.median(figure)) if e.own else "",
                 *(ratio(e.ratios.get(p)) for p in PEERS),
                 number(e.median(lambda r: r["wire"] / r["bytes"] if r["bytes"] else None), 3) if over_wire else "",
                 number(e.median(lambda r: r["requests"]), 0),
                 number(e.median(lambda r: r["cpu_s"] / r["bytes"] * GB if r["bytes"] > 10e6 else None)),
                 number(e.median(lambda r: r["rss_anon"] / 2**20), 0),
                 number(e.median(lambda r: r["server_cpu_s"] / r["wall_s"])), e.marks()]
        lines.append("| " + " | ".join(cells) + " |")
    shapes = dict.fromkeys(e.network for e in entries if e.network)
    return "\n".join([*lines, "", *(f"{s}: {hubs.describe_shape(s)}." for s in shapes)])


# -- the plot: a row a case, a mark a peer, on a logarithmic axis

LEFT, WIDTH, ROW, TOP, LOW, HIGH = 390, 980, 19, 74, 0.05, 50


def place(value):
    share = math.log(min(max(value, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - 20)


def text(x, y, words, extra=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" {extra}>{html.escape(words)}</text>'


def plot_axis(bottom):
    out = []
    for value in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50):
        x, color = place(value), "#444" if value == 1 else "#ddd"
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{color}"/>')
        out.append(text(x, TOP - 14, f"{value:g} x", 'text-anchor="middle" fill="#555"'))
    return out


def plot_row(entry, y):
    out = [text(8, y + 4, f"{entry.title}, {entry.stage}"),
           text(LEFT - 12, y + 4, entry.network, 'text-anchor="end" fill="#777"')]
    for peer, (middle, least, most) in entry.ratios.items():
        color = COLORS[peer]
        out.append(f'<line x1="{place(least):.1f}" y1="{y}" x2="{place(most):.1f}" y2="{y}" stroke="{color}" stroke-width="2" '
                   'opacity="0.5"/>')
        out.append(f'<circle cx="{place(middle):.1f}" cy="{y}" r="4.5" fill="{color}"><title>{TITLES[peer]}: {middle:.3g} '
                   f'({least:.3g} to {most:.3g})</title></circle>')
    return out


def plot(head, entries):
    """An SVG of all ratios."""
    shown = [e for e in entries if e.ratios]
    bottom = TOP + len(shown) * ROW + 4
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 26}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{bottom + 26}" fill="#fff"/>',
           text(8, 20, "Speed of hffs against others in the same run; right of 1 x hffs is faster",
                'font-size="14" font-weight="bold"')]
    x = 8
    for peer in PEERS:
        out.append(f'<circle cx="{x + 5}" cy="36" r="4.5" fill="{COLORS[peer]}"/>' + text(x + 14, 40, TITLES[peer]))
        x += 26 + 7 * len(TITLES[peer])
    out += plot_axis(bottom)
    for i, entry in enumerate(shown):
        out += plot_row(entry, TOP + i * ROW + ROW // 2)
    out.append(text(8, bottom + 16, f"{head['machine']}; {head['size']} MiB, {head['reps']} pairs, {head['date']}; "
                    "marks: medians, lines: least to most", 'fill="#777" font-size="11"'))
    return "\n".join([*out, "</svg>", ""])
