"""Networks: what is computed. Plain modules built from numbers; they know of no technique."""

from __future__ import annotations

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Perceptron": Member("perceptron", "perceptron", "one layer: linear, logistic, softmax regression", "00"),
    "MLP": Member("mlp", "mlp", "multilayer perceptron for tables, arrays and images", "01"),
    "ResidualMLP": Member(
        "tables.residual_mlp", "residual-mlp", "perceptron with skip connections for tables", "01"
    ),
    "FTTransformer": Member(
        "tables.ft_transformer", "ft-transformer", "transformer over the columns of a table", "01"
    ),
    "TabM": Member(
        "tables.tabm", "tabm", "ensemble of perceptrons that share their weights, for tables", "01"
    ),
    "RealMLP": Member(
        "tables.realmlp", "realmlp", "perceptron tuned over many tables, with waves of numbers", "01"
    ),
    "MixedNetwork": Member(
        "tables.mixed", "mixed", "numbers, categories, texts and images of a row, a trunk for each", "01"
    ),
    "TextBag": Member("texts.bag", "text-bag", "mean and attention pooling of a text's tokens", "01"),
    "TextNgrams": Member(
        "texts.ngrams", "text-ngrams", "naive Bayes over words and pairs, made learnable", "15"
    ),
    "TextCharacters": Member(
        "texts.characters", "text-characters", "naive Bayes over runs of characters, made learnable", "15"
    ),
    "TextEnsemble": Member(
        "texts.text_ensemble", "text-ensemble", "naive Bayes over n-grams and convolutions, averaged", "15"
    ),
    "TextCNN": Member("sequences.text_cnn", "text-cnn", "convolutions over the n-grams of a text", "15"),
    "RNN": Member("sequences.recurrent", "rnn", "Elman network over a text or a series", "10b"),
    "LSTM": Member("sequences.recurrent", "lstm", "long short-term memory over a text or a series", "11"),
    "GRU": Member("sequences.recurrent", "gru", "gated recurrent units over a text or a series", "11"),
    "BiLSTMCRF": Member(
        "sequences.bilstm_crf",
        "bilstm-crf",
        "words, letters and a chain of tags: named entities, parts of speech",
        "10b",
    ),
    "TCN": Member("sequences.tcn", "tcn", "dilated causal convolutions over a text or a series", "21"),
    "Transformer": Member("sequences.transformer", "transformer", "encoder of a text or a series", "15"),
    "BERT": Member("sequences.bert", "bert", "encoder of a text, in the layout of published weights", "19"),
    "Decoder": Member(
        "sequences.decoder", "decoder", "language model: each token from those before it", "15"
    ),
    "MiniRocket": Member(
        "series.minirocket",
        "minirocket",
        "fixed convolutions of a series, shares above thresholds, a head",
        "21",
    ),
    "InceptionTime": Member(
        "series.inception_time", "inception-time", "convolutions of several widths over a series", "21"
    ),
    "DLinear": Member(
        "series.linear", "dlinear", "a moving average and the rest, each mapped to the horizon", "21"
    ),
    "WindowLinear": Member(
        "series.window_linear",
        "window-linear",
        "one linear map of the window, its spread and the calendar; solved in closed form",
        "21",
    ),
    "NLinear": Member("series.linear", "nlinear", "one linear map from the window to the horizon", "21"),
    "RLinear": Member(
        "series.linear", "rlinear", "one linear map of the window by its own mean and scale", "21"
    ),
    "ForecastEnsemble": Member(
        "series.forecast_ensemble", "forecast-ensemble", "the mean of several forecasters", "21"
    ),
    "PatchTST": Member(
        "series.patch_tst", "patch-tst", "a transformer over the patches of each channel", "21"
    ),
    "ITransformer": Member(
        "series.i_transformer", "i-transformer", "a transformer whose tokens are channels", "21"
    ),
    "NBEATS": Member(
        "series.n_beats", "n-beats", "blocks that explain and forecast a part of the series each", "21"
    ),
    "NHiTS": Member("series.n_hits", "n-hits", "such blocks at several rates, interpolated", "21"),
    "RecurrentForecaster": Member(
        "series.recurrent", "recurrent-forecaster", "an LSTM or GRU that says the whole horizon", "21"
    ),
    "CausalForecaster": Member(
        "series.causal", "causal-forecaster", "causal convolutions (TCN) that say the whole horizon", "21"
    ),
    "EncoderDecoder": Member(
        "sequences.encoder_decoder",
        "encoder-decoder",
        "transformer that reads a text and writes another",
        "15",
    ),
    "Seq2SeqLSTM": Member(
        "sequences.seq2seq", "seq2seq-lstm", "LSTM that writes what another one read, with attention", "13"
    ),
    "SpeechCNN": Member(
        "sounds.speech_cnn", "speech-cnn", "separable convolutions over the log-mel frames of sound", "21"
    ),
    "SpeechCTC": Member(
        "sounds.speech_ctc", "speech-ctc", "writes down what is said: symbols frame by frame", "21"
    ),
    "Listener": Member(
        "sounds.listener", "", "any network of series or images over the log-mel frames of sound", "21"
    ),
    "SmallCNN": Member("images.cnn", "cnn", "blocks of convolutions for small images", "10a"),
    "LeNet5": Member("images.lenet", "lenet-5", "the convolutional network of 1998 for digits", "10a"),
    "CapsNet": Member("images.capsnet", "capsnet", "capsules of parts vote for those of classes", "12"),
    "EfficientCapsNet": Member(
        "images.efficient_capsnet", "efficient-capsnet", "capsules with few weights, routed in one pass", "12"
    ),
    "ResNet": Member("images.resnet", "resnet", "residual networks by stages, widths and blocks", "14"),
    "ResNet18": Member("images.resnet", "resnet18", "residual network of 18 layers", "14"),
    "ResNet34": Member("images.resnet", "resnet34", "residual network of 34 layers", "14"),
    "ResNet50": Member("images.resnet", "resnet50", "residual network of 50 layers, with bottlenecks", "14"),
    "ResNet101": Member(
        "images.resnet", "resnet101", "residual network of 101 layers, with bottlenecks", "14"
    ),
    "ResNet152": Member(
        "images.resnet", "resnet152", "residual network of 152 layers, with bottlenecks", "14"
    ),
    "WideResNet50": Member("images.resnet", "wide-resnet50", "ResNet-50 with wide bottlenecks", "14"),
    "WideResNet101": Member("images.resnet", "wide-resnet101", "ResNet-101 with wide bottlenecks", "14"),
    "ResNeXt50": Member("images.resnet", "resnext50", "ResNet-50 with grouped convolutions", "14"),
    "ResNet20": Member(
        "images.resnet", "resnet20", "residual network of 20 layers for images of 32x32", "14"
    ),
    "PreActResNet18": Member("images.resnet", "preact-resnet18", "ResNet-18, activations first", "14"),
    "WideResNet28": Member("images.resnet", "wide-resnet28", "WRN-28-10 for images of 32x32", "14"),
    "ConvNeXt": Member(
        "images.convnext", "convnext", "large depthwise convolutions, in a transformer's proportions", "10a"
    ),
    "ConvNeXtTiny": Member("images.convnext", "convnext-tiny", "ConvNeXt-T of 28 million weights", "10a"),
    "ViT": Member("images.vit", "vit", "a transformer over the patches of an image", "15"),
    "VGG": Member("images.vgg", "vgg", "stages of small convolutions and a large classifier", "19"),
    "VGG11": Member("images.vgg", "vgg11", "VGG of 11 layers", "19"),
    "VGG13": Member("images.vgg", "vgg13", "VGG of 13 layers", "19"),
    "VGG16": Member("images.vgg", "vgg16", "VGG of 16 layers", "19"),
    "VGG19": Member("images.vgg", "vgg19", "VGG of 19 layers", "19"),
    "InceptionV3": Member(
        "images.inception", "inception-v3", "convolutions of several sizes side by side", "19"
    ),
    "MobileNetV2": Member("images.mobilenet", "mobilenet-v2", "inverted residuals: few products", "19"),
    "MobileNetV3": Member("images.mobilenet", "mobilenet-v3", "inverted residuals found by search", "19"),
    "MobileNetV3Small": Member("images.mobilenet", "mobilenet-v3-small", "the small MobileNetV3", "19"),
    "UNet": Member("images.unet", "unet", "a class for every pixel of an image, on any trunk", "10a"),
    "CentreDetector": Member(
        "images.centre_detector",
        "centre-detector",
        "things and their boxes, without anchors, on any trunk",
        "10a",
    ),
    "Ensemble": Member("ensemble", "", "several networks as one: the prediction of their mixture", "08"),
    "MonteCarloDropout": Member("monte_carlo_dropout", "", "dropout stays on in prediction, averaged", "08"),
    "Choice": Member("choice"),
    "network_for": Member("choice"),
    "read_weights": Member(
        "published.weights", summary="weights by name, from a file, a folder or a hub id", chapter="19"
    ),
    "load_weights": Member("published.loading", summary="weights into a network, by name", chapter="19"),
    "read_network": Member(
        "published.layouts", summary="GPT-2, Llama, BERT and kin, from a folder or a hub id", chapter="15"
    ),
    "variant": Member("variants"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
