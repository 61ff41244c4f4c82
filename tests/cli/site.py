"""The site of the documents: made without a warning, whole, and in need of no network."""

import ast
import pathlib
import re
import shutil
import subprocess
import unittest

import program

SITE = program.SOURCE / "build" / "site"


def can_be_made() -> bool:
    python = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else "python3"
    modules = subprocess.run([python, "-c", "import sphinx, myst_parser, furo"], capture_output=True, check=False)
    return modules.returncode == 0 and shutil.which("doxygen") is not None


@unittest.skipUnless(can_be_made(), "Sphinx, MyST, furo or Doxygen is not installed")
class Site(program.ProgramTest):
    def test_it_is_made_without_warnings_and_is_whole(self):
        done = subprocess.run([program.SOURCE / "scripts" / "site", program.PROGRAM], capture_output=True, text=True, check=False, timeout=360)
        self.assertEqual(done.returncode, 0, done.stderr)

        pages = {path.relative_to(SITE).as_posix(): path.read_text(encoding="utf-8") for path in SITE.rglob("*.html")}
        for document in (program.SOURCE / "docs").rglob("*.md"):
            if "notes" not in document.parts:
                self.assertIn(document.relative_to(program.SOURCE / "docs").with_suffix(".html").as_posix(), pages)
        self.assertIn("--all-sectors", pages["command-line.html"])
        self.assertIn("Unreleased", pages["changelog.html"])
        api = "".join(page for name, page in pages.items() if name.startswith("cpp/"))
        include = program.SOURCE / "include"
        for header in include.rglob("*.hpp"):
            if header.name not in ("kronsolve.hpp", "toml_text.hpp", "task_code.hpp"):  # they have no names for users
                self.assertIn(f"&lt;{header.relative_to(include).as_posix()}&gt;", api)
        package = ast.parse((program.SOURCE / "python" / "kronsolve" / "__init__.py").read_text(encoding="utf-8"))
        names = next(ast.literal_eval(node.value) for node in package.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__")
        self.assertGreaterEqual(len(names), 60)
        for name in set(names) - {"errors", "parallel"}:  # modules
            self.assertRegex(pages["python-api.html"], rf'id="kronsolve\.(errors\.)?{name}"')
        for name, page in pages.items():
            loaded = re.findall(r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"([^\"]+)\"", page)
            self.assertEqual([where for where in loaded if where.startswith(("http", "//"))], [], f"{name} loads from the network")
            for where in re.findall(r"<(?:a|img|script|link)\b[^>]*?(?:src|href)=\"([^\"#?:]+)[\"#?]", page):
                self.assertTrue((SITE / name).parent.joinpath(where).exists(), f"{name}: {where}")


if __name__ == "__main__":
    program.main()
