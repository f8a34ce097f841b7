"""The command: which peers, which work, how many rounds; a table, a file of results, a plot."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path

from benchmarks.crowds import sign_in
from benchmarks.peers import MIB, PEERS, Peer, Place, Scale
from benchmarks.report import between_marks, plot, table
from benchmarks.work import WORK, Figure, lay_out

QUICK = Scale(seconds=1, large=256 * MIB, files=300)
_LARGE = MIB
Results = dict[str, dict[str, list[float]]]  # figure → peer → one value per round


def main() -> int:
    options = _options()
    peers = [PEERS[name] for name in options.peers.split(",") if PEERS[name].is_available()]
    figures = [figure for figure in WORK if options.work == "all" or figure.group in options.work.split(",")]
    scale = QUICK if options.quick else Scale()
    results: Results = {figure.name: {} for figure in figures}
    groups = list(dict.fromkeys(figure.group for figure in figures))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)  # servers that leave root behind must get in
        for group, number in product(groups, range(options.rounds)):
            for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
                if not peer.groups or group in peer.groups:
                    work = Path(folder) / f"{group}-{number}-{peer.name}"
                    _round(peer, [one for one in figures if one.group == group], results, work, scale)
    shown = table(figures, results, [peer.name for peer in peers], reference=options.reference)
    print(shown)
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))
    if options.plot:
        Path(options.plot).write_text(plot(figures, results, options.reference))
    if options.table:
        image = f"\n\n![How many times better]({Path(options.plot).name})" if options.plot else ""
        document = Path(options.table)
        document.write_text(between_marks(document.read_text(), shown + image))
    return 0


def _round(peer: Peer, figures: list[Figure], results: Results, work: Path, scale: Scale) -> None:
    """Start one peer on an empty folder, do the work of one group once, stop it."""
    work.mkdir()
    try:
        with peer.running(work, scale, tls=figures[0].group == "tls") as place:
            lay_out(place)
            sign_in(place)
            for figure in figures:
                _take(peer, figure, place, results)
    except (OSError, RuntimeError) as error:
        print(f"  {work.name}: {error}", file=sys.stderr)
    _remove_large(work)


def _take(peer: Peer, figure: Figure, place: Place, results: Results) -> None:
    try:
        value = figure.measure(place)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"  {peer.name}: {figure.name}: {error}", file=sys.stderr)
        return
    taken = results[figure.name].setdefault(peer.name, [])
    taken.append(value)
    print(f"round {len(taken)}  {peer.name:13} {figure.name:44} {value:12.2f} {figure.unit}", flush=True)


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
    parser.add_argument("--quick", action="store_true", help="a second for each rate, smaller large files")
    parser.add_argument("--reference", default="apache", help="the peer that ratios refer to (default apache)")
    parser.add_argument("--out", help="write all values to this JSON file")
    parser.add_argument("--plot", help="write the ratios as a plot to this SVG file")
    parser.add_argument("--table", help="put the table (and the plot) between the marks of this Markdown file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
