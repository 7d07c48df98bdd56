"""Loads an export with the real pyarrow and, for the format hf, Hugging Face datasets; prints what it holds as JSON.

python load-export.py FOLDER [--datasets]

Needs `pip install pyarrow datasets`; run by test/export/export.test.ts when R_ZERO_PYTHON names such a Python.
"""

import hashlib
import json
import pathlib
import sys

import pyarrow.parquet as pq


def digest(rows):
    """Order matters; floats by their exact value."""
    text = json.dumps(rows, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def main():
    folder = pathlib.Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    out = {}
    for relation in manifest["relations"]:
        rows = []
        for shard in relation["shards"]:
            path = folder / shard["file"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"], path
            rows.extend(pq.read_table(path).to_pylist())
        out[relation["name"]] = {"rows": len(rows), "digest": digest(rows), "first": rows[:2]}
        # The loader refuses a split without rows, so the card does not name one.
        if "--datasets" in sys.argv and rows:
            from datasets import load_dataset

            loaded = load_dataset(str(folder), relation["name"], split="train", cache_dir=sys.argv[-1])
            out[relation["name"]]["datasets"] = {"rows": len(loaded), "digest": digest(loaded.to_list())}
    print(json.dumps(out, default=str))


main()
