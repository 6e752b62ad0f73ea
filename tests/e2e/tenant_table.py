"""Who may do what with which image: the table that test_tenant_matrix.py holds against a server.

Written from the contract, not from the server. It is data and one function, `expected`, which reads it from the top:
the first rule that applies decides. A cell is one request: operation x caller x visibility x state of the image.
"""

import dataclasses

STATES = ("locked", "uploading", "error", "available")
VISIBILITIES = ("public", "private")
# Instead of an image: an id that was never given, one whose image was removed, and a text that is no id. Nobody sees them.
NOTHINGS = ("absent", "removed", "no id")


@dataclasses.dataclass(frozen=True)
class Caller:
    """`standing` towards the images of the account "owner"; `classic`: the request is one of the 2012 client's."""

    name: str
    standing: str
    why: str
    classic: bool = False
    reads_only: bool = False  # a signature that can't cover headers and bodies of changes
    open: bool = False  # asks the server that lets unsigned requests read


# What each standing may do. "sees": which images it sees; "changes": whether it may change what it sees;
# "registers": whether it may register images of its own; "accounts": whether it manages accounts.
STANDINGS = {
    #                sees                    changes           registers            accounts
    "owner":        ("public and private",   "yes",            "yes",               "no"),
    "stranger":     ("public",               "no",             "yes",               "no"),
    # An old administrator's `delete -q` must not reach other tenants.
    "administrator": ("public",              "no",             "yes",               "yes"),
    "everybody":    ("public and private",   "yes",            "yes",               "yes"),
    "nobody":       ("public",               "no",             "no",                "no"),
    # Not shown who they are, or shown and not admitted: the same answer to everything that needs a signature.
    "refused":      (),
    # Asks for the reach of an administrator and is none (403), or with another word than "all" (400).
    "overreaching": (),
    "misspelt":     (),
}

CALLERS = (
    Caller("owner", "owner", "signs with AWS Signature Version 4"),
    Caller("owner of 2012", "owner", "signs with the VISOR scheme", classic=True),
    Caller("owner by presigned URL", "owner", "the signature is in the query", reads_only=True),
    Caller("other", "stranger", "another account"),
    Caller("other of 2012", "stranger", "another account with the VISOR scheme", classic=True),
    Caller("other by presigned URL", "stranger", "another account's query", reads_only=True),
    Caller("other with forged identity", "stranger", "headers that claim to be somebody are not believed"),
    Caller("other that may refer", "stranger", "the privilege is about locations, not about others' images"),
    Caller("other with scope", "overreaching", "x-visor-scope is for administrators"),
    Caller("owner with scope", "overreaching", "x-visor-scope is for administrators, even where it adds nothing"),
    Caller("administrator", "administrator", "without x-visor-scope an administrator is an account like others"),
    Caller("administrator of 2012", "administrator", "the clients of 2012 never send x-visor-scope", classic=True),
    Caller("administrator with scope", "everybody", "x-visor-scope: all"),
    Caller("administrator of 2012 with scope", "everybody", "x-visor-scope: all, VISOR scheme", classic=True),
    Caller("administrator with another scope", "misspelt", "x-visor-scope takes no other word"),
    Caller("anonymous", "refused", "unsigned requests are refused by default"),
    Caller("anonymous of 2012", "refused", "so are those of old libraries", classic=True),
    Caller("disabled administrator", "refused", "a disabled account's signature counts for nothing"),
    Caller("disabled administrator of 2012", "refused", "with either scheme", classic=True),
    Caller("removed administrator", "refused", "a removed account's signature counts for nothing"),
    Caller("unknown key", "refused", "an access key that never was"),
    Caller("owner with a wrong secret", "refused", "a wrong signature"),
    Caller("owner of 2012 with a wrong secret", "refused", "a wrong signature", classic=True),
    Caller("owner with a truncated signature", "refused", "a prefix of a right signature is a wrong one"),
    Caller("owner with an expired date", "refused", "over 15 minutes old"),
    Caller("owner of 2012 with an expired date", "refused", "over 15 minutes old", classic=True),
    Caller("owner with a date ahead", "refused", "over 15 minutes ahead"),
    Caller("owner by an expired URL", "refused", "a presigned URL past its time", reads_only=True),
    Caller("owner with Basic", "refused", "no scheme of this server's"),
    Caller("owner with Bearer", "refused", "no scheme of this server's"),
    Caller("anonymous where reads are open", "nobody", "accounts.anonymous_read", open=True),
    Caller("anonymous of 2012 where reads are open", "nobody", "accounts.anonymous_read", classic=True, open=True),
    Caller("anonymous with scope where reads are open", "overreaching", "nobody is no administrator", open=True),
    Caller("other where reads are open", "stranger", "opening reads changes nothing for who signs", open=True),
    Caller("wrong secret where reads are open", "refused", "a wrong signature is never taken for none", open=True),
    Caller("disabled administrator where reads are open", "refused", "nor is that of a disabled account", open=True),
)

# What each operation needs ("see", "change", "register": an own image that links to the one in question; "nothing": the
# path does not take the method, which is told before anybody is asked who they are; "invalid": wrong whoever asks), and
# the answer to who may, by the image's state. "list" and "none": 200 and the image is in the list or not; who may not
# see it gets 200 and "none".
OPERATIONS = """
operation               needs     locked  uploading  error  available  why
head                    see       200     200        200    200        metadata is there from the registration on
head if new             see       200     200        200    304        conditions are about data
metadata                see       200     200        200    200
metadata as XML         see       200     200        200    200
fetch                   see       404     404        404    200        there is no data to fetch before it is whole
fetch a range           see       404     404        404    206
fetch outside           see       404     404        404    416        classic: 400
fetch if new            see       404     404        404    304        the condition holds the data's true entity tag
fetch if other          see       404     404        404    412        classic: 409
list                    see       list    list       list   list
list in detail          see       list    list       list   list
list a page             see       list    list       list   list       sorted, limit=1
list by id              see       list    list       list   list
list by owner           see       list    list       list   list
list by digest          see       none    none       none   list       who knows data must not learn that others have it
list by digest, XML     see       none    none       none   list
list from the image     see       200     200        200    200        sort and marker; who does not see it: 400
list behind the id      always    200     200        200    200        without sort a marker is a text to compare with
change                  change    200     200        200    200
change the access       change    200     200        200    200
change if other data    change    412     412        412    412        If-Match with a tag that no data has; classic: 409
change to wrong kernel  change    400     400        400    400        a kernel that is no kernel
change nothing          invalid   400     400        400    400        neither headers nor data
change the owner        invalid   400     400        400    400        an attribute that the server sets
change the status       invalid   400     400        400    400
upload                  change    200     409        200    409        only locked or error takes data
upload with metadata    change    200     409        200    409
upload if there is none change    200     409        200    412        If-None-Match: *; classic: 409
upload as a form        invalid   400     400        400    400        data is application/octet-stream
refer to a file         change    200     409        200    409        administrators only: others 403
refer with data         invalid   400     400        400    400        a location and a body
delete                  change    200     200        200    200        an upload under way then fails
delete if other data    change    412     412        412    412        classic: 409
boot with it as kernel  register  200     200        200    200        the image is a kernel
boot with it as ramdisk register  400     400        400    400        it is none
post to it              nothing   405     405        405    405        classic: 404
patch it                nothing   405     405        405    405
post to its metadata    nothing   405     405        405    405
"""
# The operations that, where they are allowed, leave something changed and so need an image of their own.
CHANGING = ("change", "change the access", "upload", "upload with metadata", "upload if there is none", "refer to a file", "delete")
LISTING = ("list", "none")
# To the clients of 2012, which know only 400, 403, 404, 409, 500 and 503.
CLASSIC = {405: 404, 412: 409, 416: 400}


def _read(text):
    heading, *lines = [line for line in text.splitlines() if line.strip()]
    starts = [heading.index(word) for word in heading.split()]
    table = {}
    for line in lines:
        name, needs, *answers, _ = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
        table[name] = (needs, dict(zip(STATES, (answer if answer in LISTING else int(answer) for answer in answers))))
    return table


OPERATIONS = _read(OPERATIONS)


def sees(caller, visibility):
    """Whether the caller may know that the image is there. `visibility` None: there is none."""
    reach = STANDINGS[caller.standing]
    return bool(reach) and visibility is not None and visibility in reach[0]


def _unseen(operation, needs):
    """The answer about what is not there, and so about what is not yours to know of."""
    if any(answer in LISTING for answer in OPERATIONS[operation][1].values()):
        return "none"
    return 400 if operation == "list from the image" else 404


def expected(operation, caller, visibility, state):
    """The status, or "list" or "none". For one of NOTHINGS, which takes the place of `state`, `visibility` is None."""
    needs, answers = OPERATIONS[operation]
    answer = _decide(operation, needs, answers, caller, visibility, state)
    return CLASSIC.get(answer, answer) if caller.classic else answer


def _decide(operation, needs, answers, caller, visibility, state):
    # What is not there has no state: the same is wrong with a request about it as with one about a new image.
    usual = answers.get(state, answers["locked"])
    if needs == "nothing":
        return usual
    if caller.standing == "refused":
        return 403
    if caller.standing == "overreaching":
        return 403
    if caller.standing == "misspelt":
        return 400
    _, changes, registers, administrates = STANDINGS[caller.standing]
    # What is wrong with a request whatever it is about is told without looking at the image.
    if needs == "invalid":
        return usual
    if needs == "always":
        return 400 if state == "no id" else usual
    if needs == "register" and registers == "no":
        return 403
    if not sees(caller, visibility):
        return _unseen(operation, needs)
    if needs == "change" and changes == "no":
        return 403
    # A privilege comes before the state: who lacks it learns nothing more.
    if operation == "refer to a file" and administrates == "no":
        return 403
    return usual


# --- images that were deleted and can be restored ---------------------------------------------------------------------

# By the state that the image was in; a public one is no more anybody's than a private one once it is deleted, and an
# administrator without scope is an account like others.
DELETED = """
operation               needs    locked  uploading  error  available  why
show the deleted        reach    200     200        200    200
show the deleted as XML reach    200     200        200    200
list the deleted        reach    list    list       list   list
list a deleted page     reach    list    list       list   list       limit=1, behind the id before
restore                 reach    200     200        200    200        with the state it was in; an upload has failed
restore with a body     wrong    400     400        400    400        it takes none
purge                   reach    200     200        200    200        for good
change the deleted      nothing  405     405        405    405        classic: 404
fetch the deleted       gone     404     404        404    404        by /images/{id} it is not there, whoever asks
list as if there        gone     none    none       none   none
boot from the deleted   link     404     404        404    404        no kernel is registered under the id
"""
RESTORING = ("restore", "purge")
DELETED = _read(DELETED)


def expected_of_deleted(operation, caller, state):
    """`state` None: the id of no deleted image."""
    needs, answers = DELETED[operation]
    answer = _decide_deleted(needs, answers.get(state), answers["locked"], caller)
    return CLASSIC.get(answer, answer) if caller.classic else answer


def reaches(caller):
    """Whether the caller may know of what the account "owner" deleted."""
    return caller.standing in ("owner", "everybody")


def _decide_deleted(needs, answer, usual, caller):
    if needs == "nothing":
        return usual
    if caller.standing in ("refused", "overreaching"):
        return 403
    if caller.standing == "misspelt":
        return 400
    if needs == "gone":
        return usual
    if caller.standing == "nobody":
        # What is deleted is shown to accounts only. A body is wrong whoever sends it.
        return usual if needs == "wrong" else 403
    if needs in ("link", "wrong"):
        return usual
    if answer is None or not reaches(caller):
        return "none" if usual in LISTING else 404
    return answer


# --- what is about no image -----------------------------------------------------------------------------------------

# By what the caller's standing may: the answer if it may, and the right that it takes.
#   "anybody": no signature; "caller": whoever is known, nobody included; "registers": an account; "accounts": an
#   administrator.
SERVICE = """
operation               needs      answer  why
heartbeat               anybody    200
health                  anybody    200
description             anybody    200     of the API
nowhere                 anybody    404     no such path
delete all images       anybody    405     no such method; classic: 404
register                registers  200
register and upload     registers  200
register for another    caller     400     the owner is who asks; wrong whoever asks
register without a name registers  400
register in no store    registers  400
register as secret      caller     400     access is public or private; wrong whoever asks
register from a file    registers  200     administrators only: others 403
register from nowhere   registers  404     administrators only: others 403
list everything         caller     200
list in detail          caller     200
list by two limits      caller     400
list page 0             caller     400
show a text for an id   caller     404
list the requests       accounts   200     what the server is doing, administrators only
list the jobs           accounts   200
cancel no request       accounts   404
list the stores         accounts   200     where images lie is administrators' business
check no store          accounts   404
list the placements     accounts   200
scrub no store          accounts   400
show no placement       accounts   404
cancel no placement     accounts   404
"""


def _read_service(text):
    heading, *lines = [line for line in text.splitlines() if line.strip()]
    starts = [heading.index(word) for word in heading.split()]
    table = {}
    for line in lines:
        name, needs, answer, _ = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
        table[name] = (needs, int(answer))
    return table


SERVICE = _read_service(SERVICE)


def expected_of_service(operation, caller):
    needs, answer = SERVICE[operation]
    answer = _decide_service(operation, needs, answer, caller)
    return CLASSIC.get(answer, answer) if caller.classic else answer


def _decide_service(operation, needs, answer, caller):
    if needs == "anybody":
        return answer
    if caller.standing in ("refused", "overreaching"):
        return 403
    if caller.standing == "misspelt":
        return 400
    _, _, registers, administrates = STANDINGS[caller.standing]
    if needs == "registers" and registers == "no":
        return 403
    if needs == "accounts" and administrates == "no":
        return 403
    if operation in ("register from a file", "register from nowhere") and administrates == "no":
        return 403
    return answer


# Accounts: administrators alone, and to others there is no difference between an account that exists and one that
# does not. The targets: an account with images, a disabled one, one that never was, and a key that no account can have.
ACCOUNT_TARGETS = ("owner", "disabled", "absent", "impossible")
ACCOUNTS = """
operation               owner  disabled  absent  impossible  why
show the account        200    200       404     404
list the account        list   list      none    none
change the account      200    200       404     404
change it to nonsense   400    400       400     400         the document is read first
rename it               400    400       400     400
create the account      409    409       200     400         it exists already; a new one is made anew for each cell
create it without email 400    400       400     400
remove the account      200    200       404     404         a new one is made anew for each cell
post to the account     405    405       405     405         told before anybody is asked who they are
"""


def _read_accounts(text):
    heading, *lines = [line for line in text.splitlines() if line.strip()]
    starts = [heading.index(word) for word in heading.split()]
    table = {}
    for line in lines:
        name, *answers, _ = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
        answers = [answer if answer in LISTING else int(answer) for answer in answers]
        table[name] = dict(zip(ACCOUNT_TARGETS, answers))
    return table


ACCOUNTS = _read_accounts(ACCOUNTS)


def expected_of_account(operation, caller, target):
    answer = ACCOUNTS[operation][target]
    if answer != 405:
        if caller.standing == "misspelt":
            answer = 400
        elif caller.standing in ("refused", "overreaching") or STANDINGS[caller.standing][3] == "no":
            answer = 403
    return CLASSIC.get(answer, answer) if caller.classic else answer


# The operations that, where they are allowed, need an account of their own.
CHANGES_OF_ACCOUNTS = ("create the account", "remove the account")


def reading(operation):
    """Whether a signature in the query can be all that the request needs."""
    return OPERATIONS[operation][0] in ("see", "always")


def image_cells():
    for operation in OPERATIONS:
        for caller in CALLERS:
            if caller.reads_only and not reading(operation):
                continue
            for visibility in VISIBILITIES:
                for state in STATES:
                    yield operation, caller, visibility, state
            for nothing in NOTHINGS:
                yield operation, caller, None, nothing


def service_cells():
    for operation in SERVICE:
        for caller in CALLERS:
            if not caller.reads_only:
                yield operation, caller


def account_cells():
    for operation in ACCOUNTS:
        for caller in CALLERS:
            if not caller.reads_only:
                for target in ACCOUNT_TARGETS:
                    yield operation, caller, target


def deleted_cells():
    for operation in DELETED:
        for caller in CALLERS:
            if not caller.reads_only:
                for visibility in VISIBILITIES:
                    for state in STATES:
                        yield operation, caller, visibility, state
                yield operation, caller, None, None


def cells():
    return sum(1 for source in (image_cells, deleted_cells, service_cells, account_cells) for _ in source())
