"""Putting something at a path: what each way of it does to what was there.

A file that replaces a file keeps the earlier content as a version; anything else that was in the way
goes to the trash. Side files and staging are nobody's documents: what they replace is gone.
"""

from __future__ import annotations

from filehost_dav.errors import ConditionFailed, Exists, IntoItself, IsAFolder, Refused
from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.object.change import Blob, Change
from filehost_dav.storage.object.rows import Node
from filehost_dav.storage.tree import Condition, Entry, Written


def check(when: Condition, present: Entry | None) -> None:
    """Raises ConditionFailed or what the condition raises."""
    if when.absent and present is not None:
        raise ConditionFailed("Something is already there")
    when.holds(present)
    if present is None:
        when.new()


def check_apart(source: FilePath, target: FilePath) -> None:
    """Raises IntoItself where one path lies within the other."""
    if target.is_within(source) or source.is_within(target):
        raise IntoItself("A folder cannot be put into itself")


def check_file(present: Node | None, path: FilePath, when: Condition) -> None:
    """Whether a file may be written where `present` is. Raises IsAFolder and as `check`."""
    if present is not None and present.folder:
        raise IsAFolder("This is a folder")
    check(when, _entry(present, path))


def fill(
    change: Change, path: FilePath, blob: Blob, modified: int | None, when: Condition, *, quota: int | None
) -> Written:
    """A content that was taken in becomes the file at `path`."""
    chain, present = change.place(path, make=path.area is not Area.FILES)
    check_file(present, path, when)
    modified = change.now if modified is None else modified
    if present is None:
        node = change.add(chain[-1], path.name, blob=blob.id, size=blob.size, modified=modified)
    else:
        node = _replace_content(change, present, path, blob.id, blob.size, modified)
    change.touch(chain[-1], chain)
    change.fit(quota)
    return Written(node.entry(path), present is None)


def make_folder(change: Change, path: FilePath, when: Condition) -> Entry:
    """Raises Exists, ParentMissing."""
    chain, present = change.place(path, make=path.area is not Area.FILES)
    if present is not None:
        raise Exists("Something is already there")
    check(when, None)
    node = change.add(chain[-1], path.name)
    change.touch(chain[-1], chain)
    return node.entry(path)


def move(change: Change, source: FilePath, target: FilePath, when: Condition) -> Written:
    """Rename. A file over a file brings its own id and takes over the other's versions; what was staged is
    no file yet and becomes the new content of the one it replaces.
    """
    origin, node = change.find(source)
    chain, present = change.place(target, make=target.area is not Area.FILES)
    check(when, _entry(present, target))
    if present is not None and present.blob and node.blob and source.area is Area.STAGING:
        change.forget(node)
        node = _replace_content(change, present, target, node.blob, node.size, node.modified)
        change.touch(origin[-1], origin)
        change.touch(chain[-1], chain)
        return Written(node.entry(target), created=False)
    if present is not None and target.area is Area.FILES and not (present.folder or node.folder):
        change.keep(present, node)
        change.inherit_versions(present, node)
        change.forget(present)
        change.release([present.blob])
    elif present is not None:
        _put_away(change, present, target)
    node = change.move(node, chain[-1].id, target.name)
    change.touch(origin[-1], origin)
    change.touch(chain[-1], chain)
    return Written(node.entry(target), present is None)


def copy(
    change: Change, source: FilePath, target: FilePath, when: Condition, *, deep: bool, quota: int | None
) -> Written:
    """New rows that share the blobs."""
    _, node = change.find(source)
    nodes = list(change.members(node.id)) if deep else [node]
    chain, present = change.place(target, make=target.area is not Area.FILES)
    check(when, _entry(present, target))
    if present is not None and node.blob is not None and not present.folder:
        made = _replace_content(change, present, target, node.blob, node.size, node.modified)
    else:
        if present is not None:
            _put_away(change, present, target)
        made = _copy_all(change, nodes, chain[-1], target.name)
    change.touch(chain[-1], chain)
    change.fit(quota)
    return Written(made.entry(target), present is None)


def delete(change: Change, path: FilePath, when: Condition) -> tuple[Node, str | None]:
    """The node removed, and its name in the trash; None where nothing was worth keeping."""
    if path.is_root:
        raise Refused("The folder itself cannot be deleted", rule="root")
    chain, node = change.find(path)
    check(when, node.entry(path))
    change.touch(chain[-1], chain)
    if _is_worth_keeping(change, node, path):
        return node, change.discard(node, path)
    change.destroy(node)
    return node, None


def _replace_content(
    change: Change, present: Node, path: FilePath, blob: str, size: int, modified: int
) -> Node:
    if path.area is Area.FILES:
        change.keep(present, present)
    node = change.refill(present, blob, size, modified)
    change.release([present.blob])
    return node


def _put_away(change: Change, present: Node, path: FilePath) -> None:
    if path.area is Area.FILES and _is_worth_keeping(change, present, path):
        change.discard(present, path)
    else:
        change.destroy(present)


def _is_worth_keeping(change: Change, node: Node, path: FilePath) -> bool:
    if path.area is Area.SIDE:
        return False
    return not change.is_empty(node) if node.folder else bool(node.size)


def _copy_all(change: Change, nodes: list[Node], parent: Node, name: str) -> Node:
    # Each folder comes before its members, so that its copy's id is known when they are reached.
    top = nodes[0]
    ids = {node.id: change.new_id() for node in nodes}
    copies = [
        node._replace(
            id=ids[node.id],
            parent=parent.id if node is top else ids[node.parent or 0],
            name=name if node is top else node.name,
            created=change.now,
            change=change.number,
        )
        for node in nodes
    ]
    change.add_all(copies)
    return copies[0]


def _entry(node: Node | None, path: FilePath) -> Entry | None:
    return None if node is None else node.entry(path)
