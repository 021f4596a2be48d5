"""So bank delivery: French bank statements, each to exactly one destination."""

import os

# No matrices are multiplied here, and the threads that OpenBLAS starts with numpy spin for a tenth of a second of
# processor time in every process; whoever wants them sets the variable.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
