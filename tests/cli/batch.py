"""Job scripts: what they ask for, that bash takes them, that they run, go on and are submitted."""

import json
import os
import stat
import subprocess
import time

import program

SOLVE = "ground --model heisenberg --sites 12 --sector sz=0 --observe 'op:Sz 0 Sz 3'"
SWEEP = "command = 'ground'\nmodel = 'ising'\nsites = 6\n[vary]\nbx = [0.5, 1, 1.5]\n"


class Batch(program.ProgramTest):
    def batch(self, *arguments, env=None) -> dict:
        done = program.run("batch", *arguments, "--json", cwd=self.folder, env=env)
        self.assertEqual(done.status, 0, done.err)
        found = done.json()
        found["text"] = (self.folder / found["script"]).read_text(encoding="utf-8")
        subprocess.run(["bash", "-n", self.folder / found["script"]], check=True)
        return found

    def tool(self, name: str, text: str):
        path = self.file(f"bin/{name}", f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def path(self) -> dict:
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()

    def test_a_solve_on_several_nodes(self):
        found = self.batch(SOLVE, "--nodes", 2, "--ranks", 3, "--threads", 4, "--time", "90min", "--module", "gcc/12", "--module", "mpi")
        self.assertEqual(found["script"], "ground-heisenberg-12.sbatch")
        self.assertTrue(found["goes_on"])
        for line in ("#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=3", "#SBATCH --cpus-per-task=4", "#SBATCH --time=01:30:00",
                     "#SBATCH --requeue", "#SBATCH --signal=USR1@120", "module load gcc/12", "module load mpi",
                     "export KRONSOLVE_NUM_THREADS=4 OPENBLAS_NUM_THREADS=1",
                     'if [ $status -eq 75 ]; then scontrol requeue "$job"; fi'):
            self.assertIn(line + "\n", found["text"])
        self.assertIn("srun --mpi=pmix --kill-on-bad-exit=1 --cpus-per-task=4 --cpu-bind=cores", found["text"])
        self.assertIn("--observe 'op:Sz 0 Sz 3' --checkpoint ground-heisenberg-12.checkpoint --json", found["text"])

        pbs = self.batch(SOLVE, "--nodes", 2, "--ranks", 3, "--threads", 4, "--time", "90min", "--scheduler", "pbs")
        for line in ("#PBS -l walltime=01:30:00", "#PBS -N ground-heisenbe", "export KRONSOLVE_JOB_END_TIME=$(($(date +%s) + 5400))"):
            self.assertIn(line + "\n", pbs["text"])
        self.assertIn("#PBS -l select=2:ncpus=12:mpiprocs=3:ompthreads=4:mem=", pbs["text"])
        self.assertIn("mpirun -q -n 6 --map-by ppr:3:node:pe=4 --bind-to core", pbs["text"])
        self.assertIn(f"if [ $status -eq 75 ]; then qsub {self.folder}/{pbs['script']}; fi", pbs["text"])

    def test_memory_and_time_follow_the_plan(self):
        small, large = (self.batch(f"ground --model heisenberg --sites {n} --sector sz=0", "--threads", 1) for n in (14, 28))
        self.assertLess(small["memory_node_bytes"], 1e9)
        plan = program.run("plan", "--model", "heisenberg", "--sites", 28, "--sector", "sz=0", "--method", "lanczos", "--json").json()
        self.assertGreater(large["memory_node_bytes"], plan["memory_estimate_bytes"])
        self.assertLess(large["memory_node_bytes"], 2 * plan["memory_estimate_bytes"] + 1e9)
        self.assertEqual(small["minutes"], 30)
        self.assertGreater(large["minutes"], 30)
        halved = self.batch("ground --model heisenberg --sites 28 --sector sz=0", "--threads", 1, "--nodes", 2)
        self.assertLess(halved["memory_node_bytes"], 0.7 * large["memory_node_bytes"])

    def test_what_cannot_go_on_is_told_so(self):
        for run in ("eigh --model heisenberg --sites 8 -k all", "eigh --model heisenberg --sites 10 --sigma 0",
                    "levels --model heisenberg --sites 8 -k all", "svds --model heisenberg --sites 8 --method dense",
                    "thermal --model heisenberg --sites 8 --temperature 1"):
            found = self.batch(run)
            self.assertFalse(found["goes_on"], run)
            for word in ("--checkpoint", "--requeue", "--signal", "-eq 75"):
                self.assertNotIn(word, found["text"])
            self.assertIn("cannot go on", found["text"])
        for run in ("svds --model heisenberg --sites 8", "ground --model heisenberg --sites 8 --all-sectors",
                    "levels --model heisenberg --sites 8", "eigh --model heisenberg --sites 10 --sigma 0 --method filter"):
            found = self.batch(run)
            self.assertTrue(found["goes_on"], run)
            self.assertIn(".checkpoint", found["text"])
        found = self.batch("evolve --model heisenberg --sites 8 --state neel --time 1 --checkpoint mine --json-lines")
        self.assertTrue(found["goes_on"])
        self.assertIn("--checkpoint mine", found["text"])
        self.assertNotIn("evolve-heisenberg-8.checkpoint", found["text"])
        self.assertNotIn("--json ", found["text"])
        self.assertIn("evolve-heisenberg-8.jsonl", found["text"])

    def test_scripts_run(self):
        # What stands for the scheduler's own commands.
        self.tool("srun", 'while [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done\nexec "$@"')
        self.tool("squeue", "date -d '+1 hour' +%Y-%m-%dT%H:%M:%S")
        self.tool("scontrol", 'echo "$@" >> requeued')
        for scheduler in ("slurm", "pbs"):
            found = self.batch(SOLVE, "--threads", 1, "--scheduler", scheduler)
            environment = os.environ | self.path() | {"SLURM_JOB_ID": "7", "KRONSOLVE_PROGRAM": program.PROGRAM}
            done = subprocess.run(["bash", found["script"]], cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads((self.folder / "ground-heisenberg-12.json").read_text(encoding="utf-8"))
            self.assertAlmostEqual(result["energy"], -5.142090632, delta=1e-8)
            (self.folder / "ground-heisenberg-12.json").unlink()
        self.assertFalse((self.folder / "requeued").exists())

    def test_exit_code_75_queues_it_again(self):
        self.tool("srun", 'while [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done\nexec "$@"')
        self.tool("squeue", "exit 1")
        self.tool("scontrol", 'echo "$@" >> requeued')
        self.tool("qsub", 'echo "$@" >> requeued')
        for scheduler, words in (("slurm", "requeue 7\n"), ("pbs", None)):
            found = self.batch("evolve --model heisenberg --sites 12 --state neel --time 100 --steps 1000000", "--threads", 1, "--scheduler",
                               scheduler)
            environment = os.environ | self.path() | {"SLURM_JOB_ID": "7", "KRONSOLVE_PROGRAM": program.PROGRAM,
                                                      "SLURM_JOB_END_TIME": str(int(time.time()) + 45)}
            done = subprocess.run(["bash", found["script"]], cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
                                  timeout=60)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertEqual((self.folder / "requeued").read_text(), words or f"{self.folder}/{found['script']}\n")
            self.assertEqual(list(self.folder.glob("*.json*")), [])
            for path in (self.folder / "requeued", *self.folder.glob("*.checkpoint*")):
                path.unlink()

    def test_sweeps(self):
        self.file("field.toml", SWEEP)
        found = self.batch("field.toml", "--nodes", 5, "--threads", 2)
        self.assertEqual(found["script"], "field.sbatch")
        for line in ("#SBATCH --array=0-4", "#SBATCH --nodes=1", "#SBATCH --cpus-per-task=2", "#SBATCH --requeue"):
            self.assertIn(line + "\n", found["text"])
        self.assertIn("sweep field.toml --ranks 1 || status=$?", found["text"])
        self.tool("squeue", "exit 1")
        done = subprocess.run(["bash", found["script"]], cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
                              env=os.environ | self.path() | {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "4",
                                                              "KRONSOLVE_PROGRAM": program.PROGRAM})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len((self.folder / "field.out" / "points.jsonl").read_text().splitlines()), 3)

    def test_submitting(self):
        self.tool("sbatch", 'cp "$2" submitted; echo "4711;cluster"')
        found = self.batch(SOLVE, "--submit", env=self.path())
        self.assertEqual(found["jobs"], ["4711"])
        self.assertEqual((self.folder / "submitted").read_text(encoding="utf-8"), found["text"])
        self.file("field.toml", SWEEP)
        self.tool("qsub", "echo 12.server")
        self.assertEqual(self.batch("field.toml", "--nodes", 2, "--scheduler", "pbs", "--submit", env=self.path())["jobs"], ["12.server"] * 2)
        self.tool("sbatch", "echo 'no such partition'; exit 1")
        self.assert_refused(program.run("batch", SOLVE, "--submit", cwd=self.folder, env=self.path()), 2, "no such partition")
        none = self.folder / "none"
        none.mkdir()
        done = program.run("batch", SOLVE, "--submit", cwd=self.folder, env={"PATH": f"{none}:/bin"} if not os.path.exists("/bin/sbatch")
                           else {"PATH": str(none)})
        self.assert_refused(done, 2, "there is no sbatch here", "the script is in")


if __name__ == "__main__":
    program.main()
