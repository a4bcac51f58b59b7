# SPDX-License-Identifier: Apache-2.0
"""What is computed for which frame, with a predictor whose answers are known."""
from array import array
from dataclasses import replace

import numpy as np
import pytest

from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.perception import MAX_KEPT, Perception
from modot_ros.ros.node.sync import ALL, INSTANCES_ONLY, WITHOUT_INSTANCES, Frame

PARAMETERS = Parameters()


@pytest.fixture
def frame(make_image, make_camera_info):
    """frame(stamp, labels array or None, purpose)"""
    def make(stamp=1.0, labels=None, purpose=ALL) -> Frame:
        messages = None
        if labels is not None:
            data = array("B", np.asarray(labels, np.uint16).tobytes())
            messages = (make_image(stamp=stamp, encoding="16UC1", channels=2, data=data),)
        return Frame(make_image(stamp=stamp), make_camera_info(stamp=stamp), messages, stamp, purpose)
    return make


@pytest.fixture
def predictor(fake_predictor):
    return fake_predictor()


def test_a_picture_is_predicted_once_although_its_labels_come_later(predictor, frame):
    perception, labels = Perception(predictor), np.full((24, 32), 300)
    first = perception.result(frame(1.0, None, WITHOUT_INSTANCES), {"depth"}, PARAMETERS, later={"instances", "order"})
    assert first.prediction.graph is None and predictor.asked == [{"depth", "boundary"}]
    perception.result(frame(1.1, None, WITHOUT_INSTANCES), {"depth"}, PARAMETERS, later={"instances", "order"})
    later = perception.result(frame(1.0, labels, INSTANCES_ONLY), {"instances", "order"}, PARAMETERS)
    assert len(predictor.asked) == 2 and predictor.related == [first.prediction]
    assert later.rgb is first.rgb and (later.prediction.labels == 300).all()
    assert [one.id for one in later.prediction.graph.instances] == [300]


def test_classes_that_name_later_labels_are_predicted_with_the_picture(predictor, frame):
    predictor.has_semantics = True
    perception, labels = Perception(predictor), np.full((24, 32), 300)
    perception.result(frame(1.0, None, WITHOUT_INSTANCES), {"depth"}, PARAMETERS, later={"order", "classes"})
    perception.result(frame(1.0, labels, INSTANCES_ONLY), {"order", "classes"}, PARAMETERS)
    assert predictor.asked == [{"depth", "boundary", "classes"}] and predictor.related[0].classes is not None


def test_only_regions_of_the_predictor_are_found_ones(predictor, frame):
    """Their occlusions have other confidences than those of labels that were given."""
    perception = Perception(predictor)
    perception.result(frame(1.0), {"order"}, PARAMETERS)
    perception.result(frame(2.0, np.full((24, 32), 300)), {"order"}, PARAMETERS)
    assert predictor.found == [True, False]


def test_a_picture_that_was_dropped_is_predicted_when_its_labels_come(predictor, frame):
    result = Perception(predictor).result(frame(1.0, np.full((24, 32), 300), INSTANCES_ONLY), {"order"}, PARAMETERS)
    assert predictor.asked == [{"depth", "boundary"}] and len(result.prediction.graph.instances) == 1


def test_few_pictures_are_kept_for_their_labels(predictor, frame):
    perception = Perception(predictor)
    for number in range(2 * MAX_KEPT):
        perception.result(frame(1.0 + number, None, WITHOUT_INSTANCES), {"depth"}, PARAMETERS, later={"instances", "order"})
    assert len(perception._kept) == MAX_KEPT
    perception.result(frame(100.0), {"depth"}, PARAMETERS)
    assert not perception._kept, "labels have stopped"


def test_without_labels_the_predictors_own_instances_are_tracked(predictor, frame):
    perception = Perception(predictor)
    for age in (1, 2, 3):
        graph = perception.result(frame(float(age)), {"order"}, PARAMETERS).prediction.graph
        assert graph.instances[0].age == age
    assert predictor.asked[0] == {"depth", "boundary", "instances"}
    untracked = replace(PARAMETERS, track_instances=False)
    assert perception.result(frame(4.0), {"order"}, untracked).prediction.graph.instances[0].age == 1


def test_only_the_instances_need_no_order(predictor, frame):
    result = Perception(predictor).result(frame(), {"instances"}, PARAMETERS)
    assert predictor.asked == [{"depth", "instances"}] and predictor.related == []
    assert result.prediction.labels.any() and result.prediction.graph is None


def test_names_follow_the_ids_that_last(predictor, frame, monkeypatch):
    from modot_ros.ros.node import perception as module
    from modot_ros.ros.node.labelling import Labelling
    whole = np.zeros((24, 32), np.int32)
    whole[:, :16], whole[:, 16:] = 1, 2
    said = [Labelling(whole, {1: "cup", 2: "bowl"}, {1: 0.5}, lasting=False),
            Labelling(3 - whole, {2: "cup", 1: "bowl"}, {2: 0.6}, lasting=False)]
    monkeypatch.setattr(module, "labelling_of", lambda *_: said.pop(0))
    perception = Perception(predictor)
    for score in (0.5, 0.6):
        result = perception.result(frame(score, whole), {"order"}, PARAMETERS)
        assert (result.prediction.labels == whole).all()
        assert [(one.id, one.name, one.score) for one in result.prediction.graph.instances] == [
            (1, "cup", score), (2, "bowl", 1.0)]
