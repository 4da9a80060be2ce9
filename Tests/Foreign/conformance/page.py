"""The table in the README: written from the outcomes of a run, and compared with those of another."""

import re

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"


def verdict(outcomes):
    """`outcomes`: of one row with one client, by topology; empty where the client does not offer it."""
    if not outcomes:
        return "-"
    return "ok" if all(o["ok"] for o in outcomes.values()) else "failed"


def table(results):
    """Markdown: a row per behaviour, a column per client."""
    names = list(results["clients"])
    lines = ["| behaviour | " + " | ".join(f"{n} {results['clients'][n]}" for n in names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in results["rows"]:
        cells = [verdict(results["cells"].get(row["name"], {}).get(name, {})) for name in names]
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(path, results):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{table(results)}\n{END}{rest.split(END)[1]}")


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
