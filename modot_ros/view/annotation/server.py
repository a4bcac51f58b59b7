# SPDX-License-Identifier: Apache-2.0
"""The annotation page over HTTP (FastAPI): an album's pictures out, strokes in.

Only the page itself may call: requests of other origins and, without a token, for other host names (DNS rebinding) are refused.
With a token every request needs it, in the address or in the cookie that the page's address leaves.
"""
from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from modot_ros.scene.drawing.prediction_files import png_bytes
from modot_ros.scene.strokes import RADIUS_PX, strokes_from_json
from modot_ros.view.annotation.album import Album, Outdated, Sheet

PAGE = Path(__file__).parent / "page"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
COOKIE = "modot_annotate"
MOST_BYTES = 4_000_000                                  # of a request: strokes of some hundred thousand points
BOUNDARY_BGRA = (0, 230, 255, 255)                      # yellow
HEADERS = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
           "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"}


def create_app(album: Album, token: str | None = None) -> FastAPI:
    """The page of an album; `token` is what every request has to know, None for the local machine alone."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        refusal = _refusal(request, token)
        response = JSONResponse({"detail": refusal[1]}, refusal[0]) if refusal else await call_next(request)
        response.headers.update(HEADERS)
        if token and not refusal and request.url.path == "/":
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    @app.exception_handler(Outdated)
    def outdated(_: Request, error: Outdated) -> Response:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(ValueError)
    def unusable(_: Request, error: ValueError) -> Response:
        return JSONResponse({"detail": str(error)}, 400)

    @app.get("/")
    def page() -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html")

    @app.get("/page.{ending}")
    def part(ending: str) -> Response:
        kinds = {"js": "text/javascript", "css": "text/css"}
        if ending not in kinds:
            return JSONResponse({"detail": "there is no such file"}, 404)
        return FileResponse(PAGE / f"page.{ending}", media_type=kinds[ending])

    @app.get("/api/pictures")
    def pictures() -> dict[str, Any]:
        return {"pictures": album.listing(), "radius_px": RADIUS_PX, "folder": album.folder.resolve().name,
                "model": album.predictor.name}

    @app.get("/api/pictures/{number}")
    def picture(number: int) -> dict[str, Any]:
        return _record(album, number, album.sheet(number))

    @app.get("/api/pictures/{number}/image")
    def image(number: int) -> Response:
        bgr = cv2.cvtColor(album.sheet(number).rgb, cv2.COLOR_RGB2BGR)
        return Response(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(), media_type="image/jpeg")

    @app.get("/api/pictures/{number}/boundary")
    def boundary(number: int, threshold: float) -> Response:
        mask = album.sheet(number).mask(threshold)
        drawn = np.zeros((*mask.shape, 4), np.uint8)
        drawn[mask] = BOUNDARY_BGRA
        return Response(png_bytes(drawn), media_type="image/png")

    @app.post("/api/pictures/{number}/apply")
    async def apply(number: int, request: Request) -> Any:
        content = await request.body()
        return await _in_thread(lambda: _record(album, number, _corrected(album, number, content)))

    @app.post("/api/pictures/{number}/undo")
    async def undo(number: int, request: Request) -> Any:
        content = await request.body()
        return await _in_thread(lambda: _record(album, number, album.undo(number, _numbers(content, "revision")[0])))

    return app


async def _in_thread(work: Any) -> Any:
    from starlette.concurrency import run_in_threadpool
    return await run_in_threadpool(work)


def _corrected(album: Album, number: int, content: bytes) -> Sheet:
    threshold, seconds, revision = _numbers(content, "threshold", "seconds", "revision")
    height, width = album.sheet(number).rgb.shape[:2]
    return album.correct(number, strokes_from_json(content, width, height), threshold, seconds, revision)


def _numbers(content: bytes, *names: str) -> list[Any]:
    """Numbers of a JSON object by their names. Raises ValueError naming what is none."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from error
    values = [found.get(name) if isinstance(found, dict) else None for name in names]
    for name, value in zip(names, values):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name} is {value!r}: must be a number")
    return values


def _record(album: Album, number: int, sheet: Sheet) -> dict[str, Any]:
    height, width = sheet.rgb.shape[:2]
    return {"number": number, "name": album.pictures[number].name, "width": width, "height": height,
            "strokes": [{"kind": stroke.kind, "radius_px": stroke.radius_px, "points": np.asarray(stroke.points_px).tolist()}
                        for stroke in sheet.strokes],
            "threshold": sheet.threshold, "seconds": sheet.seconds, "revision": sheet.revision, "saved": sheet.saved,
            "message": sheet.message, "undoable": len(sheet.past)}


def _refusal(request: Request, token: str | None) -> tuple[int, str] | None:
    """Status and reason for a request that is not answered."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return 403, f"requests of {origin} are refused: only this page may call"
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and request.url.path != "/":
        return 403, "requests of other pages are refused"
    if token is None and host.rpartition(":")[0] not in LOCAL_NAMES and host not in LOCAL_NAMES:
        return 403, f"host {host!r} is refused: the page is for this machine, start it with --host for others"
    if token is not None:
        given = request.query_params.get("token") or request.cookies.get(COOKIE) or ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            return 401, "the token is missing or wrong: open the address that modot annotate printed"
    length = request.headers.get("content-length", "0")
    if request.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return 415, "content must be application/json"
        if not length.isdecimal() or not 0 < int(length) <= MOST_BYTES:
            return 413, f"content has {length} bytes: at most {MOST_BYTES / 1e6:.0f} MB are taken"
    return None
