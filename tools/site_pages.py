"""A hook of mkdocs: takes documents that lie outside of `docs/` into the site.

Links between these documents and the pages of `docs/` work in the checkout. In the site all of them lie in one folder, so
`docs/release.md` becomes `release.md`, and `../model_card.md` becomes `model_card.md`.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = (
    "model_card.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    "release/training-set.md",
)
LINK = re.compile(r"\]\((docs/|\.\./)(?=[\w/.-]+[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the documents to the site's files."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lets links point to where their targets lie in the site."""
    return LINK.sub("](", markdown)
