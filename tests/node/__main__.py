"""`python -m tests.node`: the official Node packages, unpatched, against recorded answers through a router on a socket.

Python reads the recordings and says what must be heard; `clients.test.js` asks and compares.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.front.test_sdk_matrix import UPSTREAMS, of
from tests.replay.fronts import CHAT, FRONTS, Front, sayable
from tests.replay.reading import read
from tests.replay.recordings import ABSENT, Recording, recordings
from tests.replay.replay import model_of, replaying

HERE = Path(__file__).parent
OLDEST = 20
"""The major version of Node that the packages need."""
_HOW = f"install Node {OLDEST} or later with npm (nodejs.org, or Debian: apt-get install nodejs npm)"


def missing() -> str | None:
    """Why nothing can be run here; None where it can."""
    if not recordings():
        return ABSENT
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"no node or no npm: {_HOW}"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"v(\d+)", said)
    return None if found and int(found[1]) >= OLDEST else f"node is {said}: {_HOW}"


def case(front: Front, number: int, recording: Recording) -> dict[str, Any]:
    """What one recording must be heard as at this front end."""
    said = read(recording)
    first = sayable(front, said)[0]
    ending = "stop" if front is CHAT and first.finish == "refused" else first.finish
    return {
        "id": recording.id,
        "front": front.name,
        "streamed": recording.streamed,
        "model": model_of(number),
        "text": first.text + first.refusal,
        "calls": [[call.name, call.arguments] for call in first.calls],
        "ending": front.endings[ending],
        "usage": said.usage and [said.usage.input, said.usage.output],
    }


def run(home: Path) -> int:
    """The exit status of the Node tests, asked of one router that serves every upstream."""
    found = [one for upstream in UPSTREAMS for streamed in (False, True) for one in of(upstream, streamed=streamed)]
    told = home / "cases.json"
    told.write_text(json.dumps([case(front, number, one) for front in FRONTS for number, one in enumerate(found)]))
    return asyncio.run(_ask(found, told))


async def _ask(found: list[Recording], told: Path) -> int:
    async with replaying(found, told.parent) as router:
        env = {**os.environ, "POINTSMAN_URL": router.url, "POINTSMAN_CASES": str(told)}
        node = await asyncio.create_subprocess_exec("node", "--test", "clients.test.js", cwd=HERE, env=env)
        return await node.wait()


def main() -> int:
    """The exit status; 0 with the reason where it is skipped."""
    if why := missing():
        print(f"skipped: {why}")
        return 0
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    with TemporaryDirectory() as home:
        return run(Path(home))


if __name__ == "__main__":
    sys.exit(main())
