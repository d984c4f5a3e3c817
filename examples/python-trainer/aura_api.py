"""The three things a trainer asks of AURA over HTTP: a manifest, its Parquet parts, and a place for the graph."""

import hashlib
import io
import json
import urllib.parse
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq


class AuraApi:
    def __init__(self, url: str, key: str | None):
        self._url = url.rstrip("/")
        self._headers = {} if key is None else {"authorization": f"Bearer {key}"}

    def feature_set(self, feature_set: str):
        """Table and manifest of a feature set. Every part is held against the hash in the manifest."""
        manifest = json.loads(self._get(f"/v1/feature-sets/{feature_set}"))["manifest"]
        tables = []
        for part in manifest["parts"]:
            sha256 = part["object"]["sha256"]
            body = self._get(f"/v1/data/features/{feature_set}/parts/{sha256}")
            if hashlib.sha256(body).hexdigest() != sha256:
                raise ValueError(f"part {sha256} of {feature_set}: other bytes came")
            tables.append(pq.read_table(io.BytesIO(body)))
        return pa.concat_tables(tables), manifest

    def upload(self, name: str, body: bytes) -> dict:
        """Stores a file; the reply's hash is what the result names."""
        query = urllib.parse.urlencode({"name": name})
        request = urllib.request.Request(
            f"{self._url}/v1/uploads?{query}",
            data=body,
            method="PUT",
            headers={**self._headers, "content-type": "application/octet-stream"},
        )
        with urllib.request.urlopen(request, timeout=600) as reply:
            stored = json.load(reply)["object"]
        return {"sha256": stored["sha256"], "bytes": stored["bytes"]}

    def _get(self, path: str) -> bytes:
        request = urllib.request.Request(self._url + path, headers=self._headers)
        with urllib.request.urlopen(request, timeout=600) as reply:
            return reply.read()
