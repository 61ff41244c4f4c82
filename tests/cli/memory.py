"""The memory that a run announces before it allocates is within 20 % of what it then takes: ten cases, every method."""

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
    "--model ising --sites 12 --method dense",
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


if __name__ == "__main__":
    program.main()
