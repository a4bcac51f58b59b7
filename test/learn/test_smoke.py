# SPDX-License-Identifier: Apache-2.0
"""The whole way from rendering to the report, as small as it gets."""
import json

from modot_ros import cli
from modot_ros.learn import smoke


def test_a_complete_tiny_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(smoke, "WIDTH", 64), monkeypatch.setattr(smoke, "HEIGHT", 64)
    small = smoke.smoke
    monkeypatch.setattr(smoke, "smoke", lambda output, threads, progress: small(output, 4, 3, 2, threads, progress))
    assert cli.main(["train", "--smoke", "-o", str(tmp_path), "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["pictures"] == 2 and 0 <= found["delta1"] <= 1 and 0 <= found["doobnet_ods"] <= 1
    for path in ("training/modot_nano.safetensors", "training/log.jsonl", "training/samples/0000003.png",
                 "report/results.md", "report/shards_pictures.csv"):
        assert (tmp_path / path).is_file(), path
