#!/usr/bin/env python3
"""Runs a whole program in every mode and checks what it prints, how it fails and that it ends.

usage: programs.py CASE PROGRAM MPIEXEC FAILING_SENDS
"""

import os
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import sys
import time

CASE, PROGRAM, MPIEXEC, FAILING_SENDS = sys.argv[1:5]
MAGIC, GREETING, CHALLENGE, PROOF, HELLO = 0x6B726F6E, 1, 2, 3, 4


def environment(mode=None, **more):
    env = dict(os.environ)
    env.pop("KRONSOLVE_MODE", None)
    if mode:
        env["KRONSOLVE_MODE"] = mode
    env.update({k: str(v) for k, v in more.items()})
    return env


def command(ranks, *arguments):
    start = [MPIEXEC, "-n", str(ranks)] if ranks else []
    return start + [PROGRAM, *arguments]


def run(ranks, *arguments, mode=None, limit=40, **more):
    began = time.monotonic()
    result = subprocess.run(command(ranks, *arguments), env=environment(mode, **more), timeout=limit,
                            capture_output=True, text=True, stdin=subprocess.DEVNULL)
    result.seconds = time.monotonic() - began
    return result


def own_lines(result):
    return [line for line in result.stderr.splitlines() if line.startswith("kronsolve: ")]


def check(condition, *facts):
    if not condition:
        print("FAILED:", *facts, sep="\n  ")
        sys.exit(1)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_and_learn(ranks, what, mode=None, **more):
    """Starts the program and reads the processes it names. Returns (process, workers, main)."""
    process = subprocess.Popen(command(ranks, what), env=environment(mode, **more), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    workers, main = [], None
    while main is None:
        line = process.stdout.readline()
        if not line:
            check(False, "the program ended early", process.stderr.read())
        word, *rest = line.split()
        if word == "worker":
            workers.append(int(rest[0]))
        elif word == "main":
            main = int(rest[0])
        else:
            process.said = line.strip()
    return process, workers, main


def energies():
    """The same numbers in every mode, printed once."""
    expected = None
    runs = [(0, None), (0, "serial"), (0, "threads"), (1, None), (2, None), (3, None), (4, None), (1, "syncro"),
            (3, "syncro")]
    for ranks, mode in runs:
        result = run(ranks, "energies", mode=mode, KRONSOLVE_NUM_WORKERS=2)
        check(result.returncode == 0, (ranks, mode), result.stderr)
        expected = expected or result.stdout
        check(result.stdout == expected, (ranks, mode), result.stdout, "instead of", expected)
    check(expected.splitlines()[2:] == ["-3.651093409", "-4.515446354"], expected)


def uncaught():
    """One line with rank, class and text; status 1; the whole job."""
    cases = [
        (0, "main", None, "rank 0 of 1", "kronsolve::InvalidArgument: of main"),
        (3, "main", None, "rank 0 of 3", "kronsolve::InvalidArgument: of main"),
        (3, "main", "syncro", "rank 0 of 3", "kronsolve::InvalidArgument: of main"),
        (3, "rank1", "syncro", "rank 1 of 3", "std::domain_error: of rank 1"),
        (0, "task", None, "rank 0 of 1", "std::range_error on worker"),
        (3, "task", None, "rank 0 of 3", "std::range_error on worker"),
        (3, "task", "syncro", "rank 0 of 3", "std::range_error on worker"),
        (0, "poison", None, "rank 0 of 1", "kronsolve::WorkerDied: task"),
        (0, "callback", None, "rank 0 of 1", "std::domain_error: of a callback"),
        (0, "callback", "threads", "rank 0 of 1", "std::domain_error: of a callback"),
        (0, "waiting", None, "rank 0 of 1", "kronsolve::InvalidArgument: pool: what a pool calls back"),
    ]
    for ranks, where, mode, who, what in cases:
        result = run(ranks, "fail", where, mode=mode, KRONSOLVE_NUM_WORKERS=2)
        lines = [line for line in own_lines(result) if "uncaught" in line]
        check(result.returncode == 1, (ranks, where, mode), f"status {result.returncode}", result.stderr)
        check(len(lines) == 1 and who in lines[0] and what in lines[0], (ranks, where, mode), result.stderr)
        check(result.seconds < 10, (ranks, where, mode), f"{result.seconds} s")


def pending():
    """A program does not end before its tasks have, in any mode, whether anybody asks for them or not."""
    for ranks, mode in ((0, None), (0, "serial"), (0, "threads"), (3, None), (3, "syncro")):
        result = run(ranks, "pending", mode=mode, KRONSOLVE_NUM_WORKERS=2)
        check(result.returncode == 0, (ranks, mode), result.returncode, result.stderr)
        check(sorted(result.stdout.split()) == sorted(f"task{i}" for i in range(6)), (ranks, mode), result.stdout)


def endings():
    """exit() in the middle of main ends everything with its status; nonsense in the environment is refused."""
    for ranks in (0, 3):
        result = run(ranks, "fail", "exit", KRONSOLVE_NUM_WORKERS=2)
        check(result.returncode == 3 and result.seconds < 15, ranks, result.returncode, result.seconds, result.stderr)
    for ranks, mode, status in ((0, "serial", 3), (0, "threads", 3), (2, "syncro", 1)):
        result = run(ranks, "fail", "task exits", mode=mode, KRONSOLVE_NUM_WORKERS=2)
        check(result.returncode == status and result.seconds < 15, mode, result.returncode, result.stderr)
    # What the threads of the parent hold looks leaked to a sanitizer in the child, which has no such threads.
    no_leaks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    for ranks, mode in ((0, None), (0, "threads"), (2, None)):
        result = run(ranks, "fail", "child exits", mode=mode, KRONSOLVE_NUM_WORKERS=2, ASAN_OPTIONS=no_leaks)
        check(result.returncode == 3 and result.seconds < 15, mode, result.returncode, result.stderr)
    # The ranks of one job are in one mode.
    mixed = subprocess.run([MPIEXEC, "-n", "1", "-x", "KRONSOLVE_MODE=syncro", PROGRAM, "energies", ":",
                            "-n", "1", "-x", "KRONSOLVE_MODE=futures", PROGRAM, "energies"], env=environment(), timeout=40,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(mixed.returncode != 0 and "futures on some ranks and syncro on others" in mixed.stderr, mixed.stderr)
    # Where the standard descriptors are closed no socket takes their numbers.
    closed = subprocess.run(["sh", "-c", 'exec "$0" energies >&- 2>&-', PROGRAM], env=environment(KRONSOLVE_NUM_WORKERS=2),
                            timeout=40, stdin=subprocess.DEVNULL)
    check(closed.returncode == 0, closed.returncode)
    for ranks, mode, word in ((0, "nonsense", "KRONSOLVE_MODE must be"), (2, "dynamic", "single process")):
        result = run(ranks, "energies", mode=mode)
        check(result.returncode == 1 and word in result.stderr, mode, result.returncode, result.stderr)
    result = run(0, "energies", KRONSOLVE_NUM_WORKERS="many")
    check(result.returncode == 1 and "KRONSOLVE_NUM_WORKERS" in result.stderr, result.stderr)
    for missing in ("/no/such/mpirun", "/bin/false"):
        result = run(0, "energies", KRONSOLVE_MPIEXEC=missing, KRONSOLVE_NUM_WORKERS=2)
        check(result.returncode == 1 and result.seconds < 30, missing, result.returncode, result.stderr)
        check("workers" in result.stderr, missing, result.stderr)


def deaths():
    """A dead rank ends a job within seconds; the death of main leaves no worker behind."""
    process, workers, main = start_and_learn(3, "work")
    check(process.stdout.readline() == "result 0\n")
    os.kill(workers[1], signal.SIGKILL)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    check(process.returncode != 0 and time.monotonic() - began < 5, process.returncode, err)
    check(f"process {workers[1]}" in err, out, err)
    # Open MPI's recovery keeps the other ranks of a job alive: they must end by themselves.
    recovery = {"OMPI_MCA_orte_enable_recovery": 1}
    for ranks, number, more in ((0, signal.SIGKILL, {}), (0, signal.SIGTERM, {}), (3, signal.SIGKILL, {}),
                                (0, signal.SIGKILL, recovery), (3, signal.SIGKILL, recovery)):
        process, workers, main = start_and_learn(ranks, "work", KRONSOLVE_NUM_WORKERS=3, **more)
        os.kill(main, number)
        began = time.monotonic()
        while any(alive(pid) for pid in workers) and time.monotonic() - began < 5:
            time.sleep(0.05)
        check(not any(alive(pid) for pid in workers), (ranks, number), "workers are still there")
        process.communicate(timeout=30)
        check(more or process.returncode != 0, (ranks, number))  # with recovery mpirun always says 0
    # In syncro mode every rank runs main and none is like another's worker: the job ends as well.
    process, workers, main = start_and_learn(3, "work", mode="syncro")
    check(process.stdout.readline() == "result 0\n")
    os.kill(workers[1], signal.SIGKILL)
    began = time.monotonic()
    process.communicate(timeout=30)
    check(process.returncode != 0 and time.monotonic() - began < 5, "syncro", process.returncode)
    check(not any(alive(pid) for pid in workers), "syncro: ranks are still there")
    # A worker that is killed in a plain process is replaced and nothing is lost.
    process, workers, main = start_and_learn(0, "work", KRONSOLVE_NUM_WORKERS=3)
    os.kill(workers[2], signal.SIGKILL)
    seen = [process.stdout.readline() for _ in range(3)]
    check(seen == ["result 0\n", "result 1\n", "result 2\n"], seen)
    process.kill()
    process.communicate(timeout=30)


def used(pid):
    """Seconds of processor time."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shares(pids, seconds):
    """Share of a core that each uses."""
    before, began = [used(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return [(used(pid) - b) / passed for pid, b in zip(pids, before)]


def idle():
    """Eight workers that wait use less than 5 % of a core together with the process that owns them; so do sixteen."""
    for ranks, count in ((0, 8), (9, 8), (0, 16)):
        process, workers, main = start_and_learn(ranks, "idle", KRONSOLVE_NUM_WORKERS=count)
        time.sleep(0.5)
        share = sum(shares(workers + [main], 2))
        check(len(workers) == count and share < 0.05, ranks, f"{100 * share:.1f} % of a core")
        print(f"idle, {len(workers)} workers: {100 * share:.2f} % of a core")
        process.communicate(timeout=30)
        check(process.returncode == 0, process.returncode)


def crowd():
    """Sixteen workers while other programs keep every core busy: all is done, and who waits uses less than 5 % of a core."""
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"], stdin=subprocess.DEVNULL)
            for _ in range(2 * len(os.sched_getaffinity(0)))]
    try:
        for ranks in (0, 17):
            began = time.monotonic()
            process, workers, main = start_and_learn(ranks, "crowd", KRONSOLVE_NUM_WORKERS=16)
            seconds = time.monotonic() - began
            check(process.said == f"sum {sum(i * i for i in range(800))} gang 16" and len(workers) == 16, ranks, process.said)
            time.sleep(0.5)
            each = shares(workers + [main], 4)
            check(max(each) < 0.05, ranks, [f"{100 * share:.1f} %" for share in each])
            print(f"16 workers on {len(os.sched_getaffinity(0))} cores with {len(load)} other programs: done after {seconds:.1f} s, "
                  f"then the busiest uses {100 * max(each):.2f} % of a core, all together {100 * sum(each):.2f} %")
            process.communicate(timeout=60)
            check(process.returncode == 0, process.returncode)
    finally:
        for program in load:
            program.kill()
            program.wait()


def cores():
    """All cores are used and no two workers sit on the same one, also where OpenMP binds threads to cores."""
    mine = sorted(os.sched_getaffinity(0))
    base = {"KRONSOLVE_NUM_THREADS": "", "KRONSOLVE_NUM_WORKERS": 2}
    result = run(0, "cores", mode="threads", **base)
    plain = int(result.stdout.split()[1])
    check(result.returncode == 0 and 1 <= plain <= len(mine), result.stdout, result.stderr)
    for binding in ({}, {"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores"}, {"OMP_PROC_BIND": "spread", "OMP_PLACES": "threads"}):
        for ranks, mode, workers in ((0, None, 2), (0, "threads", 2), (0, "serial", 1), (3, None, 2), (2, "syncro", 2)):
            result = run(ranks, "cores", mode=mode, **base, **binding)
            threads = max(1, plain // ranks) if ranks else plain
            lines = [f"threads {threads} of {plain}", "workers" + f" {len(mine)}" * workers]
            if binding and (ranks or mode == "serial"):  # OpenMP binds main and ranks as the user wants
                lines.pop()
            check(result.returncode == 0 and result.stdout.splitlines()[:len(lines)] == lines and not own_lines(result),
                  (ranks, mode, binding), lines, "but", result.stdout, result.stderr)
    result = run(0, "cores", mode="threads", OMP_PLACES=f"{{{mine[0]}}}", **base)
    check(result.stdout.startswith("threads 1 of 1\n"), result.stdout, result.stderr)
    # More threads than mpirun leaves them cores is said.
    base["KRONSOLVE_NUM_THREADS"] = 2
    result = run(1, "cores", OMPI_MCA_hwloc_base_binding_policy="core", **base)
    said = "2 threads of rank 0 share the 1 core" in result.stderr
    check(result.returncode == 0 and said == (len(mine) > 1), result.stdout, result.stderr)


def listening(pid):
    """Addresses and ports on which a process takes connections, IPv4 as numbers."""
    inodes = {}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as lines:
            for words in (line.split() for line in list(lines)[1:]):
                if words[3] == "0A":
                    address, port = words[1].split(":")
                    inodes[f"socket:[{words[9]}]"] = (address, int(port, 16))
    files = f"/proc/{pid}/fd"
    links = [os.readlink(f"{files}/{name}") for name in os.listdir(files) if os.path.islink(f"{files}/{name}")]
    return [inodes[link] for link in links if link in inodes]


def frame(kind, body, announced=None):
    return struct.pack("<IIQQQ", MAGIC, kind, 0, len(body) if announced is None else announced, 0) + body


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def read_frame(connection):
    head = read_exactly(connection, 32)
    if head is None:
        return None, b""
    _, kind, _, size, _ = struct.unpack("<IIQQQ", head)
    return kind, read_exactly(connection, size)


def keyed_hash(key, data):
    """SipHash-2-4 with 128 bits, written from the paper."""
    mask = 2**64 - 1

    def turn(x, by):
        return (x << by | x >> (64 - by)) & mask

    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    tail = len(data) % 8
    padded = data + bytes(7 - tail) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xEE
    rounds(4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return struct.pack("<QQ", first, v[0] ^ v[1] ^ v[2] ^ v[3])


def secret():
    """A worker shows its secret to nobody and obeys only who knows it; what is announced takes no memory."""
    vector = keyed_hash(bytes(range(16)), b"")
    check(vector.hex() == "a3817f04ba25a8e66df67214c7550293", vector.hex())  # of the authors
    key = bytes(range(100, 116))
    text = "%016x%016x" % struct.unpack("<QQ", key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        ticket = f"{text}|0|single|{server.getsockname()[1]} {socket.gethostname()}"
        for knows in (False, True):
            worker = subprocess.Popen([PROGRAM], env=environment(KRONSOLVE_WORKER=ticket), stderr=subprocess.PIPE, text=True,
                                      stdin=subprocess.DEVNULL)
            connection, _ = server.accept()
            connection.settimeout(30)
            kind, drawn = read_frame(connection)
            check(kind == GREETING and len(drawn) == 16, kind, drawn)
            mine = os.urandom(16)
            facts = struct.pack("<Q", 1) + drawn + mine
            connection.sendall(frame(CHALLENGE, mine + (keyed_hash(key, facts) if knows else os.urandom(16))))
            kind, proof = read_frame(connection)
            if not knows:
                check(kind is None, "an impostor was told", kind, proof)
                _, said = worker.communicate(timeout=30)
                check(worker.returncode != 0 and "does not know the secret" in said, worker.returncode, said)
                continue
            check(kind == PROOF and proof == keyed_hash(key, struct.pack("<Q", 2) + drawn + mine), kind, proof)
            kind, hello = read_frame(connection)
            check(kind == HELLO and text.encode() not in hello, kind, hello)
            connection.sendall(frame(HELLO, bytes(1 << 20), announced=8 << 30))
            time.sleep(1)
            with open(f"/proc/{worker.pid}/statm") as pages:
                size = int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            check(size < 4 << 30, f"{size} bytes for a frame of which 1 MiB came")
            connection.close()
            worker.communicate(timeout=30)


def strangers():
    """Thousands that connect and say nothing, or nonsense, do not keep a pool from starting."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(2000, hard - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    process = subprocess.Popen([PROGRAM, "late"], env=environment(KRONSOLVE_NUM_WORKERS=2), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    main = int(process.stdout.readline().split()[1])
    (address, port), = listening(main)
    check(address == "0100007F", address)
    many = []
    for i in range(count):
        many.append(socket.socket())
        many[-1].setblocking(False)
        many[-1].connect_ex(("127.0.0.1", port))
        if i < 60 and i % 2:
            time.sleep(0.002)
            many[-1].send([b"GET / HTTP/1.1\r\n\r\n" * 3, frame(GREETING, bytes(16)), frame(HELLO, b"", announced=100)][i % 3])
    out, err = process.communicate("go\n", timeout=60)
    check(process.returncode == 0 and "-4.515446354" in out, process.returncode, out, err)


def sends():
    """A send that fails although the other side is there ends in an answer or an error, not in waiting."""
    answered = 0
    cases = [(0, f"{who}:{n}") for who in ("owner", "worker") for n in range(1, 6)] + [(3, "owner:2"), (3, "owner:3")]
    for ranks, plan in cases:
        result = run(ranks, "energies", KRONSOLVE_NUM_WORKERS=2, KRONSOLVE_TEST_FAIL_SEND=plan, LD_PRELOAD=FAILING_SENDS)
        fine = result.returncode == 0 and "-4.515446354" in result.stdout
        said = ranks or own_lines(result)  # of a job mpirun says it
        check(fine or (result.returncode != 0 and said), (ranks, plan), result.returncode, result.stdout, result.stderr)
        answered += fine
    check(answered > 0, "no run survived its failing send")


def orphans():
    """What starts workers ends within seconds when the program is killed, whatever it is doing."""
    with tempfile.TemporaryDirectory() as folder:
        launcher, note = os.path.join(folder, "mpirun"), os.path.join(folder, "pid")
        with open(launcher, "w") as script:
            script.write(f"#!/bin/sh\ntrap '' TERM\necho $$ > {note}.part\nmv {note}.part {note}\nwhile :; do sleep 1; done\n")
        os.chmod(launcher, 0o755)
        process = subprocess.Popen([PROGRAM, "energies"], env=environment(KRONSOLVE_MPIEXEC=launcher), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(note):
            time.sleep(0.05)
        with open(note) as text:
            pid = int(text.read())
        process.kill()
        process.wait()
        began = time.monotonic()
        while alive(pid) and time.monotonic() - began < 20:
            time.sleep(0.05)
        stays = alive(pid)
        if stays:
            os.kill(pid, signal.SIGKILL)
        check(not stays, "mpirun is still there 20 s after the program was killed")


def on_one_machine():
    """Processes of one machine take connections from this machine only."""
    for ranks, what in ((0, "idle"), (3, "idle"), (0, "alone")):
        process, workers, main = start_and_learn(ranks, what, KRONSOLVE_NUM_WORKERS=2)
        for pid in [main, *workers]:
            open_to_all = [where for where in listening(pid) if where[0] != "0100007F"]
            check(not open_to_all, (ranks, what), f"process {pid} of {[main, *workers]}", open_to_all)
        with open(f"/proc/{main}/task/{main}/children") as children:
            names = [open(f"/proc/{pid}/comm").read().strip() for pid in children.read().split()]
        check("orted" not in names, (ranks, what), names)
        process.communicate(timeout=30)
        check(process.returncode == 0, process.returncode)


{"energies": energies, "uncaught": uncaught, "pending": pending, "endings": endings, "deaths": deaths, "idle": idle,
 "cores": cores, "crowd": crowd, "strangers": strangers, "secret": secret, "sends": sends, "orphans": orphans,
 "listening": on_one_machine}[CASE]()
print("ok")
