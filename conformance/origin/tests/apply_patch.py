"""Applies MPD patches (RFC 5261) with another XML library than the origin's writer, and compares.

Standard input: JSON, a list of [before, patch, after]. Complains and fails where a patch does not lead from the one MPD
to the other. It knows ids, attributes and positions in paths, and that positions count from 1.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
PATCH = "{urn:mpeg:dash:schema:mpd-patch:2020}"


def local(tag):
    return tag.split("}")[-1]


def plain(element):
    """The element without namespaces and white space."""
    text = (element.text or "").strip()
    attributes = tuple(sorted(element.attrib.items()))
    return (local(element.tag), attributes, text, tuple(plain(child) for child in element))


def find(root, path):
    """The one element that a path leads to, and its parent."""
    steps = path.strip("/").split("/")
    assert steps[0] == "MPD", path
    parent, at = None, root
    for step in steps[1:]:
        name, which = re.fullmatch(r"(\w+)(?:\[(.+)\])?", step).groups()
        found = [child for child in at if local(child.tag) == name]
        if which and which.startswith("@id="):
            found = [child for child in found if child.get("id") == which[5:-1]]
        elif which:
            found = found[int(which) - 1 : int(which)]
        assert len(found) == 1, f"{path}: {len(found)} of {step}"
        parent, at = at, found[0]
    return parent, at


def apply(root, patch):
    assert patch.tag == PATCH + "Patch"
    assert patch.get("mpdId") == root.get("id")
    assert patch.get("originalPublishTime") == root.get("publishTime")
    for operation in patch:
        kind, path = local(operation.tag), operation.get("sel")
        path, _, attribute = path.partition("/@")
        parent, target = find(root, path)
        if attribute:
            assert attribute in target.attrib, path
            if kind == "remove":
                del target.attrib[attribute]
            else:
                assert kind == "replace"
                target.set(attribute, operation.text)
        elif kind == "remove":
            parent.remove(target)
        elif kind == "replace":
            parent[list(parent).index(target)] = operation[0]
        else:
            assert kind == "add"
            name, where = operation.get("type"), operation.get("pos")
            if name:
                assert name[1:] not in target.attrib, path
                target.set(name[1:], operation.text)
            elif where is None:
                target.extend(operation)
            elif where == "prepend":
                target[0:0] = list(operation)
            else:
                assert where == "after", where
                at = list(parent).index(target) + 1
                parent[at:at] = list(operation)


for before, patch, after in json.load(sys.stdin):
    root, expected = ET.fromstring(before), ET.fromstring(after)
    apply(root, ET.fromstring(patch))
    if plain(root) != plain(expected):
        sys.exit(f"{patch}\nleads to\n{ET.tostring(root).decode()}\ninstead of\n{after}")
