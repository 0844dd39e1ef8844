"""What Lighthouse says of the editor for browsers: accessibility, best practices and SEO, from 0 to 100.

    python benchmarks/web_lighthouse.py [FOLDER]

FOLDER is what `sargan export --web` wrote; without it one is made. It is served on loopback. Needs Node.js: npx fetches
Lighthouse at the version below. Ends with status 1 where accessibility or best practices are below 95, and prints what fails.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from sargan_hf.commands.export import write_web
from sargan_hf.model_source import DEFAULT_MODEL
from sargan_hf.web.static_server import static_server

LIGHTHOUSE = "lighthouse@13.5.0"
LEAST = {"accessibility": 95, "best-practices": 95, "seo": 0}


def report(address: str, output: Path) -> dict:
    """Lighthouse's report on a page."""
    command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json", f"--output-path={output}"]
    command += [f"--only-categories={','.join(LEAST)}", "--max-wait-for-load=120000"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or ""
    subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": chromium})
    return json.loads(output.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch, "web")
        if arguments.folder is None:
            write_web(DEFAULT_MODEL, folder)
        with static_server(folder, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            found = report(f"http://127.0.0.1:{server.server_address[1]}/", Path(scratch, "report.json"))
            server.shutdown()
    scores = {name: round(100 * found["categories"][name]["score"]) for name in LEAST}
    for name, score in scores.items():
        print(f"{name}: {score}")
        for audit in found["categories"][name]["auditRefs"]:
            result = found["audits"][audit["id"]]
            if result["score"] is not None and result["score"] < 1:
                print(f"  {audit['id']}: {result['title']}")
    sys.exit(any(scores[name] < least for name, least in LEAST.items()))


if __name__ == "__main__":
    main()
