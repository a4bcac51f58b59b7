# SPDX-License-Identifier: Apache-2.0
"""The door to inference, with the weights that ship."""
import numpy as np
import pytest

from modot_ros.classes import CLASS_NAMES
from modot_ros.learn.synthetic.shards import training_view
from modot_ros.model import build_network, run_strokes, save_checkpoint, save_order_checkpoint
from modot_ros.prediction import PARTS, PairOrders
from modot_ros.predictor import Predictor
from modot_ros.scene.strokes import Stroke, stroke_maps
from modot_ros.scene.suppression import previous_output


@pytest.fixture(scope="module")
def predictor():
    return Predictor(device="cpu")


@pytest.fixture(scope="module")
def view():
    return training_view(7, 160, 120)


def test_a_whole_prediction_has_the_size_of_the_picture_and_agrees_with_itself(predictor, view):
    prediction = predictor.predict(view.rgb, focal_px=view.K[0, 0])
    assert prediction.depth_m.shape == prediction.boundary_probability.shape == (120, 160)
    assert prediction.depth_m.dtype == prediction.boundary_probability.dtype == np.float32
    assert (prediction.depth_m > 0).all()
    assert 0 <= prediction.boundary_probability.min() and prediction.boundary_probability.max() <= 1
    assert prediction.boundary_mask.any() and not prediction.boundary_mask.all()
    np.testing.assert_array_equal(prediction.boundary_side > 0, prediction.boundary_mask)
    ids = set(np.unique(prediction.labels)) - {0}
    assert {instance.id for instance in prediction.graph.instances} == ids
    for order in prediction.graph.occlusions:
        assert {order.occluder, order.occludee} <= ids and 0 <= order.confidence <= 1 and order.depth_gap_m > 0


def test_depth_grows_with_the_focal_length(predictor, view):
    near = predictor.predict(view.rgb, focal_px=100.0, parts=("depth",)).depth_m
    far = predictor.predict(view.rgb, focal_px=150.0, parts=("depth",)).depth_m
    np.testing.assert_allclose(far, 1.5 * near, rtol=1e-5)


def test_without_a_focal_length_the_canonical_camera_is_meant(predictor, view):
    assumed = predictor.predict(view.rgb, parts=("depth",))
    assert assumed.focal_px == pytest.approx(160 * predictor.loaded.canonical_focal)
    named = predictor.predict(view.rgb, focal_px=assumed.focal_px, parts=("depth",))
    np.testing.assert_array_equal(assumed.depth_m, named.depth_m)


def test_given_instances_are_kept(predictor, view):
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 30:90], labels[60:100, 30:90] = 200, 3
    prediction = predictor.predict(view.rgb, instances=labels)
    np.testing.assert_array_equal(prediction.labels, labels)
    assert [instance.id for instance in prediction.graph.instances] == [3, 200]


def test_a_prediction_is_related_later_as_it_would_have_been_at_once(predictor, view):
    labels = np.zeros((120, 160), np.int32)
    labels[20:60, 30:90], labels[60:100, 30:90] = 200, 3
    at_once = predictor.predict(view.rgb, instances=labels)
    later = predictor.relate(view.rgb, predictor.predict(view.rgb, parts=("depth", "boundary", "classes")), labels)
    assert later.graph == at_once.graph and later.labels is labels
    nameless = predictor.predict(view.rgb, parts=("depth", "boundary"))
    named = predictor.relate(view.rgb, nameless, labels, {3: "cup"}, {200: 0.5}).graph.instances
    assert [(one.name, one.score) for one in named] == [("cup", 1.0), ("", 0.5)]


def test_the_models_classes_name_what_nobody_else_named(predictor, view):
    labels = np.zeros((120, 160), np.int32)
    labels[20:60, 30:90], labels[60:100, 30:90] = 200, 3
    seen = predictor.predict(view.rgb, instances=labels)
    assert seen.classes.shape == (120, 160) and seen.classes.dtype == np.uint8 and seen.classes.max() < len(CLASS_NAMES)
    assert 0 < seen.class_probability.min() and seen.class_probability.max() <= 1
    for one in seen.graph.instances:
        assert one.name == CLASS_NAMES[np.bincount(seen.classes[labels == one.id]).argmax()] and 0 < one.score <= 1
    given, own = predictor.relate(view.rgb, seen, labels, {3: "cup"}, {3: 0.9}).graph.instances
    assert (given.name, given.score) == ("cup", 0.9) and own == seen.graph.instances[1]


def test_regions_that_were_found_have_confidences_of_their_own(predictor, view):
    found = predictor.predict(view.rgb)
    given = predictor.relate(view.rgb, found, found.labels)
    assert predictor.relate(view.rgb, found, found.labels, found=True).graph == found.graph
    assert found.graph.depths and found.graph.depths != given.graph.depths
    assert [(one.near, one.far) for one in found.graph.depths] == [(one.near, one.far) for one in given.graph.depths]
    assert len(found.graph.occlusions) < len(given.graph.occlusions)


def test_only_what_is_asked_for_is_there(predictor, view):
    prediction = predictor.predict(view.rgb, parts=("boundary",))
    assert prediction.boundary_mask is not None
    assert prediction.depth is prediction.labels is prediction.graph is None
    assert "instances" not in prediction.stage_s and "order" not in prediction.stage_s
    assert set(predictor.predict(view.rgb, parts=PARTS).stage_s) == {"network", "resize", "thin", "instances", "order"}


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (480, 640), (33, 47)])
def test_any_size_of_picture_works(predictor, size):
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert predictor.predict(rgb).depth_m.shape == size


@pytest.mark.parametrize("rgb", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(predictor, rgb):
    with pytest.raises(ValueError, match="picture is"):
        predictor.predict(rgb)


@pytest.mark.parametrize("focal_px", [float("nan"), 0.0, -5.0, float("inf")])
def test_an_impossible_focal_length_is_named(predictor, view, focal_px):
    with pytest.raises(ValueError, match=f"focal_px is {focal_px}"):
        predictor.predict(view.rgb, focal_px=focal_px)
    with pytest.raises(ValueError, match="for 64 columns, a field of view of 173 degrees: 10 to 170 are believed"):
        predictor.predict(np.zeros((48, 64, 3), np.uint8), focal_px=2.0)


def test_unusable_labels_and_parts_are_named(predictor, view):
    with pytest.raises(ValueError, match="60"):
        predictor.predict(view.rgb, instances=np.zeros((60, 80), np.uint8))
    with pytest.raises(ValueError, match="10000"):
        predictor.predict(view.rgb, instances=np.arange(19200, dtype=np.int32).reshape(120, 160) % 10001)
    with pytest.raises(ValueError, match="'colour'"):
        predictor.predict(view.rgb, parts=("colour",))


def test_settings_are_checked(predictor):
    with pytest.raises(ValueError, match="boundary_threshold is 2"):
        predictor.boundary_threshold = 2
    with pytest.raises(ValueError, match="max_instances is 0"):
        predictor.max_instances = 0
    with pytest.raises(ValueError, match="modot_nano"):
        Predictor(model="modot_giant")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Predictor(weights="nowhere.safetensors")


class TwoRulesOfThumb:
    """Stands for an order network: the lower an instance ends, the nearer, and the nearer one occludes."""

    def __init__(self, monkeypatch):
        self.calls = []
        monkeypatch.setattr("modot_ros.predictor.load_order_network", lambda *settings: settings)
        monkeypatch.setattr("modot_ros.predictor.order_pairs", self.look)

    def look(self, network, rgb, masks, boxes_xywh):
        self.calls.append((network, rgb, masks, boxes_xywh))
        lower = boxes_xywh[:, 1] + boxes_xywh[:, 3]
        over = (lower[:, None] > lower).astype(np.int64)
        shares = np.stack([np.where(over, 0.9, 0.05), np.where(over.T, 0.9, 0.05), np.full(over.shape, 0.05)], 2)
        return PairOrders(over, over, np.where(over, 0.9, 0.1).astype(np.float32), shares.astype(np.float32))


def three_instances() -> np.ndarray:
    """Labels 200, 3 and 60, by area, that end in rows 60, 100 and 40."""
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 30:90], labels[60:100, 40:90], labels[30:40, 100:120] = 200, 3, 60
    return labels


def test_learned_orders_are_those_of_the_network(monkeypatch, view):
    network = TwoRulesOfThumb(monkeypatch)
    learned = Predictor(device="cpu", order_method="learned", order_model="instaordernet_od", order_weights="od.pth")
    prediction = learned.predict(view.rgb, instances=three_instances())
    ((settings, rgb, masks, boxes),) = network.calls
    assert settings == ("instaordernet_od", "od.pth", "cpu", "fp32") and rgb is view.rgb
    assert masks.dtype == np.uint8 and masks.shape == (3, 120, 160) and masks.sum((1, 2)).tolist() == [2400, 2000, 200]
    assert boxes.tolist() == [[30, 20, 60, 40], [40, 60, 50, 40], [100, 30, 20, 10]]
    assert prediction.graph.method == "learned" and [i.id for i in prediction.graph.instances] == [3, 60, 200]
    assert {(o.occluder, o.occludee) for o in prediction.graph.occlusions} == {(3, 200), (3, 60), (200, 60)}
    assert [(o.near, o.far) for o in sorted(prediction.graph.depths, key=lambda o: (o.near, o.far))] == [
        (3, 60), (3, 200), (200, 60)]
    assert prediction.stage_s["order_network"] >= 0


def test_fused_orders_hear_geometry_and_the_network(monkeypatch, predictor, view):
    TwoRulesOfThumb(monkeypatch)
    fused = Predictor(device="cpu", order_method="fused", order_model="instaordernet_od", order_max_instances=2)
    labels = three_instances()
    graph, geometric = (one.predict(view.rgb, instances=labels).graph for one in (fused, predictor))
    assert graph.method == "fused" and graph.instances == geometric.instances
    unheard = [order for order in geometric.depths if 60 in (order.near, order.far)]     # the smallest of three
    assert [order for order in graph.depths if 60 in (order.near, order.far)] == unheard
    (heard,) = (order for order in graph.depths if 60 not in (order.near, order.far))
    assert heard not in geometric.depths


def test_one_instance_has_no_orders_and_the_network_is_not_asked(monkeypatch, view):
    network = TwoRulesOfThumb(monkeypatch)
    learned = Predictor(device="cpu", order_method="learned", order_model="instaordernet_o")
    graph = learned.predict(view.rgb, instances=(three_instances() == 3).astype(np.uint8)).graph
    assert graph.method == "learned" and len(graph.instances) == 1 and not network.calls


def test_geometric_orders_load_no_order_network(monkeypatch):
    monkeypatch.setattr("modot_ros.predictor.load_order_network", None)
    assert Predictor(device="cpu", order_model="instaordernet_o").order_network is None


def test_a_real_order_network_is_loaded_and_heard(tmp_path, view):
    config = {"planes": 4, "blocks": (1, 1, 1, 1)}
    network = build_network("instaordernet_od", **config)
    save_order_checkpoint(tmp_path / "a.safetensors", network, "instaordernet_od", config=config)
    heard = Predictor(device="cpu", order_method="learned", order_model="instaordernet_od",
                      order_weights=tmp_path / "a.safetensors", order_max_instances=2)
    prediction = heard.predict(view.rgb, instances=three_instances())
    (order,) = prediction.graph.depths
    assert prediction.graph.method == "learned" and {order.near, order.far} == {3, 200}
    assert 1 / 3 <= order.confidence <= 1 and prediction.stage_s["order_network"] > 0


def test_settings_of_orders_are_checked():
    with pytest.raises(ValueError, match="order_method is 'guess': choose one of geometric, learned, fused"):
        Predictor(order_method="guess")
    with pytest.raises(ValueError, match="order_model is '' and order_method 'fused': choose .*instadepthnet_od"):
        Predictor(order_method="fused")
    with pytest.raises(ValueError, match="order_model is 'pcnet_m'"):                # has no probabilities to fuse
        Predictor(order_method="learned", order_model="pcnet_m")
    with pytest.raises(ValueError, match="order_model is 'instaorder'"):
        Predictor(order_model="instaorder")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        Predictor(device="cpu", order_method="learned", order_model="instaordernet_o", order_weights="nowhere.pth")
    with pytest.raises(ValueError, match="order_max_instances is 1"):
        Predictor(order_max_instances=1)


TINY_STROKES = {"channels": 32, "depths": (1, 1, 2, 1), "window": 4}
STROKES = [Stroke("missing", [[20, 30], [60, 34]]), Stroke("false", [[90, 20], [90, 60]], 8)]


@pytest.fixture(params=[{}, {"version": 2}, {"previous": False}], ids=["v1", "v2", "noprev"])
def refiner(request, tmp_path, monkeypatch):
    """A small network that takes strokes, with the maps that it was given, and a picture of it."""
    torch = pytest.importorskip("torch")
    config = {**TINY_STROKES, **request.param}
    torch.manual_seed(1)
    network = build_network("dnmmsi_small", **config).eval()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    save_checkpoint(tmp_path / "a.safetensors", network, "dnmmsi_small", config=config, depth_kind="none",
                    canonical_focal=None, working_size=None)
    predictor, seen = Predictor("dnmmsi_small", tmp_path / "a.safetensors", "cpu"), []

    def spy(loaded, rgb, maps):
        seen.append(maps.copy())
        return run_strokes(loaded, rgb, maps)
    monkeypatch.setattr("modot_ros.predictor.run_strokes", spy)
    return predictor, seen


def test_strokes_and_the_last_output_go_into_the_network(refiner, view):
    predictor, seen = refiner
    first = predictor.refine(view.rgb)
    assert len(seen) == 1 and not seen[0].any()
    assert first.boundary_probability.shape == first.boundary_mask.shape == view.rgb.shape[:2]
    assert first.depth is first.boundary_side is first.labels is first.graph is None and first.depth_kind == "none"
    known = np.zeros(view.rgb.shape[:2], np.float32)
    known[:, 79:82] = 1.0
    given = predictor.refine(view.rgb, STROKES, known)
    assert len(seen) == 2
    missing, false = stroke_maps(STROKES, 160, 120)
    np.testing.assert_array_equal(seen[1][0] > 0, missing)
    np.testing.assert_array_equal(seen[1][1] > 0, false)
    binary = predictor.loaded.network.version == 2
    np.testing.assert_array_equal(seen[1][2], previous_output(known, binary))
    assert seen[1][2].max() == 1.0
    assert not np.array_equal(given.boundary_probability, first.boundary_probability)


def test_without_a_previous_output_the_first_look_is_computed_where_the_network_reads_it(refiner, view):
    predictor, seen = refiner
    alone = predictor.refine(view.rgb, STROKES)
    looks = 2 if predictor.loaded.network.previous else 1
    assert len(seen) == looks
    if looks == 2:
        first = predictor.refine(view.rgb)
        again = predictor.refine(view.rgb, STROKES, first.boundary_probability)
        np.testing.assert_array_equal(again.boundary_probability, alone.boundary_probability)


def test_what_can_not_be_refined_is_named(refiner, predictor, view):
    refining, _ = refiner
    with pytest.raises(ValueError, match="modot_nano takes no strokes: choose one of scribble_nano, dnmmsi_small"):
        predictor.refine(view.rgb, STROKES)
    with pytest.raises(ValueError, match="dnmmsi_small predicts no depth: choose one of modot_nano.*, or call refine"):
        refining.predict(view.rgb)
    with pytest.raises(ValueError, match=r"stroke 1 \(missing\): point 1 is \[500.0, 3.0\], outside the picture of 160x120"):
        refining.refine(view.rgb, [Stroke("missing", [[500, 3], [4, 4]])])
    with pytest.raises(ValueError, match="uint8"):
        refining.refine(view.rgb.astype(np.float32))
    with pytest.raises(ValueError, match="picture is 9000x6000: strokes need"):
        refining.refine(np.broadcast_to(np.uint8(0), (6000, 9000, 3)))
    for previous, reason in ((np.zeros((3, 4), np.float32), r"\[3, 4\]: must be floats of the picture's size"),
                             (np.zeros((120, 160), np.uint8), "previous is uint8"),
                             (np.full((120, 160), np.nan), "outside 0..1 or that are no numbers"),
                             (np.full((120, 160), 1.5), "outside 0..1")):
        with pytest.raises(ValueError, match=reason):
            refining.refine(view.rgb, (), previous)
