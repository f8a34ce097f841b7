"""The benchmarks' results: what is read from tools and kernel, and the table and plot that are made of it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.load import wrk_rate
from benchmarks.memory import proportional, resident
from benchmarks.report import between_marks, plot, ratio, table
from benchmarks.work import WORK, Figure

FASTER = Figure("group", "gets", "/s", True, lambda _: 0)
SHORTER = Figure("group", "time <of> one", "ms", False, lambda _: 0)
VALUES = {
    "gets": {"ours": [100.0, 300.0, 90.0], "reference": [50.0, 100.0, 90.0]},
    "time <of> one": {"ours": [1.0], "reference": [4.0]},
}


def test_a_ratio_is_taken_within_a_round_and_above_one_is_better() -> None:
    # The medians would say 100 to 90.
    assert ratio(FASTER, VALUES["gets"], "ours", "reference") == 2.0
    assert ratio(SHORTER, VALUES["time <of> one"], "ours", "reference") == 4.0


@pytest.mark.parametrize("values", [{}, {"ours": [1.0]}, {"ours": [0.0], "reference": [1.0]}])
def test_no_ratio_without_both_values(values: dict[str, list[float]]) -> None:
    assert ratio(FASTER, values, "ours", "reference") is None


def test_a_round_that_only_one_of_them_has_does_not_count() -> None:
    assert ratio(FASTER, {"ours": [4.0, 9.0], "reference": [2.0]}, "ours", "reference") == 2.0


def test_the_table_has_medians_ratios_and_a_dash_for_what_was_not_measured() -> None:
    lines = table([FASTER, SHORTER], VALUES, ["ours", "reference", "other"], reference="reference").splitlines()
    assert lines[0] == "| work | ours | reference | other |"
    assert lines[2:] == [
        "| gets, /s ↑ | 100 (2.00) | 90 | – |",
        "| time <of> one, ms ↓ | 1 (4.00) | 4 | – |",
    ]


def test_the_table_takes_the_place_of_the_one_before() -> None:
    document = "before\n<!-- table -->\nold\n<!-- /table -->\nafter\n"
    assert between_marks(document, "new") == "before\n<!-- table -->\nnew\n<!-- /table -->\nafter\n"
    with pytest.raises(ValueError, match="no <!-- table -->"):
        between_marks("before\nafter\n", "new")


def test_the_plot_has_a_bar_for_what_was_measured() -> None:
    values = {name: {"filehost-fast": of["ours"], "apache": of["reference"]} for name, of in VALUES.items()}
    drawn = ET.fromstring(plot([FASTER, SHORTER, *WORK[:1]], {**values, WORK[0].name: {}}, "apache"))
    texts = ["".join(element.itertext()) for element in drawn.iter() if element.tag.endswith("text")]
    assert {"gets", "time <of> one", "2.00", "4.00"} <= set(texts)
    assert WORK[0].name not in texts


def test_every_figure_has_a_name_of_its_own() -> None:
    assert len({figure.name for figure in WORK}) == len(WORK)


def test_the_rate_is_read_from_what_wrk_says() -> None:
    said = "  1000 requests in 1.00s, 2.00MB read\nRequests/sec:   4321.50\nTransfer/sec:      2.00MB\n"
    assert wrk_rate(said) == 4321.5
    with pytest.raises(RuntimeError, match="errors"):
        wrk_rate(said + "  Non-2xx or 3xx responses: 3\n")
    with pytest.raises(RuntimeError, match="no rate"):
        wrk_rate("unable to connect")


def test_memory_is_read_from_what_the_kernel_says() -> None:
    assert proportional("Rss:  2048 kB\nPss:  1024 kB\nPss_Dirty:  512 kB\n") == 1 << 20
    assert proportional("") == 0


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc")
def test_memory_is_that_of_all_processes_of_a_server() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "held = b'x' * (64 << 20); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        assert resident(os.getpid()) - resident(child.pid) > 10 << 20
        assert resident(child.pid) > 64 << 20
        child.communicate(b"\n")


def test_a_load_generator_s_script_numbers_its_paths() -> None:
    script = load.script("PUT", "/folder/", {"Depth": "1"}, "x", numbered=True)
    assert 'wrk.method = "PUT"' in script
    assert 'wrk.headers["Depth"] = "1"' in script
    assert '"/folder/" .. number .. ".txt"' in script
