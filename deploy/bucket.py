"""Make the bucket that the storage URLs name, where it is not there yet. Run by deploy/init.sh, safe to run again."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import boto3

_STORES = ("SOBANK_RUNS_URL", "SOBANK_SPOOL_URL", "SOBANK_ARCHIVE_URL", "SOBANK_TRACE_URL")


def main() -> None:
    """Ask the object store of the usual AWS variables for every bucket of ours, and make those it does not have."""
    urls = [urlsplit(os.environ.get(name, "")) for name in _STORES]
    wanted = {url.netloc for url in urls if url.scheme == "s3"}
    if not wanted:
        return  # everything is on file://
    store = boto3.client("s3")
    there = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
    for name in sorted(wanted - there):
        store.create_bucket(Bucket=name)


if __name__ == "__main__":
    main()
