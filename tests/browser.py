"""Chromium without a window, driven through the DevTools protocol over a pipe."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page at a time. What it asked for and what it complained about is kept in `requests` and `complaints`."""

    def __init__(self, reading: int, writing: int) -> None:
        self._in, self._out = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
        self._number = 0
        self._target = self.session = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def close(self) -> None:
        self._in.close()
        with suppress(BrokenPipeError):
            self._out.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser ended"
            data += byte
        message: dict[str, Any] = json.loads(data)
        told, parameters = message.get("method"), message.get("params", {})
        if told == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif told == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif told == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        return message

    def open(self, page: Path | str, *, width: int = 1000, height: int = 1100) -> None:
        """Open a file or an address in place of the page before; nothing is known of that one any more."""
        before, self.session = self._target, ""
        if before:
            self.call("Target.closeTarget", targetId=before)
        self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        self.requests, self.complaints = [], []
        for domain in ("Runtime", "Network", "Log", "Page", "DOM"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=page.as_uri() if isinstance(page, Path) else page)
        self.wait("location.protocol !== 'about:' && document.readyState === 'complete'")

    def value(self, expression: str, *, gesture: bool = False) -> Any:
        """What an expression of JavaScript is, promises awaited."""
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=gesture
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str, limit_s: float = 60.0) -> Any:
        """The first value that is true."""
        end = time.monotonic() + limit_s
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"{expression}: {self.value('document.body.innerText')[:2000]}"
            time.sleep(0.1)
        return found

    def choose(self, selector: str, file: Path) -> None:
        """Give a file to an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        down = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


@contextmanager
def browser(folder: Path, *options: str) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`."""
    assert CHROMIUM is not None
    ours, theirs = os.pipe(), os.pipe()
    # The browser reads from 3 and writes to 4.
    reading, writing = (fcntl.fcntl(one, fcntl.F_DUPFD, 20) for one in (ours[0], theirs[1]))
    for one in (ours[0], theirs[1]):
        os.close(one)
    start = f"import os, sys; os.dup2({reading}, 3); os.dup2({writing}, 4); os.execv(sys.argv[1], sys.argv[1:])"
    command = [
        sys.executable, "-c", start, CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
        "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", *options, "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, pass_fds=(reading, writing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    for one in (reading, writing):
        os.close(one)
    found = Browser(theirs[0], ours[1])
    try:
        yield found
        found.session = ""
        found.call("Browser.close")
    finally:
        process.terminate()
        process.wait(30)
        found.close()
