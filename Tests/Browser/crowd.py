"""Twenty thousand points in space: what a browser draws of them, against a camera of our own."""
import base64
import json
import math
import re

import numpy

#: The cell that makes the points: seven clouds, each of its own colour.
CELL = """places = 0..<20000
rows = [[i * 7919 % 10007 / 10007 + i % 7, i * 104729 % 10009 / 10009 + i * 3 % 7,
  i * 1299709 % 20011 / 20011 + i * 5 % 7] for i in places]
clouds = ["a", "b", "c", "d", "e", "f", "g"]
project(tensor(rows), dims: 3) |> scatter(color: [clouds[i % 7] for i in places])"""
#: How far a key turns.
STEP = 0.1


class Crowd:
    """The points of a figure's own data, and where they have to be seen."""

    def __init__(self, html):
        data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S).group(1))
        self.first = data["yaw"], data["pitch"]
        self.labels = data["labels"]
        self.radius = data["radius"]
        decoded = [numpy.frombuffer(base64.b64decode(axis["values"]), "<f4").astype(float) for axis in data["axes"]]
        extents = [(low - 0.06 * (high - low), high + 0.06 * (high - low))
                   for low, high in ((each.min(), each.max()) for each in decoded)]
        half = max((high - low) / 2 for low, high in extents)
        self.sides = [(high - low) / 2 / half for low, high in extents]
        self.places = [(each - (low + high) / 2) / half for each, (low, high) in zip(decoded, extents)]
        channels = [[int(each["color"][k : k + 2], 16) for k in (1, 3, 5)] for each in data["categories"]]
        self.colors = numpy.array(channels)[numpy.frombuffer(base64.b64decode(data["groups"]), numpy.uint8)]

    @staticmethod
    def camera(places, yaw, pitch):
        x, y, z = places
        away = y * math.cos(yaw) - x * math.sin(yaw)
        depth = away * math.cos(pitch) - z * math.sin(pitch)
        near = 4.5 / (4.5 + depth)
        across = (x * math.cos(yaw) + y * math.sin(yaw)) * near
        return across, -(z * math.cos(pitch) + away * math.sin(pitch)) * near, depth

    def seen(self, width, height, yaw, pitch):
        """Where each point is on a canvas, and how far behind the nearest from 0 to 1."""
        corners = numpy.array([[side * (1 if corner >> axis & 1 else -1) for corner in range(8)]
                               for axis, side in enumerate(self.sides)])
        x, y, _ = self.camera(corners, *self.first)
        scale = min((width - 56) / (x.max() - x.min()), (height - 36) / (y.max() - y.min()))
        across, down, depth = self.camera(self.places, yaw, pitch)
        return (width / 2 + (across - (x.min() + x.max()) / 2) * scale,
                height / 2 + (down - (y.min() + y.max()) / 2) * scale,
                (depth - depth.min()) / (depth.max() - depth.min()))


def drawn(hand):
    """The marks' pixels, and the canvas's size on the page."""
    width, height, size, data = hand.canvas().evaluate(
        "e => { const d = e.getContext('2d').getImageData(0, 0, e.width, e.height).data; let s = '';"
        " for (let i = 0; i < d.length; i += 32768) s += String.fromCharCode(...d.subarray(i, i + 32768));"
        " return [e.width, e.height, [e.clientWidth, e.clientHeight], btoa(s)]; }")
    return numpy.frombuffer(base64.b64decode(data), numpy.uint8).reshape(height, width, 4).astype(int), size


def check_picture(hand, crowd, yaw, pitch, page):
    """Every point is drawn where it is seen, nothing is elsewhere, and the nearest hide the others."""
    picture, (width, height) = drawn(hand)
    x, y, far = crowd.seen(width, height, yaw, pitch)
    columns, rows = numpy.floor(x).astype(int), numpy.floor(y).astype(int)
    inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    hand.expect(inside.mean() > 0.95, f"turned by {yaw:.1f}, {pitch:.1f}, most points are on the canvas: {inside.mean()}")
    columns, rows, far, colors = columns[inside], rows[inside], far[inside], crowd.colors[inside]
    hand.expect((picture[rows, columns, 3] == 255).mean() > 0.999, "every point is drawn where it is seen")
    # All pairs of a point and a pixel that it may touch, the nearest points last.
    reach = math.ceil(crowd.radius * 4.5 / 3.9) + 2
    shifts = numpy.array([(dx, dy) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)])
    order = numpy.argsort(-far, kind="stable")
    point = numpy.repeat(order, len(shifts))
    column = numpy.clip(columns[point] + numpy.tile(shifts[:, 0], len(order)), 0, width - 1)
    row = numpy.clip(rows[point] + numpy.tile(shifts[:, 1], len(order)), 0, height - 1)
    away = numpy.hypot(column + 0.5 - x[inside][point], row + 0.5 - y[inside][point])
    radius = crowd.radius * 4.5 / (3.9 + 1.2 * far[point])
    touched = away < radius + 1
    near = numpy.zeros((height, width), bool)
    near[row[touched], column[touched]] = True
    hand.expect(not (picture[..., 3][~near] > 0).any(), "nothing is drawn where there is none")
    front, whole = numpy.full((height, width), -1), numpy.zeros((height, width), bool)
    front[row[touched], column[touched]] = point[touched]
    whole[row[touched], column[touched]] = (away < radius - 0.7)[touched]
    rows, columns = numpy.nonzero(whole)
    front = front[rows, columns]
    fade = 0.5 * far[front][:, None]
    wanted = colors[front] * (1 - fade) + page * fade
    share = (abs(picture[rows, columns, :3] - wanted).max(axis=1) <= 16).mean()
    hand.expect(len(front) > 1000 and share > 0.99, f"each has its colour, paler the farther, and the nearest are in front: {share:.4f} of {len(front)}")


def use_crowd(hand, html, is_dark):
    """Turns the points by keys and by hand, and compares each time; the hints are right afterwards."""
    crowd, page = Crowd(html), 17 if is_dark else 255
    yaw, pitch = crowd.first
    hand.canvas().focus()
    before = hand.look()
    check_picture(hand, crowd, yaw, pitch, page)
    for keys, turn, lift in ((["ArrowLeft"] * 7, 7, 0), (["ArrowDown"] * 2 + ["ArrowLeft"] * 9, 9, 2)):
        yaw, pitch = yaw + turn * STEP, pitch + lift * STEP
        hand.changes(lambda: hand.press(*keys), "arrow keys turn twenty thousand points")
        check_picture(hand, crowd, yaw, pitch, page)
    found = 0
    width, height = drawn(hand)[1]
    x, y, _ = crowd.seen(width, height, yaw, pitch)
    for i in range(0, 20000, 2501):
        hand.point((x[i] + 0.01) / width, (y[i] + 0.01) / height)
        lines = hand.hint()
        if lines:
            at = crowd.labels.index(lines[0])
            found += 1
            hand.expect(math.hypot(x[at] - x[i], y[at] - y[i]) < 12 and lines[1] == "abcdefg"[at % 7],
                        f"the hint at point {i} is of one that is there: {lines}")
    hand.expect(found == 8, f"every point has a hint: {found}")
    hand.away()
    hand.canvas().focus()
    hand.press("0")
    hand.expect(hand.look() == before, "0 shows the very picture of the beginning")
    hand.changes(lambda: hand.drag((0.3, 0.8), (0.5, 0.7)), "dragging turns them")
    hand.press("0")
    hand.expect(hand.look() == before, "from there, too")
