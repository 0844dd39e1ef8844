"""A page of contact sheets that opens in any browser, without a server or a script."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
img {{ max-width: 100%; height: auto; display: block; margin: 1rem 0 2rem; }}
table {{ border-collapse: collapse; }} td, th {{ padding: 0.25rem 1rem 0.25rem 0; text-align: left; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about}</p>
<table><thead><tr><th>part</th><th>pictures</th></tr></thead><tbody>
{parts}
</tbody></table>
<h2>Sets</h2>
<p>Each row shows one person in one crop, light and pose. The expressions are synthetic.</p>
{sheets}
</body>
</html>
"""
_QUALITY = 88


def write_viewer(folder: Path, title: str, about: str, parts: Mapping[str, int], sheets: Sequence[Path]) -> Path:
    """Writes `index.html` with contact sheets, which it turns into JPEGs beside it.

    Args:
        folder: where to; holds `sheets`, PNG files, which are removed.
        title, about: plain text.
        parts: pictures of each part of the set.
    """
    shown = []
    for number, sheet in enumerate(sheets, 1):
        picture = sheet.with_suffix(".jpg")
        with Image.open(sheet) as image:
            size = image.size
            image.convert("RGB").save(picture, quality=_QUALITY)
        sheet.unlink()
        shown.append(
            f'<img src="{html.escape(picture.name)}" width="{size[0]}" height="{size[1]}" loading="lazy" '
            f'alt="Contact sheet {number}: one person a row, one expression a column">'
        )
    rows = "\n".join(f"<tr><td>{html.escape(name)}</td><td>{count}</td></tr>" for name, count in parts.items())
    page = folder / "index.html"
    text = PAGE.format(title=html.escape(title), about=html.escape(about), parts=rows, sheets="\n".join(shown))
    page.write_text(text, encoding="utf-8")
    return page
