"""The command: which peers, which work, how many rounds; a table, a file of results, a plot."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path

from benchmarks.peers import PEERS, Peer
from benchmarks.report import plot, table
from benchmarks.work import WORK, Figure

_LARGE = 1 << 20  # bytes
Results = dict[str, dict[str, list[float]]]  # figure → peer → one value per round


def main() -> int:
    options = _options()
    peers = [PEERS[name] for name in options.peers.split(",") if PEERS[name].is_available()]
    figures = [figure for figure in WORK if options.work == "all" or figure.group in options.work.split(",")]
    results: Results = {figure.name: {} for figure in figures}
    groups = list(dict.fromkeys(figure.group for figure in figures))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)  # servers that leave root behind must get in
        for group, number in product(groups, range(options.rounds)):
            for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
                work = Path(folder) / f"{group}-{number}-{peer.name}"
                _round(peer, [one for one in figures if one.group == group], results, number + 1, work)
    print(table(figures, results, [peer.name for peer in peers], reference=options.reference))
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))
    if options.plot:
        Path(options.plot).write_text(plot(figures, results, options.reference))
    return 0


def _round(peer: Peer, figures: list[Figure], results: Results, number: int, work: Path) -> None:
    """Start one peer on an empty folder, do the work of one group once, stop it."""
    work.mkdir()
    with peer.running(work) as place:
        for figure in figures:
            try:
                value = figure.measure(place)
            except (OSError, ValueError, RuntimeError) as error:
                print(f"  {peer.name}: {figure.name}: {error}", file=sys.stderr)
                continue
            print(f"round {number}  {peer.name:12} {figure.name:34} {value:12.2f} {figure.unit}", flush=True)
            results[figure.name].setdefault(peer.name, []).append(value)
    _remove_large(work)


def _remove_large(work: Path) -> None:
    """Make room on the disk. Small files stay until the end of all work: ext4 passes over inodes that were
    freed in the last minutes one by one, and who makes files next would pay for those of the peer before.
    """
    for file in work.rglob("*"):
        if file.is_file() and file.stat().st_size > _LARGE:
            file.unlink()


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
