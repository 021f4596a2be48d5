"""
### Take in what the banks sent

Every fifteen minutes: each finished file of the inbox is claimed, identified, parsed, archived and stored.

**Limits.** One run at a time; a file still being written (touched within the last seconds) is left for the next run.
The same bytes under two names are one file. Nothing is delivered here: `deliver_statements` does that, once a day.

**Dangers.** None in running it again: a file is ingested once, whatever is retried or killed. A file that no format
claims, or that is unsafe, is set aside whole in `refused/`, its reason beside it and in the log, and the others go on:
the run stays green, `refused` counts it. Never write into, move or delete a file of the inbox by hand during a run.

Runbook: `docs/runbooks/ingest_bank_files.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from sobank import jobs

with DAG(
    "ingest_bank_files",
    schedule="*/15 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_exponential_backoff": True, "execution_timeout": timedelta(hours=1)},
    tags=["sobank", "ingest"],
    doc_md=__doc__,
):
    task(jobs.ingest)()
