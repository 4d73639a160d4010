#include "tests/shop/common/words.h"

#include <inttypes.h>
#include <stdio.h>

#define LIST(name, ...)                                     \
    static const char *const name##_list[] = {__VA_ARGS__}; \
    const struct words name = {name##_list, sizeof(name##_list) / sizeof(name##_list[0])}

LIST(first_names, "Anna", "Ben", "Clara", "David", "Élodie", "François", "Grete", "Håkon", "Ines",
     "Jürgen", "Käthe", "Łukasz", "Mária", "Nadia", "Óscar", "Paula", "Quentin", "Renée", "Søren",
     "Tomáš", "Ursula", "Viktor", "Wiebke", "Ximena", "Yusuf", "Zoë", "Дмитрий", "Ελένη", "陽子",
     "محمد");
LIST(last_names, "Müller", "O'Brien", "García", "Nowak", "Jensen", "Dvořák", "de la Cruz", "Weiß",
     "Øverland", "Schäfer", "Lefèvre", "Rossi", "Kowalczyk", "van Dijk", "Ångström", "Petrov",
     "Papadopoulos", "Şahin", "Nagy", "佐藤", "Smith-Jones", "Bauer", "Hofer", "Novák");
LIST(streets, "Hauptstraße", "Rue de l'Église", "Via Roma", "Calle Mayor", "Bahnhofstraße",
     "Kirchweg", "Storgata", "ulica Długa", "Am Markt", "Dorpsstraat", "Kungsgatan", "Ringstraße");
LIST(brand_names, "Nordwind", "Alpenglück", "Casa Verde", "Ōkami", "Brüder & Söhne", "Lumière",
     "Old \"Oak\"", "Fjell", "Terra\\Nova", "Kleinod", "Piccolo", "Stahl & Co", "Wanderlust",
     "Blåbær", "Zeitlos", "Atelier d'Or", "Hanse", "Minimum", "Grünzeug", "Rotkehlchen");
LIST(materials, "oak", "steel", "linen", "glass", "cork", "wool", "copper", "ceramic", "bamboo",
     "leather", "slate", "cotton", "beech", "marble", "recycled", "enamel", "walnut", "felt");
LIST(things, "lamp", "table", "teapot", "kettle", "blanket", "backpack", "notebook", "chair",
     "shelf", "bowl", "knife", "clock", "mug", "basket", "pillow", "umbrella", "candle", "mirror",
     "bottle", "apron", "stool", "vase", "tray", "rug", "hammock", "toolbox", "lantern", "pan");
LIST(selling_points, "Made to last for decades.", "Fits into every kitchen.",
     "Café-Qualität für zu Hause.", "Repairable, with spare parts for ten years.",
     "Hand finished; no two are the same.", "Folds flat & stores anywhere.",
     "Comes in a box without plastic.", "L'élégance des choses simples.",
     "Tested with 10,000 cycles.", "Dishwasher safe up to 60 °C.", "Weighs less than you think.",
     "A gift that nobody returns.", "Für drinnen und draußen.",
     "Designed in Malmö, built in Turin.", "100 % natural, 0 % nonsense.",
     "Care: wipe with a damp cloth; never soak.", "日本製の伝統的な技法。");
LIST(suppliers, "Nordwind Handel", "Müller & Sohn GmbH", "Import Export Łódź", "Marché Central",
     "Bodega Sur", "Hanse Kontor");
LIST(customer_notes, "asked twice about \"express\"", "rings before 9:00\tplease", "prefers e-mail",
     "line one\nline two", "C:\\temp\\invoice.pdf sent", "complains, but buys 🙂",
     "moved; old address:\n\tRue de l'Église 5", "N/A", "\\N", "NULL", "100 % satisfied");
LIST(search_words, "oak lamp", "steel kettle", "linen", "copper pan", "wool blanket", "gift",
     "kitchen", "walnut chair", "bamboo tray", "lantern", "café", "glass bottle");

const struct place places[] = {
    {"DE", "Köln"},   {"DE", "Hamburg"}, {"DE", "Görlitz"}, {"AT", "Wien"},    {"AT", "Linz"},
    {"CH", "Zürich"}, {"CH", "Genève"},  {"FR", "Lyon"},    {"FR", "Orléans"}, {"IT", "Forlì"},
    {"PL", "Łódź"},   {"NL", "Utrecht"}, {"ES", "Cádiz"},   {"SE", "Malmö"},   {"DK", "Ærø"},
};
const size_t places_count = sizeof(places) / sizeof(places[0]);

const struct country countries[] = {
    {"AT", 0.20, 6.90, 60}, {"CH", 0.077, 14.90, 150}, {"DE", 0.19, 4.90, 50},
    {"DK", 0.25, 9.90, 90}, {"ES", 0.21, 8.90, 80},    {"FR", 0.20, 7.90, 70},
    {"IT", 0.22, 7.90, 70}, {"NL", 0.21, 5.90, 60},    {"PL", 0.23, 6.50, 60},
    {"SE", 0.25, 9.90, 90},
};
const size_t countries_count = sizeof(countries) / sizeof(countries[0]);

const struct category categories[] = {
    {"home", "Home & Living", 0}, {"outdoor", "Outdoor", 0},       {"office", "Büro", 0},
    {"kitchen", "Küche", 1},      {"light", "Light", 1},           {"textiles", "Textiles", 1},
    {"furniture", "Möbel", 1},    {"decoration", "Décoration", 1}, {"garden", "Garden", 2},
    {"travel", "Travel", 2},      {"camping", "Camping ⛺", 2},     {"paper", "Paper", 3},
    {"desk", "Desk <small>", 3},  {"storage", "Storage", 3},
};
const size_t categories_count = sizeof(categories) / sizeof(categories[0]);

const struct sentence sentences[] = {
    {"en", "Exactly what I was looking for."},
    {"en", "The finish could be better, but for the price it is fine."},
    {"en", "Arrived two days early, well packed & without a scratch."},
    {"en", "Don't believe the photos: it's much smaller than it looks."},
    {"en", "I bought a second one for my sister."},
    {"en", "The handle came loose after three weeks; support sent a new one."},
    {"en", "5 stars for looks, 3 for usability."},
    {"en", "Would buy again 👍"},
    {"en", "My cat loves it more than I do 🐈"},
    {"en", "It smells a bit in the first days."},
    {"de", "Sehr schöne Verarbeitung, gerne wieder."},
    {"de", "Die Größe stimmt nicht ganz mit der Beschreibung überein."},
    {"de", "Lieferung schnell, Verpackung überflüssig."},
    {"de", "Nach einem halben Jahr täglicher Nutzung noch wie neu."},
    {"de", "Für \"Premium\" hätte ich mehr erwartet."},
    {"de", "Preis/Leistung stimmt; 4½ Sterne."},
    {"fr", "Très joli, mais un peu lourd à mon goût."},
    {"fr", "Livré avec un jour de retard, dommage."},
    {"fr", "C'est exactement ce qu'il me fallait !"},
    {"fr", "La couleur n'est pas tout à fait celle de la photo."},
    {"ja", "とても満足しています。"},
    {"ja", "思ったより小さいですが、品質は良いです。"},
    {"pl", "Solidne wykonanie, szybka dostawa."},
    {"es", "¡Me encanta! Lo recomiendo a todo el mundo."},
};
const size_t sentences_count = sizeof(sentences) / sizeof(sentences[0]);

void customer_email(uint64_t n, char *out, size_t size)
{
    snprintf(out, size, "customer.%" PRIu64 "@Example.net", n);
}

void customer_password(uint64_t n, char *out, size_t size)
{
    snprintf(out, size, "correct horse %" PRIu64, n);
}
