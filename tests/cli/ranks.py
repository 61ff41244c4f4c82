"""--ranks: one problem solved by workers that the program starts itself."""

import unittest

import program

CHAIN = ("ground", "--model", "heisenberg", "--sites", "10", "--cyclic")
ENERGY = -4.5154463544920429


class Ranks(program.ProgramTest):
    def test_one_object_with_the_known_energy(self):
        for ranks in (1, 2, 3):
            done = program.run(*CHAIN, "--ranks", ranks, "--json")
            self.assertEqual(done.status, 0, done.err)
            answer = done.json()
            self.assertEqual(answer["ranks"], ranks)
            self.assertAlmostEqual(answer["energy"], ENERGY, delta=1e-9)

    def test_errors_are_those_of_one_process(self):
        for more, word in ((("-k", "5000"), "5000"), (("-k", "0"), "-k"), (("--sigma", "1"), "--sigma")):
            done = program.run(*CHAIN, "--ranks", 2, *more)
            self.assertEqual((done.status, done.out), (2, ""), done.err)
            self.assertIn(word, done.err)
            self.assertEqual(len(done.err.splitlines()), 1, done.err)

    def test_nonsense_is_refused(self):
        done = program.run(*CHAIN, "--ranks", 0)
        self.assertEqual((done.status, done.out), (2, ""), done.err)
        self.assertIn("--ranks", done.err)

    def test_refused_under_mpirun(self):
        done = program.run(*CHAIN, "--ranks", 2, ranks=2)
        self.assertEqual((done.status, done.out), (2, ""), done.err)
        self.assertIn("mpirun", done.err)

    def test_workers_that_cannot_be_started_are_an_mpi_failure(self):
        for launcher in ("/no/such/mpirun", "/bin/false"):
            done = program.run(*CHAIN, "--ranks", 2, env={"KRONSOLVE_MPIEXEC": launcher})
            self.assertEqual((done.status, done.out), (4, ""), done.err)
            self.assertIn("workers", done.err)


if __name__ == "__main__":
    unittest.main()
