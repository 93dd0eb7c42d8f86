"""Sizes that compiled functions and who calls them share. Pure."""

LANES = 16  # numbers of a vector
WIDTH, QUAD = 64, 4  # of a product: sums that are computed together; inputs that are multiplied together
MIDDLE = 128  # of the bytes that inputs are rounded to: what stands for zero
GATES = 4  # of an LSTM
MOST_DRAWN_FROM = 128  # candidates of a draw
COLUMNS = 256  # that a large vocabulary is folded into to find a bound

# How many whole numbers each exported function takes; `exported` says which.
ARGUMENTS = {"log_totals": 4, "likeliest": 7, "chances": 10, "draw": 10}
ARGUMENTS_OF_PRODUCTS = {"step": 15, "stretch": 29}  # where the processor has the instruction


def draw_room(vocabulary_size: int) -> int:
    """Bytes that a draw works in: whole numbers for all tokens, four numbers for each candidate, the columns."""
    return 8 * vocabulary_size + 5 * 8 * MOST_DRAWN_FROM + 4 * COLUMNS


def step_room(rows: int, hidden: int, projected: int) -> int:
    """Bytes that a step works in: sums, what the projection gives, inputs as bytes."""
    return rows * (4 * WIDTH + 4 * projected + 2 * hidden)
