"""A plain script: httpx on one connection, json, and a pyarrow table for each page. Written to a CSV file.

Usage: scan_python.py URL PAGES OUTPUT
"""

import datetime
import decimal
import json
import sys

import httpx
import pyarrow as pa
import pyarrow.csv

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("category", pa.string()),
        ("amount", pa.decimal128(12, 2)),
        ("quantity", pa.int64()),
        ("active", pa.bool_()),
        ("created_at", pa.timestamp("us", "UTC")),
    ]
)


def row(thing):
    projected = {name: thing[name] for name in SCHEMA.names}
    projected["created_at"] = datetime.datetime.fromisoformat(projected["created_at"])
    return projected


url, pages, output = sys.argv[1:]
with httpx.Client() as client, pyarrow.csv.CSVWriter(output, SCHEMA) as writer:
    for page in range(1, int(pages) + 1):
        response = client.get(f"{url}things", params={"page": page, "per_page": 100})
        response.raise_for_status()
        things = json.loads(response.content, parse_float=decimal.Decimal)
        writer.write_table(pa.Table.from_pylist([row(thing) for thing in things], SCHEMA))
