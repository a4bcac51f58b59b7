# SPDX-License-Identifier: Apache-2.0
"""Offline work on a Ray cluster of two raylets on this machine; without Ray only that its lack is said."""
import sys
import time

import pytest

from modot_ros.cli.main import main
from modot_ros.engine.cluster import RayExecutor, cluster
from modot_ros.learn.synthetic.shards import write_shards

pytestmark = pytest.mark.xdist_group("ray")


def test_without_ray_the_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["train", "-o", str(tmp_path), "--views", "1", "--steps", "1", "--ray", "auto"]) == 2
    assert "--ray needs the package ray: pip install modot_ros[serve]" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.npz"))


def test_without_an_address_there_is_no_executor():
    with cluster(None) as executor:
        assert executor is None


@pytest.fixture(scope="module")
def two_raylets():
    """The cluster's address, and what ends its second machine."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install .[serve]")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = made.add_node(num_cpus=1)
    yield made.address, lambda: made.remove_node(second, allow_graceful=False)
    made.shutdown()


def test_shards_of_two_raylets_are_those_of_this_process_and_missing_ones_are_made_again(two_raylets, tmp_path, monkeypatch):
    monkeypatch.setattr("modot_ros.learn.synthetic.shards.VIEWS_PER_SHARD", 2)
    local = write_shards(tmp_path / "local", "train", 6, 32, 32, first=2)
    with cluster(two_raylets[0]) as executor:
        found = write_shards(tmp_path / "ray", "train", 6, 32, 32, first=2, executor=executor)
        kept = found[0].stat().st_mtime_ns
        found[1].unlink()
        assert write_shards(tmp_path / "ray", "train", 6, 32, 32, first=2, executor=executor) == found
    assert [path.name for path in found] == [path.name for path in local] and found[0].stat().st_mtime_ns == kept
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in local]
    assert not list(tmp_path.rglob("*.partial"))


def test_work_of_a_raylet_that_dies_is_done_by_the_other(two_raylets):
    """Last of this file: the second raylet is gone."""
    address, end_second = two_raylets

    def where(seconds):                                 # inside, so that Ray sends it along: it can't import this file
        import ray

        time.sleep(seconds)
        return ray.get_runtime_context().get_node_id()

    def fail():
        raise ValueError("no such room")
    with RayExecutor(address) as executor:
        with pytest.raises(ValueError, match="no such room"):
            executor.submit(fail).result(60)
        assert len({job.result(60) for job in [executor.submit(where, 1.0) for _ in range(4)]}) == 2
        jobs = [executor.submit(where, 2.0) for _ in range(4)]
        time.sleep(1.0)
        end_second()
        assert len({job.result(120) for job in jobs[-2:]}) == 1
        assert all(job.result(120) for job in jobs)
