"""What the harmless drawings say: friendly, ordinary, written for them."""

from __future__ import annotations

import random
import unicodedata
from functools import cache

_WHO = (
    "The baker", "My grandmother", "A young gardener", "The librarian", "Our neighbour",
    "The ferry captain", "A tired postman", "The orchestra", "Her younger brother", "The teacher",
    "An old fisherman", "The whole family", "A painter from the coast", "The night train",
)  # fmt: skip
_DID = (
    "opened the shutters before sunrise", "carried a basket of pears to the market",
    "repaired the wooden gate", "counted the swallows above the barn", "wrote a long letter",
    "learned to play the cello", "planted lavender along the wall", "waited for the first snow",
    "sold warm bread in paper bags", "drew a map of the valley", "polished the copper kettle",
    "told stories about the lighthouse", "packed sandwiches and a thermos", "followed the canal",
)  # fmt: skip
_THEN = (
    "and everybody was glad", "while the rain tapped on the roof", "until the bells rang at noon",
    "because the summer had been kind", "as they did every year", "before breakfast was ready",
    "although nobody had asked", "and the cat slept through it all", "when the fog lifted",
    "with a cheerful song", "just in time for tea", "far away from the noise of the city",
)  # fmt: skip
DISHES = (
    "Lemon Cake", "Tomato Soup", "Apple Crumble", "Mushroom Risotto", "Lentil Stew", "Pancakes",
    "Carrot Muffins", "Potato Salad", "Vegetable Curry", "Rhubarb Jam", "Garlic Bread",
    "Oat Cookies", "Spinach Quiche", "Berry Smoothie", "Pumpkin Pie", "Onion Tart",
)  # fmt: skip
AMOUNTS = (
    "200 g flour", "3 eggs", "1 tsp salt", "150 ml milk", "2 tbsp olive oil", "1 onion, diced",
    "100 g butter, soft", "1 pinch of nutmeg", "400 g tomatoes", "80 g sugar", "1 lemon (zest)",
    "2 cloves of garlic", "500 ml stock", "1 bunch of parsley", "250 g rice", "3 carrots",
    "1 sachet dry yeast", "50 g walnuts", "1/2 cup oats", "4 apples",
)  # fmt: skip
COOKING = (
    "Whisk the eggs with the sugar until pale.", "Fold in the flour and a pinch of salt.",
    "Fry the onion gently until golden.", "Add the stock and simmer for 20 minutes.",
    "Season to taste with pepper.", "Bake at 180 degrees for 35 minutes.",
    "Let the dough rise in a warm place.", "Cut the vegetables into small cubes.",
    "Grease the tin and line it with paper.", "Serve warm with a spoon of yoghurt.",
    "Stir now and then so that nothing sticks.", "Chill for one hour before slicing.",
)  # fmt: skip
ITEMS = (
    "Butter 250g", "Rye bread", "Bananas", "Oat milk 1L", "Tomatoes", "Cheddar", "Green tea",
    "Pasta 500g", "Yoghurt 4x", "Dish soap", "Apples 1kg", "Coffee beans", "Notebook A5",
    "Light bulb", "Orange juice", "Crackers", "Honey", "Potatoes 2kg", "Paper towels", "Basil pot",
)  # fmt: skip
SHOPS = (
    "Corner Grocery", "Mill Lane Bakery", "Green Basket", "Harbour Cafe", "Paper & Pen", "Cyclo",
    "The Tea House", "Olive Tree", "Hardware Plus", "Book Nook", "Fresh & Co", "Station Kiosk",
)  # fmt: skip
EVENTS = (
    "Summer Concert", "Flower Show", "Book Fair", "Jazz in the Park", "Kite Festival",
    "Open Studio Day", "Winter Market", "Choir Night", "Film Club", "Marathon", "Science Day",
    "Pottery Course", "Puppet Theatre", "Harvest Feast", "Chess Open", "Dance Evening",
)  # fmt: skip
JOKES = (
    ("WHEN THE COFFEE", "FINALLY WORKS"), ("ONE DOES NOT SIMPLY", "EAT ONE COOKIE"),
    ("MONDAY AGAIN?", "FIVE MORE MINUTES"), ("ME BEFORE LUNCH", "ME AFTER LUNCH"),
    ("SUCH SUNSHINE", "VERY WARM"), ("I BAKED A CAKE", "IT IS STILL STANDING"),
    ("YOU GOT THIS", "GOOD LUCK TODAY"), ("WATERED THE PLANTS", "THEY LIKED IT"),
    ("HAPPY BIRTHDAY", "ENJOY THE CAKE"), ("FOUND THE OTHER SOCK", "BEST DAY EVER"),
    ("THANK YOU", "FOR BEING A FRIEND"), ("WEEKEND MODE", "ON"),
    ("MY CAT SAYS HELLO", "AND GOOD NIGHT"), ("TESTS ARE GREEN", "TIME FOR TEA"),
)  # fmt: skip
BUBBLES = (
    "Look, a rainbow!", "Shall we go?", "Yes, let's!", "I brought cake.", "What a lovely day!",
    "Is it tea time?", "The kite is up!", "Well done!", "Hello there!", "Wait for me!",
    "That was fun.", "See you soon!", "Oh!", "It's snowing!", "My turn!", "Hooray!",
)  # fmt: skip
LABELS = (
    "First name", "Street and number", "Town", "Date of visit", "Number of guests", "Comments",
    "Subject", "Quantity", "Preferred day", "Colour", "Size", "Membership no.", "Telephone",
    "Delivery time", "Title of the book", "Shelf mark", "Dietary wishes", "Seat", "Room",
)  # fmt: skip
CREDITS = (
    "Written by", "Music", "Camera", "Sound", "Costumes", "Editing", "Lights", "The baker",
    "The captain", "A postman", "Puppets", "Set design", "Animation", "Thanks to",
)  # fmt: skip
TOPICS = (
    "Rainfall by month", "Visitors a day", "Books borrowed", "Apples harvested (t)", "Mean speed",
    "Energy use", "Trains on time", "Members by age", "Bread sold", "Trees planted", "Temperature",
    "Hours of sunshine", "Water level", "Steps per day", "Letters delivered", "Bicycles counted",
)  # fmt: skip
_FRONT = ("Ash", "Brook", "Cedar", "Dun", "East", "Fern", "Glen", "Hazel", "Iron", "Kings", "Lake",
          "Marl", "New", "Oak", "Penn", "Quill", "River", "Stone", "Thorn", "Wood")  # fmt: skip
_BACK = ("bury", "field", "ford", "gate", "ham", "ley", "mere", "mouth", "ridge", "side", "ton",
         "vale", "wick", "worth")  # fmt: skip
_ROADS = ("Street", "Road", "Lane", "Avenue", "Square", "Way", "Park", "Hill", "Bridge", "Court")

SCRIPTS: dict[str, tuple[str, ...]] = {
    "Greek": ("Το τρένο φεύγει στις οκτώ το πρωί.", "Η γάτα κοιμάται κάτω από το τραπέζι.",
              "Αύριο θα πάμε στη θάλασσα με τους φίλους μας.", "Καλημέρα, τι κάνετε σήμερα;",
              "Ο κήπος έχει λεμονιές και βασιλικό."),
    "Russian": ("Поезд отправляется в восемь часов утра.", "Кошка спит под столом.",
                "Завтра мы поедем на озеро с друзьями.", "Доброе утро, как ваши дела?",
                "В саду растут яблони и вишни."),
    "Ukrainian": ("Потяг вирушає о восьмій ранку.", "Кіт спить під столом.",
                  "Завтра ми поїдемо до моря з друзями.", "Добрий ранок, як справи?",
                  "У саду ростуть яблуні та вишні."),
    "Serbian": ("Воз полази у осам сати ујутру.", "Мачка спава испод стола.",
                "Сутра идемо на језеро са пријатељима.", "Добро јутро, како сте?"),
    "Armenian": ("Գնացքը մեկնում է առավոտյան ութին։", "Կատուն քնած է սեղանի տակ։",
                 "Վաղը մենք գնալու ենք լիճ։", "Բարի լույս, ինչպե՞ս եք։"),
    "Georgian": ("მატარებელი დილის რვა საათზე გადის.", "კატას მაგიდის ქვეშ სძინავს.",
                 "ხვალ ტბაზე წავალთ მეგობრებთან ერთად.", "დილა მშვიდობისა, როგორ ხართ?"),
    "Hebrew": ("הרכבת יוצאת בשמונה בבוקר.", "החתול ישן מתחת לשולחן.",
               "מחר ניסע לים עם החברים.", "בוקר טוב, מה שלומכם?"),
    "Arabic": ("يغادر القطار في الساعة الثامنة صباحا.", "القطة نائمة تحت الطاولة.",
               "غدا سنذهب إلى البحر مع الأصدقاء.", "صباح الخير، كيف حالكم؟"),
    "Persian": ("قطار ساعت هشت صبح حرکت می کند.", "گربه زیر میز خوابیده است.",
                "فردا با دوستان به دریا می رویم.", "صبح بخیر، حال شما چطور است؟"),
    "Vietnamese": ("Chuyến tàu khởi hành lúc tám giờ sáng.", "Con mèo đang ngủ dưới gầm bàn.",
                   "Ngày mai chúng tôi đi biển với bạn bè.", "Chào buổi sáng, bạn khỏe không?"),
    "Polish": ("Pociąg odjeżdża o ósmej rano.", "Kot śpi pod stołem, a pies w ogrodzie.",
               "Jutro pojedziemy nad jezioro z przyjaciółmi.", "Dzień dobry, co słychać?"),
    "Turkish": ("Tren sabah sekizde kalkıyor.", "Kedi masanın altında uyuyor.",
                "Yarın arkadaşlarımızla göle gideceğiz.", "Günaydın, bugün nasılsınız?"),
    "Hungarian": ("A vonat reggel nyolckor indul.", "A macska az asztal alatt alszik.",
                  "Holnap a tóhoz megyünk a barátainkkal.", "Jó reggelt, hogy vannak?"),
    "Icelandic": ("Lestin fer klukkan átta að morgni.", "Kötturinn sefur undir borðinu.",
                  "Á morgun förum við að vatninu með vinum.", "Góðan daginn, hvað segir þú?"),
}  # fmt: skip
"""Plain sentences in scripts and languages that the faces hold."""
RIGHT_TO_LEFT = ("Hebrew", "Arabic", "Persian")


def sentence(rng: random.Random) -> str:
    """One of some 2,000 sentences of a mild story."""
    return f"{rng.choice(_WHO)} {rng.choice(_DID)} {rng.choice(_THEN)}."


def paragraph(rng: random.Random, sentences: int) -> str:
    """Several sentences."""
    return " ".join(sentence(rng) for _ in range(sentences))


def place(rng: random.Random) -> str:
    """An invented town."""
    return rng.choice(_FRONT) + rng.choice(_BACK)


def road(rng: random.Random) -> str:
    """An invented street."""
    return f"{rng.choice(_FRONT)}{rng.choice(('', rng.choice(_BACK)))} {rng.choice(_ROADS)}"


def foreign(rng: random.Random, language: str, sentences: int) -> str:
    """Sentences of one of SCRIPTS in reading order, Arabic letters joined."""
    text = " ".join(rng.choice(SCRIPTS[language]) for _ in range(sentences))
    return _joined(text) if language in RIGHT_TO_LEFT else text


@cache
def _forms() -> dict[tuple[str, str], str]:
    """(Arabic letter, initial | medial | final | isolated) -> its presentation form."""
    forms = {}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE70, 0xFEFD)):
        kind, _, base = unicodedata.decomposition(chr(code)).partition(" ")
        if kind.startswith("<") and len(base) == 4:
            forms[chr(int(base, 16)), kind.strip("<>")] = chr(code)
    return forms


def _joined(text: str) -> str:
    """Arabic letters in the forms their neighbours ask for; everything else stays."""
    forms = _forms()
    shown = []
    for i, letter in enumerate(text):
        before = i > 0 and (text[i - 1], "initial") in forms and (letter, "final") in forms
        after = i + 1 < len(text) and (letter, "initial") in forms
        after = after and (text[i + 1], "final") in forms
        kind = ("isolated", "initial", "final", "medial")[2 * before + after]
        shown.append(forms.get((letter, kind), letter))
    return "".join(shown)
