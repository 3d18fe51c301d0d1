"""The machine-readable strip at the top of every picture.

32 blocks of equal width across the picture, most significant bit first,
white is 1:

    4 sync bits 1010 | 3 bits rendition | 20 bits frame number | 5 bits checksum

The strip is one tenth of the picture's height.
"""

BLOCKS = 32
HEIGHT_DIVISOR = 10
SYNC = 0b1010
RENDITION_BITS = 3
FRAME_BITS = 20
CHECKSUM_BITS = 5
THRESHOLD = 128


def checksum(payload):
    """Sum of the payload's 5-bit groups, counted from its lowest bit, mod 32."""
    total = 0
    while payload:
        total += payload & 31
        payload >>= 5
    return total & 31


def word(rendition, frame):
    if not 0 <= rendition < 1 << RENDITION_BITS or not 0 <= frame < 1 << FRAME_BITS:
        raise ValueError(f"rendition {rendition}, frame {frame} does not fit the strip")
    payload = rendition << FRAME_BITS | frame
    return SYNC << 28 | payload << CHECKSUM_BITS | checksum(payload)


def pixels(rendition, frame):
    """One gray byte a block, full range: a picture of 32 x 1."""
    value = word(rendition, frame)
    return bytes(255 if value >> bit & 1 else 0 for bit in reversed(range(BLOCKS)))


def read(levels):
    """(rendition, frame) from the 32 block levels, or None if it is no strip."""
    value = 0
    for level in levels:
        value = value << 1 | (level >= THRESHOLD)
    payload = value >> CHECKSUM_BITS & (1 << RENDITION_BITS + FRAME_BITS) - 1
    if value >> 28 != SYNC or value & 31 != checksum(payload):
        return None
    return payload >> FRAME_BITS, payload & (1 << FRAME_BITS) - 1


def block_levels(rows, width):
    """Mean level of the middle half of each block. `rows` are gray rows taken
    from the middle of the strip: edges of blocks smear when they are coded."""
    levels = []
    for block in range(BLOCKS):
        left = width * block // BLOCKS
        right = width * (block + 1) // BLOCKS
        quarter = (right - left) // 4
        left, right = left + quarter, right - quarter
        total = sum(sum(row[left:right]) for row in rows)
        levels.append(total / (len(rows) * (right - left)))
    return levels
