"""How Sphinx makes one offline site of these documents: scripts/site."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

project = "kronsolve"
author = "the kronsolve authors"
copyright = "2026, the kronsolve authors"  # noqa: A001 (Sphinx wants this name)
release = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)

# The texts of the Python package are read from its sources; what is compiled is not needed for that.
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
sys.path.insert(0, str(ROOT / "python"))
autodoc_mock_imports = ["kronsolve._core"]
autodoc_typehints = "none"
add_module_names = False
default_role = "literal"
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["notes"]
language = "en"

myst_heading_anchors = 4
# Texts of the program have many names that no highlighter knows.
highlight_language = "text"
smartquotes = False  # "--sites" stays as it is typed

html_theme = "furo"
html_title = f"kronsolve {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

# Documents beside this folder are pages as well; a stub stands for each.
OUTSIDE = {"README.md": "index", "CHANGELOG.md": "changelog", "CONTRIBUTING.md": "contributing"}


def rewrite_links(app, docname, source):
    """Links as a reader of the repository follows them, made those of the site."""
    text = source[0]
    for name, page in OUTSIDE.items():
        if page == docname != "index":
            text = (ROOT / name).read_text(encoding="utf-8")
            text = re.sub(r"\]\(docs/", "](", text)
            text = re.sub(r"\]\((?=[A-Z]+\.md)", "](../", text)
    # Where a document is called by its file, the site calls it by its title.
    text = re.sub(r"\[[\w/.-]+\.md\]\((?=[\w/.-]+\.md)", "[](", text)
    up = "../" * docname.count("/")
    for name, page in OUTSIDE.items():
        text = text.replace(f"](../{up}{name}", f"]({up}{page}.md")
    source[0] = text


def keep_bars(app, what, name, obj, options, lines):
    """A bar of a docstring, as in |Hx - lx|, is mathematics and no substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    app.connect("source-read", rewrite_links)
    app.connect("autodoc-process-docstring", keep_bars)
