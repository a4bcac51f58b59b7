# SPDX-License-Identifier: Apache-2.0
"""The training of `nearness`: looks at two rooms, batches by hand, and a network that learns what decides."""
import numpy as np
import pytest
import torch

from modot_ros.learn.orders.nearness_training import (
    FARTHER,
    NEARER,
    NONE,
    SAME,
    Looks,
    batches,
    collect,
    fresh_weights,
    load_looks,
    log_odds,
    look,
    second_look,
    train,
    whdr,
    write_weights,
)
from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view, write_shard
from modot_ros.predictor import Predictor
from modot_ros.scene.order.depth_order import LEVEL, MEDIANS
from modot_ros.scene.order.nearness import shipped_weights
from modot_ros.scene.order.pair_features import INSTANCE_FEATURES, PAIR_FEATURES


@pytest.fixture(scope="module")
def predictor():
    return Predictor(device="cpu", max_instances=65535)


def drawn(seed: int, looks: int) -> Looks:
    """Looks in which the eighth number of an instance, and nothing else, tells its depth."""
    rng = np.random.default_rng(seed)
    count = rng.integers(2, 6, looks)
    features = rng.normal(size=(count.sum(), INSTANCE_FEATURES)).astype(np.float32)
    log_depth, first, order = 0.5 * features[:, 7], 0, []
    for n in count:
        gap = log_depth[None, first:first + n] - log_depth[first:first + n, None]
        order.append(np.select([np.eye(n, dtype=bool), np.abs(gap) < 0.05, gap > 0], [NONE, SAME, NEARER], FARTHER).ravel())
        first += n
    return Looks(count, features.astype(np.float16), np.zeros(((count ** 2).sum(), PAIR_FEATURES), np.float16),
                 np.concatenate(order).astype(np.int8), log_depth.astype(np.float32))


def test_a_look_has_the_true_orders_and_what_the_library_hears(predictor):
    view = training_view(2_000_000_003)
    features, pairs, order, log_depth = look(predictor, view.rgb, view.K[0, 0] / 256, view.labels, view.depth_m)
    ids = np.unique(view.labels)[1:].tolist()
    assert features.shape == (len(ids), INSTANCE_FEATURES) and pairs.shape == (len(ids), len(ids), PAIR_FEATURES)
    np.testing.assert_allclose(np.exp(log_depth), [np.median(view.depth_m[view.labels == i]) for i in ids])
    for near, far, equal, _ in view.depth_orders:
        a, b = ids.index(near), ids.index(far)
        assert (order[a, b], order[b, a]) == ((SAME, SAME) if equal else (NEARER, FARTHER))
    assert (np.diag(order) == NONE).all()
    # what the graph says is what training calls the likeliest, with the package's weights
    found = predictor.predict(view.rgb, float(view.K[0, 0]), view.labels)
    weights = {name: torch.from_numpy(value) for name, value in shipped_weights().items()}
    (batch,) = batches([(features, pairs, order, log_depth)], 1)
    said = log_odds(weights, batch)[0][0].softmax(-1).numpy()
    for one in found.graph.depths:
        a, b = ids.index(one.near), ids.index(one.far)
        assert said[a, b].argmax() == (SAME if one.equal else NEARER)
        assert said[a, b].max() == pytest.approx(one.confidence, abs=2e-3)
    assert look(predictor, view.rgb, 0.8, np.zeros_like(view.labels), view.depth_m) is None
    regions = look(predictor, view.rgb, view.K[0, 0] / 256, None, view.depth_m)
    found = predictor.predict(view.rgb, float(view.K[0, 0])).labels
    np.testing.assert_allclose(np.exp(regions[3]), [np.median(view.depth_m[found == i]) for i in np.unique(found)[1:]])


def test_a_second_look_keeps_pictures_labels_and_depth_together():
    height, width = 96, 128
    depth_m = np.tile(1 + np.arange(width, dtype=np.float32) / width, (height, 1))
    labels = 1 + (np.arange(width) >= width // 2)[None].repeat(height, 0).astype(np.uint16)
    rgb = np.repeat((labels * 100).astype(np.uint8)[..., None], 3, 2)
    focals = set()
    for seed in range(12):
        seen, focal, ids, depths = second_look(np.random.default_rng(seed), rgb, 0.8, labels, depth_m)
        assert seen.shape == rgb.shape and seen.dtype == np.uint8 and ids.shape == depths.shape == labels.shape
        assert ((depths < 1.5) == (ids == 1)).mean() > 0.98
        if len(np.unique(ids)) == 2:
            assert np.median(seen[ids == 1]) < np.median(seen[ids == 2])
        span = float(depths.max() - depths.min())
        assert focal == pytest.approx(0.8 / max(span, 0.5), rel=0.05)           # what is enlarged has a longer lens
        focals.add(round(focal, 2))
    assert len(focals) > 4


def test_looks_are_collected_once_and_say_what_is_missing(tmp_path):
    shard = write_shard(tmp_path / "rooms_00003.npz", FIRST_SEED["train"], 8, 64, 64, instances=True)
    (path,) = collect([shard], tmp_path / "looks", "both")
    written = path.stat().st_mtime_ns
    done = []
    assert collect([shard], tmp_path / "looks", "both", progress=lambda *at: done.append(at)) == [path]
    assert path.stat().st_mtime_ns == written and not done
    looks = load_looks([path, path])
    once = load_looks([path])
    assert len(looks.count) == 2 * len(once.count) and 8 < len(once.count) <= 16
    total = 0
    for features, pairs, order, log_depth in looks.each():
        n = len(features)
        assert pairs.shape == (n, n, PAIR_FEATURES) and order.shape == (n, n) and log_depth.shape == (n,)
        total += n
    assert total == len(looks.features)
    regions = load_looks(collect([shard], tmp_path / "regions", "regions"))     # other features, as others were found
    assert len(regions.count) <= 8 and not np.isin(regions.features[:, 0], once.features[:, 0]).all()
    bare = write_shard(tmp_path / "bare_00003.npz", FIRST_SEED["train"], 1, 32, 32)
    with pytest.raises(ValueError, match="has no instances"):
        collect([bare], tmp_path / "none", "whole")
    (tmp_path / "torn.npz").write_bytes(b"no archive")
    empty = write_shard(tmp_path / "empty_00003.npz", FIRST_SEED["train"], 1, 32, 32, instances=True)
    with np.load(empty) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(empty, **{**arrays, "labels": np.zeros_like(arrays["labels"])})
    with pytest.raises(ValueError, match="shows two instances nowhere"):
        collect([empty], tmp_path / "none", "whole")
    with pytest.raises(ValueError, match="torn.npz can't be read"):
        load_looks([tmp_path / "torn.npz"])
    with pytest.raises(ValueError, match="at least one"):
        load_looks([])
    with pytest.raises(ValueError, match="kind is 'all': choose one of whole, both, regions"):
        collect([shard], tmp_path / "none", "all")


def test_batches_hold_every_look_once_and_each_pair_once():
    looks = list(drawn(0, 50).each())
    numbers = {}
    for rng in (None, np.random.default_rng(1)):
        rows, numbers[rng is None] = [], []
        for batch in batches(looks, 8, rng):
            there = batch.hide[:, 0, 0] == 0
            n = there.sum(1)
            assert (n > 1).all() and ((batch.order != NONE).sum((1, 2)) == n * (n - 1) // 2).all()
            assert (batch.features[~there] == 0).all()
            rows += batch.features[:, 0, 0].tolist()
            numbers[rng is None] += n.tolist()
        first = {float(thing) for features, *_ in looks for thing in features[:, 0]}
        assert len(rows) == 50 and set(rows) <= first
    assert sorted(numbers[True]) == sorted(len(features) for features, *_ in looks)
    assert 0.8 * sum(numbers[True]) < sum(numbers[False]) < sum(numbers[True])      # some were left out


def test_the_rule_speaks_beside_the_network():
    looks = drawn(0, 3)
    weights = fresh_weights(looks.features.astype(np.float32), 0)
    weights["between"] = weights["between"] * 0                     # the network does not hear the pairs' cues
    (batch,) = batches(list(looks.each()), 3)
    without, _ = log_odds(weights, batch)
    batch.pairs[..., 0], batch.pairs[..., 5] = 1, 0.5               # medians, and how level
    found, _ = log_odds(weights, batch)
    np.testing.assert_allclose((found - without)[0, 0, 1], [MEDIANS / 2, -MEDIANS / 2, LEVEL / 2], rtol=1e-4)


def test_training_finds_what_tells_depth(tmp_path):
    said = []
    weights = train(drawn(0, 400), drawn(1, 60), 12, progress=lambda *at: said.append(at))
    assert [epoch for epoch, *_ in said] == list(range(1, 13))
    assert said[-1][1] < 0.6 * said[0][1] and said[-1][2] < 0.3
    stored = write_weights(weights, tmp_path / "w.npz")
    with np.load(stored) as again:
        assert set(again.files) == set(weights) and again["enter1"].dtype == np.float16
        kept = {name: torch.from_numpy(again[name].astype(np.float32)) for name in again.files}
    assert whdr(kept, list(drawn(1, 60).each())) == pytest.approx(said[-1][2], abs=0.03)
    with pytest.raises(ValueError, match="epochs is 0"):
        train(drawn(0, 4), drawn(1, 4), 0)


def test_the_same_seed_trains_the_same():
    one, other = (train(drawn(0, 60), drawn(1, 10), 1, seed=4) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)
