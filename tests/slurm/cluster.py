"""A SLURM of two nodes on this machine, for one test: private ports, folders, keys and daemons; gone afterwards for sure.

    with Cluster() as cluster:
        job = cluster.submit("job.sbatch", cwd=folder)
        state, status = cluster.wait(job)
"""

import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

NODES = 2
CPUS = 4  # of each node, whatever the machine has


def find(program: str) -> str:
    """Full path of a daemon; these are outside the path of most users."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        raise RuntimeError(f"{program} was not found: scripts/setup --tests installs it")
    return path


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def processes_of(mark: str) -> list[int]:
    """Processes that were started with SLURM_CONF=mark: daemons, steps and whatever jobs left behind."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if f"SLURM_CONF={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def end_processes(mark: str) -> None:
    """Asks them to end, then ends them."""
    for number, limit in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + limit
        for pid in processes_of(mark):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        while time.monotonic() < deadline:
            if not processes_of(mark):
                return
            time.sleep(0.05)


def start_guardian(folder: str, mark: str) -> int:
    """A process that cleans up when this one ends without having done so (killed by a time-out). Returns the end of a pipe:
    the guardian acts when it is closed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        os.setsid()
        if os.fork() != 0:  # not a child of the test: nobody ends it together with that
            os._exit(0)
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.read(read_end, 1)
        end_processes(mark)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)
    os.close(read_end)
    os.waitpid(child, 0)
    return write_end


class Cluster:
    def __init__(self):
        self.daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        # Sockets have short names at most: not the test's own folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kss", dir="/tmp"))
        self.conf = str(self.folder / "slurm.conf")
        self.environment = os.environ | {"SLURM_CONF": self.conf}
        self.guardian = start_guardian(str(self.folder), self.conf)
        try:
            self.write_files()
            try:
                self.start()
            except RuntimeError:  # somebody may have taken one of the ports in the meantime: once more with others
                end_processes(self.conf)
                for part in [p for p in self.folder.iterdir() if p.is_dir()]:
                    shutil.rmtree(part)
                self.write_files()
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.daemons and self.daemons[-1].poll() is None:
            self.run("scancel", "-f", "--user", str(os.getuid()), check=False)
        end_processes(self.conf)
        for daemon in self.daemons:
            daemon.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.guardian)

    def write_files(self) -> None:
        d, user_name, host = self.folder, pwd.getpwuid(os.getuid()).pw_name, socket.gethostname().split(".")[0]
        names = [f"n{i + 1}" for i in range(NODES)]
        for part in ["state", "munge", *(f"{kind}.{n}" for kind in ("spool", "tmp") for n in names)]:
            (d / part).mkdir(mode=0o711)
        key = d / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        ctld, *ports = free_ports(NODES + 1)
        lines = [
            "ClusterName=kronsolve", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={ctld}",
            f"SlurmUser={user_name}", f"SlurmdUser={user_name}",
            "AuthType=auth/munge", f"AuthInfo=socket={d}/munge/socket", "CredType=cred/munge",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "JobAcctGatherType=jobacct_gather/none",
            "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core", "SlurmdParameters=config_overrides",
            "SchedulerParameters=sched_interval=1,bf_interval=2", "MpiDefault=pmix", "ReturnToService=2", "KillWait=3",
            "JobRequeue=1", f"StateSaveLocation={d}/state", f"SlurmdSpoolDir={d}/spool.%n", f"TmpFS={d}/tmp.%n",
            f"SlurmctldPidFile={d}/ctld.pid", f"SlurmdPidFile={d}/slurmd.%n.pid",
            f"SlurmctldLogFile={d}/ctld.log", f"SlurmdLogFile={d}/slurmd.%n.log",
            *(f"NodeName={n} NodeHostname={host} NodeAddr=127.0.0.1 Port={p} CPUs={CPUS} RealMemory=2000"
              for n, p in zip(names, ports)),
            f"PartitionName=main Nodes=n[1-{NODES}] Default=YES MaxTime=INFINITE OverSubscribe=FORCE:4 State=UP",
        ]
        pathlib.Path(self.conf).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        d = self.folder
        self.launch("munged", "--foreground", "--force", f"--socket={d}/munge/socket", f"--key-file={d}/munge/key",
                    f"--pid-file={d}/munge/pid", f"--log-file={d}/munge/log", f"--seed-file={d}/munge/seed")
        self.until(lambda: (d / "munge" / "socket").exists(), 10, "munged")
        self.launch("slurmctld", "-D")
        for i in range(NODES):
            self.launch("slurmd", "-D", "-N", f"n{i + 1}")
        self.until(lambda: self.run("sinfo", "-h", "-o", "%t %D", check=False).stdout.strip() == f"idle {NODES}", 30, "sinfo")

    def launch(self, program: str, *arguments: str) -> None:
        log = open(self.folder / f"{program}.out", "ab")
        with log:
            self.daemons.append(subprocess.Popen([find(program), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                                 stdout=log, stderr=log, start_new_session=True))

    def until(self, ready, limit: float, what: str) -> None:
        deadline = time.monotonic() + limit
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"SLURM did not come up ({what}):\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        files = sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out"), *self.folder.glob("munge/log")])
        return "\n".join(f"== {f.name}\n" + "\n".join(f.read_text(errors="replace").splitlines()[-15:]) for f in files)

    # ---- what tests do ---------------------------------------------------------------------------

    def run(self, *command: str, check: bool = True, timeout: float = 60, cwd=None, **variables) -> subprocess.CompletedProcess:
        done = subprocess.run(command, env=self.environment | {k: str(v) for k, v in variables.items()}, capture_output=True,
                              text=True, timeout=timeout, stdin=subprocess.DEVNULL, cwd=cwd, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}\n{self.logs()}")
        return done

    def submit(self, *arguments: str, cwd, **variables) -> str:
        """The number of the job."""
        done = self.run("sbatch", "--parsable", *arguments, cwd=cwd, **variables)
        return done.stdout.strip().split(";")[0]

    def wait(self, job: str, limit: float = 90) -> list[tuple[str, int]]:
        """State and exit status of the job, of each task if it is an array."""
        deadline = time.monotonic() + limit
        while self.run("squeue", "-h", "-j", job, check=False).stdout.strip():
            if time.monotonic() > deadline:
                raise RuntimeError(f"job {job} is not done after {limit} s\n{self.logs()}")
            time.sleep(0.3)
        text = self.run("scontrol", "show", "job", job).stdout
        return [(state, int(code)) for state, code in
                re.findall(r"JobState=(\w+).*?ExitCode=(\d+):", text, re.S)]
