"""How the manual is built: Sphinx, MyST and furo, with nothing fetched from another host."""

from importlib.metadata import version as version_of
from pathlib import Path

THEME = Path(__file__).parents[1] / "hub" / "src" / "machinelabs_hub" / "theme"

project = "MachineLabs"
author = "the MachineLabs contributors"
copyright = "2026, the MachineLabs contributors"
release = version_of("machinelabs-hub")
version = release

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = "MachineLabs"
html_static_path = ["_static", str(THEME / "favicon.svg")]
html_css_files = ["manual.css"]
html_favicon = str(THEME / "favicon.svg")
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_logo": "favicon.svg",
    "dark_logo": "favicon.svg",
    "light_css_variables": {
        "color-brand-primary": "#0b6e75",
        "color-brand-content": "#0b6e75",
        "color-foreground-primary": "#1b2430",
        "color-background-primary": "#ffffff",
        "color-background-secondary": "#f7f8fa",
        "color-background-border": "#dfe4ea",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fc3c7",
        "color-brand-content": "#4fc3c7",
        "color-foreground-primary": "#e8edf3",
        "color-background-primary": "#12161c",
        "color-background-secondary": "#1a2028",
        "color-background-border": "#2c3540",
    },
}
