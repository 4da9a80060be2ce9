"""The table in the README: written from the outcomes of a run, and compared with those of another."""

import re

from .__main__ import CLIENTS
from .suite import ROWS

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"


def verdict(outcomes):
    """`outcomes`: of one row with one client, by topology; empty where the client does not offer it."""
    if not outcomes:
        return "-"
    return "ok" if all(o["ok"] for o in outcomes.values()) else "failed"


def table(results):
    """Markdown: a row per behaviour, a column per client."""
    found = {row["title"]: {n: verdict(results["cells"].get(row["name"], {}).get(n, {})) for n in results["clients"]} for row in results["rows"]}
    return markdown(results["clients"], found)


def markdown(versions, cells):
    """The table, and below it what is not run and why."""
    lines = ["| behaviour | " + " | ".join(f"{n} {v}" for n, v in versions.items()) + " |", "|---" * (len(versions) + 1) + "|"]
    for title, row in cells.items():
        lines.append(f"| {title} | " + " | ".join(row.get(n, "-") for n in versions) + " |")
    return "\n".join([*lines, *notes()])


def notes():
    """A sentence per client and fault of its own for which some of its cells are not run while brokers die."""
    found = []
    for name, client in CLIENTS.items():
        for why in dict.fromkeys(client.fragile.values()):
            rows = ", ".join(f"*{ROWS[row].title}*" for row in ROWS if client.fragile.get(row) == why)
            found.append(f"- {name}, {rows}: {why}.")
    return ["", "Not run while a broker is killed, for a fault of the client's own:", "", *found] if found else []


def write(path, results, everything=True):
    """Replaces the table; where the run was of some rows or some clients only, their cells of it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    made = table(results) if everything else merged(path, results)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}")


def merged(path, results):
    known, there = read(path), versions(path)
    there |= results["clients"]
    for row in results["rows"]:
        cells = known.setdefault(row["title"], {})
        for client in results["clients"]:
            if row["name"] in results["cells"] or client not in cells:
                cells[client] = verdict(results["cells"].get(row["name"], {}).get(client, {}))
    return markdown(there, known)


def versions(path):
    """{client: version} as the table's head has them."""
    with open(path, encoding="utf-8") as file:
        line = file.read().split(BEGIN)[1].strip().split("\n")[0]
    return dict(cell.strip().rsplit(" ", 1) for cell in line.strip("|").split("|")[1:])


def read(path):
    """{title: {client: verdict}} as the README has it; the client's version is not part of its name."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = [line for line in text.split(BEGIN)[1].split(END)[0].strip().split("\n") if line.startswith("|")]
    cells = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    names = [name.rsplit(" ", 1)[0] for name in cells[0][1:]]
    return {line[0]: dict(zip(names, line[1:])) for line in cells[2:]}


def contradictions(path, results):
    """What the README says and this run does not; a run need not have run every cell on every topology."""
    said = read(path)
    with open(path, encoding="utf-8") as file:
        if "\n".join(notes()) not in file.read():
            yield "the README's notes are not the suite's: what is not run, and why"
    titles = {row["title"]: row["name"] for row in results["rows"]}
    for title in said:
        if title not in titles:
            yield f"the README has a row that the suite lacks: {title}"
    for title, name in titles.items():
        if title not in said:
            yield f"the README lacks a row of the suite: {title}"
            continue
        for client in results["clients"]:
            seen, claimed = verdict(results["cells"].get(name, {}).get(client, {})), said[title].get(client)
            if claimed is None:
                yield f"the README has no column for {client}"
            elif claimed != seen and ("failed" == seen or "-" in (claimed, seen)):
                yield f"{title}, {client}: the README says {claimed}, the run {seen}"
