"""
### Deliver the bank statements of one business day

Every statement of an approved mandate goes to exactly one place: its partner, the global file of its cabinet, or the
quarantine with a reason. The last task proves it to the cent; a run without that proof is red.

**Which day.** A scheduled or backfilled run delivers the Paris day on which its data interval starts, a manual run the
day of its parameter `day`. Banks send a day the next morning: `wait` holds the run until the hour that is set for it.
**Limits.** The run of day D takes every undecided statement dated D or earlier, so what came late heals by itself.

**Dangers.** Clearing, retrying and backfilling are safe: decided stays decided, delivered is not sent again. *Marking a
task as success by hand is not*. `max_active_runs` bounds no backfill. Runbook: `docs/runbooks/deliver_statements.md`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, get_current_context, task, task_group
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule

from sobank import jobs

SHARD = "{{ task.op_kwargs['ref'].shard + 1 }}/{{ task.op_kwargs['ref'].of }}"
NO = ["sobank.errors.ConfigurationError", "sobank.errors.ProofFailed", "builtins.RuntimeError"]
CLEAR_NO = ExceptionRetryPolicy([RetryRule(NO, action=RetryAction.FAIL)])


def _day() -> str:
    run = get_current_context()
    return jobs.business_day(run["params"]["day"], run.get("data_interval_start"), run["dag_run"].run_type)


# Rescheduled, not deferred: the slot is free during the hours of waiting and no triggerer has to run.
@task.sensor(mode="reschedule", poke_interval=300, timeout=36 * 3600, retry_policy=CLEAR_NO)
def wait() -> bool:
    return datetime.now(UTC) >= jobs.ready_at(_day())


@task
def shards() -> list:
    return jobs.shards(_day(), jobs.run_key(get_current_context()["run_id"]))


@task_group(prefix_group_id=False)
def shard(ref: dict):
    for job in (jobs.extract, jobs.partition, jobs.validate):
        ref = task(map_index_template=SHARD)(job)(ref=ref)
    return ref


# What earlier runs sealed may leave even if deciding failed; if `wait` failed, there is no day and nothing runs.
@task(trigger_rule="all_done_min_one_success")
def partners(ti=None) -> list:
    return jobs.partners_to_push(_day(), lambda days: ti.xcom_push("days", days))


@task(trigger_rule="all_done_min_one_success")
def global_file_shards(ti=None) -> list:
    return jobs.global_file_shards(_day(), lambda days: ti.xcom_push("days", days))


@task(map_index_template="{{ task.op_kwargs['partner'] }}", retries=3)
def push(partner: str) -> dict:
    return jobs.push(partner, _day())


# The leaf colours the run, so it looks at the ledger and at every task before it. Its clear no is news at once.
@task(trigger_rule="all_done", retry_policy=CLEAR_NO)
def prove(ti=None) -> dict:
    proof = jobs.prove(_day(), ti.xcom_pull(["partners", "global_file_shards"], key="days"))
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
    if failed := sorted(name for name, state in states.items() if state in {"failed", "upstream_failed"}):
        raise RuntimeError(f"the proof holds, but tasks of this run failed: {', '.join(failed)}; clear them")
    return proof


with DAG(
    "deliver_statements",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="Europe/Paris"),
    catchup=False,
    params={"day": Param(None, type=["null", "string"], format="date", title="Date du relevé (AAAA-MM-JJ)")},
    default_args={"retries": 2, "retry_exponential_backoff": True, "execution_timeout": timedelta(hours=1)},
    tags=["sobank", "delivery"],
    doc_md=__doc__,
):
    waited, cut, to_push, files = wait(), shards(), partners(), global_file_shards()
    decided = task(jobs.decide)(shard.expand(ref=cut))
    waited >> [cut, to_push, files]
    decided >> [to_push, files]
    [push.expand(partner=to_push), task(map_index_template=SHARD)(jobs.write_global_files).expand(ref=files)] >> prove()
