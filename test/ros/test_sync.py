# SPDX-License-Identifier: Apache-2.0
from modot_ros.ros.sync import FIRST_INFO_S, MAX_WAITING, Pairing

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


def test_labels_that_come_late_find_their_image(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    assert pairing.image(make_image(stamp=1.0), 1.0) is not None    # nobody knows of labels yet
    labels = {stamp: make_image(stamp=stamp, encoding="mono8", channels=1) for stamp in (1.0, 1.1, 1.2)}
    assert pairing.labels(labels[1.0], 1.05) is None
    assert pairing.labels_in_use
    assert pairing.image(make_image(stamp=1.1), 1.1) is None
    assert pairing.image(make_image(stamp=1.2), 1.2) is None
    frame = pairing.labels(labels[1.1], 1.25)
    assert frame.image.header.stamp == frame.labels.header.stamp == labels[1.1].header.stamp
    assert pairing.labels(labels[1.2], 1.35).labels is labels[1.2]
    assert pairing.unpaired == 0


def test_labels_of_every_third_image_set_the_pace(make_image, make_camera_info):
    pairing, frames = paired(make_camera_info), []
    for number in range(12):
        stamp = 1.0 + number * PERIOD_S
        frames.append(pairing.image(make_image(stamp=stamp), stamp))
        if number % 3 == 0:
            frames.append(pairing.labels(make_image(stamp=stamp, encoding="mono8", channels=1), stamp + 0.01))
    frames = [frame for frame in frames if frame is not None]
    assert [frame.labels is not None for frame in frames] == [False, True, True, True]
    assert pairing.unpaired == 6


def test_labels_that_come_first_are_kept_for_their_image(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    labels = make_image(stamp=1.0, encoding="mono8", channels=1)
    assert pairing.labels(labels, 1.0) is None
    assert pairing.image(make_image(stamp=1.0), 1.0).labels is labels


def test_when_labels_stop_images_go_on_without(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_timeout_s=0.5)
    pairing.labels(make_image(stamp=1.0, encoding="mono8", channels=1), 1.0)
    assert pairing.image(make_image(stamp=1.0), 1.0) is not None
    assert pairing.image(make_image(stamp=1.1), 1.1) is None
    assert pairing.poll(1.6).labels is None
    assert not pairing.labels_in_use


def test_labels_with_the_stamps_of_another_camera_stop_nothing(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    for number in range(5):
        stamp = 1.0 + number * PERIOD_S
        assert pairing.image(make_image(stamp=stamp), stamp) is not None
        pairing.labels(make_image(stamp=stamp - 0.03, encoding="mono8", channels=1), stamp + 0.01)
    assert pairing.misfits == 5 and not pairing.labels_in_use


def test_waiting_images_are_few(make_image, make_camera_info):
    pairing = paired(make_camera_info, labels_timeout_s=1e9)
    pairing.labels(make_image(stamp=1.0, encoding="mono8", channels=1), 1.0)
    pairing.image(make_image(stamp=1.0), 1.0)
    for number in range(100):
        assert pairing.image(make_image(stamp=2.0 + number), 2.0) is None
    assert pairing.unpaired == 100 - MAX_WAITING


def test_a_stamp_that_jumps_back_starts_anew(make_image, make_camera_info):
    pairing = paired(make_camera_info)
    assert pairing.image(make_image(stamp=100.0), 1.0) is not None
    assert pairing.image(make_image(stamp=3.0), 1.1) is not None
    assert pairing.image(make_image(stamp=3.1), 1.2) is not None
    assert pairing.jumps == 1
