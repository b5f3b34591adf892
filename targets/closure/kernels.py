"""The passes over the grid that find every closure: receivers, basins, saddles, merge tree, sizes, labels.

Cells are ordered by (depth, index), so no two are equal and plateaus need no special code; "earlier" below means
shallower in this order. A cell without an earlier neighbour is a peak; every other cell hands over to an earlier
neighbour, and the cells that end at one peak are its basin. Two basins can only meet at a cell whose earlier
neighbours fall into separate runs, or at an outlet, where the basin of the outside (number 0) is met. Joining basins
at these cells from the shallowest to the deepest with union-find is Kruskal's algorithm for the spanning tree of
highs and saddles; each join is a node of the tree of closures, and what joins the outside is no longer closed.

The grid is cut into strips of rows and each pass runs over the strips in threads; passes that follow pointers across
strips write the same final value whoever comes first.

The tree is the depression hierarchy of Barnes, Callaghan and Wickert (2020, Earth Surf. Dynam. 8, 431-445), upside
down; joining only at saddles in place of a priority queue over all cells makes it linear but for the sort of saddles.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.closure.compiled import compiled

INSIDE, OPEN, WALL = 0, 1, 2  # what a cell is: part of the map, an open border, or a wall
PEAK, OUTLET, NOWHERE = 8, 9, 10  # what a cell's code says beside a direction 0..7
MEET = 16  # added to the code where basins can meet
OVER, NONE = 8, 9  # directions beside 0..7 in which a closure leaks: over the border, or no way out

# The eight neighbours, clockwise, so that runs of neighbours are runs of bits:
#   7 0 1
#   6 . 2
#   5 4 3
DROW = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
DCOL = np.array([0, 1, 1, 1, 0, -1, -1, -1])
SIDES, CORNERS = 0b01010101, 0b10101010


def _runs_table(connectivity: int) -> NDArray[np.uint8]:
    """For each 8-bit mask of earlier neighbours: the run each neighbour is in, as 8 masks; and whether they are many.

    Returns (256, 5) uint8: up to four masks of neighbours that touch each other, 0 when there are fewer, and the number
    of runs. With 4 neighbours a diagonal cell can link two of them but is no neighbour itself.
    """
    table = np.zeros((256, 5), np.uint8)
    used = 0xFF if connectivity == 8 else SIDES
    for mask in range(256):
        left = {k for k in range(8) if mask >> k & 1}
        while left:
            run = [left.pop()]
            for a in run:
                apart = [(k, abs(DROW[a] - DROW[k]), abs(DCOL[a] - DCOL[k])) for k in left]
                near = [k for k, r, c in apart if (max(r, c) if connectivity == 8 else r + c) == 1]
                left.difference_update(near)
                run += near
            bits = sum(1 << k for k in run) & used
            if bits:
                table[mask, table[mask, 4]] = bits
                table[mask, 4] += 1
    return table


RUNS = {8: _runs_table(8), 4: _runs_table(4)}


# Depth tests ----------------------------------------------------------------------------------------------------------


@compiled
def contour_above(spill: float, interval: float, base: float) -> float:
    """The deepest contour that lies strictly above `spill`: the greatest float64 `base + k*interval` below it."""
    k = np.ceil((spill - base) / interval) - 1
    while base + (k + 1) * interval < spill:
        k += 1
    while base + k * interval >= spill:
        k -= 1
    return base + k * interval


@compiled(nogil=True)
def limits(spill: NDArray, interval: float, base: float, limit: NDArray) -> None:
    """The deepest depth that still belongs to a closure leaking at `spill`, both in the type of the map.

    It is exact: no number of this type lies between the limit and the spill depth (or the contour) it stands for.
    """
    for i in range(spill.size):
        if interval == 0:
            limit[i] = np.nextafter(spill[i], -limit.dtype.type(np.inf))
        else:
            level = contour_above(spill[i], interval, base)
            limit[i] = level
            if limit[i] > level:
                limit[i] = np.nextafter(limit[i], -limit.dtype.type(np.inf))


# Pass 1: earlier neighbours -------------------------------------------------------------------------------------------


@compiled
def _row(above: NDArray, here: NDArray, below: NDArray, mask: NDArray, code: NDArray, eight: bool) -> None:
    # Without branches, so that the compiler works on many cells at once. Equal depths: a smaller index is earlier.
    for c in range(mask.size):
        z = here[c + 1]
        z0, z1, z2, z3 = above[c + 1], above[c + 2], here[c + 2], below[c + 2]
        z4, z5, z6, z7 = below[c + 1], below[c], here[c], above[c]
        m = np.uint8(z0 <= z) | (np.uint8(z1 <= z) << 1) | (np.uint8(z2 < z) << 2) | (np.uint8(z3 < z) << 3)
        m |= (np.uint8(z4 < z) << 4) | (np.uint8(z5 < z) << 5) | (np.uint8(z6 <= z) << 6) | (np.uint8(z7 <= z) << 7)
        mask[c] = m
        x = z0 if z0 < z2 else z2
        x = z4 if z4 < x else x
        x = z6 if z6 < x else x
        if eight:
            x = z1 if z1 < x else x
            x = z3 if z3 < x else x
            x = z5 if z5 < x else x
            x = z7 if z7 < x else x
        # the earliest of the shallowest: the last one written, in falling order of index
        k = np.int32(4)
        if eight:
            k = np.int32(3) if z3 == x else k
            k = np.int32(4) if z4 == x else k
            k = np.int32(5) if z5 == x else k
        k = np.int32(2) if z2 == x else k
        k = np.int32(6) if z6 == x else k
        if eight:
            k = np.int32(1) if z1 == x else k
        k = np.int32(0) if z0 == x else k
        if eight:
            k = np.int32(7) if z7 == x else k
        code[c] = k


@compiled
def _meetings(mask: NDArray, code: NDArray, eight: bool) -> None:
    """Finish a row's codes: PEAK where nothing is earlier, MEET where the earlier neighbours form several runs."""
    used = np.uint8(0xFF if eight else SIDES)
    for c in range(mask.size):
        m = mask[c]
        both = ((m << 1) | (m >> 7)) & ((m >> 1) | (m << 7)) & CORNERS
        # two sides touch across a corner with 8 neighbours; with 4 they do so only through an earlier corner cell
        run = (m | both) if eight else ((m & SIDES) | (m & both))
        run &= 0xFF
        begin = run & ~((run << 1) | (run >> 7)) & 0xFF
        k = np.uint8(code[c] if m & used != 0 else PEAK)
        code[c] = k | (MEET if begin & (begin + 0xFF) & 0xFF != 0 else 0)


@compiled
def _load(depth: NDArray, state: NDArray, row: int, line: NDArray) -> bool:
    """A row of depths with a frame, cells off the map infinitely deep; whether there are such cells."""
    height, width = depth.shape
    if row < 0 or row >= height:
        line[:] = np.inf
        return False
    line[1:-1] = depth[row]
    special = False
    if state.size > 0:
        for c in range(width):
            if state[row, c] != INSIDE:
                line[c + 1] = np.inf
                special = True
    return special


@compiled(nogil=True)
def neighbours(
    depth: NDArray,
    state: NDArray,
    eight: bool,
    edge_open: bool,
    first: int,
    last: int,
    mask: NDArray,
    code: NDArray,
    basin: NDArray,
) -> tuple[int, int]:
    """For rows first..last-1: the mask of earlier neighbours, the code, and what is known of the basin at once.

    Parameters
    ----------
    depth : (H, W) float
        State : (H, W) uint8 of INSIDE, OPEN, WALL, or (0, 0) when all is inside.
    mask, code : (H, W) uint8
        Written; the code is the direction of the earliest neighbour (up-dip), PEAK, OUTLET or.

    Notes
    -----
    NOWHERE, plus MEET. basin : (H, W) int32, written: -1 off the map, 0 at outlets, else -2 (not known yet).
    Returns the number of peaks, and of saddles that the strip can have at most.
    """
    height, width = depth.shape
    above = np.full(width + 2, np.inf, depth.dtype)
    here, below = above.copy(), above.copy()
    special0 = _load(depth, state, first - 1, above)
    special1 = _load(depth, state, first, here)
    peaks = saddles = 0
    for row in range(first, last):
        special2 = _load(depth, state, row + 1, below)
        if eight:
            _row(above, here, below, mask[row], code[row], True)
            _meetings(mask[row], code[row], True)
        else:
            _row(above, here, below, mask[row], code[row], False)
            _meetings(mask[row], code[row], False)
        edge_row = edge_open and (row == 0 or row == height - 1)
        line, masks, lands = code[row], mask[row], basin[row]
        lands[:] = -2
        if edge_row or special0 or special1 or special2:
            for c in range(width):
                outlet = edge_row
                if state.size > 0:
                    if state[row, c] != INSIDE:
                        line[c], masks[c], lands[c] = NOWHERE, 0, -1
                        continue
                    for k in range(8):
                        r, d = row + DROW[k], c + DCOL[k]
                        if (eight or SIDES >> k & 1) and 0 <= r < height and 0 <= d < width:
                            outlet |= state[r, d] == OPEN
                if outlet:
                    line[c] = OUTLET
        if edge_open:
            for c in (0, width - 1):
                if line[c] != NOWHERE:
                    line[c] = OUTLET
        if edge_row or edge_open or special0 or special1 or special2:
            full = edge_row or special0 or special1 or special2
            for c in range(0, width, 1 if full else max(1, width - 1)):
                if line[c] == OUTLET:
                    lands[c] = 0
                    if masks[c] != 0:
                        line[c] += MEET
                        saddles += 1  # an outlet can have one more
        for c in range(width):
            peaks += line[c] == PEAK
            saddles += 3 * (line[c] >= MEET)
        above, here, below = here, below, above
        special0, special1 = special1, special2
    return peaks, saddles


# Pass 2: basins -------------------------------------------------------------------------------------------------------


@compiled(nogil=True)
def number_peaks(code: NDArray, first: int, last: int, start: int, basin: NDArray, peak: NDArray) -> None:
    """Give the peaks of a strip the basin numbers from `start` on; `peak` takes each one's flat index."""
    width = code.shape[1]
    for row in range(first, last):
        for c in range(width):
            if code[row, c] == PEAK:
                basin[row, c] = start
                peak[start] = row * width + c
                start += 1


def _handed_table(connectivity: int) -> NDArray[np.uint8]:
    """For each mask of earlier neighbours: the direction a cell hands over to, or PEAK: as the code says.

    Backwards if it can, so that most basins are known when they are asked for.
    """
    table = np.full(256, PEAK, np.uint8)
    for k in (1, 7, 0, 6) if connectivity == 8 else (0, 6):
        table[[mask for mask in range(256) if mask >> k & 1]] = k
    return table


HANDED = {8: _handed_table(8), 4: _handed_table(4)}


@compiled(nogil=True)
def basins(mask: NDArray, code: NDArray, handed: NDArray, first: int, last: int, basin: NDArray) -> None:
    """The basin of every cell of a strip: follow the cells it is handed to until one is known, then write it back."""
    width = mask.shape[1]
    masks, codes, lands = mask.ravel(), code.ravel(), basin.ravel()
    step = DROW * width + DCOL
    for i in range(first * width, last * width):
        if lands[i] != -2:
            continue
        k = handed[masks[i]]
        if k == PEAK:
            k = codes[i] & 15
        j = i + step[k]
        found = lands[j]
        if found == -2:
            while lands[j] == -2:
                k = handed[masks[j]]
                j += step[codes[j] & 15 if k == PEAK else k]
            found = lands[j]
            j = i
            while lands[j] == -2:
                lands[j] = found
                k = handed[masks[j]]
                j += step[codes[j] & 15 if k == PEAK else k]
        lands[i] = found


# Pass 3: saddles ------------------------------------------------------------------------------------------------------


@compiled(nogil=True)
def saddles(
    depth: NDArray,
    mask: NDArray,
    code: NDArray,
    basin: NDArray,
    runs: NDArray,
    first: int,
    last: int,
    cell: NDArray,
    pair: NDArray,
    ways: NDArray,
) -> int:
    """Where two basins meet in a strip: the cell, the two basins, and the directions of the cells joined there.

    Parameters
    ----------
    cell : (M,) int
        Pair : (M, 2) int32; ways : (M, 2) uint8; all written from the front. Returns how many.
    """
    width = depth.shape[1]
    infinite = depth.dtype.type(np.inf)
    count = 0
    for row in range(first, last):
        for col in range(width):
            if code[row, col] < MEET:
                continue
            m = mask[row, col]
            base, base_way = -1, 0
            if code[row, col] == OUTLET + MEET:
                base, base_way = 0, OVER
            start = count
            for j in range(runs[m, 4]):
                run = runs[m, j]
                best, best_z = 0, infinite
                for k in range(8):
                    if run >> k & 1:
                        z = depth[row + DROW[k], col + DCOL[k]]
                        best, best_z = (k, z) if z < best_z else (best, best_z)
                there = basin[row + DROW[best], col + DCOL[best]]
                if base == -1:
                    base, base_way = there, best
                known = there == base
                for i in range(start, count):
                    known |= pair[i, 1] == there
                if not known:
                    cell[count] = row * width + col
                    pair[count, 0], pair[count, 1] = base, there
                    ways[count, 0], ways[count, 1] = base_way, best
                    count += 1
    return count


@compiled(nogil=True)
def sort_keys(keys: NDArray, order: NDArray) -> NDArray:
    """The stable order of unsigned integer keys (N,), by radix sort with 11 bits a pass. `order`: (N,) work space."""
    size, bits = keys.size, keys.itemsize * 8
    for i in range(size):
        order[i] = i
    other, sorted_keys, other_keys = np.empty_like(order), keys, np.empty_like(keys)
    own = False
    for shift in range(0, bits, 11):
        count = np.zeros(2049, np.int64)
        for i in range(size):
            count[((sorted_keys[i] >> shift) & 2047) + 1] += 1
        if count.max() == size:
            continue
        for j in range(2048):
            count[j + 1] += count[j]
        for i in range(size):
            digit = (sorted_keys[i] >> shift) & 2047
            other[count[digit]] = order[i]
            other_keys[count[digit]] = sorted_keys[i]
            count[digit] += 1
        order, other = other, order
        if own:
            sorted_keys, other_keys = other_keys, sorted_keys
        else:
            sorted_keys, other_keys, own = other_keys, np.empty_like(keys), True
    return order


@compiled(nogil=True)
def sieve(order: NDArray, basins: int, cell: NDArray, pair: NDArray, ways: NDArray) -> int:
    """Keep the saddles that join basins when a strip is taken alone, moved to the front. Returns how many.

    The others close a ring of saddles that come earlier, so they join nothing in the whole map either.
    """
    over, kept = np.arange(basins, dtype=np.int32), np.zeros(order.size, np.bool_)
    for e in order:
        a, b = _find(over, pair[e, 0]), _find(over, pair[e, 1])
        if a != b:
            over[a], kept[e] = b, True
    count = 0
    for e in range(order.size):
        if kept[e]:
            cell[count], pair[count], ways[count] = cell[e], pair[e], ways[e]
            count += 1
    return count


@compiled
def _find(over: NDArray, a: int) -> int:
    while over[a] != a:
        over[a] = over[over[a]]
        a = over[a]
    return a


# Pass 4: the tree -----------------------------------------------------------------------------------------------------


@compiled
def _turn(e: int, pair: NDArray, ways: NDArray) -> None:
    """Change the sides of a saddle."""
    pair[e, 0], pair[e, 1] = pair[e, 1], pair[e, 0]
    ways[e, 0], ways[e, 1] = ways[e, 1], ways[e, 0]


@compiled(nogil=True)
def join(
    order: NDArray, sides: NDArray, limit: NDArray, pair: NDArray, ways: NDArray, top: NDArray, over: NDArray,
    top_z: NDArray, up: NDArray, via: NDArray, kids: NDArray, born: NDArray, made: NDArray,
) -> tuple[int, int]:  # fmt: skip
    """Join basins at the saddles, from the shallowest down: in `order`; `sides` are their basins, in this order.

    Per saddle: limit (see `limits`), pair, ways (see `saddles`; where one side is joined to the outside, or hung on the
    other, it is put second). Per basin 0..n: `over`, `top` and `top_z` (the union-find tree, the node on top of it, the
    peak's depth). Per node (1..n the basins, then joins): `up`, the node it is joined into (0 = outside); `via`, the
    saddle where that happens; per join, at its number - n: `kids`, first the one on the first side, and `born`, its
    highest peak. The number of a join is n + that of the basin whose high ends there: what lies together on the map
    lies together in memory. `made` lists the joins in order. Returns how many basins were united and how many joins
    were made.

    A high with no contour of its own (flat up to the saddle, or within one contour interval of it) makes no join: it is
    hung on its neighbour.
    """
    n = top.size - 1
    united = joins = 0
    for i in range(order.size):
        e, a, b = order[i], _find(over, sides[i, 0]), _find(over, sides[i, 1])
        if a == b:
            continue
        united += 1
        if b == 0:
            a, b = b, a
            _turn(e, pair, ways)
        if a == 0:
            node = top[b]
            up[node], via[node] = 0, e
            over[b] = 0
            continue
        first, second = top[a], top[b]
        old, young = (a, b) if top_z[a] < top_z[b] or (top_z[a] == top_z[b] and a < b) else (b, a)
        over[young] = old
        if top_z[young] > limit[e]:
            node = top[young]
            up[node], via[node] = top[old], e
            if young == a:
                _turn(e, pair, ways)
            continue
        node = n + young
        up[first] = up[second] = node
        via[first] = via[second] = e
        kids[young, 0], kids[young, 1] = first, second
        born[young] = old
        top[old] = node
        made[joins] = node
        joins += 1
    return united, joins


@compiled(nogil=True)
def deepest_cells(depth: NDArray, basin: NDArray, over: NDArray) -> NDArray:
    """Per root of the union-find tree that is not the outside: the last cell of its part of the map, else -1."""
    flat, basin_flat = depth.ravel(), basin.ravel()
    deepest = np.full(over.size, -1, np.int64)
    for i in range(flat.size):
        if basin_flat[i] > 0:
            a = _find(over, basin_flat[i])
            if a != 0 and (deepest[a] == -1 or flat[i] >= flat[deepest[a]]):
                deepest[a] = i
    return deepest


@compiled(nogil=True)
def settle(
    nodes: int, n: int, level: NDArray, limit: NDArray, top_z: NDArray, up: NDArray, via: NDArray,
    kids: NDArray, spill: NDArray, deep: NDArray, own: NDArray, outer: NDArray, final: NDArray,
) -> int:  # fmt: skip
    """Which nodes are closures, and how they nest. All arrays from `spill` on are per node, written here.

    A node is a closure when something lies between the depth it begins at and the depth it leaks at. Joins at equal
    depth (or within one contour interval) leave empty nodes, which are skipped.

    Parameters
    ----------
    spill, deep : NDArray
        The spill depth and its limit; own, outer : the innermost and the outermost closure that holds the.

    Notes
    -----
    node (itself, if it is one), 0 = none; final : the last node before the outside. Returns how many closures.
    """
    own[0] = outer[0] = final[0] = count = 0
    deep[0] = -np.inf
    for node in range(1, nodes):
        own[node], outer[node] = -1, -1
        if node > n and kids[node - n, 0] == 0:
            own[node] = 0  # no join has this number
    chain = np.empty(nodes, np.int32)
    for start in range(1, nodes):
        length, node = 0, start
        while own[node] == -1:
            chain[length] = node
            length += 1
            node = up[node]
        while length > 0:
            length -= 1
            node = chain[length]
            parent, e = up[node], via[node]
            final[node] = final[parent] if parent != 0 else node
            begins = level[via[kids[node - n, 0]]] if node > n else top_z[node]
            real = begins <= limit[e]
            # what is joined to the outside within one step all leaks where the last of it does
            last = via[final[node]] if outer[parent] == 0 else e
            spill[node], deep[node] = level[last], limit[last]
            outer[node] = outer[parent]
            if real:
                own[node] = node
                if outer[node] == 0:
                    outer[node] = node
                count += 1
            else:
                own[node] = own[parent]
                if begins > deep[outer[node]]:
                    outer[node] = 0  # a flat on the way out: joined to a closure, but at its spill depth
    return count


@compiled(nogil=True)
def ways_out(
    nodes: int, n: int, pair: NDArray, ways: NDArray, up: NDArray, via: NDArray, kids: NDArray, outer: NDArray,
    leave: NDArray,
) -> None:  # fmt: skip
    """The saddle by which each outermost closure, and each flat outside of closures, leaks; the outer side put first.

    Mostly that is where it is joined to the outside. Where several meet at one depth on the way out, the spanning tree
    between them is walked from the one that leaks: each leaves by the saddle through which it was reached.
    `leave` : (nodes,) int32, written; -1 for other nodes.
    """
    for node in range(nodes):
        leave[node] = -1
    count = 0
    for node in range(1, nodes):
        if outer[node] == node or outer[node] == 0:
            e = via[node]
            if up[node] == 0:
                b = pair[e, 1]
                leave[outer[b] if outer[b] != 0 else b] = e
            elif up[node] <= n or kids[up[node] - n, 1] != node:  # not the second side of a saddle met before
                count += 1
    if count == 0:
        return
    head = np.full(nodes, -1, np.int32)
    tail = np.empty(2 * count, np.int32)
    edge = np.empty(count, np.int32)
    size = 0
    for node in range(1, nodes):
        if up[node] == 0 or (outer[node] != node and outer[node] != 0):
            continue
        if up[node] <= n or kids[up[node] - n, 1] != node:
            edge[size] = via[node]
            for j in range(2):
                b = pair[via[node], j]
                unit = outer[b] if outer[b] != 0 else b
                tail[2 * size + j], head[unit] = head[unit], 2 * size + j
            size += 1
    queue = np.empty(nodes, np.int32)
    last = 0
    for node in range(1, nodes):
        if leave[node] != -1 and head[node] != -1:
            queue[last] = node
            last += 1
    at = 0
    while at < last:
        spot = head[queue[at]]
        at += 1
        while spot != -1:
            e = edge[spot // 2]
            j = spot % 2  # the side that is outside of the other
            b = pair[e, 1 - j]
            unit = outer[b] if outer[b] != 0 else b
            if leave[unit] == -1:
                leave[unit] = e
                if j == 1:
                    _turn(e, pair, ways)
                queue[last] = unit
                last += 1
            spot = tail[spot]


@compiled(nogil=True)
def pass_on(
    nodes: int, n: int, pair: NDArray, ways: NDArray, up: NDArray, via: NDArray, kids: NDArray, made: NDArray,
    kept: NDArray, leave: NDArray,
) -> None:  # fmt: skip
    """In the contour reading: the saddle by which a high leaks that has no closure in the table; what it leaks to is
    put first.

    Such highs grow together as they fill, until they meet one with a closure of the table, or the outside. (In the
    spill reading all of them leak to the outside at once: `ways_out`.) The closures of the table leak where the last
    of their high is joined to the outside, as `leave` says already.

    Parameters
    ----------
    kept : NDArray
        (n + 1,) bool, basins whose peak lies in a closure of the table. leave : (nodes,) int32, written.
    """
    holds = np.zeros(nodes, np.bool_)  # a closure of the table
    holds[: n + 1] = kept
    for node in made:
        holds[node] = holds[kids[node - n, 0]] or holds[kids[node - n, 1]]
    known = holds.copy()
    chain = np.empty(nodes, np.int32)
    for start in range(1, n + 1):
        length, node = 0, start
        while node != 0 and not known[node]:
            chain[length], known[node] = node, True
            length += 1
            node = up[node]
        while length > 0:
            length -= 1
            node = chain[length]
            parent, e = up[node], via[node]
            first, second = (kids[parent - n, 0], kids[parent - n, 1]) if parent > n else (0, 0)
            joined = node in (first, second)
            other = parent if not joined else second if node == first else first
            if parent == 0 or holds[other]:
                leave[node] = e
                if joined and node == first:
                    _turn(e, pair, ways)
            else:
                leave[node] = leave[parent]


@compiled(nogil=True)
def receivers(
    depth: NDArray, code: NDArray, basin: NDArray, cell: NDArray, ways: NDArray, deep: NDArray, outer: NDArray,
    leave: NDArray, number: NDArray, first: int, last: int, into: NDArray,
) -> None:  # fmt: skip
    """Where does the leak of each outermost closure go? Follow it up-dip to the next one of the table, or out (0).

    `into` : (nodes,) int32, written for nodes first..last-1.
    """
    depths, codes, lands = depth.ravel(), code.ravel(), basin.ravel()
    step = DROW * depth.shape[1] + DCOL
    for node in range(first, last):
        into[node] = 0
        if outer[node] != node or number[node] == 0:
            continue
        i = _beyond(leave[node], cell, ways, step)
        while i >= 0:
            found = outer[lands[i]]
            if number[found] != 0 and depths[i] <= deep[found]:
                into[node] = found
                break
            i = _onward(i, codes, lands, cell, ways, outer, leave, step)


@compiled
def _onward(
    i: int, codes: NDArray, lands: NDArray, cell: NDArray, ways: NDArray, outer: NDArray, leave: NDArray, step: NDArray
) -> int:
    """The next cell on the way up-dip from i; from a peak, the cell its high leaks to when full. -1: out of the map."""
    k = codes[i] & 15
    if k < PEAK:
        return i + step[k]
    return -1 if k == OUTLET else _beyond(_leak(lands[i], outer, leave), cell, ways, step)


@compiled
def _leak(b: int, outer: NDArray, leave: NDArray) -> int:
    """The saddle by which basin b leaks when it is full, with the closure around it if there is one."""
    return leave[outer[b] if outer[b] != 0 else b]


@compiled
def _beyond(e: int, cell: NDArray, ways: NDArray, step: NDArray) -> int:
    """The cell that what leaks by saddle e comes to; -1: out of the map."""
    return -1 if ways[e, 0] >= OVER else cell[e] + step[ways[e, 0]]


# Pass 5: sizes and labels ---------------------------------------------------------------------------------------------

SUMS = np.dtype([("area", np.int64), ("depth", np.float64)])  # how many cells, and the sum of their depths


def rung_type(kind: np.dtype) -> np.dtype:
    """A closure as a rung of the ladder of its crest: its limit, its crest, its node, and a guess (see `line_up`)."""
    return np.dtype([("deep", kind), ("crest", np.int32), ("node", np.int32), ("guess", np.int32)])


def ladder_type(kind: np.dtype) -> np.dtype:
    """The closures that share a crest, one around the other: which rungs they are, their first and last limit, the
    rung around the last (-1 = none), and how many rungs there are on average per unit of depth."""
    return np.dtype(
        [("first", kind), ("last", kind), ("scale", kind), ("start", np.int32), ("size", np.int32), ("above", np.int32)]
    )


@compiled
def _place(z: float, ladder: Any) -> int:
    """About where on a ladder depth z is, 0..size-1. It never falls as z grows, also when the scale is not finite."""
    place, last = (z - ladder["first"]) * ladder["scale"], ladder["size"] - 1
    return int(place) if place < last else last


@compiled(nogil=True)
def line_up(
    up: NDArray, born: NDArray, deep: NDArray, own: NDArray, rungs: NDArray, ladders: NDArray, begin: NDArray
) -> None:
    """Put the closures of each crest side by side in memory, in the order in which they lie around each other.

    Parameters
    ----------
    rungs : NDArray
        (closures,) `rung_type`; ladders : (n + 1,) `ladder_type`; begin : (n + 1,) int32, the rung of the innermost.

    Notes
    -----
    closure around each peak, -1 = none; all written. Rung j of a ladder holds, as `guess`, the first rung at `_place` j
    or beyond: where to look for a depth, without a search.
    """
    n = begin.size - 1
    rung = np.full(up.size, -1, np.int32)  # of each node
    count = 0
    for crest in range(1, n + 1):
        ladder, node, over = ladders[crest], crest, up[crest]
        ladder["start"] = count
        while True:
            if own[node] == node:
                rungs[count]["deep"], rungs[count]["crest"], rungs[count]["node"] = deep[node], crest, node
                rung[node] = count
                count += 1
            over = up[node]
            if over <= n or born[over - n] != crest:
                break
            node = over
        ladder["size"], ladder["above"] = count - ladder["start"], own[over]
    begin[0] = -1
    for crest in range(1, n + 1):
        ladder = ladders[crest]
        begin[crest], ladder["above"] = rung[own[crest]], rung[ladder["above"]]
        start, size = ladder["start"], ladder["size"]
        if size == 0:
            continue
        ladder["first"], ladder["last"] = rungs[start]["deep"], rungs[start + size - 1]["deep"]
        ladder["scale"] = 0
        if size > 1:
            ladder["scale"] = (size - 1) / (ladder["last"] - ladder["first"])
        rungs[start]["guess"], guessed = start, 1
        for i in range(start + 1, start + size):
            place = _place(rungs[i]["deep"], ladder)
            while guessed <= place:
                rungs[start + guessed]["guess"] = i
                guessed += 1


@compiled
def _climb(at: int, z: float, rungs: NDArray, ladders: NDArray) -> int:
    """The rung of the innermost closure, `at` or around it, that depth z belongs to; it must exist."""
    while rungs[at]["deep"] < z:
        ladder = ladders[rungs[at]["crest"]]
        if ladder["last"] < z:
            at = ladder["above"]
        else:
            at = max(at + 1, rungs[ladder["start"] + _place(z, ladder)]["guess"])
            while rungs[at]["deep"] < z:
                at += 1
    return at


@compiled(nogil=True)
def measure(
    depth: NDArray, basin: NDArray, near: NDArray, deep: NDArray, outer: NDArray, rungs: NDArray, ladders: NDArray,
    begin: NDArray, first: int, last: int, sums: NDArray, touches: NDArray,
) -> None:  # fmt: skip
    """Add the cells of a strip to the innermost closure that holds them.

    Parameters
    ----------
    near : (H, W) bool
        Cells on or beside a fault, or (0, 0). sums (`SUMS`), touches : per rung.
    """
    width = depth.shape[1]
    outside = deep[0]
    before = np.full(width + 1, -1, np.int32)  # the rungs of the row above, and of this row; -1 = in no closure
    here = np.full(width + 1, -1, np.int32)
    for row in range(first, last):
        b_last, at_peak, root_deep = -2, -1, outside
        for col in range(width):
            b = basin[row, col]
            if b != b_last:
                b_last = b
                at_peak, root_deep = begin[max(b, 0)], deep[outer[max(b, 0)]]
            z = depth[row, col]
            if not z <= root_deep:
                here[col + 1] = -1
                continue
            # an earlier neighbour lies in the same closure, or in one inside it: begin there, at the deeper of two
            at, z_at = at_peak, outside
            west, north = depth[row, col - 1], depth[row - 1, col]  # if in a closure; else anything
            better = (here[col] >= 0) & (west <= z)
            at, z_at = (here[col], west) if better else (at, z_at)
            better = (before[col + 1] >= 0) & (north <= z) & (north > z_at)
            at = before[col + 1] if better else at
            if rungs[at]["deep"] < z:
                at = _climb(at, z, rungs, ladders)
            here[col + 1] = at
            sums[at]["area"] += 1
            sums[at]["depth"] += z
            if near.size > 0 and near[row, col]:
                touches[at] = True
        before, here = here, before


@compiled(nogil=True)
def add_up(rungs: NDArray, ladders: NDArray, sums: NDArray, touches: NDArray) -> None:
    """Add what lies in nested closures to those around them: ladder by ladder, after all that end at its rungs."""
    waiting = np.zeros(ladders.size, np.int32)  # for so many ladders
    for ladder in ladders[1:]:
        if ladder["size"] > 0 and ladder["above"] >= 0:
            waiting[rungs[ladder["above"]]["crest"]] += 1
    for start in range(1, ladders.size):
        crest = start
        while crest <= start and waiting[crest] == 0 and ladders[crest]["size"] > 0:
            ladder, waiting[crest] = ladders[crest], -1
            i = ladder["start"]
            for _ in range(ladder["size"] - 1):
                _add(i, i + 1, sums, touches)
                i += 1
            if ladder["above"] < 0:
                break
            _add(i, ladder["above"], sums, touches)
            crest = rungs[ladder["above"]]["crest"]
            waiting[crest] -= 1


@compiled
def _add(part: int, whole: int, sums: NDArray, touches: NDArray) -> None:
    sums[whole]["area"] += sums[part]["area"]
    sums[whole]["depth"] += sums[part]["depth"]
    touches[whole] |= touches[part]


@compiled(nogil=True)
def choose(
    order: NDArray, via: NDArray, top_z: NDArray, spill: NDArray, outer: NDArray, rungs: NDArray, sums: NDArray,
    min_area: float, min_height: float, number: NDArray,
) -> int:  # fmt: skip
    """Number the closures that are large enough: outermost ones from the shallowest spill down, then nested ones from
    the deepest spill up, so that parents come first.

    Parameters
    ----------
    number : NDArray
        Per node, zeros, written. Returns how many there are.

    Notes
    -----
    The saddles have an order, and two nodes at most leave by one, so the closures need only be hung on them.
    """
    leaving = np.zeros((order.size, 2), np.int32)  # the nodes that leave by each saddle, negative if they are nested
    for i in range(rungs.size):
        node, crest = rungs[i]["node"], rungs[i]["crest"]
        if sums[i]["area"] >= min_area and np.float64(spill[node]) - np.float64(top_z[crest]) >= min_height:
            e = via[node]
            leaving[e, 1 if leaving[e, 0] != 0 else 0] = node if outer[node] == node else -node
    count = 0
    for e in order:
        for node in leaving[e]:
            if node > 0:
                count += 1
                number[node] = count
    for e in order[::-1]:
        for node in leaving[e]:
            if node < 0:
                count += 1
                number[-node] = count
    return count


@compiled(nogil=True)
def fill_table(
    first: int, last: int, width: int, interval: float, base: float, cell: NDArray, ways: NDArray,
    peak: NDArray, top_z: NDArray, kids: NDArray, up: NDArray, via: NDArray, pair: NDArray, spill: NDArray,
    outer: NDArray, leave: NDArray, into: NDArray, rungs: NDArray, ladders: NDArray, begin: NDArray, sums: NDArray,
    touches: NDArray, number: NDArray, table: NDArray,
) -> None:  # fmt: skip
    """Write the table's rows of rungs first..last-1."""
    n = top_z.size - 1
    for at in range(first, last):
        node, crest = rungs[at]["node"], rungs[at]["crest"]
        if number[node] == 0:
            continue
        row = table[number[node] - 1]
        z, z_spill = np.float64(top_z[crest]), np.float64(spill[node])
        if outer[node] == node:
            parent, e, side, there = 0, leave[node], 0, into[node]
        else:
            ladder = ladders[crest]
            is_last = at == ladder["start"] + ladder["size"] - 1
            parent, e = rungs[ladder["above"] if is_last else at + 1]["node"], via[node]
            side = 1 if up[node] > n and kids[up[node] - n, 0] == node else 0
            # what is joined to it at this depth
            there = rungs[_climb(begin[pair[e, side]], rungs[at]["deep"], rungs, ladders)]["node"]
            if there == node or number[there] == 0:
                there = parent
        way = ways[e, side]
        row["id"], row["parent"], row["spills_into"] = number[node], number[parent], number[there]
        row["crest_row"] = peak[crest] // width
        row["crest_col"] = peak[crest] - row["crest_row"] * width
        row["spill_row"] = cell[e] // width
        row["spill_col"] = cell[e] - row["spill_row"] * width
        row["leak_row"] = row["leak_col"] = -1
        if way < OVER:
            row["leak_row"], row["leak_col"] = row["spill_row"] + DROW[way], row["spill_col"] + DCOL[way]
        row["crest_depth"], row["spill_depth"], row["height"] = z, z_spill, z_spill - z
        row["contour_depth"] = z_spill if interval == 0 else contour_above(z_spill, interval, base)
        area = sums[at]["area"]
        row["area"], row["volume"], row["touches_fault"] = area, area * z_spill - sums[at]["depth"], touches[at]


@compiled(nogil=True)
def paint(
    depth: NDArray, spill: NDArray, deep: NDArray, outer: NDArray, number: NDArray, first: int, last: int,
    basin: NDArray, above: NDArray,
) -> None:  # fmt: skip
    """Turn the basins of a strip into labels, and write `above` (H, W) float32, the height above the spill."""
    width = depth.shape[1]
    for row in range(first, last):
        b_last, label, root_deep, root_spill = -2, 0, deep[0], spill[0]
        for col in range(width):
            b = basin[row, col]
            if b != b_last:
                b_last = b
                root = outer[b] if b > 0 else 0
                label, root_deep, root_spill = number[root], deep[root], spill[root]
            z = depth[row, col]
            if label > 0 and z <= root_deep:
                basin[row, col] = label
                above[row, col] = np.float64(root_spill) - np.float64(z)
            else:
                basin[row, col] = 0
                above[row, col] = 0


# Where anything goes from anywhere -----------------------------------------------------------------------------------


@compiled
def goals(
    code: NDArray, basin: NDArray, labels: NDArray, cell: NDArray, ways: NDArray, outer: NDArray, leave: NDArray,
    goal: NDArray,
) -> None:  # fmt: skip
    """The outermost closure at the end of each cell's way up-dip, into `goal` (H, W) int32: -1 off the map, 0 = out."""
    width = code.shape[1]
    codes, lands, inside, ends = code.ravel(), basin.ravel(), labels.ravel(), goal.ravel()
    step = DROW * width + DCOL
    for i in range(ends.size):
        k = codes[i] & 15
        if k == NOWHERE:
            ends[i] = -1
        elif inside[i] > 0:
            ends[i] = inside[i]
        else:
            ends[i] = 0 if k == OUTLET else -2
    for i in range(ends.size):
        j, end = i, ends[i]
        while end == -2:
            j = _onward(j, codes, lands, cell, ways, outer, leave, step)
            end = 0 if j < 0 else ends[j]
        j = i
        while j >= 0 and ends[j] == -2:
            ends[j] = end
            j = _onward(j, codes, lands, cell, ways, outer, leave, step)


@compiled
def way_up(
    start: int, depth: NDArray, code: NDArray, basin: NDArray, labels: NDArray, cell: NDArray, ways: NDArray,
    outer: NDArray, leave: NDArray, eight: bool, came: NDArray, queue: NDArray, path: NDArray,
) -> int:  # fmt: skip
    """Write the flat cells from `start` up-dip to the first cell of a closure, or to the border. Returns how many.

    Each cell is a neighbour of the one before. What ends at a peak without a label has filled the high around it, and
    is led on from where it entered the high to where that leaks, by the shortest way inside.

    Parameters
    ----------
    came : (H * W,) int32
        Of -1, and the same again at the end; queue : (H * W,) int32, work space; path : (2 * H * W,).

    Notes
    -----
    int32, written: a cell can be climbed over once and be part of one filled high.
    """
    width = code.shape[1]
    deep, codes, lands, inside = depth.ravel(), code.ravel(), basin.ravel(), labels.ravel()
    step = DROW * width + DCOL
    i, length, entered = start, 0, 0
    while True:
        path[length] = i
        length += 1
        k = codes[i] & 15
        if inside[i] > 0 or k == OUTLET:
            return length
        if k < PEAK:
            i += step[k]
            continue
        e = _leak(lands[i], outer, leave)
        while length - 1 > entered and _filled(path[length - 2], e, deep, lands, cell, outer, leave):
            length -= 1
        length += _across(
            path[length - 1], e, eight, width, deep, lands, cell, outer, leave, came, queue, path[length:]
        )
        i, entered = _beyond(e, cell, ways, step), length
        if i < 0:
            return length


@compiled
def _filled(i: int, e: int, deep: NDArray, lands: NDArray, cell: NDArray, outer: NDArray, leave: NDArray) -> bool:
    """Whether cell i belongs to the high that leaks by saddle e and is full down to it."""
    return lands[i] > 0 and _leak(lands[i], outer, leave) == e and deep[i] <= deep[cell[e]]


@compiled
def _across(
    start: int, e: int, eight: bool, width: int, deep: NDArray, lands: NDArray, cell: NDArray, outer: NDArray,
    leave: NDArray, came: NDArray, queue: NDArray, path: NDArray,
) -> int:  # fmt: skip
    """Write the shortest way from `start`, not included, inside the high that leaks by saddle e to the saddle's cell.

    Breadth first from the end. Returns how many cells.
    """
    end = cell[e]
    queue[0], came[end] = end, end
    at, count = 0, 1
    while at < count and came[start] < 0:
        i = queue[at]
        at += 1
        for k in range(8):
            row, col = i // width + DROW[k], i % width + DCOL[k]
            if (eight or SIDES >> k & 1) and 0 <= row < lands.size // width and 0 <= col < width:
                j = row * width + col
                if came[j] < 0 and _filled(j, e, deep, lands, cell, outer, leave):
                    queue[count], came[j] = j, i
                    count += 1
    i, length = start, 0
    while i != end:
        i = came[i]
        path[length] = i
        length += 1
    for at in range(count):
        came[queue[at]] = -1
    return length
