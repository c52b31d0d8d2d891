"""Made-up supporters, from several languages and countries. None of them exists."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

# country, cities, first names, last names
PLACES: tuple[tuple[str, str, str, str], ...] = (
    ("EE", "Tartu Võru", "Mari Jaan Tiina Märt", "Mägi Tamm Õunapuu"),
    ("LV", "Rīga Cēsis", "Ilze Jānis Zane", "Bērziņa Kalniņš Ozola"),
    ("LT", "Kaunas Šiauliai", "Rūta Jonas Eglė", "Žukauskaitė Petrauskas"),
    ("PL", "Kraków Łódź", "Zofia Paweł Agnieszka", "Wiśniewska Wójcik Dąbrowski"),
    ("FI", "Oulu Jyväskylä", "Aino Väinö Sirkka", "Hämäläinen Mäkelä"),
    ("DE", "Köln Jena", "Jürgen Käthe Uwe", "Müller Großmann"),
    ("FR", "Nîmes Orléans", "Zoé François Agnès", "Lefèvre Garçon"),
    ("PT", "Évora Setúbal", "João Inês Conceição", "Gonçalves Magalhães"),
    ("IE", "Sligo Galway", "Siobhán Pádraig", "O’Brien Ní-Dhomhnaill"),
    ("GR", "Πάτρα Βόλος", "Ελένη Γιώργος", "Παπαδοπούλου Νικολάου"),
    ("UA", "Львів Суми", "Олена Тарас", "Шевчук Коваленко"),
    ("LB", "بيروت صور", "ليلى سامي", "حداد خوري"),
    ("KH", "បាត់ដំបង កំពត", "សុភា ចាន់ថា", "គឹម សុខ"),
    ("JP", "松山 盛岡", "さくら 健太", "田中 渡辺"),
    ("VN", "Huế Vinh", "Hạnh Dũng", "Nguyễn Đặng"),
    ("CO", "Bogotá Popayán", "Lucía Andrés", "Muñoz Peña"),
)
WORDS = (
    "I learnt to swim in a river that nobody had closed.",
    "My grandmother washed wool at the bank where I now walk my dog.",
    "I have fished at the same bend for thirty years, and I would like to go on.",
    "As a teacher I take a class to the water every spring. They remember it for years.",
    "Our village lies on a border, and the river is where we meet.",
    "I repair boats. Without the path I cannot reach half of them.",
    "Please think of those who cannot travel far, and have only this.",
    "Ich wohne am anderen Ufer und hoffe, dass wir Nachbarn bleiben.",
    "Jõgi ei küsi, kummal kaldal sa sündisid.",
    "Rzeka nikogo nie pyta o paszport.",
    "Le fleuve passe chez vous avant de passer chez nous.",
)


@dataclass(frozen=True)
class Person:
    """A made-up supporter; the address reaches nobody."""

    name: str
    email: str
    city: str
    country: str
    own_words: str

    @property
    def postal_address(self) -> str:
        return f"Made-up Street 1, {self.city}"


def people(chance: Random) -> Iterator[Person]:
    """Every one with an address of their own, in no order; a third with words of their own."""
    found = [
        (f"{first} {last}", city, country)
        for country, cities, firsts, lasts in PLACES
        for city, first, last in product(cities.split(), firsts.split(), lasts.split())
    ]
    number = 0
    while True:
        for name, city, country in chance.sample(found, len(found)):
            number += 1
            words = chance.choice(WORDS) if chance.random() < 0.35 else ""
            yield Person(name, f"supporter-{number}@example.org", city, country, words)
