"""The memory that a run announces before it allocates is within 20 % of what it then takes: ten cases, every method."""

import os
import subprocess

import program

CHAIN = "--model heisenberg --cyclic --sites"

CASES = [
    f"{CHAIN} 22",
    f"{CHAIN} 22 --energy-only",
    f"{CHAIN} 24 --sector sz=0",
    f"{CHAIN} 20 --method slepc --operator assembled",
    f"{CHAIN} 20 --method slepc --operator matrix-free",
    f"{CHAIN} 20 --method lanczos --operator assembled",
    "--model heisenberg --sites 20 -p by=0.3",
    "--model ising --sites 21",
    "--model ising --sites 11 --method dense",
    "--model heisenberg --spin 1 --sites 13 -k 2",
]


class Memory(program.ProgramTest):
    def test_estimate_is_within_a_fifth_of_the_peak(self):
        for case in CASES:
            with self.subTest(case=case):
                # How good the numbers are does not matter here: a loose tolerance keeps the runs short.
                result = self.solve("ground", *case.split(), "--tol", "1e-6")
                ratio = result["memory_estimate_bytes"] / result["peak_rss_bytes"]
                self.assertGreater(ratio, 0.8)
                self.assertLess(ratio, 1.2)

    def test_a_limited_address_space_is_refused_or_serves_and_the_process_ends(self):
        for kilobytes in (100_000, 200_000, 300_000, 500_000, 1_000_000):
            for threads in (1, 2):
                with self.subTest(kilobytes=kilobytes, threads=threads):
                    begin = ["bash", "-c", f'ulimit -v {kilobytes}; exec "$0" "$@"', program.PROGRAM]
                    done = subprocess.run([*begin, "ground", "--model", "heisenberg", "--sites", "6"], capture_output=True, text=True,
                                          timeout=30, check=False, env=os.environ | {"OPENBLAS_NUM_THREADS": str(threads)})
                    if kilobytes * 1024 < (threads + 1) << 27:
                        self.assertEqual((done.returncode, done.stdout), (2, ""))
                        self.assertIn("ulimit -v", done.stderr)
                    else:
                        self.assertEqual(done.returncode, 0, done.stderr)
                        self.assertIn("energy", done.stdout)

    def test_an_operator_file_that_cannot_fit_is_refused_before_it_is_parsed(self):
        terms = "".join(f"[{i}.5, 'Sz', {i % 20}, 'Sz', {(i // 20 + i) % 20}],\n" for i in range(1_000_000))
        done = program.run("ground", "--terms", self.file("h.toml", f"sites = 20\nterms = [\n{terms}]\n"),
                           env={"KRONSOLVE_MEMORY_LIMIT": "300M"})
        self.assert_refused(done, 2, "the operator of", "h.toml", "needs", "KRONSOLVE_MEMORY_LIMIT")
        self.assertLess(done.seconds, 10)


if __name__ == "__main__":
    program.main()
