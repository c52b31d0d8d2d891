"""All tables, in the order a letter meets them: who, whom, why, what, between, pacing, how many."""

from app.models.between import Attempt, Event, Freeze, Returned, SandboxMessage, Suppression
from app.models.how_many import DayCount, Participation, SendCount, SupporterCount
from app.models.pacing import Bucket, Mailbox, MailDomain, MailHost, RelayShare, RelayState
from app.models.tables import Base, BigId
from app.models.what import (
    FREED,
    HOLDS_ITS_PLACE,
    Letter,
    LetterStatus,
    Notice,
    NoticeKind,
    Outgoing,
    Submission,
)
from app.models.who import ApiToken, AuditLine, Organisation, Organiser, RecoveryCode, Role, SignIn
from app.models.whom import AddressReport, Contact, ContactImport, Target
from app.models.why import (
    Alert,
    AlertCountry,
    AlertState,
    Approval,
    Campaign,
    DraftSection,
    LetterTemplate,
    StageMove,
    StageStep,
)

__all__ = [
    "FREED",
    "HOLDS_ITS_PLACE",
    "AddressReport",
    "Alert",
    "AlertCountry",
    "AlertState",
    "ApiToken",
    "Approval",
    "Attempt",
    "AuditLine",
    "Base",
    "BigId",
    "Bucket",
    "Campaign",
    "Contact",
    "ContactImport",
    "DayCount",
    "DraftSection",
    "Event",
    "Freeze",
    "Letter",
    "LetterStatus",
    "LetterTemplate",
    "MailDomain",
    "MailHost",
    "Mailbox",
    "Notice",
    "NoticeKind",
    "Organisation",
    "Organiser",
    "Outgoing",
    "Participation",
    "RecoveryCode",
    "RelayShare",
    "RelayState",
    "Returned",
    "Role",
    "SandboxMessage",
    "SendCount",
    "SignIn",
    "StageMove",
    "StageStep",
    "Submission",
    "SupporterCount",
    "Suppression",
    "Target",
]
