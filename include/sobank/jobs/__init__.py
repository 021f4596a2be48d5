"""One function per Airflow task; the command line calls the same functions.

Importing this package is cheap: a DAG file does it again and again. What a job needs is imported when it runs. Days go
in as `YYYY-MM-DD` text or dates; what comes out is small JSON: references to files and counts, never rows, labels or
full IBANs (O3).
"""

from sobank.jobs.arrive import count_file, ingest, no_files
from sobank.jobs.days import business_day, ready_at, run_key
from sobank.jobs.in_process import prepare_all, send_all
from sobank.jobs.leave import global_file_shards, partners_to_push, push, write_global_files
from sobank.jobs.proofs import proof_of, proofs_up_to, prove, require_holding
from sobank.jobs.sharded import decide, extract, partition, plan_of, shards, validate
from sobank.jobs.start import Ref

__all__ = [
    "Ref",
    "business_day",
    "count_file",
    "decide",
    "extract",
    "global_file_shards",
    "ingest",
    "no_files",
    "partition",
    "partners_to_push",
    "plan_of",
    "prepare_all",
    "proof_of",
    "proofs_up_to",
    "prove",
    "push",
    "ready_at",
    "require_holding",
    "run_key",
    "send_all",
    "shards",
    "validate",
    "write_global_files",
]
