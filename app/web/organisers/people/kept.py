"""What was typed into a form whose sign-in had ended: carried through signing in again, and sent
by nobody but the person."""

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

MOST = 900_000  # characters: with the rest of its form it fits into the largest body we take
LEADS = "/organise/"
# a form of these is not worth carrying: signing in is what it was for
DOORS = ("/organise/sign-", "/organise/invitations/")
SECRET = ("code", "form_token")


class Kept(BaseModel):
    """The fields in their order, without secrets. `files`: names of those that are lost."""

    to: str
    fields: list[tuple[str, str]]
    files: list[str] = []
    multipart: bool = False

    def packed(self) -> str:
        """For a hidden field; empty when there is nothing, or too much, to carry."""
        text = self.model_dump_json()
        return text if self.fields and _leads(self.to) and len(text) <= MOST else ""


def of(form: FormData, to: str, *, multipart: bool = False) -> Kept:
    """A form as it was posted to an address of ours."""
    typed = [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and not _is_secret(name)
    ]
    files = [one.filename or "" for one in form.values() if isinstance(one, UploadFile)]
    return Kept(to=to, fields=typed, files=[name for name in files if name], multipart=multipart)


def unpacked(text: str) -> Kept | None:
    """What `packed` made; None for anything else, and for what does not lead to the desk."""
    try:
        found = Kept.model_validate_json(text)
    except ValidationError:
        return None
    return found if _leads(found.to) else None


def _leads(to: str) -> bool:
    plain = to.isprintable() and "\\" not in to and ".." not in to
    return plain and to.startswith(LEADS) and not to.startswith(DOORS)


def _is_secret(name: str) -> bool:
    return name in SECRET or "password" in name
