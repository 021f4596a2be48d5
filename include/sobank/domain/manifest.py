"""The manifest of a global file (O1)."""

from __future__ import annotations

import json

from sobank.domain.delivery import Batch


def manifest(batch: Batch) -> bytes:
    """What lies in a global file, for whoever opens it: JSON beside it, the same bytes whenever it is asked (O1).

    Amounts are minor units; debits are negative.
    """
    content = {
        "file": batch.outgoing.object_name,
        "cabinet": batch.cabinet,
        "business_date": batch.business_date.isoformat(),
        "statements": batch.outgoing.n_statements,
        "entries": batch.n_entries,
        "records": batch.n_records,
        "debit": batch.debit,
        "credit": batch.credit,
        "first_date": batch.first_date.isoformat(),
        "last_date": batch.last_date.isoformat(),
        "size": batch.outgoing.size,
        "sha256": batch.outgoing.sha256,
    }
    return (json.dumps(content, indent=2) + "\n").encode()
