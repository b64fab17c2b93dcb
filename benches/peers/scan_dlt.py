"""dlt's rest_api source into a DuckDB file. If OUTPUT is not /dev/null, the rows are then written to it as CSV.

Usage: scan_dlt.py URL PAGES OUTPUT
"""

import os
import sys
import tempfile

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
import duckdb
from dlt.sources.rest_api import rest_api_source

COLUMNS = ["id", "name", "category", "amount", "quantity", "active", "created_at"]


def projected(thing):
    return {name: thing[name] for name in COLUMNS}


url, pages, output = sys.argv[1:]
source = rest_api_source(
    {
        "client": {
            "base_url": url,
            "paginator": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None, "maximum_page": int(pages) + 1},
        },
        "resources": [
            {
                "name": "things",
                "endpoint": {"path": "things", "params": {"per_page": 100}},
                "processing_steps": [{"map": projected}],
            }
        ],
    }
)
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "things.duckdb")
    pipeline = dlt.pipeline(
        "things", pipelines_dir=folder, destination=dlt.destinations.duckdb(file), dataset_name="api"
    )
    pipeline.run(source)
    with duckdb.connect(file) as connection:
        [(found,)] = connection.execute("SELECT count(*) FROM api.things").fetchall()
        if found != int(pages) * 100:
            sys.exit(f"{found} rows, not {int(pages) * 100}")
        if output != "/dev/null":
            connection.execute(f"COPY (SELECT {', '.join(COLUMNS)} FROM api.things) TO '{output}' (FORMAT csv)")
