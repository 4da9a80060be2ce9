"""The list of rows. A row's test gets (cell, client) and raises where something is not as it should be."""

from typing import NamedTuple

ROWS = {}


class Row(NamedTuple):
    """`title`: what the table says; `phase`: rows of phase 2 read what those of phase 1 wrote; `bears`: whether a broker may be killed in
    its middle; `needs`: the API without which a broker does not have the feature at all; `brokers`: how many it takes."""

    name: str
    title: str
    phase: int
    bears: bool
    needs: str | None
    brokers: int
    test: object


def row(name, title, phase=1, bears=True, needs=None, brokers=1):
    def add(test):
        assert name not in ROWS, name
        ROWS[name] = Row(name, title, phase, bears, needs, brokers, test)
        return test
    return add
