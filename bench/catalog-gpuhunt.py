"""Measures Python's gpuhunt on the CSV files of a directory.

usage: catalog-gpuhunt.py DIR RUNS < queries.json > report.json

Lays the files out as gpuhunt's published catalog, so that its own loading and querying run.
"""

import json
import os
import sys
import time
import zipfile
from pathlib import Path

VERSION = "20260101-1"


def lay_out(directory: Path) -> Path:
    base = directory / "v3"
    for csv in sorted(directory.glob("*.csv")):
        target = base / csv.stem / VERSION
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target / "catalog.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(csv, csv.name)
        (base / csv.stem / "version").write_text(VERSION)
    return base


def main() -> None:
    directory, runs = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    queries = json.load(sys.stdin)
    os.environ["GPUHUNT_CATALOG_URL"] = lay_out(directory).as_uri()
    from gpuhunt._internal.catalog import Catalog

    began = time.perf_counter()
    catalog = Catalog(balance_resources=False, auto_reload=False)
    catalog.load()
    report = {"load_ms": (time.perf_counter() - began) * 1000, "queries": []}
    report["rows"] = sum(len(provider.items) for provider in catalog.catalog.values())
    for query in queries:
        samples = []
        hits = 0
        for _ in range(runs):
            began = time.perf_counter()
            hits = len(catalog.query(**query["arguments"]))
            samples.append((time.perf_counter() - began) * 1000)
        report["queries"].append({"name": query["name"], "hits": hits, "ms": samples})
    json.dump(report, sys.stdout)


main()
