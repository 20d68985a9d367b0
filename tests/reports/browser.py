"""Chromium, driven over two pipes as its developer tools drive it: no driver, no port, no network."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are in nobody's way when others become descriptors 3 and 4."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return high


class Browser:
    """One headless Chromium with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        to_child, self._to = _high_pipe()
        self._from, from_child = _high_pipe()
        # Chromium reads orders from descriptor 3 and answers on descriptor 4.
        self._process = subprocess.Popen(
            [
                "bash", "-c", f'exec "$@" 3<&{to_child} 4>&{from_child}', "bash",
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--disable-background-networking", "--no-first-run", "--remote-debugging-pipe",
                f"--user-data-dir={profile}", "about:blank",
            ],
            pass_fds=(to_child, from_child), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._rest = b""
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        os.close(self._to)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        order: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            order["sessionId"] = session
        os.write(self._to, json.dumps(order).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def read(self) -> dict[str, Any]:
        """The next thing that the browser says."""
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser is gone"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, page: Path | str, width: int, height: int, *, dark: bool = False,
             phone: bool = False, script: bool = True) -> "Page":
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        shown = Page(self, session, target)
        for domain in ["Page", "Network", "Runtime", "Log"]:
            shown.call(f"{domain}.enable")
        shown.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=2 if phone else 1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        shown.call("Emulation.setEmulatedMedia", features=[scheme])
        shown.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        shown.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        shown.wait_for_event("Page.loadEventFired")
        return shown


class Page:
    """One page that is shown."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def wait_for_event(self, name: str) -> None:
        while not any(event.get("method") == name for event in self._browser.events):
            self._browser.events.append(self._browser.read())

    def evaluate(self, expression: str) -> Any:
        """What an expression gives. The developer tools are not bound by the page's policy."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """A click with the mouse, where the element is."""
        x, y = self.evaluate(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)});"
            " element.scrollIntoView({block: 'center'}); const box = element.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Types into a field."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def requests(self) -> list[str]:
        """Every address that the page asked for so far."""
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") == "Network.requestWillBeSent"
            and event.get("sessionId") == self._session
        ]

    def complaints(self) -> list[str]:
        """What the browser wrote to its console: errors, and what the page's policy forbade."""
        found = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            if event.get("method") == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
            if event.get("method") in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                found.append(json.dumps(event["params"]))
        return found

    def picture(self) -> bytes:
        """A PNG of the whole page, or of as much of it as anybody looks at."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return self.picture_of(0, 0, size["width"], min(size["height"], 4000), beyond=True)

    def picture_of(self, x: float, y: float, width: float, height: float,
                   beyond: bool = False) -> bytes:
        """A PNG of a part of the page; `beyond` what is shown, where it is asked for."""
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=beyond,
                           clip=clip)
        return base64.b64decode(answer["data"])
