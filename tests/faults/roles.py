"""Who asks, what each method of a route can be, and how every door answers to each of them."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("anonymous", "other", "owner", "clerk", "superuser", "revoked token", "reading token")  # clerk: staff, no more

# What each method of a route is; the methods that are left out do not exist there.
#   open    for everybody, signed in or not
#   own     for everybody who is signed in: it shows and makes nothing but their own things
#   read    what its owner sees; others only what is shared with all
#   use     as read, though it is a POST: it makes something of the sender's own from what they see
#   write   its owner alone, also when it is shared
#   mine    its owner alone, and it can't be shared
#   staff   staff's programs
#   desk    the admin for any staff
#   admin   the admin for staff that was given permission
READ, WRITE, MINE, OWN, OPEN, STAFF = ({"GET": kind} for kind in ("read", "write", "mine", "own", "open", "staff"))


def posts(kind: str) -> dict:
    return {"POST": kind}


def expected(kind: str | None, role: str, *, is_api: bool, is_shared: bool, is_safe: bool) -> str:
    """``let in``, or how the door is closed: a ``sign-in`` page, or a status."""
    has_session = role in ("other", "owner", "clerk", "superuser")
    may_read_by_token = role == "reading token" and is_api
    if kind == "open":
        return "let in"
    if kind in ("desk", "admin"):
        if role not in ("clerk", "superuser"):
            return "sign-in"
        return "403" if (kind, role) == ("admin", "clerk") else "let in"
    if not (has_session or may_read_by_token):
        return "401" if is_api else "sign-in"
    if may_read_by_token and not is_safe:
        return "403"
    if kind is None:
        return "405"
    if kind == "own":
        return "let in"
    if kind == "staff":
        return "let in" if role in ("clerk", "superuser") else "403"
    is_owner = role in ("owner", "reading token")
    return "let in" if is_owner or (is_shared and kind in ("read", "use")) else "404"
