# ruff: noqa: E501 (a verse a line, to be compared with its neighbours)
"""Invented verses in sixteen languages, as short as songs are; nobody has sung them."""

VERSES = {
    "en": "The kettle sings upon the stove\nAnd rain is on the door\nI wrote your name along the sand\nThe tide came in for more\nOh bring me home the morning light\nAnd leave the lamp for me\nThe road is long, the night is kind\nThe wind goes out to sea",
    "de": "Der Kessel singt auf kleinem Herd\nDer Regen klopft ans Tor\nIch schrieb den Namen in den Sand\nDie Flut kam bald hervor\nO bring mir heim das Morgenlicht\nUnd lass die Lampe stehn\nDer Weg ist lang, die Nacht ist mild\nIch will nach Hause gehn",
    "es": "La olla canta en el fogón\nLa lluvia está en la puerta\nEscribí tu nombre en la arena\nY la marea despierta\nTráeme la luz de la mañana\nY deja encendida la luna\nEl camino es largo, la noche es buena\nY yo no tengo ninguna",
    "fr": "La bouilloire chante sur le feu\nLa pluie frappe à ma porte\nJ'ai écrit ton nom dans le sable bleu\nEt la marée l'emporte\nRamène-moi la lumière du matin\nEt laisse la lampe allumée\nLa route est longue, la nuit est douce\nEt ma chanson est fermée",
    "pt": "A chaleira canta no fogão\nA chuva bate na porta\nEscrevi teu nome pelo chão\nE a maré não se importa\nTraz de volta a luz da manhã\nE deixa a lâmpada acesa\nO caminho é longo, a noite é sã\nE o pão está na mesa",
    "it": "La pentola canta sul fuoco\nLa pioggia è sulla porta\nHo scritto il tuo nome per gioco\nE l'onda se lo porta\nRiportami la luce del mattino\nE lascia accesa la stella\nLa strada è lunga, la notte è vicina\nE la canzone è bella",
    "nl": "De ketel zingt op het fornuis\nDe regen klopt op de deur\nIk schreef je naam hier voor het huis\nDe vloed nam al zijn kleur\nBreng mij het ochtendlicht terug\nEn laat de lamp maar aan\nDe weg is lang, de nacht is zacht\nIk wil naar huis toe gaan",
    "sv": "Kitteln sjunger på vår spis\nOch regnet slår mot dörren\nJag skrev ditt namn på allt mitt vis\nMen vågen tog det förr en\nÅ ge mig hem ett morgonljus\nOch låt min lampa brinna\nVägen är lång och natten god\nJag ska dig återfinna",
    "pl": "Czajnik śpiewa cicho znów\nA deszcz uderza w drzwi\nPisałem imię twe bez słów\nI fala o nim śni\nPrzynieś mi światło, gdy wstaje dzień\nI lampę zostaw mi\nDroga jest długa, noc jest jak cień\nA serce ciągle drży",
    "fi": "Kattila laulaa hellalla\nJa sade koputtaa oveen\nKirjoitin nimesi hiekkaan\nMutta aalto vei sen pois\nTuo minulle aamun valo\nJa jätä lamppu palamaan\nTie on pitkä ja yö on hyvä\nMinä palaan kotiin vielä",
    "tr": "Çaydanlık şarkı söyler ocakta\nYağmur kapıyı çalıyor\nAdını yazdım ben kumlara\nDalgalar onu alıyor\nBana sabahın ışığını getir\nVe lambayı açık bırak\nYol çok uzun, gece çok güzel\nSenden kalmak bana uzak",
    "ru": "Чайник поёт на старой плите\nИ дождь стучится в дверь\nЯ имя твоё писал на воде\nИ волны поют теперь\nВерни мне утренний тихий свет\nИ лампу оставь гореть\nДорога длинна, и ночи нет\nИ хочется только петь",
    "ja": "やかんが小さく歌ってる\n雨がドアをたたいてる\n砂に書いた君の名前\n波がそっと消していく\n朝の光を連れてきて\nランプはつけておいてくれ\n道は長くて夜はやさしい\n風は海へと帰ってく",
    "ko": "주전자는 난로 위에서 노래하고\n비는 문을 두드리네\n모래 위에 너의 이름을 썼지만\n파도가 모두 가져가네\n아침의 빛을 내게 가져다줘\n등불은 그대로 켜 두고\n길은 멀고 밤은 다정해\n바람은 바다로 떠나가네",
    "id": "Ketel bernyanyi di atas api\nHujan mengetuk pintu kami\nKutulis namamu di pasir putih\nOmbak membawanya pergi\nBawakan aku cahaya pagi\nDan biarkan lampu menyala\nJalan ini panjang, malam ini indah\nAngin pulang ke samudera",
    "hu": "A kanna dalol a tűzhelyen\nAz eső kopog az ajtón\nNeved a homokba írtam én\nA hullám elvitte gyorsan\nHozd haza nekem a reggeli fényt\nÉs hagyd égve a lámpát\nAz út hosszú, az éjszaka szép\nA szél a tengerre lát",
}

SCOTS = (
    "The kettle sings abune the ingle\nAn' rain comes doon the lane\nI wrote yer name upon the shingle\n"
    "The tide has ta'en it hame"
)


def first_lines(text: str, count: int) -> str:
    return "\n".join(text.split("\n")[:count])
