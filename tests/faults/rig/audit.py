"""The audit log as it lies in the data folder (docs/formats/audit-log.md), and what must be in it."""

import hashlib
import json

# What a client did, by the words that the log may have for it.
DATA, REMOVAL, ACCOUNT = ("image.register", "image.upload"), ("image.delete",), ("account.create",)


def lines(folder):
    """All lines as (text, members), in order; an AssertionError for a chain that is broken."""
    found, previous = [], ""
    for path in sorted(folder.glob("audit-[0-9]*.log")):
        for text in path.read_bytes().split(b"\n"):
            if not text:
                continue
            members = json.loads(text)
            if found:
                assert members["sequence"] == found[-1]["sequence"] + 1, f"audit: {members['sequence']} follows {found[-1]['sequence']}"
                assert members["previous"] == previous, f"audit: the chain breaks at {members['sequence']}"
            previous = hashlib.sha256(text).hexdigest()
            found.append(members)
    return found


def check_audit(folder, ledger):
    """I8: each acknowledged change was told before it was made."""
    if not folder.is_dir():
        return
    told = {"image": {}, "subject": {}}
    for line in lines(folder):
        if line["outcome"] in ("begun", "done"):
            for kind, names in told.items():
                names.setdefault(line.get(kind), set()).add(line["verb"])
    for image, content in ledger.contents.items():
        if content is not None:
            assert told["image"].get(image, set()) & set(DATA), f"audit: nothing of the acknowledged image {image}"
    for image in ledger.removed:
        assert told["image"].get(image, set()) & set(REMOVAL), f"audit: nothing of the acknowledged removal of {image}"
    for account in ledger.accounts:
        assert told["subject"].get(account, set()) & set(ACCOUNT), f"audit: nothing of the acknowledged account {account}"
