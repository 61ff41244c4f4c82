"""Every run draws the same examples, and prints what fails so that it can be repeated.

KRONSOLVE_EXAMPLES says how many a test draws. More than usual are random ones: a failure prints its seed, and
``pytest --hypothesis-seed=SEED`` draws them again.
"""

import os
import pathlib
import sys

from hypothesis import HealthCheck, settings

USUAL = 25
examples = int(os.environ.get("KRONSOLVE_EXAMPLES", USUAL))

sys.path.insert(0, str(pathlib.Path(__file__).parent))
settings.register_profile(
    "kronsolve",
    max_examples=examples,
    deadline=None,
    derandomize=examples <= USUAL,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kronsolve")
