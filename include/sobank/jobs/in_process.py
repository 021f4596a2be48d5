"""Tasks of a day side by side in one process, two at a time, as Airflow's slots have them: one waits, another works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Final

from sobank import jobs
from sobank.errors import DeliveryIncomplete
from sobank.jobs.leave import Note, unnoted
from sobank.jobs.start import Ref

_SIDE_BY_SIDE: Final = 2


def prepare_all(refs: Sequence[Ref], told: Callable[[str], None] = lambda _name: None) -> list[Ref]:
    """`extract`, `partition` and `validate` of every shard. Two are read at a time, while others are judged in turn.

    Args:
        told: is given the name of each job when it begins.
    """

    def name(job: str, ref: Ref) -> str:
        return job if ref["of"] == 1 else f"{job} {ref['shard'] + 1}/{ref['of']}"

    def cut(ref: Ref) -> Ref:
        told(name("extract", ref))
        ref = jobs.extract(ref)
        told(name("partition", ref))
        return jobs.partition(ref)

    prepared = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        ready = [pool.submit(cut, ref) for ref in refs]
        try:
            for one in ready:
                ref = one.result()
                told(name("validate", ref))
                prepared.append(jobs.validate(ref))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # the run has failed: no further shard is read for it
            raise
    return prepared


def send_all(day: str | date, note: Note = unnoted) -> tuple[dict[str, Ref], list[DeliveryIncomplete]]:
    """Every `push` and `write_global_files` of a day.

    Args:
        note: is given the business dates of what is about to leave: for `proofs_up_to`.
    Returns:
        What each came to by its name, and what could not be sent; that does not stop the others (D8).
    """
    calls = {partner: partial(jobs.push, partner, day) for partner in jobs.partners_to_push(day, note)}
    files = jobs.global_file_shards(day, note)
    calls |= {f"global {ref['shard']}": partial(jobs.write_global_files, ref) for ref in files}
    sent: dict[str, Ref] = {}
    failed: list[DeliveryIncomplete] = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for name, call in [(name, pool.submit(call)) for name, call in calls.items()]:
            try:
                sent[name] = call.result()
            except DeliveryIncomplete as error:
                failed.append(error)
    return sent, failed
