# SPDX-License-Identifier: Apache-2.0
"""The simulated person: strokes, rounds and their order as in the official loops, and on maps drawn by hand."""
import random

import numpy as np
import pytest

from modot_ros.learn.interaction.editor import Correction, average_work, correct, correct_at_first, rounds, second_stage_maps


def counted(seed):
    """random.Random that keeps what randint gave."""
    class Counted(random.Random):
        given: list

        def randint(self, low, high):
            self.given.append(super().randint(low, high))
            return self.given[-1]
    draws = Counted(seed)
    draws.given = []
    return draws


@pytest.mark.parametrize("name, most", [("scene_all", None), ("scene_longest2", 2), ("scene_none", 0)])
def test_strokes_on_a_scene_are_the_official_ones(interaction_golden, name, most):
    stored, facts = interaction_golden.arrays("scribbles"), interaction_golden.facts("scribbles")[name]
    scene, draws = interaction_golden.arrays("segments"), counted(42)
    done = correct(scene["scene/gt"], scene["scene/pred"], draws, most, as_published=True)
    assert draws.given == stored[f"{name}/draws"].tolist()
    for mask, key in ((done.missing, "fn_mask"), (done.false, "fp_mask")):
        np.testing.assert_array_equal(mask, interaction_golden.mask(stored[f"{name}/{key}"], facts["mask_shape"]))
    assert average_work([done]) == pytest.approx((facts["avgFN"], facts["avgFP"]), rel=1e-12)


@pytest.mark.parametrize("name", ["n0", "n1", "n2", "n3", "few"])
def test_first_strokes_are_the_official_ones(interaction_golden, name):
    stored, facts = interaction_golden.arrays("stage1"), interaction_golden.facts("stage1")[name]
    truth = stored[f"{name}/gt"] if f"{name}/gt" in stored else stored["gt"]
    draws = counted(facts["seed"])
    done = correct_at_first(stored["image_u8"], truth, draws, as_published=True)
    assert draws.given == stored[f"{name}/draws"].tolist()
    for mask, key in ((done.missing, "fn"), (done.false, "fp")):
        np.testing.assert_array_equal(mask, interaction_golden.mask(stored[f"{name}/{key}"], facts["shape"]))


def expected_maps(stored, name, forward) -> np.ndarray:
    """[N, 3, H, W]"""
    parts = [stored[f"{name}/forward{forward}/{kind}"].astype(np.float32) for kind in ("fn", "fp", "previous_u8")]
    parts[2] = parts[2] / np.float32(255)
    return np.stack(parts, 1)


def stub(base):
    """A network whose fused logit is base + 6 missing - 6 false + 2 previous, as the golden's."""
    def forward(maps):
        return 1 / (1 + np.exp(-(base + 6 * maps[0] - 6 * maps[1] + 2 * maps[2]).astype(np.float64)))
    return forward


@pytest.mark.parametrize("name, options", [
    ("stub_test", {}), ("stub_test_v2", {"binary": True}), ("stub_no_truth", {}),
    ("stub_rounds3_replace", {"count": 3}), ("stub_rounds3_add", {"count": 3, "add": True})])
def test_rounds_are_those_of_the_official_loop(interaction_golden, name, options):
    stored, facts = interaction_golden.arrays("trace"), interaction_golden.facts("trace")[name]
    draws = counted(facts["seed_of_random.Random"])
    looks = list(rounds(stub(stored["stub/base"][0]), stored[f"{name}/gt"][0], draws, as_published=True, **options))
    assert len(looks) == facts["forwards"] and looks[0].correction is None
    for i, look in enumerate(looks):
        expected = expected_maps(stored, name, i)[0]
        np.testing.assert_array_equal(look.maps[:2] > 0, expected[:2] > 0)
        np.testing.assert_allclose(look.maps[2], expected[2], atol=1e-7)
        assert look.probability.sum() == pytest.approx(stored[f"{name}/forward{i}/probability_sum"][0], rel=1e-5)
    assert draws.given == stored[f"{name}/draws"].tolist()
    missing, false = average_work([looks[-1].correction])
    assert missing == pytest.approx(facts["avgFN_terms"][0], rel=1e-12)
    assert false == pytest.approx(facts["avgFP_terms"][0], rel=1e-12)


@pytest.mark.parametrize("name", ["stub_train_n0", "stub_train_n2", "stub_train_n5"])
def test_a_batch_of_the_second_stage_is_the_official_one(interaction_golden, name):
    stored, facts = interaction_golden.arrays("trace"), interaction_golden.facts("trace")[name]
    draws = counted(facts["seed_of_random.Random"])
    maps = second_stage_maps(stored["stub/probability0"], stored[f"{name}/gt"], draws, as_published=True)
    np.testing.assert_allclose(maps, expected_maps(stored, name, 1), atol=1e-7)
    assert draws.given == stored[f"{name}/draws"].tolist()


def test_strokes_after_the_output_of_the_network_are_the_official_ones(interaction_golden):
    stored, name = interaction_golden.arrays("trace"), "swin_small_test"
    given = iter([stored[f"{name}/forward{i}/probability"][0] for i in range(2)])
    looks = list(rounds(lambda maps: next(given), stored[f"{name}/gt"][0], counted(42), as_published=True))
    np.testing.assert_allclose(looks[1].maps, expected_maps(stored, name, 1)[0], atol=1e-7)


def corner_map(height=60, width=80):
    truth = np.zeros((height, width), np.uint8)
    truth[20, 10:70] = truth[40, 20:60] = 1                 # 60 and 40 points
    return truth


def test_the_progressive_variant_draws_the_longest_error_first_and_keeps_it():
    truth, seen = corner_map(), []

    def forward(maps):
        seen.append(maps)
        return np.zeros(truth.shape)
    looks = list(rounds(forward, truth, random.Random(0), count=2, most=1, add=True))
    assert [look.correction and look.correction.missing_px for look in looks] == [None, 60, 60]
    assert not seen[0].any() and (seen[2][0] >= seen[1][0]).all() and seen[2][0].sum() > seen[1][0].sum()


def test_a_perfect_output_gets_no_stroke_and_work_is_averaged_over_pictures():
    truth = corner_map()
    done = correct(truth, truth, random.Random(0))
    assert not done.missing.any() and not done.false.any() and average_work([done]) == (0.0, 0.0)
    worked = correct(truth, np.zeros_like(truth), random.Random(0))
    assert average_work([done, worked]) == (0.5, 0.0)
    nothing = np.zeros((2, 2), bool)
    assert average_work([Correction(nothing, nothing, 0, 3, 0, 4)]) == (0.0, 0.75)
    with pytest.raises(ValueError, match="no picture"):
        average_work([])


def test_a_negative_number_of_strokes_is_refused():
    with pytest.raises(ValueError, match="most is -1"):
        correct(corner_map(), corner_map(), random.Random(0), most=-1)
