"""DuckDB's read_json over the list of pages, with the httpfs extension. Written to a CSV file.

Usage: scan_duckdb.py URL PAGES OUTPUT [whole]

`whole` lets it fetch each page with one GET rather than look at it first, and keep its connections.
"""

import pathlib
import sys

import duckdb
import duckdb_extension_httpfs

COLUMNS = {
    "id": "BIGINT",
    "name": "VARCHAR",
    "category": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "quantity": "BIGINT",
    "active": "BOOLEAN",
    "created_at": "TIMESTAMPTZ",
}

url, pages, output, *way = sys.argv[1:]
[extension] = pathlib.Path(next(iter(duckdb_extension_httpfs.__path__))).glob("**/httpfs.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"LOAD '{extension}'")
if "whole" in way:
    connection.execute("SET force_download = true")
    connection.execute("SET httpfs_connection_caching = true")
urls = [f"{url}things?page={page}&per_page=100" for page in range(1, int(pages) + 1)]
connection.execute(
    f"COPY (SELECT * FROM read_json({urls}, columns = {COLUMNS}, format = 'array')) TO '{output}' (FORMAT csv)"
)
