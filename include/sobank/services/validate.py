"""Hold what was extracted to its data contracts; a verdict per statement, nothing is set aside here (S8, S9, §7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from sobank.quality.judge import Verdict
    from sobank.store.runfiles import RunFiles


def validate(
    files: RunFiles, frames: Mapping[str, pa.Table], judge: Callable[[Mapping[str, pa.Table]], Verdict]
) -> dict[str, Any]:
    """Judge the frames of a run and leave the verdict in its folder: `errors.arrow`, `warnings.arrow`, `verdict.json`.

    Returns:
        The summary: rules with rows seen and failed, and how many statements they concern.
    Raises:
        CheckBroken: a check could not be run; there is no verdict then.
    """
    verdict = judge(frames)
    for name, rows in (("errors", verdict.errors), ("warnings", verdict.warnings)):
        files.write(name, rows.to_batches(), rows.schema)
    summary = verdict.summary()
    files.write_json("verdict", summary)
    return summary
