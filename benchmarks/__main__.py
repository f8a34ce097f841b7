"""The command: which peers, which work, how many rounds; a table, a file of results, a plot."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import PEERS, Peer
from benchmarks.report import plot, table
from benchmarks.work import WORK, Figure

Results = dict[str, dict[str, list[float]]]  # figure → peer → one value per round


def main() -> int:
    options = _options()
    peers = [PEERS[name] for name in options.peers.split(",") if PEERS[name].is_available()]
    figures = [figure for figure in WORK if options.work == "all" or figure.group in options.work.split(",")]
    results: Results = {figure.name: {} for figure in figures}
    for number in range(options.rounds):
        for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
            _round(peer, figures, results, number + 1)
    print(table(figures, results, [peer.name for peer in peers], reference=options.reference))
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))
    if options.plot:
        Path(options.plot).write_text(plot(figures, results, options.reference))
    return 0


def _round(peer: Peer, figures: list[Figure], results: Results, number: int) -> None:
    """Start one peer on an empty folder, do all the work once, stop it."""
    for group in dict.fromkeys(figure.group for figure in figures):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, peer.running(Path(folder)) as place:
            for figure in (one for one in figures if one.group == group):
                try:
                    value = figure.measure(place)
                except (OSError, ValueError, RuntimeError) as error:
                    print(f"  {peer.name}: {figure.name}: {error}", file=sys.stderr)
                    continue
                print(
                    f"round {number}  {peer.name:12} {figure.name:34} {value:12.2f} {figure.unit}", flush=True
                )
                results[figure.name].setdefault(peer.name, []).append(value)


def _options() -> argparse.Namespace:
    groups = ", ".join(dict.fromkeys(figure.group for figure in WORK))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", default=",".join(PEERS), help=f"comma-separated: {', '.join(PEERS)}")
    parser.add_argument("--work", default="all", help=f"comma-separated groups: {groups}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are reported (default 3)")
    parser.add_argument("--reference", default="apache", help="the peer that ratios refer to (default apache)")
    parser.add_argument("--out", help="write all values to this JSON file")
    parser.add_argument("--plot", help="write the ratios as a plot to this SVG file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
