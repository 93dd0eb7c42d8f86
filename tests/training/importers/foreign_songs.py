"""Songs we made up in many languages, and the encodings in which people keep such songs."""

SONGS = {
    "german": """
Über den Dächern schläft die Stadt
und der Mond hängt süß im Blau
ich träume von dem großen Glück
grüß mir die schöne Frau
für heute hör ich auf zu zählen
die Straße führt mich fort""",
    "french": """
Où es-tu passée, ma belle été
le vent a tout emporté
j'ai gardé ta voix près du cœur
ça fait déjà mille années
à l'ombre des forêts légères
nous étions deux à rêver""",
    "spanish": """
Mañana vuelve el corazón
¿dónde está la canción?
¡qué lejos se quedó el camino!
niña, dame tu razón
el año pasó tan rápido
y aún sueño con tu adiós""",
    "portuguese": """
A canção que não te dei
é saudade no meu coração
manhã de sol, você e eu
palavras vão na direção
não há ninguém aqui além
do mar, da praia e da emoção""",
    "italian": """
Perché la città è così lontana
però il cuore è già là
non so più che cosa sarà
un caffè, una virtù
è tardi, lunedì verrà
e canterò finché ci sei tu""",
    "swedish": """
Jag går över bron på väg hem
här är natten så blå och öm
vi två står på en ö i havet
och drömmer om en gång
så länge hjärtat slår för dig
åker jag åter till min säng""",
    "danish": """
På øen står et lille træ
og fuglen synger blødt for mig
så længe havet går i blå
vil jeg altid være nær ved dig
må gråden gå, når dagen går
og håbet lever år for år""",
    "english": """
We met at the café on a rainy day
she smiled and I lost my way
“oh darling, don’t you go” – I’d say
the fiancé waited far away
a naïve song, a cliché rhyme
it’s only you’ve run out of time""",
    "polish": """
Miłość śpi pod gwiazdą złotą
żegnaj, mówię ci tęsknotą
człowiek idzie własną drogą
świt zastanie nas nad wodą
jeszcze będzie przepięknie, kochanie
źródło nocy, ciche łkanie""",
    "czech": """
Když přijde večer, svítí měsíc
štěstí má tvé oči hnědé
řekni mi, kde žiješ nyní
čas už nikam nepojede
můj stůl je prázdný, ticho zní
a láska příští dny již sní""",
    "hungarian": """
Őszi erdő, hűvös ének
szívemben még él a fény
holnap újra visszatérek
tűz és könny, egy szép remény
nézd, az égen fut a felhő
köszönöm, hogy vársz, te nő""",
    "croatian": """
Noćas šapuće more tiho
život je pjesma što je znaš
čekam te, draga, kao dijete
srce mi kuca, ti ga daš
đavo odnio tužne riječi
ljubav će naša bol da liječi""",
    "russian": """
Над рекой плывёт туман
я пою тебе одной
сколько было в жизни ран
возвращаюсь я домой
сердце помнит, сердце ждёт
и весна опять придёт""",
    "ukrainian": """
Тихо ніч іде над гаєм
їде хлопець на коні
ми про щастя не питаєм
лиш співаємо пісні
є в душі моїй надія
і мені всміхнешся мрія""",
    "bulgarian": """
Вечерта е синя и добра
пея ти песен за любовта
между нас е само тишина
ръката ти е топла в нощта
слънце мое, къде си сега
чакам те още на брега""",
    "greek": """
Σ' αγαπώ σαν θάλασσα πλατιά
η νύχτα πέφτει στην καρδιά
έλα να πάμε στο νησί
μαζί μου να 'σαι πάντα εσύ
το φως του ήλιου στα μαλλιά
κι ένα τραγούδι στη βραδιά""",
    "turkish": """
Gözlerin gülüyor bu akşam
şarkılar söylüyor ay
sensiz geçmiyor ağır yıllar
içimde ince bir kış çay
değil mi aşkım bu güzel düş
öyle bir ağaç, öyle bir kuş""",
    "hebrew": """
הלילה יורד על העיר השקטה
ואני שר לך שיר של אהבה
הרוח נושבת בין עצי הגן
איפה את ילדה קטנה""",
    "arabic": """
يا ليل طال الشوق في قلبي
والقمر فوق البيت ينظر
غنيت لك كل أغنيات الحب
والفجر من بعيد يظهر""",
    "lithuanian": """
Šviečia žvaigždės virš mūsų namų
ąžuolas šlama tyliai vėjuje
čia gyvena meilė ir ilgesys
įeik, mano mylima, į širdį
ūkas kyla, žemė miega
žiema jau eina, sniegas sninga""",
    "japanese": """
夜空に光る星を見ていた
君の声が聞こえる気がした
さよならを言えないままで
明日もこの歌を歌うよ
カタカナの街を歩いて
心はまだここにある""",
    "chinese": """
夜晚的风吹过我的窗
我在等你回到我身旁
月亮知道我的心
唱一首歌送给远方
春天的花开在山上
我们一起走向光亮""",
    "taiwanese": """
夜晚的風吹過我的窗
我在等你回到我身旁
月亮知道我的心
唱一首歌送給遠方
春天的花開在山上
我們一起走向光亮""",
    "korean": """
밤하늘에 별이 빛나고
너의 노래가 들려와
사랑한다고 말하지 못해
내일도 나는 기다려
바람이 부는 이 거리에서
우리는 함께 걸어가""",
}

KEPT_AS = {
    "windows-1252": ("german", "french", "spanish", "portuguese", "italian", "swedish", "danish", "english"),
    "iso-8859-1": ("german", "spanish", "portuguese", "italian", "swedish", "danish"),
    "iso-8859-2": ("polish", "czech", "hungarian", "croatian"),
    "windows-1250": ("polish", "czech", "hungarian", "croatian"),
    "windows-1251": ("russian", "ukrainian", "bulgarian"),
    "koi8-r": ("russian",),
    "windows-1253": ("greek",),
    "windows-1254": ("turkish",),
    "windows-1255": ("hebrew",),
    "windows-1256": ("arabic",),
    "windows-1257": ("lithuanian",),
    "mac-roman": ("french", "german", "spanish"),
    "cp850": ("german", "spanish"),
    "shift_jis": ("japanese",),
    "euc-jp": ("japanese",),
    "gb18030": ("chinese",),
    "big5": ("taiwanese",),
    "euc-kr": ("korean",),
}

# Written after the alphabets were set, to see whether they hold for other words.
OTHER_SONGS = {
    "german": """
Weißt du noch, wie früher alles war
nächtelang saß ich vor deiner Tür
kein Schlüssel passt, kein Öl im Licht
Mädchen, lös dich nicht von mir""",
    "french": """
Déjà l'hiver frappe à la fenêtre
françoise danse, le bal s'achève
je t'ai cherchée jusqu'à peut-être
un rêve naît d'un autre rêve""",
    "spanish": """
El día se fue sin avisar
corazón de piedra, niño de cartón
¿quién te enseñó a olvidar?
bailaré también sin tu perdón""",
    "portuguese": """
Você levou a luz da manhã
não sei viver na solidão
coração bate tão só
é tarde, já passou o avião""",
    "italian": """
Felicità, dove sei andata
così ti perdo e non so perché
nella città più disperata
resterò qui, penso a te""",
    "swedish": """
Då kom våren över ängen
flickan står vid sjön och ler
månen är vår gamla vän
så går åren mer och mer""",
    "danish": """
Hør nu hvordan regnen falder
når jeg går på gaden hjem
døren åbner, nogen kalder
kærlighed, jeg savner dem""",
    "english": """
Senõr Jones don’t play that tune
her résumé was the crescent moon
“stay,” he said – I didn’t hear
an entrée and a glass of beer… déjà vu""",
    "polish": """
Gdzie są chłopcy z tamtych dni
wciąż pamiętam każdą noc
księżyc świeci, ktoś tu śni
weź mnie w drogę, daj mi moc""",
    "czech": """
Kdo ví, kde teď bloudíš
stará píseň hřeje dům
kůň běží přes pole
neříkej nic šedým zdům""",
    "hungarian": """
Vártam rád egy őszi estén
szél fújt, hullt a falevél
hűséges maradt a csillag
tőled jött a dal, s a fény""",
    "croatian": """
Još te tražim ispod neba
kiša pada, noć je duža
želim samo što mi treba
riječ i cvijet, bijela ruža""",
    "russian": """
Белый снег летит на крыши
ты меня уже не слышишь
поезд тронулся в ночи
о любви моей молчи""",
    "ukrainian": """
Вечір пахне чебрецем
я чекаю під вікном
зоряний над нами щем
їдуть коні за селом""",
    "bulgarian": """
Пак вали над моя град
търся те по всички улици
сърцето ми е лед и жад
а птиците отлитат гузни""",
    "greek": """
Κάθε βράδυ σε θυμάμαι
και δεν ξέρω τι να πω
μόνος μου γυρνάω πάλι
και ζητάω ουρανό""",
    "turkish": """
Bir gün döneceksin bana
yağmur düşer sokağıma
işte böyle geçti ömrüm
ışık oldun karanlığıma""",
    "hebrew": """
בוא איתי אל הים הגדול
השמש שוקעת לאט
כל מה שרציתי לומר
נשאר בלב שלי כמעט""",
    "arabic": """
سألت عنك النجوم
وقلبي معك يسافر
حبيبي متى تعود
فالليل طويل وحائر""",
    "lithuanian": """
Kur tu eini šį vakarą
žvaigždė užgęso virš miškų
paukščiai išskrido į šiltus kraštus
aš čia lieku, tave menu""",
    "japanese": """
雨の降る駅で待っていた
二人の夢は遠くなる
もう一度だけ笑ってよ
メロディーが胸に響いてる""",
    "chinese": """
你说过不会离开我
可是街灯已经熄灭
谁还记得那年夏天
沉默的城市下着雪""",
    "taiwanese": """
你說過不會離開我
可是街燈已經熄滅
誰還記得那年夏天
沉默的城市下著雪""",
    "korean": """
그대 없는 거리를 혼자 걷다가
눈물이 흘러 멈출 수 없어
기억 속에 남은 따뜻한 손
다시 한번 불러 줄래""",
}

for songs in (SONGS, OTHER_SONGS):
    songs.update({language: song.strip() for language, song in songs.items()})
