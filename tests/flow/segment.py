"""segment - a second, independent reader of the shim's records: what the agent's sums are held to.

Reads the lanes of a live process through /proc/PID/mem, changing nothing; meant for a moment at
which neither the process nor an agent moves (include/ringside/{segment,ring}.h is the format).
"""
import re
import struct
from pathlib import Path

MAGIC, ABI = 0x3145444953474E52, 3
SLOT, BLOCK, BLOCKS_AT, TAIL_AT = 64, 1024, 4096, 960
LANES, BIG_LANES, BIG_SLOTS, SLOTS = 256, 2, 1024, 256
CELLS_AT = BLOCKS_AT + 266240 + 262144 + 4096 * 32
LANES_AT = CELLS_AT + 1089536
SMALL_LANES_AT = LANES_AT + (BIG_LANES + 1) * BIG_SLOTS * SLOT
BYTES = SMALL_LANES_AT + (LANES - BIG_LANES) * SLOTS * SLOT
EPOCH_AT, NS_PER_TICK_AT, LANES_USED_AT = 320, 352, 396
KIND_REQUEST = 1


class Segment:
    def __init__(self, pid, name="ringside"):
        self.memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
        self.parts = []
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            found = re.match(rf"([0-9a-f]+)-([0-9a-f]+) rw-s ([0-9a-f]+) .*memfd:{name} \(", line)
            if found:
                self.parts.append([int(x, 16) for x in found.groups()])
        if not self.parts:
            raise OSError(f"process {pid} has no segment")
        magic, abi, size = struct.unpack("<QII", self.read(0, 16))
        if (magic, abi, size) != (MAGIC, ABI, BYTES):
            raise ValueError(f"another layout than this reader's: {magic:x} {abi} {size} ({BYTES})")

    def read(self, offset, length):
        for start, end, at in self.parts:
            if at <= offset and offset + length <= at + end - start:
                self.memory.seek(start + offset - at)
                return self.memory.read(length)
        raise ValueError(f"{offset} is not mapped")

    def word(self, offset, kind="<Q"):
        return struct.unpack(kind, self.read(offset, struct.calcsize(kind)))[0]

    def watched(self):
        return self.word(EPOCH_AT, "<I") != 0 and self.word(NS_PER_TICK_AT) != 0

    def spans_ns(self):
        """Durations of the requests that lie undrained in the lanes."""
        scale = self.word(NS_PER_TICK_AT) / 2**32
        spans = []
        for lane in range(min(self.word(LANES_USED_AT, "<I"), LANES)):
            slots = BIG_SLOTS if lane < BIG_LANES else SLOTS
            at = LANES_AT + lane * BIG_SLOTS * SLOT if lane < BIG_LANES else \
                SMALL_LANES_AT + (lane - BIG_LANES) * SLOTS * SLOT
            body = self.read(at, slots * SLOT)
            position = self.word(BLOCKS_AT + lane * BLOCK + TAIL_AT)
            while True:
                head = body[position % slots * SLOT:][:SLOT]
                word, _, span = struct.unpack("<QQQ", head[:24])
                if word >> 4 != (position + 1) << 4:
                    break
                if head[38] == KIND_REQUEST:
                    spans.append(span * scale)
                position += (word & 15) + 1
        return spans
