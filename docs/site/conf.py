"""Settings of Sphinx for the site of the documents."""

import trapmtl

project = "TrapMTL"
copyright = "the TrapMTL developers, Apache-2.0"
release = version = trapmtl.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_copybutton"]
suppress_warnings = ["myst.header"]  # some pages begin a list of figures at the third level
nitpicky = False

highlight_language = "text"  # of blocks that name none: commands and what they print

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"  # the docstring says them, with shapes and units
autodoc_member_order = "bysource"
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"TrapMTL {version}"
html_static_path: list[str] = []
