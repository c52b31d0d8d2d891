"""A slip of the finger in an address: “gmial.com” where somebody meant gmail.com.

The request to confirm goes nowhere then, or to a stranger, and its writer waits for nothing.
"""

from app.languages import SOURCE, countries

# where most supporters of these countries have their mailboxes
COMMON = (
    *("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "protonmail.com"),
    *("inbox.lv", "apollo.lv", "tvnet.lv", "inbox.lt", "takas.lt", "zebra.lt"),
    *("mail.ee", "hot.ee", "online.ee", "neti.ee"),
    *("wp.pl", "o2.pl", "op.pl", "vp.pl", "onet.pl", "onet.eu", "interia.pl", "interia.eu"),
    *("poczta.fm", "gazeta.pl", "tlen.pl", "luukku.com", "kolumbus.fi", "elisanet.fi"),
)
# mail lives here too, however near to one of those
OTHERS = frozenset({"googlemail.com", "mail.com", "email.com", "ymail.com", "proton.me", "pm.me"})
NAMES = frozenset(domain.partition(".")[0] for domain in (*COMMON, *OTHERS))
SHORTEST = 4  # letters of a name; of two or three every other spelling is somebody's
COUNTRIES = frozenset(code.lower() for code, _ in countries(SOURCE))


def meant(email: str) -> str:
    """The common domain that is one slip away from an address's own; empty when there is none.

    One letter too many, too few or wrong, or two neighbours that changed places.
    """
    domain = email.strip().rpartition("@")[2].lower()
    if domain in COMMON or domain in OTHERS:
        return ""
    return next((one for one in COMMON if _is_slip(domain, one)), "")


def _is_slip(typed: str, known: str) -> bool:
    (name, _, ending), (its_name, _, its_ending) = typed.partition("."), known.partition(".")
    if name == its_name:
        # another country's ending is no slip of a country's; .co and .cm of .com are the commonest
        elsewhere = its_ending in COUNTRIES and ending in COUNTRIES
        return one_edit(ending, its_ending) and not elsewhere
    near = ending == its_ending and len(its_name) >= SHORTEST and name not in NAMES
    return near and one_edit(name, its_name)


def one_edit(one: str, other: str) -> bool:
    """Whether a single slip makes one of the other."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    swapped = len(one) == 2 and one == other[::-1]
    return swapped or (max(len(one), len(other)) == 1)
