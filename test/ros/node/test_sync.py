# SPDX-License-Identifier: Apache-2.0
import pytest

from modot_ros.ros.node.sync import ALL, FIRST_INFO_S, INSTANCES_ONLY, MAX_WAITING, WITHOUT_INSTANCES, Couple, Pairing

PERIOD_S = 0.1


def paired(make_camera_info, **options):
    """A Pairing that knows a camera already, from a time before all frames."""
    pairing = Pairing(**options)
    pairing.camera_info(make_camera_info(stamp=0.5), 0.0)
    return pairing


def test_the_first_image_waits_for_the_first_camera_info(make_image, make_camera_info):
    pairing = Pairing()
    image, info = make_image(stamp=1.0), make_camera_info(stamp=1.0)
    assert pairing.image(image, 5.0) is None
    frame = pairing.camera_info(info, 5.1)
    assert (frame.image, frame.camera_info, frame.received_s) == (image, info, 5.0)


def test_without_any_camera_info_images_go_on_after_a_while(make_image):
    pairing = Pairing()
    assert pairing.image(make_image(stamp=1.0), 5.0) is None
    assert pairing.poll(5.0 + 0.9 * FIRST_INFO_S) is None
    assert pairing.poll(5.0 + 1.1 * FIRST_INFO_S).camera_info is None
    assert pairing.image(make_image(stamp=2.0), 6.2).camera_info is None


def test_the_camera_info_of_the_same_stamp_wins_over_a_newer_one(make_image, make_camera_info):
    pairing = Pairing()
    for stamp in (1.0, 2.0):
        pairing.camera_info(make_camera_info(stamp=stamp, focal_px=100 * stamp), stamp)
    assert pairing.image(make_image(stamp=1.0), 3.0).camera_info.k[0] == 100


def test_a_slow_camera_info_serves_all_images_at_once(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    for stamp in (1.0, 1.1, 1.2):
        assert pairing.image(make_image(stamp=stamp), stamp).camera_info.k[0] == 100


def test_a_camera_info_that_follows_its_image_is_waited_for(make_image, make_camera_info):
    pairing = Pairing()
    pairing.image(make_image(stamp=1.0), 1.0)
    pairing.camera_info(make_camera_info(stamp=1.0), 1.0)
    assert pairing.image(make_image(stamp=2.0), 2.0) is None
    assert pairing.camera_info(make_camera_info(stamp=2.0, focal_px=222), 2.0).camera_info.k[0] == 222


def test_when_camera_info_stops_images_go_on(make_image, make_camera_info):
    pairing = Pairing()
    pairing.image(make_image(stamp=1.0), 1.0)
    pairing.camera_info(make_camera_info(stamp=1.0), 1.0)
    assert pairing.image(make_image(stamp=2.0), 2.0) is None
    assert pairing.image(make_image(stamp=3.0), 3.0).image.header.stamp.sec == 2    # 3 may still get its own
    assert pairing.image(make_image(stamp=4.0), 4.0).image.header.stamp.sec == 4
    assert pairing.unpaired == 1


def labels_of(make_image, stamp):
    """What comes as labels of one stamp: here a label image alone."""
    return (make_image(stamp=stamp, encoding="mono8", channels=1),)


def test_images_go_on_at_once_and_once_more_when_their_labels_come(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    assert pairing.image(make_image(stamp=1.0), 1.0).purpose == ALL     # nobody knows of labels yet
    assert pairing.labels(labels_of(make_image, 1.0), 1.05) is None
    assert pairing.labels_in_use
    images = {stamp: make_image(stamp=stamp) for stamp in (1.1, 1.2, 1.3)}
    for stamp, image in images.items():
        frame = pairing.image(image, stamp)
        assert (frame.image, frame.labels, frame.purpose) == (image, None, WITHOUT_INSTANCES)
    for stamp in (1.1, 1.3):
        labels = labels_of(make_image, stamp)
        frame = pairing.labels(labels, stamp + 0.15)
        assert (frame.image, frame.labels, frame.purpose) == (images[stamp], labels, INSTANCES_ONLY)
        assert frame.received_s == stamp and frame.camera_info is not None
    assert (pairing.unpaired, pairing.late, pairing.misfits) == (0, 1, 0)   # those that told of labels were late


def test_labels_of_every_sixth_image_hold_no_image_up(make_image, make_camera_info):
    pairing, purposes = paired(make_camera_info), []
    for number in range(24):
        stamp = 1.0 + number / 30
        purposes.append(pairing.image(make_image(stamp=stamp), stamp).purpose)
        if number % 6 == 3:                             # three frames late
            frame = pairing.labels(labels_of(make_image, 1.0 + (number - 3) / 30), stamp + 0.01)
            purposes.append(frame and frame.purpose)
    assert purposes.count(INSTANCES_ONLY) == 3 and purposes.count(WITHOUT_INSTANCES) == 20
    assert pairing.late == 1 and pairing.unpaired == 0


def test_labels_that_come_first_are_kept_for_their_image(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    labels = labels_of(make_image, 1.0)
    assert pairing.labels(labels, 1.0) is None
    frame = pairing.image(make_image(stamp=1.0), 1.0)
    assert (frame.labels, frame.purpose) == (labels, ALL)


def test_when_labels_stop_images_go_on_as_without(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_timeout_s=0.5)
    pairing.labels(labels_of(make_image, 1.0), 1.0)
    assert pairing.image(make_image(stamp=1.0), 1.0) is not None
    assert pairing.image(make_image(stamp=1.1), 1.1).purpose == WITHOUT_INSTANCES
    assert pairing.image(make_image(stamp=1.6), 1.6).purpose == ALL
    assert not pairing.labels_in_use


def test_labels_with_the_stamps_of_another_camera_stop_nothing(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    for number in range(5):
        stamp = 1.0 + number * PERIOD_S
        assert pairing.image(make_image(stamp=stamp), stamp).purpose == ALL
        assert pairing.labels(labels_of(make_image, stamp - 0.03), stamp + 0.01) is None
    assert pairing.misfits == 5 and not pairing.labels_in_use


def test_labels_that_come_too_late_or_are_overtaken_are_counted(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_timeout_s=1e9)
    pairing.labels(labels_of(make_image, 1.0), 1.0)
    pairing.image(make_image(stamp=1.0), 1.0)
    for number in range(1, MAX_WAITING + 5):
        pairing.image(make_image(stamp=1.0 + number), 1.0)
    assert pairing.labels(labels_of(make_image, 2.0), 2.0) is None      # its image is gone
    assert pairing.late == 1
    assert pairing.labels(labels_of(make_image, 20.0), 2.0).purpose == INSTANCES_ONLY
    assert pairing.labels(labels_of(make_image, 19.0), 2.0) is None     # newer ones came before
    assert pairing.labels(labels_of(make_image, 20.0), 2.0) is None     # twice the same
    assert (pairing.late, pairing.misfits, pairing.unpaired) == (3, 0, 0)


def test_with_an_age_allowed_every_image_takes_the_labels_nearest_in_time(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_max_age_s=0.25)
    first, second = labels_of(make_image, 1.0), labels_of(make_image, 1.2)
    assert pairing.image(make_image(stamp=1.0), 1.0).purpose == ALL
    assert pairing.labels(first, 1.05) is None, "no frame goes on twice"
    assert pairing.image(make_image(stamp=1.1), 1.1).labels is first
    assert pairing.image(make_image(stamp=1.2), 1.2).labels is first
    pairing.labels(second, 1.25)
    frame = pairing.image(make_image(stamp=1.24), 1.3)
    assert (frame.labels, frame.purpose) == (second, ALL)
    frame = pairing.image(make_image(stamp=1.5), 1.5)   # 0.3 s after the newest labels
    assert (frame.labels, frame.purpose) == (None, WITHOUT_INSTANCES)
    assert pairing.labels(labels_of(make_image, 1.22), 1.6) is None
    assert (pairing.late, pairing.misfits) == (1, 0)


def test_with_an_age_allowed_the_exact_stamp_still_wins(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_max_age_s=0.25)
    stamps = {stamp: labels_of(make_image, stamp) for stamp in (1.0, 1.1, 1.2)}
    for labels in stamps.values():
        pairing.labels(labels, 1.0)
    for stamp, labels in stamps.items():
        assert pairing.image(make_image(stamp=stamp), 1.3).labels is labels


def test_two_of_one_stamp_become_a_couple_whichever_comes_first(make_image):
    couple = Couple()
    masks, boxes = ([make_image(stamp=stamp) for stamp in (1.0, 1.1, 1.2)] for _ in range(2))
    assert couple.add(0, masks[0]) is None
    assert couple.add(1, boxes[1]) is None
    assert couple.add(0, masks[1]) == (masks[1], boxes[1])
    assert couple.add(1, boxes[0]) == (masks[0], boxes[0])
    assert couple.add(1, boxes[0]) is None
    for number in range(MAX_WAITING):
        couple.add(1, make_image(stamp=2.0 + number))
    assert couple.add(0, masks[0]) is None, "forgotten for newer ones"


def test_couples_are_found_after_a_jump_of_stamps(make_image):
    """What a synchroniser keeps of the time before would push every message of the time after out."""
    couple = Couple()
    for number in range(MAX_WAITING + 1):
        couple.add(0, make_image(stamp=100.0 + number))
        couple.add(1, make_image(stamp=100.5 + number))
    again = [make_image(stamp=1.0) for _ in range(2)]
    assert couple.add(0, again[0]) is None and couple.add(1, again[1]) == tuple(again)


def test_a_calibration_that_comes_once_a_second_costs_no_frame(make_image, make_camera_info):
    """Its stamp is that of one image in ten; the next image must not wait for a calibration of its own."""
    pairing, frames = Pairing(), 0
    for number in range(30):
        stamp = 10 + number / 10
        if number % 10 == 0:
            pairing.camera_info(make_camera_info(stamp=stamp), stamp)
        frames += pairing.image(make_image(stamp=stamp), stamp) is not None
    assert frames == 29, "one waits: after a single calibration nobody knows how often they come"


def test_a_stamp_that_jumps_back_starts_anew(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    assert pairing.image(make_image(stamp=100.0), 1.0) is not None
    assert pairing.image(make_image(stamp=3.0), 1.1) is not None
    assert pairing.image(make_image(stamp=3.1), 1.2) is not None
    assert pairing.jumps == 1


def test_labels_of_another_clock_do_not_win_over_those_to_come(make_image, make_camera_info):
    pairing, graphs = paired(make_camera_info), []
    for second in range(100, 106):
        if second == 102:                               # a single message an hour ahead
            pairing.labels((make_image(stamp=second + 3600.0),), float(second))
        pairing.image(make_image(stamp=float(second)), float(second))
        frame = pairing.labels((make_image(stamp=float(second)),), second + 0.1)
        graphs.append(frame is not None and frame.purpose == INSTANCES_ONLY)
    assert graphs[1:] == [True] * 5 and pairing.misfits == 1


def test_stamps_that_step_back_a_little_lose_nothing(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    stamps = (10.0, 10.033, 10.028, 10.066, 10.061, 10.1)
    frames = [pairing.image(make_image(stamp=stamp), stamp) for stamp in stamps]
    assert all(frames) and pairing.jumps == 0 and pairing.unpaired == 0
    pairing.labels((make_image(stamp=10.061),), 10.2)
    assert pairing.labels_in_use and pairing.misfits == 0


def test_a_recording_that_begins_anew_is_one_jump(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    frames = [pairing.image(make_image(stamp=stamp), now) for now, stamp in enumerate((50.0, 50.1, 1.0, 1.1))]
    assert all(frames) and pairing.jumps == 1 and pairing.unpaired == 0


@pytest.mark.parametrize("info_first", [True, False])
def test_a_loop_of_a_recording_loses_no_frame(info_first, make_image, make_camera_info):
    pairing, frames = Pairing(), []
    for second in range(30):
        stamp = 100 + second % 10 / 3
        for image in ((False, True) if info_first else (True, False)):
            message = make_image(stamp=stamp) if image else make_camera_info(stamp=stamp)
            frame = pairing.image(message, second) if image else pairing.camera_info(message, second)
            frames += [frame] if frame is not None else []
    assert len(frames) == 30 and pairing.unpaired == 0 and pairing.jumps == 2


def test_images_without_stamps_have_no_labels(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    assert pairing.image(make_image(stamp=0.0), 1.0).labels is None
    assert pairing.labels((make_image(stamp=0.0),), 1.1) is None
    assert pairing.unstamped == 1 and pairing.misfits == 1


def test_a_calibration_of_an_earlier_time_serves_at_once(make_image, make_camera_info):
    info = make_camera_info(stamp=0.5)
    assert Pairing(camera_info=info).image(make_image(stamp=9.0), 1.0).camera_info is info


def test_labels_of_another_clock_before_the_first_image_do_not_block(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    pairing.labels((make_image(stamp=5000.0),), 0.5)
    graphs = []
    for second in range(100, 105):
        pairing.image(make_image(stamp=float(second)), float(second))
        frame = pairing.labels((make_image(stamp=float(second)),), second + 0.1)
        graphs.append(frame is not None and frame.purpose == INSTANCES_ONLY)
    assert graphs[1:] == [True] * 4 and pairing.misfits == 1
