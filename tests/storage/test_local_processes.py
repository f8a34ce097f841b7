"""Several processes on one local storage: their changes happen one after the other, whatever they meet in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import writers
from harness.trees import at, put, read, tree_of

from filehost_dav.storage.local import LocalStorage, custody
from filehost_dav.storage.local.counting import count


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path, durability="none")


def test_of_two_who_create_the_same_name_exactly_one_wins(storage: LocalStorage, tmp_path: Path) -> None:
    rounds = 1500
    one, other = writers.in_processes(2, writers.race_for_names, tmp_path, rounds)
    assert sorted(one + other) == list(range(rounds))
    tree = storage.tree("alice")
    for winner, won in enumerate((one, other)):
        assert all(read(tree, f"/{turn}.txt") == b"%d" % winner for turn in won)
    assert one
    assert other
    assert tree.usage().used == rounds


def test_concurrent_overwriting_loses_no_content_and_shares_no_tag(
    storage: LocalStorage, tmp_path: Path
) -> None:
    rounds = 200
    tags = [tag for made in writers.in_processes(3, writers.overwrite_one, tmp_path, rounds) for tag in made]
    tree = storage.tree("alice")
    assert len(set(tags)) == len(tags) == 3 * rounds
    versions = {version.etag for version in tree.versions(at("/one.txt"))}
    assert versions | {tree.stat(at("/one.txt")).etag} == set(tags)
    counted = count(tree.disk)
    assert (tree.usage().used, tree.disk.ledger.glance().used) == (counted.live, sum(counted))


def test_a_reader_sees_one_whole_content_while_others_overwrite(storage: LocalStorage, tmp_path: Path) -> None:
    put(storage.tree("alice"), "/one.txt", b"####")
    broken, *_ = writers.in_processes(3, writers.read_or_overwrite, tmp_path, 300)
    assert broken == 0


def test_a_quota_holds_across_processes(storage: LocalStorage, tmp_path: Path) -> None:
    stored = writers.in_processes(3, writers.fill_up, tmp_path, 1_000_000)
    assert sum(stored) == 100
    assert storage.tree("alice").usage().used == 1_000_000


def test_whatever_is_moved_and_deleted_at_once_the_figures_stay_exact(
    storage: LocalStorage, tmp_path: Path
) -> None:
    done = writers.in_processes(3, writers.shuffle, tmp_path, 60)
    assert all(done)
    tree = storage.tree("alice")
    counted = count(tree.disk)
    usage = tree.usage()
    assert (usage.used, tree.disk.ledger.glance().used) == (counted.live, sum(counted))
    assert {finding.kind for finding in custody.inspect(storage)} == set()
    for folder, _, files in os.walk(tmp_path):
        for name in files:
            assert not name.startswith(".filehost-") or name.endswith("journal"), folder
    assert all(content is None or set(content) == {ord("x")} for content in tree_of(tree).values())
