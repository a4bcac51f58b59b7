# SPDX-License-Identifier: Apache-2.0
"""A live page: Rerun's web viewer in a process of its own, and the stream of frames into it.

Whoever logs only hands arrays to a thread of the Rerun library; the server process keeps the newest of them and serves
browsers. It listens on this machine's loopback address alone.
"""
from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from modot_ros.view.frame import FrameView
from modot_ros.view.layout import layout
from modot_ros.view.log import log_frame

HOST = "127.0.0.1"
MEMORY = "400MB"                                        # of frames that the server keeps for a browser that comes late
STARTING_S, FLUSHING_S = 20.0, 10.0


class Page:
    """Use it as a context. `url` is what to open in a browser.

    port   of the page; 0 takes a free one
    save   path of a .rrd file that keeps everything as well; None = none
    serve  False: only the file
    Raises ModuleNotFoundError without `rerun-sdk`, ValueError when nothing would come of it, OSError when the server doesn't
    start or the file can't be written.
    """

    def __init__(self, port: int = 0, save: Path | None = None, serve: bool = True, title: str = "modot") -> None:
        if not serve and save is None:
            raise ValueError("neither a page nor a file is wanted: give a path to save")
        try:
            import rerun
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"the live page needs `pip install rerun-sdk` ({error}); in a checkout `make view` does it",
                                      name=error.name) from error
        self.url = ""
        self.frames = 0
        self.logged: set[str] = set()                   # entities that the page has, for the layout
        self._server: subprocess.Popen | None = None
        self._stream = rerun.RecordingStream(title)
        self._rerun = rerun
        self._laid_out: frozenset[str] = frozenset()
        sinks = []
        if save is not None:
            try:
                save.parent.mkdir(parents=True, exist_ok=True)
                save.open("wb").close()
            except OSError as error:
                raise OSError(error.errno, f"{str(save)!r} can't be written: {error.strerror}") from error
            sinks.append(rerun.FileSink(str(save)))
        if serve:
            sinks.append(rerun.GrpcSink(self._start_server(port)))
        self._stream.set_sinks(*sinks)

    def _start_server(self, port: int) -> str:
        """Starts the process and returns the address for frames."""
        page_port, frame_port = port or free_port(), free_port()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, page_port))
            except OSError as error:
                raise OSError(error.errno, f"port {page_port} of the page can't be used ({error.strerror}): choose another one, "
                              "or 0") from error
        import rerun_cli
        # the program itself: its Python wrapper would leave it running when it is terminated
        command = [str(Path(rerun_cli.__file__).parent / "rerun"), "--serve-web", "--bind", HOST, "--web-viewer-port",
                   str(page_port), "--port", str(frame_port), "--server-memory-limit", MEMORY]
        if shutil.which("setpriv"):                     # of util-linux: the server ends with this process, however that ends
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        start_new_session=True, text=True)
        try:
            for one in (page_port, frame_port):
                self._wait_for(one)
        except OSError:
            self._stop_server()
            raise
        frames = f"rerun+http://{HOST}:{frame_port}/proxy"
        self.url = f"http://{HOST}:{page_port}/?url={quote(frames, safe='')}"
        return frames

    def _wait_for(self, port: int) -> None:
        assert self._server is not None
        end_s = time.monotonic() + STARTING_S
        while time.monotonic() < end_s:
            if self._server.poll() is not None:
                said = self._server.stderr.read().strip() if self._server.stderr else ""
                raise OSError(f"the page's server ended with code {self._server.returncode}: {said[-500:]}")
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return
            time.sleep(0.05)
        raise OSError(f"the page's server did not listen on port {port} after {STARTING_S:.0f} s")

    def show(self, frame: FrameView) -> None:
        """Adds a frame; the layout follows what frames have. Raises OSError when the server has ended."""
        if self._server is not None and self._server.poll() is not None:
            raise OSError(f"the page's server ended with code {self._server.returncode}")
        self._stream.set_time("frame", sequence=self.frames)
        self._stream.set_time("time", duration=frame.time_s)
        self.logged |= log_frame(self._stream, frame)
        if self.logged != self._laid_out:
            self._laid_out = frozenset(self.logged)
            self._stream.send_blueprint(layout(self._laid_out), make_active=True, make_default=True)
        self.frames += 1

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._stream.disconnect()
        self._stop_server()

    def _flush(self) -> None:
        """All that was logged is with the server and in the file, unless the server is gone."""
        try:
            self._stream.flush(timeout_sec=FLUSHING_S)
        except RuntimeError as error:
            print(f"the page did not take all frames: {error}", file=sys.stderr)

    def wait(self) -> None:
        """Until the server ends, which an interrupt makes it do."""
        if self._server is not None:
            self._flush()
            self._server.wait()

    def _stop_server(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        if self._server is not None and self._server.stderr is not None:
            self._server.stderr.close()


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
