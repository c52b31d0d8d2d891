"""XLSX workbooks by hand: as small as they get, and as wicked."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DAY = '<c r="{place}" s="1"><v>{days}</v></c>'
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}"><sheets>'
    '<sheet name="Offices" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    f'<Relationship Id="r3" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>",
    "xl/styles.xml": f'<styleSheet xmlns="{NAMESPACE}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="14"/></cellXfs></styleSheet>',
}


def workbook(sheet: str, shared: Sequence[str] = ()) -> bytes:
    """A workbook with this sheet's rows, as XML."""
    parts = PARTS | {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{NAMESPACE}"><sheetData>{sheet}'
        "</sheetData></worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{NAMESPACE}">'
        + "".join(f"<si><t>{text}</t></si>" for text in shared)
        + "</sst>",
    }
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def of_rows(*rows: Sequence[str | int]) -> bytes:
    """Texts, and numbers of days since 1899-12-30 as Excel keeps a date."""
    lines = []
    for n, cells in enumerate(rows, start=1):
        places = [f"{chr(65 + column)}{n}" for column in range(len(cells))]
        written = [
            DAY.format(place=place, days=cell)
            if isinstance(cell, int)
            else f'<c r="{place}" t="inlineStr"><is><t>{cell}</t></is></c>'
            for place, cell in zip(places, cells, strict=True)
        ]
        lines.append(f'<row r="{n}">{"".join(written)}</row>')
    return workbook("".join(lines))
