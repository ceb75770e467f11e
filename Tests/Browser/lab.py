"""A JupyterLab of our own in a headless Chromium: both are started here and end with the block."""
import contextlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

from playwright.sync_api import sync_playwright

TOKEN = "vitrine-tests"
#: The notebook panel in front, in the page's own JavaScript.
PANEL = "window.jupyterapp.shell.currentWidget"


@contextlib.contextmanager
def server(log, theme="Light"):
    """A JupyterLab server with a data folder, settings and notebooks of its own; gives its address,
    the folder that it serves, and its environment. Its kernels end with it."""
    with contextlib.ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="vitrine-lab-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        root = base / "notebooks"
        root.mkdir()
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": f"{base}/config", "JUPYTER_DATA_DIR": f"{base}/data",
            "JUPYTER_RUNTIME_DIR": f"{base}/runtime", "JUPYTERLAB_SETTINGS_DIR": f"{base}/settings",
            "JUPYTERLAB_WORKSPACES_DIR": f"{base}/workspaces",
        }
        write_settings(base / "settings" / "@jupyterlab", theme)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
            "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None",
        ]
        output = stack.enter_context(open(log, "w"))
        process = subprocess.Popen(
            command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(end, process, port)
        for _ in range(300):
            assert process.poll() is None, Path(log).read_text()
            with contextlib.suppress(OSError):
                request(port, "/api/status")
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", root, environment


def write_settings(folder, theme):
    """The user's settings: the theme, every cell rendered, no news, no autosave."""
    settings = {
        "notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
        "apputils-extension/themes": {"theme": f"JupyterLab {theme}"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "docmanager-extension/plugin": {"autosave": False},
    }
    for name, value in settings.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))


def request(port, path, method="GET"):
    question = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, data=b"" if method == "POST" else None,
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(question, timeout=10) as answer:
        return answer.read()


def end(process, port):
    """Asks the server to end, which ends its kernels; insists where it does not."""
    with contextlib.suppress(OSError):
        request(port, "/api/shutdown", "POST")
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def browser():
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), headless=True,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb",
                  "--hide-scrollbars"],
        )
        yield chromium
        chromium.close()


def pixels(png):
    """The filtered pixel bytes of a PNG; those of a flat picture are nearly all equal."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    return zlib.decompress(data)


class Page:
    """A notebook opened in JupyterLab, and the list of everything that went wrong in the page."""

    def __init__(self, chromium, address, name, dark=False):
        self.problems = []
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light"
        )
        context.route("**/*", self._local_only)
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("response", self._response)
        self.page.on("crash", lambda _: self.problems.append("the page crashed"))
        self.page.goto(f"{address}/doc/tree/{name}?token={TOKEN}")
        self.page.wait_for_function(f"() => window.jupyterapp && {PANEL}?.content?.model?.cells")
        self.page.evaluate(f"async () => {{ await {PANEL}.context.ready; await {PANEL}.revealed; }}")
        self.wait_idle(90)

    def _local_only(self, route):
        url = route.request.url
        if re.match(r"(https?|wss?):", url) and not re.match(r"\w+://127\.0\.0\.1[:/]", url):
            self.problems.append(f"asked for {url}")
            route.abort()
        else:
            route.continue_()

    def _console(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _response(self, response):
        if response.status >= 400:
            self.problems.append(f"HTTP {response.status}: {response.url}")

    def wait_idle(self, timeout=300):
        """Waits until the notebook's kernel is idle."""
        self.page.wait_for_function(
            f"() => {PANEL}.context.sessionContext.kernelDisplayStatus === 'idle'",
            timeout=timeout * 1000,
        )

    def run_all(self, timeout=300):
        """Runs all cells to the end and saves the notebook."""
        self.page.set_default_timeout(timeout * 1000)
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_idle(timeout)
        self.page.wait_for_timeout(1000)
        self.page.evaluate(f"async () => {{ await {PANEL}.context.save(); }}")

    def cells(self):
        """What each code cell shows: its source, and its outputs' pictures and texts."""
        return self.page.evaluate(CELLS, PANEL)

    def html(self, cell):
        """The first output of a code cell as it is in the notebook."""
        return self.page.evaluate(
            f"i => [...{PANEL}.content.model.cells].filter(c => c.type === 'code')[i].outputs.get(0).toJSON().data['text/html']",
            cell)

    def drawn(self, cell):
        """Whether the first picture that a code cell shows, or else the first view that is made of
        text alone, has more in it than one flat colour."""
        outputs = self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-output")
        picture = outputs.locator("img:visible, canvas:visible, svg:visible").first
        if not picture.count():
            picture = outputs.locator(".vitrine-figure[data-live]:visible").first
        if not picture.count():
            return False
        picture.scroll_into_view_if_needed()
        return len(set(pixels(picture.screenshot()))) > 24

    def is_trusted(self):
        return self.page.evaluate(
            f"() => [...{PANEL}.content.model.cells].every(c => c.type !== 'code' || c.trusted)"
        )

    def screenshot(self, path):
        """A picture of the whole notebook: the window is made as high as its content."""
        scroller = ".jp-WindowedPanel-outer"
        extra = self.page.evaluate(
            "s => { const e = document.querySelector(s); return e.scrollHeight - e.clientHeight; }",
            scroller,
        )
        self.page.set_viewport_size({"width": 1280, "height": min(900 + extra, 12_000)})
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=path)
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def close(self):
        self.page.context.close()


CELLS = r"""
(panel) => {
  const size = e => { const r = e.getBoundingClientRect(); return [r.width, r.height]; };
  const all = (root, selector) => [...root.querySelectorAll(selector)].concat(
    ...[...root.querySelectorAll('*')].filter(e => e.shadowRoot).map(e => all(e.shadowRoot, selector)));
  const picture = e => ({
    tag: e.tagName.toLowerCase(), size: size(e), alt: e.getAttribute('alt'),
    natural: e.tagName === 'IMG' ? [e.naturalWidth, e.naturalHeight] : null});
  return eval(panel).content.widgets.filter(cell => cell.model.type === 'code').map(cell => ({
    source: cell.model.sharedModel.getSource(),
    count: cell.model.executionCount,
    outputs: [...cell.node.querySelectorAll('.jp-OutputArea-output')].map((output, i) => ({
      type: cell.model.outputs.get(i)?.type,
      html: cell.model.outputs.get(i)?.data?.['text/html'] ?? '',
      size: size(output), text: output.innerText,
      over: Math.max(0, ...all(output, 'canvas, img, svg').filter(e => e.getBoundingClientRect().width)
        .map(e => e.getBoundingClientRect().right - output.getBoundingClientRect().right)),
      figures: [...output.querySelectorAll('.vitrine-figure')]
        .filter(figure => figure.querySelector('script[type="application/json"]')).length,
      live: output.querySelectorAll('.vitrine-figure[data-live]').length,
      views: [...output.querySelectorAll('.vitrine-figure[data-live], .vitrine-figure[data-live] *')]
        .filter(e => e.shadowRoot?.childElementCount).map(size),
      pictures: all(output, 'img, canvas, svg').map(picture)}))}));
}
"""
