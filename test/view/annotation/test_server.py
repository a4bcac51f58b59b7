# SPDX-License-Identifier: Apache-2.0
"""The page over HTTP: what it gives, what it takes, and whom it refuses."""
import cv2
import numpy as np
import pytest

testclient = pytest.importorskip("starlette.testclient")
server = pytest.importorskip("modot_ros.view.annotation.server")

from modot_ros.view.annotation.album import Album  # noqa: E402

LOCAL = "http://127.0.0.1:8600"
STROKE = {"kind": "missing", "points": [[20, 20], [80, 60]], "radius_px": 4}


@pytest.fixture
def album(folder, scribbler) -> Album:
    return Album(folder, scribbler)


@pytest.fixture
def client(album):
    return testclient.TestClient(server.create_app(album), base_url=LOCAL, raise_server_exceptions=False)


def correction(**other) -> dict:
    return {"width": 160, "height": 120, "strokes": [STROKE], "threshold": 0.6, "seconds": 2.5, "revision": 0, **other}


def picture_of(answer, flags):
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), flags)


def test_the_page_and_its_parts_are_there(client):
    page = client.get("/")
    assert page.status_code == 200 and "/page.js" in page.text and "default-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/page.css").status_code == 200 and client.get("/page.py").status_code == 404


def test_a_picture_is_opened_corrected_and_taken_back(client, album):
    listed = client.get("/api/pictures").json()
    assert [one["name"] for one in listed["pictures"]] == ["a.jpg", "b.png", "c.png"] and listed["radius_px"] == 12
    opened = client.get("/api/pictures/1").json()
    assert (opened["width"], opened["height"], opened["revision"], opened["strokes"]) == (160, 120, 0, [])
    assert picture_of(client.get("/api/pictures/1/image"), 1).shape == (120, 160, 3)
    drawn = picture_of(client.get("/api/pictures/1/boundary?threshold=0.6"), -1)
    np.testing.assert_array_equal(drawn[:, :, 3] > 0, album.sheet(1).mask(0.6))

    applied = client.post("/api/pictures/1/apply", json=correction()).json()
    assert applied["revision"] == 1 and applied["saved"] and applied["undoable"] == 1
    assert applied["strokes"] == [{**STROKE, "points": [[20.0, 20.0], [80.0, 60.0]]}] and applied["seconds"] == 2.5
    assert client.get("/api/pictures").json()["pictures"][1] == {"name": "b.png", "done": True, "seconds": 2.5}
    assert client.post("/api/pictures/1/undo", json={"revision": 1}).json()["strokes"] == []


def test_two_pages_on_one_picture_are_told_apart(client):
    assert client.post("/api/pictures/0/apply", json=correction()).status_code == 200
    late = client.post("/api/pictures/0/apply", json=correction())
    assert late.status_code == 409 and "corrected in another page" in late.json()["detail"]


@pytest.mark.parametrize("content, said", [
    (correction(width=3), "strokes of a picture of 3x120"), (correction(strokes=None), "no strokes"),
    (correction(threshold="high"), "threshold is 'high'"), (correction(revision=None), "revision is None"),
    (correction(strokes=[{**STROKE, "points": [[5, 5], [500, 5]]}]), "stroke 1 .missing.: point 2 is .500.0, 5.0., outside"),
    ([1], "threshold is None")])
def test_what_can_not_be_applied_is_said(client, content, said):
    answer = client.post("/api/pictures/0/apply", json=content)
    assert answer.status_code == 400
    import re
    assert re.search(said, answer.json()["detail"])
    assert client.get("/api/pictures/0").json()["revision"] == 0


def test_what_is_no_json_and_what_is_too_large_is_refused(client):
    json_type = {"content-type": "application/json"}
    nan = '{"width": 160, "height": 120, "strokes": [{"kind": "missing", "points": [[NaN, 2], [3, 4]]}], ' \
          '"threshold": 0.5, "seconds": 1, "revision": 0}'
    for content, status, said in (("{", 400, "no JSON"), (nan, 400, "must be finite"), ("", 413, "0 bytes"),
                                  (" " * 4_000_001, 413, "at most 4 MB")):
        answer = client.post("/api/pictures/0/apply", content=content, headers=json_type)
        assert answer.status_code == status and said in answer.json()["detail"]
    form = client.post("/api/pictures/0/apply", data={"a": "b"})
    assert form.status_code == 415
    assert client.get("/api/pictures/9").status_code == 400 and client.get("/api/pictures/x").status_code == 422
    assert client.get("/api/pictures/0/boundary?threshold=2").status_code == 400


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
                                     {"host": "evil.example:8600"}])
def test_other_origins_and_names_are_refused(client, folder, headers):
    for answer in (client.get("/api/pictures", headers=headers), client.get("/api/pictures/0/image", headers=headers),
                   client.post("/api/pictures/0/apply", json=correction(), headers=headers)):
        assert answer.status_code == 403 and "refused" in answer.json()["detail"]
    assert not (folder / "a_strokes.json").exists()
    same = {"origin": LOCAL, "sec-fetch-site": "same-origin"}
    assert client.post("/api/pictures/0/apply", json=correction(), headers=same).status_code == 200


def test_with_a_token_nobody_else_gets_in(album):
    base = "http://robot.lan:8600"
    client = testclient.TestClient(server.create_app(album, "secret"), base_url=base)
    for path in ("/", "/page.js", "/api/pictures", "/?token=wrong", "/?token="):
        assert client.get(path).status_code == 401, path
    assert client.get("/?token=secret").status_code == 200           # and leaves its cookie
    assert client.get("/api/pictures").status_code == 200
    assert client.get("/page.js", headers={"origin": "http://evil.example"}).status_code == 403
