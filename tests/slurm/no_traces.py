#!/usr/bin/env python3
"""A private SLURM leaves nothing behind, also when its test is killed."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from cluster import Cluster, processes_of

if sys.argv[1:] == ["hold"]:
    with Cluster() as cluster:
        job = subprocess.Popen(["srun", "sleep", "600"], env=cluster.environment)
        print(cluster.conf, flush=True)
        job.wait()
    sys.exit(0)


def gone(conf: str, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while processes_of(conf) or pathlib.Path(conf).parent.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


for number in (signal.SIGKILL, signal.SIGINT):
    with subprocess.Popen([sys.executable, __file__, "hold"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          start_new_session=True) as holder:
        conf = holder.stdout.readline().strip()
        assert len(processes_of(conf)) >= 4, "the daemons do not run"
        os.kill(holder.pid, number)
        assert gone(conf, 20), f"after {number.name}: {processes_of(conf)} and {pathlib.Path(conf).parent} are left"
print("nothing is left")
