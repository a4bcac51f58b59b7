# SPDX-License-Identifier: Apache-2.0
"""Who occludes whom: the cues along a shared contour, weighed for the pair.

Whether there is an occlusion at all is what the crossings with a step of depth (or with a boundary that was seen) add
up to; a contour without them is contact: a book on a table touches it and does not hide it. Which side is in front is
a sum of log-odds, each cue with the weight that makes the sum a probability on held-out synthetic views under the
depth and the boundaries of the network (logistic regression, fitted by `benchmarks/orders.py --fit`):

- lean: how clearly depth leans to one side, atanh of (evidence for - evidence against) / (crossings that count + 0.1).
  It grows without bound, so that depth that is sure of itself outweighs every shape. Where most of the steps are
  sharp, the pair's and the picture's, the depth was measured or rendered, which no network's is, and it counts eight
  times;
- junction and convexity: means over their crossings, see `contour`;
- enclosure: the share of the smaller id's outline that is shared with the larger one, less the reverse. What is
  surrounded is in front, unless depth sees that it is a hole.

Relations are decided pair by pair: three instances may lie over each other in a circle.
"""
from __future__ import annotations

import numpy as np

from modot_ros.prediction import OcclusionOrder
from modot_ros.scene.order.contour import Contour

LEAN, JUNCTION, CONVEXITY, ENCLOSURE = 2.35, 10.9, 9.7, 4.94   # log-odds per unit of the cue
MEASURED = 8.0                          # times the lean counts where most steps are sharp: no network made that depth
LEAN_PRIOR_PX = 0.1                     # prior: crossings without evidence for a side, beside those there are
MIN_CUE_PX = 4                          # a mean over fewer crossings counts for as little as over so many
MIN_CONTOUR_PX = 4                      # crossings that a pair needs, and
MIN_EVIDENCE_PX, MIN_SHARE = 1.0, 0.08  # evidence for an occlusion, summed and per crossing of the contour
BOUNDARY_ALONE = 0.25                   # share of it that a boundary gives where depth shows no step
MIN_MUTUAL_PX = 4.0                     # evidence of the weaker direction
MUTUAL_LOG_ODDS = 5.0                   # that each direction needs from its own part of the contour


def occlusion_orders(c: Contour) -> tuple[OcclusionOrder, ...]:
    """Occlusion orders of all pairs that meet, in ascending order of (occluder, occludee).

    The confidence is the probability that the direction is right. Both directions are in the result (`mutual`)
    where each has a part of the contour with enough evidence of its own.
    """
    if not len(c.pair):
        return ()
    pairs = len(c.smaller)
    counts = c.counts
    forward, backward = counts & (c.evidence > 0), counts & (c.evidence < 0)
    for_px, against_px = (_total(c, np.abs(c.evidence) * part) for part in (forward, backward))
    crossings = np.bincount(c.pair, minlength=pairs)
    odds = cues(c) @ np.array([LEAN, JUNCTION, CONVEXITY, ENCLOSURE])
    known = ~np.isnan(c.gap_m)                          # without depth there is no evidence
    seen = _total(c, known * np.maximum(np.abs(c.evidence), BOUNDARY_ALONE * c.seen))
    there = (crossings >= MIN_CONTOUR_PX) & (seen >= MIN_EVIDENCE_PX) & (seen >= MIN_SHARE * crossings)

    mutual = there & (np.minimum(for_px, against_px) >= MIN_MUTUAL_PX)
    forward_odds, backward_odds = odds, -odds
    if mutual.any():                                    # each direction by its own part of the contour alone
        own = [sign * (cues(c, part)[:, :3] @ np.array([LEAN, JUNCTION, CONVEXITY]))
               for sign, part in ((1, forward), (-1, backward))]
        mutual &= np.minimum(*own) >= MUTUAL_LOG_ODDS
        forward_odds, backward_odds = np.where(mutual, own, (odds, -odds))

    # A claim is a pair and which side leads: 2 * pair, plus 1 for the larger id. Its crossings have evidence for it.
    without = np.bincount(c.pair, counts, pairs) == 0
    used = np.flatnonzero((there & (mutual | (odds != 0)))[c.pair] & np.where(without[c.pair], known, counts))
    pair = c.pair[used]
    leads = np.where(mutual[pair], forward[used], odds[pair] > 0)
    claims, claim, crossings = np.unique(2 * pair + ~leads, return_inverse=True, return_counts=True)
    # A slanted contour crosses a pixel twice, down and across: its length counts pixels, not crossings.
    pixel = np.unique(claim << 32 | np.where(leads, c.px_smaller[used], c.px_larger[used])) >> 32
    gaps_m = c.gap_m[used][np.lexsort((c.gap_m[used], claim))]
    end = np.cumsum(crossings)
    gap_m = (gaps_m[end - crossings + (crossings - 1) // 2] + gaps_m[end - crossings + crossings // 2]) / 2
    pair, leads = claims >> 1, claims & 1 == 0
    with np.errstate(over="ignore"):
        sure = 1 / (1 + np.exp(-np.where(leads, forward_odds[pair], backward_odds[pair])))
    ids = np.stack([c.smaller[pair], c.larger[pair]], 1)
    ids[~leads] = ids[~leads, ::-1]
    return tuple(sorted(map(OcclusionOrder, *ids.T.tolist(), sure.tolist(), mutual[pair].tolist(),
                            np.bincount(pixel, minlength=len(claims)).astype(float).tolist(), gap_m.tolist()),
                        key=lambda order: (order.occluder, order.occludee)))


def cues(c: Contour, part: np.ndarray | None = None) -> np.ndarray:
    """Lean, junction, convexity and enclosure, [p, 4], > 0 where the smaller id is in front.

    part, bool [n], leaves all but a part of the crossings out.
    """
    part = np.ones(len(c.pair), bool) if part is None else part
    counts = part & c.counts
    lean = np.arctanh(_total(c, c.evidence * counts) / (_total(c, counts) + LEAN_PRIOR_PX))
    if c.measured:
        sharp = _total(c, counts & c.sharp) >= 0.5 * np.maximum(_total(c, counts), 1)
        lean = np.where(sharp, MEASURED * lean, lean)
    means = []
    for cue in (c.junction, c.convexity):
        read = part & ~np.isnan(cue)
        means.append(_total(c, np.where(read, cue, 0)) / np.maximum(_total(c, read), MIN_CUE_PX))
    crossings = _total(c, part)
    return np.stack([lean, *means, crossings / c.perimeter_smaller - crossings / c.perimeter_larger], 1)


def _total(c: Contour, values: np.ndarray) -> np.ndarray:
    """Sum of values [n] per pair [p]."""
    return np.bincount(c.pair, values, len(c.smaller))
