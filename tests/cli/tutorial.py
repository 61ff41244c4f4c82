"""The tutorial, followed word by word: every command of every chapter, in this order, in one folder that was empty."""

import re

import program
import readme

CHAPTERS = sorted((program.SOURCE / "docs" / "tutorial").glob("[0-9]*.md"))


class Tutorial(readme.TranscriptTest):
    def test_every_command(self):
        self.assertEqual(len(CHAPTERS), 12)
        for chapter in CHAPTERS:
            found = readme.blocks(chapter.read_text(encoding="utf-8"))
            self.assertGreaterEqual(len(found), 1, chapter.name)
            for steps in found:
                with self.subTest(f"{chapter.name}: {steps[0][0]}"):
                    self.run_block(steps)

    def test_pictures_that_are_shown_are_there(self):
        for chapter in CHAPTERS:
            for name in re.findall(r"!\[.*?\]\((.*?)\)", chapter.read_text(encoding="utf-8")):
                self.assertTrue((chapter.parent / name).exists(), f"{chapter.name}: {name}")


if __name__ == "__main__":
    program.main()
