#!/usr/bin/env python3
"""Runs the executor's tests again and again: no hang, no failure, no difference between repetitions.

usage: repeat.py CTEST BUILD REPETITIONS [JOBS]

Every test keeps its own time limit. KRONSOLVE_TEST_SECONDS bounds the whole: what was done by then is what is reported.
"""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

CTEST, BUILD, REPETITIONS = sys.argv[1], sys.argv[2], int(sys.argv[3])
JOBS = int(sys.argv[4]) if len(sys.argv) > 4 else 1
END = time.monotonic() + float(os.environ.get("KRONSOLVE_TEST_SECONDS", "inf"))


def the_tests():
    listing = subprocess.run([CTEST, "--test-dir", BUILD, "-L", "^exec$", "-LE", "^long$", "--show-only=json-v1"],
                             capture_output=True, text=True, check=True).stdout
    tests = []
    for test in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in test["properties"]}
        environment = dict(os.environ)
        environment.update(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", []))
        tests.append((test["name"], test["command"], environment, properties["TIMEOUT"],
                      properties.get("WORKING_DIRECTORY", BUILD)))
    return tests


def outcome(text):
    """What was tested and how it came out: the same in every repetition."""
    return sorted(re.findall(r"^\[ *(OK|SKIPPED|FAILED) *\] (\S+)", text, re.MULTILINE))


def run(test):
    name, command, environment, limit, folder = test
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return name, f"hang: not over after {limit} s", output
    if process.returncode != 0:
        return name, f"status {process.returncode}", output
    return name, None, output


def main():
    tests = the_tests()
    assert tests, "no tests: build them first"
    first, bad, done, lock = {}, [], [0], threading.Lock()

    def repetition(_):
        if time.monotonic() > END or bad:
            return
        for test in tests:
            name, trouble, output = run(test)
            with lock:
                seen = outcome(output)
                if trouble is None and first.setdefault(name, seen) != seen:
                    trouble = f"other results than in the first repetition: {set(map(tuple, first[name])) ^ set(map(tuple, seen))}"
                if trouble:
                    bad.append(name)
                    print(f"repetition {done[0] + 1}: {name}: {trouble}\n{output}", flush=True)
                    return
        with lock:
            done[0] += 1
            print(f"{done[0]} repetitions of {len(tests)} tests", flush=True)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(repetition, range(REPETITIONS)))
    print(f"{done[0]} of {REPETITIONS} repetitions, {len(bad)} failures")
    return 1 if bad or done[0] == 0 else 0


sys.exit(main())
