"""How long do many realisations of a map take? Prints seconds, and the ratio to their closures alone."""

import argparse
import time

from bench_closure import fractal, smooth

from targets.closure import closure_probability, find_closures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000, help="cells a side")
    parser.add_argument("--realisations", type=int, default=100)
    parser.add_argument("--correlation", type=float, default=50.0, help="cells")
    arguments = parser.parse_args()
    closure_probability(smooth(300), 5.0, 10.0, 2)  # compiled before the clock starts
    for make in (smooth, fractal):
        surface, seconds = make(arguments.size), {}
        start = time.perf_counter()
        closure_probability(surface, 5.0, arguments.correlation, arguments.realisations, min_area=50, min_height=2.0)
        seconds["everything"] = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(arguments.realisations):
            find_closures(surface, min_area=50, min_height=2.0)
        seconds["closures alone"] = time.perf_counter() - start
        ratio = seconds["everything"] / seconds["closures alone"]
        print(f"{make.__name__} {arguments.size} x {arguments.size}, {arguments.realisations} realisations:")
        print(
            "  " + ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items()) + f", x{ratio:.1f}", flush=True
        )


if __name__ == "__main__":
    main()
