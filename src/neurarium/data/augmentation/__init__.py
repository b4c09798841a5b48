"""Augmentation: training batches that are varied on purpose, by chance that depends on the example and not on the order."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "standard": Member("choice", "standard", "what suits most images of that size", "09"),
    "Crop": Member("crop", "crop", "padded and cut: moved by whole pixels", "09"),
    "ResizedCrop": Member("crop", "resized-crop", "a part of random area and proportions", "09"),
    "Flip": Member("flip", "flip", "left and right exchanged", "09"),
    "VerticalFlip": Member("flip", "vertical-flip", "top and bottom exchanged", "09"),
    "Rotation": Member("affine", "rotation", "turned about the middle", "09"),
    "Affine": Member("affine", "affine", "turned, moved, sheared and scaled", "09"),
    "ColorJitter": Member("color_changes", "color-jitter", "brightness, contrast, saturation, hue", "09"),
    "Greyscale": Member("color_changes", "greyscale", "without color", "09"),
    "AutoContrast": Member(
        "color_changes", "autocontrast", "each channel stretched to the whole range", "09"
    ),
    "Equalize": Member("color_changes", "equalize", "all levels equally frequent", "09"),
    "Solarize": Member("color_changes", "solarize", "bright parts as negatives", "09"),
    "Posterize": Member("color_changes", "posterize", "fewer levels", "09"),
    "Sharpness": Member("color_changes", "sharpness", "blurred or sharpened", "09"),
    "Blur": Member("color_changes", "blur", "smoothed by a Gaussian", "09"),
    "Erasing": Member("erasing", "erasing", "a box is lost", "09"),
    "RandAugment": Member("policies", "randaugment", "random operations of one magnitude", "09"),
    "TrivialAugment": Member("policies", "trivialaugment", "one random operation of random strength", "09"),
    "mixup": Member("mixing", "mixup", "blends of two examples, with blended targets", "09"),
    "cutmix": Member("mixing", "cutmix", "a box of another image, with targets by area", "09"),
    "SpecAugment": Member(
        "spec_augment", "spec-augment", "stretches of time and pitch of sound hidden", "21"
    ),
    "TimeShift": Member("time_shift", "time-shift", "sound that begins earlier or later", "21"),
    "Noise": Member("noise", "noise", "white noise beneath sound", "21"),
    "SoundAugmentation": Member("sound_augmentation"),
    "Augmentation": Member("augmentation"),
    "Geometric": Member("augmentation"),
    "Pipeline": Member("pipeline"),
    "Choice": Member("choice"),
    "Chance": Member("chance"),
    "Mixing": Member("choice"),
    "Mixed": Member("mixing"),
    "with_soft_targets": Member("mixing"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
