# SPDX-License-Identifier: Apache-2.0
"""Orders of all pairs: the official ones, the ones that one pair at a time gives, and decisions worked out by hand."""
import numpy as np
import pytest
import torch

from modot_ros.model import build_network, order_pairs
from modot_ros.model.instaorder.pair_input import enlarged_box, mask_box, pair_window, patch_input, whole_input
from modot_ros.model.instaorder.pair_orders import orders_of, pair_logits, touching

TINY = {"planes": 4, "blocks": (1, 1, 1, 1)}
TINY_DEPTH = {**TINY, "groups": 2, "channels": 8, "order_blocks": (1, 1, 1, 1)}
CONFIGS = {"instaordernet_o": TINY, "instaordernet_d": TINY, "instaordernet_od": TINY, "ordernet": TINY,
           "ordernet_ext": TINY, "instadepthnet_d": TINY_DEPTH, "instadepthnet_od": TINY_DEPTH}


@pytest.fixture(scope="module")
def scene(order_golden):
    """Picture, masks and boxes of the goldens' pipelines."""
    with np.load(order_golden.folder / "pipe_scene.npz") as file:
        return file["image"], file["masks"], file["boxes"]


def with_head(network, golden):
    """The network with the head that a golden was made with."""
    head = {key.removeprefix("override/"): torch.from_numpy(golden[key])
            for key in golden.files if key.startswith("override/")}
    torch.nn.Module.load_state_dict(network, head, strict=False, assign=True)
    return network.requires_grad_(False)


# The first instances of a golden's scene have the orders that they have among all.
@pytest.mark.parametrize("name, file, count, options, atol", [
    ("instaordernet_o", "o_patch256_all", 3, {}, 1e-3),
    ("instaordernet_o", "o_image64_nbor", 5, {"mode": "image", "size": 64, "pairs": "nbor"}, 1e-3),
    ("instaordernet_o", "o_resize64_nbor", 5, {"mode": "resize", "size": 64, "pairs": "nbor"}, 1e-3),
    ("instaordernet_o", "o_orig64_nbor", 5, {"mode": "orig", "size": 64, "pairs": "nbor"}, 1e-3),
    ("instaordernet_d", "d_resize384_all", 3, {}, 1e-3),
    ("ordernet_ext", "ordernet_ext_patch64", 5, {"size": 64}, None),
    ("instadepthnet_d", "depthd_resize384_all", 3, {}, 5e-3)])
def test_orders_are_the_official_ones(order_golden, order_network, scene, monkeypatch, name, file, count, options,
                                      atol):
    rgb, masks, boxes = scene[0], scene[1][:count], scene[2][:count]
    seen = []

    def kept(*arguments):
        seen.append((pair_logits(*arguments), arguments[4]))
        return seen[-1][0]
    monkeypatch.setattr("modot_ros.model.instaorder.pair_orders.pair_logits", kept)
    with np.load(order_golden.folder / f"pipe_{file}.npz") as golden:
        found = order_pairs(with_head(order_network(name), golden), rgb, masks, boxes, **options)
        for key, orders in (("occ_order", found.occlusion), ("depth_order", found.depth)):
            assert (key in golden.files) == (orders is not None)
            if orders is not None:
                np.testing.assert_array_equal(orders, golden[key][:count, :count])
        if atol is not None:
            (logits, index), = seen
            total = len(golden["occ_order" if "occ_order" in golden.files else "depth_order"])
            every = touching(scene[1][:total]) if options.get("pairs") == "nbor" else np.ones((total, total))
            run = np.argwhere(np.triu(every, 1)).tolist()           # the pairs that the golden's loop has run
            expected = golden["logits/fc"].reshape(len(run), 2, -1)[[run.index(pair) for pair in index.tolist()]]
            np.testing.assert_allclose(next(iter(logits.values())), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("name, statistic, key", [
    ("instadepthnet_d", "median", "median"), ("instadepthnet_d", "mean", "mean"), ("midas_v21", None, "midas_median"),
    ("midas_v21", "mean", "midas_mean")])
def test_orders_by_disparity_are_the_official_ones(order_golden, order_network, scene, name, statistic, key):
    with np.load(order_golden.folder / "pipe_disp_select192.npz") as golden:
        found = order_pairs(order_network(name), *scene, size=192, disparity=statistic)
        np.testing.assert_array_equal(found.depth, golden[f"{key}/depth_order"])
        assert found.occlusion is found.occlusion_probability is found.depth_probability is None


@pytest.fixture(scope="module")
def room():
    """Picture 50x70, four masks of which 0 and 1 touch, and boxes with fractions, one of them at the border."""
    rgb = np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)
    masks = np.zeros((4, 50, 70), np.uint8)
    masks[0, 5:25, 10:30] = masks[1, 25:40, 15:40] = masks[2, 0:9, 50:70] = masks[3, 44:50, 0:6] = 1
    boxes = np.array([mask_box(mask) for mask in masks]) + np.array([0.3, 0.6, -0.2, 0.4])
    return rgb, masks, boxes


def one_by_one(network, rgb, masks, boxes, mode, size):
    """Official probabilities of the pairs in turn: two whole forward passes of one picture each."""
    found = []
    squares = [enlarged_box(box) for box in boxes]
    for a in range(len(masks)):
        for b in range(a + 1, len(masks)):
            if mode == "patch":
                picture, pair = patch_input(rgb, masks[a], masks[b], pair_window(squares[a], squares[b]), size)
                picture, pair = picture[None], pair[None].float()
            else:
                picture, every = whole_input(rgb, masks, mode, size)
                pair = every[[a, b]][None].float()
            passes = []
            for shown in (pair, pair.flip(1)):
                if hasattr(network, "pretrained"):
                    _, depth, occlusion = network(picture, shown[:, :1], shown[:, 1:])
                    passes.append({"depth": depth, "occlusion": occlusion})
                else:
                    out = network(torch.cat([shown, picture], dim=1))
                    passes.append(dict(zip(network.classes, out if isinstance(out, tuple) else (out,))))
            found.append(((a, b), *passes))
    return found


@pytest.mark.parametrize("mode", ["patch", "resize", "image", "orig"])
@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_many_pairs_at_once_get_the_answers_of_one_pair_at_a_time(lively, room, name, mode):
    network = lively(build_network(name, **CONFIGS[name]))
    found = order_pairs(network, *room, mode=mode, size=64)
    for (a, b), ab, ba in one_by_one(network, *room, mode, 64):
        if "occlusion" in network.classes:
            p, q = ab["occlusion"][0].sigmoid(), ba["occlusion"][0].sigmoid()
            for (i, j), expected in (((a, b), (p[1] + q[0]) / 2), ((b, a), (p[0] + q[1]) / 2)):
                assert found.occlusion_probability[i, j] == pytest.approx(float(expected), abs=1e-5)
                assert found.occlusion[i, j] == (expected > 0.5)
        if "class" in network.classes:
            p, q = ab["class"][0].softmax(0), ba["class"][0].softmax(0)
            over, under, neither = (p[1] + q[0]) / 2, (p[0] + q[1]) / 2, (p[2] + q[2]) / 2
            both = (p[3] + q[3]) / 2 if len(p) > 3 else 0.0
            answer = max((over, (1, 0)), (under, (0, 1)), (neither, (0, 0)), (both, (1, 1)), key=lambda x: x[0])[1]
            assert (found.occlusion[a, b], found.occlusion[b, a]) == answer
            assert found.occlusion_probability[a, b] == pytest.approx(float(over + both), abs=1e-5)
        if "depth" in network.classes:
            p, q = ab["depth"][0].softmax(0), ba["depth"][0].softmax(0)
            expected = [(p[0] + q[1]) / 2, (p[1] + q[0]) / 2, (p[2] + q[2]) / 2]
            np.testing.assert_allclose(found.depth_probability[a, b], expected, atol=1e-5)
            np.testing.assert_allclose(found.depth_probability[b, a], np.array(expected)[[1, 0, 2]], atol=1e-5)
            assert (found.depth[a, b], found.depth[b, a]) == ((1, 0), (0, 1), (2, 2))[int(np.argmax(expected))]
    for orders in filter(lambda x: x is not None, (found.occlusion, found.depth)):
        assert orders.dtype == np.int64 and not orders.diagonal().any()


def test_one_picture_is_encoded_once_and_decoded_never(lively, room, monkeypatch):
    network, calls = lively(build_network("instadepthnet_od", **TINY_DEPTH)), []
    for part in ("pretrained.layer1", "pretrained.layer4", "scratch", "do_net.layer4"):
        network.get_submodule(part).register_forward_hook(lambda module, inputs, out, part=part: calls.append(part))
    order_pairs(network, *room, size=64)
    assert calls == ["pretrained.layer1", "do_net.layer4"]
    calls.clear()
    order_pairs(network, *room, size=64, disparity="median")
    assert calls == ["pretrained.layer1", "pretrained.layer4", "scratch"]


@pytest.mark.parametrize("mode", ["patch", "resize"])
def test_the_size_of_chunks_changes_no_answer(lively, room, mode):
    network = lively(build_network("instadepthnet_od", **TINY_DEPTH))
    whole = order_pairs(network, *room, mode=mode, size=64)
    for chunk_pixels in (1, 4 * 64 * 64):
        found = order_pairs(network, *room, mode=mode, size=64, chunk_pixels=chunk_pixels)
        np.testing.assert_array_equal(found.occlusion, whole.occlusion)
        np.testing.assert_allclose(found.depth_probability, whole.depth_probability, atol=1e-5)


def test_what_decides_is_the_mean_of_both_directions():
    def logit(p):
        return np.log(p) - np.log1p(-p)
    index = np.array([[0, 1], [0, 2], [1, 2]])
    logits = logit(np.array([[[0.2, 0.9], [0.3, 0.4]],               # B over A, A over B; then the masks exchanged
                             [[0.8, 0.9], [0.7, 0.6]], [[0.1, 0.2], [0.3, 0.4]]], np.float64))
    found = orders_of({"occlusion": logits}, index, 4)
    np.testing.assert_array_equal(found.occlusion, [[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert found.occlusion_probability[0, 1] == pytest.approx(0.6)
    assert found.occlusion_probability[1, 0] == pytest.approx(0.3)
    assert np.isnan(found.occlusion_probability.diagonal()).all() and np.isnan(found.occlusion_probability[3]).all()
    assert found.depth is None and found.depth_probability is None


def test_exactly_one_half_is_no_occlusion_and_the_first_of_equals_wins():
    index, equal = np.array([[0, 1]]), np.zeros((1, 2, 4))
    assert not orders_of({"occlusion": equal[..., :2]}, index, 2).occlusion.any()
    np.testing.assert_array_equal(orders_of({"class": equal}, index, 2).occlusion, [[0, 1], [0, 0]])
    np.testing.assert_array_equal(orders_of({"depth": equal[..., :3]}, index, 2).depth, [[0, 1], [0, 0]])


def test_every_depth_answer_has_its_numbers():
    index = np.array([[0, 1], [0, 2], [1, 2]])
    closer, farther, equal = 50 * np.eye(3)
    logits = np.stack([np.stack(pair) for pair in ((closer, farther), (farther, closer), (equal, equal))])
    found = orders_of({"depth": logits}, index, 3)
    np.testing.assert_array_equal(found.depth, [[0, 1, 0], [0, 0, 2], [1, 2, 0]])
    np.testing.assert_allclose(found.depth_probability[1, 0], [0, 1, 0], atol=1e-6)


def test_masks_touch_across_sides_and_not_across_corners():
    masks = np.zeros((4, 6, 6), np.uint8)
    masks[0, 0:2, 0:2] = masks[1, 2:4, 0:2] = masks[2, 2:4, 2:4] = masks[3, 4:6, 4:6] = 1
    expected = np.eye(4, dtype=bool)
    for a, b in ((0, 1), (1, 2)):
        expected[a, b] = expected[b, a] = True
    np.testing.assert_array_equal(touching(masks), expected)


def test_touching_is_the_official_one(order_golden):
    with np.load(order_golden.folder / "preprocess.npz") as golden:
        np.testing.assert_array_equal(touching(golden["masks"]), golden["bordering"])


def test_of_neighbours_only_the_rest_stays_unsaid(lively, room):
    network = lively(build_network("instaordernet_od", **TINY))
    near, every = (order_pairs(network, *room, pairs=pairs, size=64) for pairs in ("nbor", "all"))
    asked = np.zeros((4, 4), bool)
    asked[0, 1] = asked[1, 0] = True
    np.testing.assert_array_equal(near.depth, np.where(asked, every.depth, 0))
    np.testing.assert_array_equal(np.isnan(near.occlusion_probability), ~asked)
    np.testing.assert_allclose(near.depth_probability[0, 1], every.depth_probability[0, 1], atol=1e-6)


@pytest.mark.parametrize("name", [*CONFIGS, "pcnet_m", "midas_v21"])
@pytest.mark.parametrize("count", [0, 1])
def test_without_a_pair_there_are_no_orders(lively, room, name, count):
    config = {**TINY, "groups": 2, "channels": 8} if name == "midas_v21" else CONFIGS.get(name, {"planes": 4})
    found = order_pairs(build_network(name, **config), room[0], room[1][:count], room[2][:count], size=64)
    orders = [value for value in (found.occlusion, found.depth) if value is not None]
    assert orders and all(value.shape == (count, count) and not value.any() for value in orders)


def test_boxes_are_those_of_the_masks_when_none_are_given_and_masks_may_be_any_numbers(lively, room):
    network, (rgb, masks, _) = lively(build_network("instaordernet_o", **TINY)), room
    tight = np.array([mask_box(mask) for mask in masks])
    expected = order_pairs(network, rgb, masks, tight, size=64).occlusion_probability
    for like in (masks.astype(bool), 255 * masks, 1.0 * masks):
        np.testing.assert_array_equal(order_pairs(network, rgb, like, size=64).occlusion_probability, expected)


@pytest.mark.parametrize("name", ["instaordernet_o", "instaordernet_od", "pcnet_m"])
def test_an_instance_that_is_not_seen_leaves_the_others_their_orders(lively, room, name):
    network, (rgb, masks, boxes) = lively(build_network(name, **CONFIGS.get(name, {"planes": 4}))), room
    masks = np.concatenate([masks, np.zeros_like(masks[:1])])
    boxes = np.concatenate([boxes, [[7.0, 3.0, 0.0, 8.0]]])
    for given in (boxes, None):
        seen = order_pairs(network, rgb, masks[:4], None if given is None else given[:4], size=64)
        found = order_pairs(network, rgb, masks, given, size=64)
        assert found.occlusion.shape == (5, 5)
        np.testing.assert_array_equal(found.occlusion[:4, :4], seen.occlusion)


def test_a_network_in_training_is_put_back_as_it_was(room):
    network = build_network("instaordernet_o", **TINY)
    network.layer1.eval()
    modes = [module.training for module in network.modules()]
    counts = network.bn1.num_batches_tracked.clone()
    order_pairs(network, *room, size=64)
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(network.bn1.num_batches_tracked, counts)


def test_half_precision_gives_close_probabilities(lively, room):
    network = lively(build_network("instadepthnet_od", **TINY_DEPTH))
    exact = order_pairs(network, *room, size=64)
    found = order_pairs(network.to(torch.bfloat16), *room, size=64)
    assert found.occlusion_probability.dtype == found.depth_probability.dtype == np.float32
    np.testing.assert_allclose(found.occlusion_probability, exact.occlusion_probability, atol=0.1)


def test_short_memory_makes_chunks_smaller_and_then_says_so(lively, room, monkeypatch):
    network = lively(build_network("instaordernet_o", **TINY))
    expected, whole, most = order_pairs(network, *room, size=64), network.logits, [4]

    def short(features, masks):
        if len(masks) > most[0]:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return whole(features, masks)
    monkeypatch.setattr(network, "logits", short)
    found = order_pairs(network, *room, size=64, chunk_pixels=10 ** 9)
    np.testing.assert_allclose(found.occlusion_probability, expected.occlusion_probability, atol=1e-6)
    most[0] = 1
    with pytest.raises(MemoryError, match="one pair at 64 px, mode patch, does not fit.*2 GiB"):
        order_pairs(network, *room, size=64)


@pytest.mark.parametrize("change, said", [
    ({"rgb": np.zeros((50, 70), np.uint8)}, r"picture is uint8 \[50, 70\]"),
    ({"rgb": np.zeros((50, 70, 3))}, "float64"),
    ({"masks": np.zeros((4, 50, 71), np.uint8)}, r"\[4, 50, 71\].*\[N, 50, 70\]"),
    ({"boxes_xywh": np.ones((3, 4))}, r"\[3, 4\].*\[4, 4\]"), ({"boxes_xywh": -np.ones((4, 4))}, "box 0"),
    ({"boxes_xywh": np.full((4, 4), np.nan)}, "nan"), ({"mode": "window"}, "'window'.*patch"),
    ({"size": 100}, "100.*32"), ({"size": 0}, "size is 0"), ({"pairs": "some"}, "'some'.*all, nbor"),
    ({"disparity": "median"}, "InstaOrderNet has none"), ({"categories": np.ones(4)}, r"\[4\].*the others none")])
def test_what_cannot_be_asked_is_named(room, change, said):
    asked = dict(zip(("rgb", "masks", "boxes_xywh"), room)) | change
    with pytest.raises(ValueError, match=said):
        order_pairs(build_network("instaordernet_o", **TINY), **asked)


def test_what_a_network_cannot_do_is_named(room):
    depth = build_network("instadepthnet_d", **TINY_DEPTH)
    for network, options, said in ((depth, {"disparity": "mode"}, "'mode'.*median, mean"),
                                   (depth, {"disparity": "mean", "mode": "patch"}, "no matter of patches"),
                                   (build_network("pcnet_m", planes=4), {"mode": "resize"}, "PCNet-M"),
                                   (build_network("pcnet_m", planes=4), {"categories": [1]}, r"\[1\].*takes \[4\]")):
        with pytest.raises(ValueError, match=said):
            order_pairs(network, *room, **options)
