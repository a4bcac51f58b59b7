# SPDX-License-Identifier: Apache-2.0
"""Seeded procedural rooms: shell, furniture, clutter on tops, things on walls, materials and lights."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from modot_ros.learn.synthetic.rooms.furniture import AGAINST_WALL, FLOOR_THINGS, OFTEN_AT_WALL, WEIGHTS, chair
from modot_ros.learn.synthetic.rooms.materials import MaterialTable
from modot_ros.learn.synthetic.rooms.names import class_of
from modot_ros.learn.synthetic.rooms.parts import FLAT_M, Thing, box, frustum
from modot_ros.learn.synthetic.rooms.shapes import BOX, Solid
from modot_ros.learn.synthetic.rooms.tabletop import clutter, desk_set
from modot_ros.learn.synthetic.rooms.walls import THICK_M, Opening, beyond, curtain, frame, random_opening, room_size, slabs


@dataclass(frozen=True)
class Light:
    """A lamp or window: centre and half extents of its area [3] m (world), radiant colour [3]."""

    centre_m: np.ndarray
    half_m: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True)
class Top:
    """A level surface, turned by turn [3, 3] about z: centre [3], half extents [2] metres; `things` are on it."""

    centre_m: np.ndarray
    half_m: np.ndarray
    turn: np.ndarray
    things: int


@dataclass(frozen=True)
class Scene:
    """A room from the corner (0, 0, 0) to size_m, z up. names[i] is the name of instance i; 0 is the shell."""

    seed: int
    size_m: np.ndarray
    solids: list[Solid]
    materials: MaterialTable
    lights: list[Light]
    ambient: np.ndarray                                 # [3]
    names: list[str]
    things: list[np.ndarray]                            # centres [3] of the furniture
    tops: list[Top]

    def inside(self, point_m: np.ndarray, margin_m: float) -> bool:
        """Whether a world point [3] is in the room, at least margin_m from the shell."""
        return bool(np.all(point_m > margin_m) and np.all(point_m < self.size_m - margin_m))

    def clearance_m(self, points_m: np.ndarray) -> np.ndarray:
        """Distance [N] from world points [N, 3] to the nearest solid's own box, the shell included; <= 0 is inside."""
        best = np.full(len(points_m), np.inf)
        for solid in self.solids:
            half = solid.half_m * [max(1, solid.taper), max(1, solid.taper), 1]
            local = np.abs((points_m - solid.centre_m) @ solid.rotation) - half
            outside = np.linalg.norm(np.maximum(local, 0), axis=1)
            best = np.minimum(best, outside + np.minimum(local.max(1), 0))
        return best


class _Builder:
    """Collects solids while a room is being furnished."""

    def __init__(self, seed: int, stretch: np.ndarray) -> None:
        self.rng = np.random.default_rng(seed)
        rng = self.rng
        self.size_m = room_size(rng) * stretch
        self.opening = random_opening(rng, self.size_m)
        self.suns: list[Light] = []
        self.materials = MaterialTable(vivid=rng.choice([0.25, 0.6, 1.0]))
        self.solids: list[Solid] = []
        self.names = ["shell"]
        self.things: list[np.ndarray] = []
        self.tops: list[Top] = []
        self.taken: list[tuple[np.ndarray, np.ndarray]] = []    # footprints: centre [2], half extents [2]

    def place(self, name: str, thing: Thing, origin_m, yaw_rad: float) -> int:
        """Adds a thing as a new instance, its parts turned by yaw_rad about z and moved to origin_m [3]."""
        instance = len(self.names)
        self.names.append(name)
        turn = Rotation.from_euler("z", yaw_rad).as_matrix()
        roles: dict[str, int] = {}
        for part in thing.parts:
            # every book and every crate has a cover of its own, other roles are one material per thing
            if part.role not in roles or part.role in ("book", "card", "fruit"):
                roles[part.role] = self.materials.add_random(part.role, self.rng)
            self.solids.append(Solid(part.kind, np.asarray(origin_m) + turn @ np.array(part.centre_m, float),
                                     turn @ part.rotation, np.array(part.half_m, float),
                                     roles[part.role], instance, part.taper, part.cut, part.hole, part.inside,
                                     part.planes, class_of(name)))
        return instance

    def shell(self) -> None:
        rng, opening = self.rng, self.opening
        material = {role: self.materials.add_random(role, rng) for role in ("wall", "ceiling", "floor")}
        accent = self.materials.add_random("wall", rng) if rng.random() < 0.3 else material["wall"]
        material |= {f"wall{number}": material["wall"] for number in range(4)} | {"wall2": accent}
        pieces = slabs(self.size_m, opening)
        if opening:
            more, deep_m = beyond(rng, self.size_m, opening)
            pieces += more
            material |= {role: self.materials.add_random(base, rng) for role, base in (
                ("annex floor", "floor"), ("annex wall", "wall"), ("ground", "outdoors"), ("outdoors", "outdoors"),
                ("sky", "sky"))}
        for centre, half, role in pieces:
            self.solids.append(Solid(BOX, centre, np.eye(3), half, material[role], class_id=class_of(role)))
        if opening:
            self.dress(opening, deep_m)
        sz = self.size_m[2]
        if self.rng.random() < 0.25:                    # a pillar or chimney that belongs to the shell
            corner = self.rng.uniform([0.1, 0.1], self.size_m[:2] - 0.1)
            corner[self.rng.integers(2)] = 0.0
            half = self.rng.uniform(0.15, 0.4, 2)
            self.solids.append(Solid(BOX, np.append(corner, sz / 2), np.eye(3), np.append(half, sz / 2), accent,
                                     class_id=class_of("wall")))
            self.taken.append((corner, half))

    def dress(self, opening: Opening, deep_m: float) -> None:
        """Frame, curtains, the sun in a window, somebody or something in a doorway's other space."""
        rng, room_m = self.rng, self.size_m
        middle = (opening.first_m + opening.last_m) / 2
        yaw = (np.pi / 2, -np.pi / 2, np.pi, 0.0)[opening.wall]
        self.place(opening.kind, Thing(frame(rng, opening)), opening.point(room_m, middle, 0.0, 0.0), yaw)
        before = opening.point(room_m, middle, 0.0, 0.0)[:2]        # nothing stands there
        reach = np.full(2, 0.45)
        reach[1 - opening.axis] = (opening.last_m - opening.first_m) / 2
        self.taken.append((before, reach))
        if opening.kind == "window":
            if rng.random() < 0.55:
                low_m, high_m = rng.choice([0.02, opening.low_m]), min(opening.high_m + 0.1, room_m[2] - 0.03)
                for edge in (opening.first_m, opening.last_m):
                    width = min(rng.uniform(0.15, 0.8), room_m[1 - opening.axis] / 2 - 0.1)
                    along = np.clip(edge, width / 2 + 0.08, room_m[1 - opening.axis] - width / 2 - 0.08)
                    self.place("curtain", Thing(curtain(rng, width, low_m, high_m)),
                               opening.point(room_m, along, -0.1, 0.0), yaw)
            if rng.random() < 0.6:                      # hard light that falls in as patches
                where = opening.point(room_m, middle + rng.uniform(-3, 3), rng.uniform(0.5, 0.85) * deep_m,
                                      rng.uniform(2.5, 6.0))
                power = rng.uniform(1.0, 4.0) * (0.6 + float(np.sum((where[:2] - room_m[:2] / 2) ** 2)))
                self.suns.append(Light(where, np.full(3, 0.04), power * np.array([1.0, 0.93, 0.8])))
        elif deep_m > 1.8:
            where = opening.point(room_m, middle, THICK_M + deep_m / 2, room_m[2] - 0.1)
            self.suns.append(Light(where, np.array([0.2, 0.2, 0.01]), rng.uniform(0.2, 1.2) * np.ones(3)))
            name = str(rng.choice(["chair", "plant", "cabinet", "person", "shelf", "table"]))
            thing = FLOOR_THINGS[name](rng)
            if thing.half_footprint_m.max() < deep_m / 2 - 0.1:
                self.place(name, thing, opening.point(room_m, middle + rng.normal(0, 0.3), THICK_M + deep_m / 2
                                                      + rng.uniform(0, 0.1), 0.0), rng.uniform(0, 2 * np.pi))

    def free(self, centre: np.ndarray, half: np.ndarray, gap_m: float = 0.05) -> bool:
        if np.any(centre - half < 0.01) or np.any(centre + half > self.size_m[:2] - 0.01):
            return False
        return all(np.any(np.abs(centre - c) > half + h + gap_m) for c, h in self.taken)

    def furnish(self, name: str, attempts: int = 25) -> None:
        rng = self.rng
        thing = FLOOR_THINGS[name](rng)
        half = thing.half_footprint_m
        for _ in range(attempts):
            quarter = int(rng.integers(4))
            yaw = quarter * np.pi / 2
            if name in AGAINST_WALL or (name in OFTEN_AT_WALL and rng.random() < 0.5):
                turned = half if quarter % 2 == 0 else half[::-1]
                # the back (+y of the thing) looks at the wall that the quarter turn points to
                centre = rng.uniform(turned, np.maximum(self.size_m[:2] - turned, turned + 1e-6))
                axis, far = ((1, True), (0, False), (1, False), (0, True))[quarter]
                gap = rng.uniform(0.015, 0.06)
                centre[axis] = self.size_m[axis] - turned[axis] - gap if far else turned[axis] + gap
            else:
                yaw = rng.uniform(0, 2 * np.pi) if rng.random() < 0.6 else yaw + rng.normal(0, 0.1)
                cos, sin = abs(np.cos(yaw)), abs(np.sin(yaw))
                turned = np.array([cos * half[0] + sin * half[1], sin * half[0] + cos * half[1]])
                centre = rng.uniform(turned, np.maximum(self.size_m[:2] - turned, turned + 1e-6))
            if self.free(centre, turned):
                break
        else:
            return
        self.taken.append((centre, turned))
        self.place(name, thing, np.append(centre, 0.0), yaw)
        turn = Rotation.from_euler("z", yaw).as_matrix()
        height = max(part.centre_m[2] for part in thing.parts)
        self.things.append(np.append(centre, 0.7 * height))
        for top_centre, top_half in thing.tops:
            self.scatter(np.append(centre, 0.0) + turn @ np.array(top_centre, float), np.array(top_half), yaw,
                         full=float(np.exp(rng.normal({"table": 0.8, "bed": -1.0}.get(name, 0.0), 0.6))),
                         work=name == "table" and rng.random() < 0.4)
        if name == "table":
            self.seats(centre, turned)

    def seats(self, centre: np.ndarray, half: np.ndarray) -> None:
        """Chairs round a table, facing it."""
        for quarter in range(4):
            if self.rng.random() < 0.45:
                thing = chair(self.rng)
                reach = thing.half_footprint_m.max()
                out = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)][quarter], float)
                seat = centre + out * (half + reach + self.rng.uniform(0.02, 0.15))
                if self.free(seat, np.full(2, reach), 0.01):
                    self.taken.append((seat, np.full(2, reach)))
                    # the chair's front is -y: turn it so that the front looks at the table
                    yaw = np.arctan2(out[1], out[0]) - np.pi / 2 + self.rng.normal(0, 0.15)
                    self.place("chair", thing, np.append(seat, 0.0), yaw)
                    self.things.append(np.append(seat, 0.5))

    def scatter(self, centre_m: np.ndarray, half: np.ndarray, yaw: float, full: float = 1.0,
                work: bool = False) -> None:
        """Clutter on a level top, about `full` times 9 things per square metre, round a place to work if wanted."""
        turn = Rotation.from_euler("z", yaw).as_matrix()
        spots: list[tuple[np.ndarray, float]] = []

        def put(thing: Thing, spot: np.ndarray, height_m: float, angle: float) -> None:
            self.place(thing.name, thing, centre_m + turn @ np.append(spot, height_m), yaw + angle)

        if work and half[0] > 0.35:
            seat = np.array([self.rng.uniform(-1, 1) * max(half[0] - 0.4, 0), 0])
            for thing, x, y, angle in desk_set(self.rng):
                put(thing, seat + [x, y], 0.0, angle)
                spots.append((seat + [x, y], 0.8 * float(thing.half_footprint_m.max())))
        for _ in range(self.rng.poisson(9 * full * 4 * half[0] * half[1])):
            thing = clutter(self.rng)
            reach = float(thing.half_footprint_m.max())
            if reach > half.min():
                continue
            spot = self.rng.uniform(-half + 0.8 * reach, half - 0.8 * reach)
            # close together, so that things touch and lean into each other at times
            if all(np.linalg.norm(spot - other) > 0.8 * (reach + other_reach) for other, other_reach in spots):
                spots.append((spot, reach))
                put(thing, spot, 0.0, self.rng.uniform(0, 2 * np.pi) if self.rng.random() < 0.5
                    else self.rng.normal(0, 0.3))
                if thing.height_m < 0.12 and thing.stackable and self.rng.random() < 0.3:
                    other = clutter(self.rng)
                    if other.half_footprint_m.max() < 1.2 * thing.half_footprint_m.min():
                        put(other, spot, thing.height_m, self.rng.uniform(0, 2 * np.pi))
        self.tops.append(Top(centre_m, half, turn, len(spots)))

    def litter(self) -> None:
        """Carpets, and in some rooms things on the floor."""
        rng = self.rng
        if rng.random() < 0.35:
            half = rng.uniform([0.5, 0.4], np.maximum(self.size_m[:2] / 2 - 0.1, [0.6, 0.5]).clip(max=1.6))
            middle = rng.uniform(half * 0.8, self.size_m[:2] - half * 0.8)
            yaw = rng.normal(0, 0.1) if rng.random() < 0.7 else rng.uniform(0, np.pi)
            parts = ([frustum(0, 0, 0, half.min(), FLAT_M, "carpet")] if rng.random() < 0.25 else
                     [box(0, 0, 0, *half, FLAT_M, "carpet"), box(0, 0, FLAT_M, *(half * 0.85), FLAT_M, "carpet")])
            self.place("carpet", Thing(parts), np.append(middle, 0.0), yaw)
        if rng.random() < 0.2:
            for _ in range(20):
                half = rng.uniform(0.25, 0.6, 2)
                centre = rng.uniform(half, self.size_m[:2] - half)
                if self.free(centre, half):
                    self.scatter(np.append(centre, 0.0), half, rng.uniform(0, np.pi), full=1.5)
                    break

    def hang(self) -> None:
        """Pictures, windows, doors, boards on the walls, and lamps below the ceiling."""
        rng = self.rng
        for wall in range(4):
            along, across = (1, 0) if wall < 2 else (0, 1)
            used: list[tuple[float, float]] = []
            if self.opening and self.opening.wall == wall:
                used.append(((self.opening.first_m + self.opening.last_m) / 2,
                             (self.opening.last_m - self.opening.first_m) / 2 + 0.1))
            for _ in range(int(rng.integers(0, 4))):
                kind = rng.choice(["picture", "window", "door", "board"], p=[.5, .2, .2, .1])
                hx, hz, z = {"picture": (rng.uniform(.15, .5), rng.uniform(.15, .4), rng.uniform(1.2, 1.8)),
                             "window": (rng.uniform(.35, .8), rng.uniform(.4, .65), 1.5),
                             "door": (rng.uniform(.38, .48), 1.0, 1.0),
                             "board": (rng.uniform(.4, .9), rng.uniform(.3, .6), 1.5)}[kind]
                if 2 * hx + 0.2 > self.size_m[along] or z + hz > self.size_m[2] - 0.05:
                    continue
                place = rng.uniform(hx + 0.1, self.size_m[along] - hx - 0.1)
                if any(abs(place - other) < hx + width + 0.05 for other, width in used):
                    continue
                used.append((place, hx))
                deep = rng.uniform(0.008, 0.025)
                frame = rng.uniform(0.015, 0.05)
                face = {"picture": "poster", "window": "pane", "door": "wood", "board": "paint"}[kind]
                parts = [box(0, 0, 0, hx - frame, deep * 0.6, hz - frame, face)]
                if kind != "board" or rng.random() < 0.5:
                    for side in (-1, 1):
                        parts.append(box(side * (hx - frame / 2), 0, 0, frame / 2, deep, hz, "paint"))
                        parts.append(box(0, 0, side * (hz - frame / 2), hx - frame, deep, frame / 2, "paint"))
                if kind == "door":
                    parts.append(box(hx - 0.1, -deep - 0.02, 0.0, 0.05, 0.01, 0.01, "metal"))
                origin = np.zeros(3)
                origin[along], origin[2] = place, z
                origin[across] = deep if wall % 2 == 0 else self.size_m[across] - deep
                self.place(kind, Thing(parts), origin, {0: np.pi / 2, 1: -np.pi / 2, 2: np.pi, 3: 0.0}[wall])

    def lights(self) -> list[Light]:
        rng = self.rng
        found = []
        for _ in range(int(rng.integers(1, 3))):
            where = np.append(rng.uniform(0.2, 0.8, 2) * self.size_m[:2], self.size_m[2] - rng.uniform(0.03, 0.5))
            warm = rng.uniform(0.55, 1.0)
            found.append(Light(where, np.append(rng.uniform(0.03, 0.4, 2), 0.01),
                               rng.uniform(0.5, 1.5) * np.array([1.0, 0.6 + 0.4 * warm, 0.25 + 0.75 * warm])))
        if rng.random() < 0.3:                          # daylight from one side
            axis = int(rng.integers(2))
            where = np.array([*rng.uniform(0.2, 0.8, 2) * self.size_m[:2], 1.6])
            where[axis] = 0.1 if rng.random() < 0.5 else self.size_m[axis] - 0.1
            half = np.full(3, 0.5)
            half[axis] = 0.01
            found.append(Light(where, half, rng.uniform(1, 3) * np.array([0.85, 0.95, 1.1])))
        for light in found:                             # a hanging lamp is seen, too
            if light.centre_m[2] < self.size_m[2] - 0.2 and light.half_m[2] < 0.1:
                drop = self.size_m[2] - light.centre_m[2]
                shade = frustum(0, 0, 0.06, 0.16, 0.05, "glow", 0.5)
                cord = frustum(0, 0, drop / 2 + 0.05, 0.006, drop / 2 - 0.05, "metal")
                self.place("lamp", Thing([shade, cord]), light.centre_m, 0.0)
        return found + self.suns


def random_scene(seed: int, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Scene:
    """The room of a seed: the same seed gives the same room on every machine.

    stretch: of its length, width and height; above 1 corridors and halls come out of the same drawing of rooms.
    """
    builder = _Builder(seed, np.array(stretch))
    rng = builder.rng
    builder.shell()
    builder.hang()
    area = float(np.prod(builder.size_m[:2]))
    wanted = rng.choice(list(WEIGHTS), size=int(np.clip(rng.poisson(area * 0.38), 3, 14 if max(stretch) <= 1.0 else 30)),
                        p=np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values()))
    for name in sorted(wanted, key=lambda name: name not in AGAINST_WALL):
        builder.furnish(str(name))
    builder.litter()
    lights = builder.lights()
    ambient = rng.uniform(0.12, 0.45) * np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.8, 1.05)])
    return Scene(seed, builder.size_m, builder.solids, builder.materials, lights, ambient, builder.names,
                 builder.things, builder.tops)
