#!/usr/bin/env python3
"""What the agent costs while it watches nothing: start-up, memory, idle CPU."""
import signal
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

HEALTHZ_MS = 20    # exec to the first 200
PSS_KIB = 8 * 1000 * 1000 // 1024
IDLE_PERCENT = 0.4  # of one core
IDLE_S = 20 if live.FULL else 8


def start_ms(stage):
    """From exec to the first answer of /healthz; an attempt that is refused costs 1 ms."""
    agent = stage.agent().wait("/healthz")
    took = (time.monotonic() - agent.began) * 1000
    agent.stop()
    stage.things.remove(agent)
    return took


def idle_percent(agent):
    family = agent.family()
    before = sum(map(live.proc_cpu_ns, family))
    began = time.monotonic()
    time.sleep(IDLE_S)
    return (sum(map(live.proc_cpu_ns, family)) - before) / (time.monotonic() - began) / 1e7


def main():
    live.need_root_and()
    signal.alarm(120)
    with live.Stage() as stage:
        starts = [start_ms(stage) for _ in range(5)]
        agent = stage.agent().wait("/readyz")
        time.sleep(3)
        pss = sum(map(live.proc_pss_kib, agent.family()))
        idle = idle_percent(agent)
    # the median: one start in five may meet another process on this machine's cores
    start = statistics.median(starts)
    print(f"start to /healthz {start:.1f} ms (median of {[round(x, 1) for x in starts]}, "
          f"allowed {HEALTHZ_MS})")
    print(f"PSS {pss} KiB over all processes (allowed {PSS_KIB})")
    print(f"idle CPU {idle:.2f} % of a core over {IDLE_S} s (allowed {IDLE_PERCENT})")
    return 0 if start <= HEALTHZ_MS and pss <= PSS_KIB and idle <= IDLE_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
