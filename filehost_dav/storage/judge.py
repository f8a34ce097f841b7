"""Judge: what the policy says to a file or folder that comes to a place, seen from the files themselves.

A name is judged by the policy alone. Whether content must be looked at depends on where it comes
from: what lies among the documents was judged when it came, what lies anywhere else was not.
"""

from __future__ import annotations

from filehost_dav.errors import Refused
from filehost_dav.paths import Area, FilePath
from filehost_dav.policy.roles import AREAS, Policy
from filehost_dav.storage.aside import Aside, shown
from filehost_dav.storage.publish import head_of, judged
from filehost_dav.storage.tree import Body, Condition, Entry, Trashed, Tree


class Judge:
    """The judge of one user's tree. Every method raises Refused."""

    def __init__(self, tree: Tree, policy: Policy, aside: Aside) -> None:
        self._tree = tree
        self._policy = policy
        self._aside = aside

    def body(self, path: FilePath, body: Body) -> Body:
        """`body` of a document at `path`, which refuses itself before its first byte is passed on."""
        if not self._policy.judges_content(path):
            return body
        return judged(body, lambda head: self._policy.check_content(path, head))

    def arriving(self, entry: Entry, target: FilePath, *, every_member: bool) -> None:
        """What is to become a document, or a folder of documents, at `target`.

        A folder that stays among documents is not looked into, so that it can be renamed whatever it
        holds; `every_member` looks into it all the same.
        """
        moves_in = self._moves_in(entry, target)
        if not entry.is_folder:
            self._content(entry, target, moves_in=moves_in)
        elif every_member or moves_in:
            for member in self._tree.list(entry.path):
                place = target / member.path.name
                self._policy.check(place, is_folder=member.is_folder)
                self.arriving(member, place, every_member=every_member)

    def restored(self, trashed: Trashed, target: FilePath) -> None:
        """What comes back from the trash under another name."""
        self._policy.check(target, is_folder=trashed.entry.is_folder)
        if not trashed.entry.is_folder and self._changes_type(trashed.origin, target):
            with self._tree.open_trashed(trashed.id) as content:
                self._policy.check_content(target, head_of(content))

    def not_hiding(self, entry: Entry, goal: FilePath) -> None:
        """A side file is cleared when its document is gone, so a document must not become one."""
        if goal.area is Area.SIDE and entry.path.area is not Area.SIDE and entry.size:
            raise Refused("A document may not be given the name of a hidden file", rule="name")

    def twin(self, path: FilePath, renamed: FilePath | None = None) -> None:
        """A name that differs only by case from one that is there; `renamed` may change its own."""
        twin = self._tree.twin(path)
        if twin is None or (renamed is not None and renamed.parent == path.parent and renamed.name == twin):
            return
        raise Refused(f"A file with this name exists in other case: {twin}", rule="case")

    def settled(
        self, when: Condition, path: FilePath, place: FilePath, renamed: FilePath | None = None
    ) -> Condition:
        """`when` as the tree asks it at `place`: with the path the caller knows, and with the rule that a new
        name has no twin, which another request may have made meanwhile.
        """
        if place.area is Area.FILES:
            return Condition(when.absent, when.holds, when.asks, lambda: self.twin(path, renamed))

        def holds(present: Entry | None) -> None:
            when.holds(None if present is None else shown(present))

        return Condition(when.absent, holds, when.asks)

    def _moves_in(self, entry: Entry, target: FilePath) -> bool:
        """Whether `entry` was never judged where it lies: aside, put on disk by hand under such a name, or in
        a folder of any names.
        """
        document = entry.path.in_area(Area.FILES)
        if document is not entry.path or self._policy.classify(document, is_folder=entry.is_folder) in AREAS:
            return True
        return self._policy.is_any_name(entry.path) and not self._policy.is_any_name(target)

    def _content(self, entry: Entry, target: FilePath, *, moves_in: bool) -> None:
        if not entry.size or not self._policy.judges_content(target):
            return
        if not moves_in and not self._changes_type(entry.path, target):
            return
        if entry.path.area is Area.STAGING and self._aside.parked_name(entry) == target.name:
            return  # a document comes back to its own name
        with self._tree.open(entry.path) as content:
            self._policy.check_content(target, head_of(content))

    def _changes_type(self, source: FilePath, target: FilePath) -> bool:
        return self._policy.signatures.differ(source.extension, target.extension)
