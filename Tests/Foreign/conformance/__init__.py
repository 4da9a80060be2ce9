"""The conformance matrix: rows are behaviours (rows_*.py), columns are clients (one module each), and matrix.py one folder up runs every
pair against one broker, three brokers, and three brokers of which one is killed in the middle.

A row is a function of (cell, client): it uses the client through the small face that base.Client describes, looks at the outcome with another
client's eyes where it can, and raises where something is not as Kafka would have it. A client names the rows that it does not offer and
why; every other row is run with it.
"""
