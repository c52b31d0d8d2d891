"""Names, towns and postal addresses as people have them, in six languages and beyond."""

NAMES = (
    *("Mari Mägi", "Jüri Õunapuu", "Kadri-Liis Kõiv", "Õie Jõgi-Öövel", "Triin v. Krahl"),
    *("Jānis Bērziņš", "Dace Ķēniņa", "Ģirts Šķēle", "Ilze Kalniņa-Ozola", "Zane Y. Liepa"),
    *("Ąžuolas Žemaitis", "Rūta Šimkutė-Žukauskienė", "Ona K.", "Jonas Čiurlionis Jr."),
    *("Zażółć Gęślą", "dr n. med. Łucja Wójcik", "Grzegorz Brzęczyszczykiewicz", "Ewa M. Nowak"),
    *("Äijälä Yrjö", "Aino-Maija Hämäläinen", "Öhman, Åke", "Väinö von Wright", "Sanna M."),
    *("J.R.R. Tolkien", "Martin Luther King, Jr.", "Dr. med. Anna Weiß", "Mary O'Brien-Smith"),
    *("Rembrandt van der Aa", "Jan van 't Hoff", "d'Artagnan", "John Smith III", "B.B. King"),
    *(
        "Maria da Silva e Costa",
        "Seán Ó Sé",
        "Mr. & Mrs. Lee",
        "Prof. Dr. K.-H. Müller, Dipl.-Ing.",
    ),
    *("MARI MÄGI", "ANNA VON DER LEYEN ZU HOHENSTEIN UND BERG", "X Æ A-12", "Ng", "O", "Li Li Li"),
    *("Kati Moroney", "Paolo Moroni", "Scumbria Bastarrechea", "Traitorov", "Fuchs", "Whorewood"),
    *("محمد علي", "山田太郎", "Олена Шевченко-Коваль", "Νίκος Παπαδόπουλος", "นิดา ใจดี", "김민수"),
)
TOWNS = (
    *("Tartu", "Kohtla-Järve", "St. Petersburg", "St.Petersburg", "Wien-Umgebung", "Ķekava"),
    *("Marijampolė", "Łódź", "Bielsko-Biała", "Äänekoski", "Frankfurt a.M.", "Frankfurt/Main"),
    *("Halle/Saale", "Biel/Bienne", "Kingston upon Thames", "'s-Hertogenbosch", "Å", "Y", "Morón"),
    *(
        "Scunthorpe",
        "Washington, D.C.",
        "København Ø",
        "Rīga, LV-1010",
        "6th of October City",
        "札幌",
    ),
    *("Newcastle-under-Lyme", "Tallinn (Nõmme)", "NARVA-JÕESUU", "Llanfair P.G.", "Moroni"),
)
PLACES = (
    "Õpetaja 5–7\n51003 Tartu\nEesti",
    "Brīvības iela 45/3, dz. 7\nRīga, LV-1010",
    "Žemaitės g. 12-3\n01234 Vilnius",
    "ul. Długa 5 m. 12\n00-001 Warszawa",
    "Hämeenkatu 3 A 7\n33100 Tampere\nFINLAND",
    "Nr. 5/3, p.k. 12\nPlzeň, Škoda s.r.o.",
    "c/o Müller GmbH & Co. KG\nBahnhofstr. 1/2/3\n1010 Wien",
    "P.O. Box 12, Apt. #7/4\nSpringfield, IL 62704-1234\nU.S.A.",
    "HAUPTSTRASSE 12\nA-1010 WIEN\nÖSTERREICH",
    "12/3-4 Moo 5, T. Nai Mueang, A. Mueang\nKhon Kaen 40000",
    "kv.7, d.12/3, ul. Lenina\n190000 St.Petersburg",
    "〒060-0001 北海道札幌市中央区北1条西2-3-4",
)
