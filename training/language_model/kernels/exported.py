"""The functions that are called from outside: all they take are whole numbers, most of them addresses of arrays.

Nothing here or below may fail or ask Python for anything: whoever calls has looked at sizes and kinds, and gives the
room to work in (`sizes.draw_room`, `sizes.step_room`).
"""

from numba import carray, njit, types
from numba.extending import intrinsic

from training.language_model.kernels import drawing, lstm
from training.language_model.kernels.likeliest import NOTHING, best, log_total, token_of
from training.language_model.kernels.sizes import COLUMNS, MOST_DRAWN_FROM, WIDTH
from training.language_model.kernels.vectors import COMPILED

ANY_SIZE = 2**40  # of arrays whose size follows from others


def _pointer_to(kind):
    @intrinsic
    def pointer(_, address):
        def lower(context, builder, kinds, values):
            return builder.inttoptr(values[0], context.get_value_type(types.CPointer(kind)))

        return types.CPointer(kind)(types.int64), lower

    return pointer


_float32, _float64, _int64 = map(_pointer_to, (types.float32, types.float64, types.int64))
_int32, _int8, _uint8 = map(_pointer_to, (types.int32, types.int8, types.uint8))


@njit(**COMPILED)
def _draw_room(room, size):
    """The arrays that `drawing.draw` works in, for a vocabulary of this size."""
    found = carray(_int64(room), (size,))
    room += 8 * size
    chosen = carray(_int64(room), (MOST_DRAWN_FROM,))
    order = carray(_int64(room + 8 * MOST_DRAWN_FROM), (MOST_DRAWN_FROM,))
    probabilities = carray(_float64(room + 16 * MOST_DRAWN_FROM), (MOST_DRAWN_FROM,))
    distances = carray(_float64(room + 24 * MOST_DRAWN_FROM), (MOST_DRAWN_FROM,))
    highest = carray(_float32(room + 32 * MOST_DRAWN_FROM), (COLUMNS,))
    return found, chosen, highest, probabilities, distances, order


def log_totals(scores, rows, size, totals):
    """scores, float32 (B, V), B, V ─▶ totals, float32 (B,)."""
    table, results = carray(_float32(scores), (rows, size)), carray(_float32(totals), (rows,))
    for row in range(rows):
        results[row] = log_total(table[row])
    return 0


def likeliest(scores, rows, size, count, ids, values, room):
    """scores, float32 (B, V), B, V, K ─▶ ids, int64 (B, K), values, float32 (B, K)."""
    table, rooms = carray(_float32(scores), (rows, size)), _draw_room(room, size)
    found_ids, found_values = carray(_int64(ids), (rows, count)), carray(_float32(values), (rows, count))
    for number in range(rows):
        row, chosen = table[number], rooms[1]
        there = best(row, count, rooms[0], chosen, rooms[2])
        for place in range(count):
            token = token_of(chosen[place]) if place < there else 0
            found_ids[number, place] = token
            found_values[number, place] = row[token] if place < there else NOTHING
    return 0


def chances(scores, rows, size, counts, temperatures, shares, most, ids, probabilities, room):
    """scores, float32 (B, V), B, V, rules, K ─▶ ids, int64 (B, K), probabilities, float64 (B, K), both zeros before.

    Rules: counts, int64 (B,), temperatures, float32 (B,), shares, float64 (B, 3).
    """
    table, rooms = carray(_float32(scores), (rows, size)), _draw_room(room, size)
    own_counts, own_temperatures = carray(_int64(counts), (rows,)), carray(_float32(temperatures), (rows,))
    own_shares = carray(_float64(shares), (rows, 3))
    found_ids, found = carray(_int64(ids), (rows, most)), carray(_float64(probabilities), (rows, most))
    for number in range(rows):
        row, chosen = table[number], rooms[1]
        there = best(row, own_counts[number], rooms[0], chosen, rooms[2])
        if there:
            drawing.weigh(row, chosen[:there], own_temperatures[number], own_shares[number], found[number], rooms)
        for place in range(there):
            found_ids[number, place] = token_of(chosen[place])
    return 0


def draw(scores, rows, size, counts, temperatures, shares, numbers, tokens, values, room):
    """scores, float32 (B, V), B, V, rules, numbers, float64 (B,) ─▶ tokens, int64 (B,), values, float32 (B,)."""
    table, rooms = carray(_float32(scores), (rows, size)), _draw_room(room, size)
    own_counts, own_temperatures = carray(_int64(counts), (rows,)), carray(_float32(temperatures), (rows,))
    own_shares, own_numbers = carray(_float64(shares), (rows, 3)), carray(_float64(numbers), (rows,))
    drawn, scored = carray(_int64(tokens), (rows,)), carray(_float32(values), (rows,))
    for number in range(rows):
        row = table[number]
        temperature, chance = own_temperatures[number], own_numbers[number]
        token = drawing.draw(row, own_counts[number], temperature, own_shares[number], chance, rooms)
        drawn[number], scored[number] = token, row[token]
    return 0


@njit(**COMPILED)
def _step_room(room, rows, hidden, projected):
    counts = carray(_int32(room), (rows * WIDTH,))
    room += 4 * rows * WIDTH
    features = carray(_float32(room), (rows * projected,))
    inputs = carray(_uint8(room + 4 * rows * projected), (2 * rows * hidden,))
    return inputs, counts, features


@njit(**COMPILED)
def _weights(size, hidden, table, weights, starts, units, biases, factors):
    return (
        carray(_float32(table), (size, 4 * hidden)),
        carray(_int8(weights), (ANY_SIZE,)),
        carray(_int32(starts), (ANY_SIZE,)),
        carray(_float32(units), (ANY_SIZE,)),
        carray(_float32(biases), (ANY_SIZE,)),
        carray(_float32(factors), (ANY_SIZE,)),
    )


def step(
    tokens, memory, scores, rows, size,
    table, weights, starts, units, biases, factors, layers, hidden, projected,
    room,
):  # fmt: skip
    """tokens, int64 (B,), memory, float32 (2L, B, H) ─▶ memory, scores, float32 (B, V); then B, V.

    Weights as in the file of a `CompiledNetwork`, then L, H, and the size of the projection or 0.
    """
    parts = _weights(size, hidden, table, weights, starts, units, biases, factors)
    read, remembered = carray(_int64(tokens), (rows,)), carray(_float32(memory), (2 * layers * rows * hidden,))
    rooms = _step_room(room, rows, hidden, projected)
    left = lstm.read(read, remembered, parts, layers, hidden, rooms)
    lstm.score(remembered, carray(_float32(scores), (rows * size,)), rows, size, left, layers, hidden, projected, rooms)
    return 0


def stretch(
    tokens, memory, scores, rows, size,
    table, weights, starts, units, biases, factors, layers, hidden, projected,
    room,
    most, told, counts, temperatures, shares, numbers,
    forbidden, forbidden_count, end, mark_count, marks_left,
    hurry, drawn, logs,
):  # fmt: skip
    """Up to so many steps, T, and a draw after each; how many there were.

    As `step`, but that the room holds a draw's too, behind its own. T; told, int64 (T, B), what a row reads after each
    step instead of a token that it draws, or -1; rules as in `chances`; numbers, float64 (T, B); forbidden, int64 (F,),
    and F; the token that ends a song, how many marks there are, and how many each row draws at the least before its
    text ends, int64 (B,); hurry, uint8 (1,) ─▶ drawn, int64 (T, B), logs, float32 (T, B).
    """
    parts = _weights(size, hidden, table, weights, starts, units, biases, factors)
    read, remembered = carray(_int64(tokens), (rows,)), carray(_float32(memory), (2 * layers * rows * hidden,))
    scored, never = carray(_float32(scores), (rows * size,)), carray(_int64(forbidden), (forbidden_count,))
    own_counts, own_temperatures = carray(_int64(counts), (rows,)), carray(_float32(temperatures), (rows,))
    own_shares, chances_ = carray(_float64(shares), (rows, 3)), carray(_float64(numbers), (most, rows))
    left, wanted = carray(_int64(marks_left), (rows,)), carray(_uint8(hurry), (1,))
    tokens_drawn, totals = carray(_int64(drawn), (most, rows)), carray(_float32(logs), (most, rows))
    prompts = carray(_int64(told), (most, rows))
    rooms = _step_room(room, rows, hidden, projected)
    draw_rooms = _draw_room(room + rows * (4 * WIDTH + 4 * projected + 2 * hidden), size)
    for number in range(most):
        weights_left = lstm.read(read, remembered, parts, layers, hidden, rooms)
        is_over, draws = False, False
        for i in range(rows):
            read[i] = tokens_drawn[number, i] = prompts[number, i]
            draws |= read[i] < 0
        if draws:
            lstm.score(remembered, scored, rows, size, weights_left, layers, hidden, projected, rooms)
        for i in range(rows):
            if read[i] >= 0:
                continue
            row, rule = scored[i * size : (i + 1) * size], own_shares[i]
            total = log_total(row)
            for token in never:
                row[token] = NOTHING
            token = drawing.draw(row, own_counts[i], own_temperatures[i], rule, chances_[number, i], draw_rooms)
            tokens_drawn[number, i], totals[number, i], read[i] = token, row[token] - total, token
            if token < mark_count:
                left[i] -= 1
                is_over |= token == end or left[i] <= 0
        if is_over or wanted[0]:
            return number + 1
    return most
