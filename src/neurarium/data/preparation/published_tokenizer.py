"""Published tokenizers: those that published networks were trained with, read from their folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurarium.core.errors import ArtifactError, MissingDependencyError, require
from neurarium.core.hub import TOKENIZER, fetched, is_hub_id, settings

ENDS = ("[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>")


class PublishedTokenizer:
    """A tokenizer of `tokenizer.json`, with the special tokens that its network expects around a text.

    Args:
        content: JSON `{"tokenizer", "padding", "size", "longest"}`, as `to_text` gives it.

    Attributes:
        size: how many tokens the network knows, which may be more than the tokenizer does.
        padding: the index that fills short texts.
        longest: the most tokens that the network reads; 0 where nothing says it.
        prefix, suffix: the special tokens before and behind a text.
        end: the index of the token that ends a text; None where there is none.

    Raises:
        MissingDependencyError: the extra `text` is not installed.
        ArtifactError: the content is no tokenizer.
    """

    kind = "published"

    def __init__(self, content: str):
        package = require("tokenizers", extra="text")
        try:
            held = json.loads(content)
            self.tokenizer = package.Tokenizer.from_str(json.dumps(held["tokenizer"]))
            self.padding, self._size = int(held["padding"]), int(held["size"])
            self.longest = int(held["longest"])
        except Exception as error:  # the package raises bare exceptions
            raise ArtifactError(f"the tokenizer is damaged: {error}", fix="restore it from a copy") from error
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        plain = self.tokenizer.encode("a", add_special_tokens=False).ids
        whole = self.tokenizer.encode("a").ids
        start = next((at for at in range(len(whole)) if whole[at : at + len(plain)] == plain), 0)
        self.prefix: list[int] = whole[:start] if plain else []
        self.suffix: list[int] = whole[start + len(plain) :] if plain else []
        known = (self.tokenizer.token_to_id(name) for name in ENDS)
        self.end = next((each for each in known if each is not None), None)

    from_text = classmethod(lambda cls, text: cls(text))

    @property
    def size(self) -> int:
        return max(self._size, self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str], special: bool = True) -> list[list[int]]:
        """Return the indices of texts, with the special tokens around each or without."""
        return [each.ids for each in self.tokenizer.encode_batch(list(texts), add_special_tokens=special)]

    def pieces(self, text: str) -> list[str]:
        """Return the piece of the text that each index of `encode` stands for; of a special token, its name."""
        found = self.tokenizer.encode(text)
        return [
            name if special else text[start:end].strip() or text[start:end]
            for name, special, (start, end) in zip(
                found.tokens, found.special_tokens_mask, found.offsets, strict=True
            )
        ]

    def places(self, text: str) -> tuple[list[int], list[int]]:
        """Return the indices without special tokens, and at which character of the text each begins."""
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return found.ids, [start for start, _ in found.offsets]

    def decode(self, indices: Sequence[int]) -> str:
        """Spell indices, without special tokens."""
        return self.tokenizer.decode(list(indices))

    def to_text(self) -> str:
        held = {
            "tokenizer": json.loads(self.tokenizer.to_str()), "padding": self.padding, "size": self._size,
            "longest": self.longest,
        }  # fmt: skip
        return json.dumps(held, ensure_ascii=False, indent=1)


def published_tokenizer(source: str | Path) -> PublishedTokenizer:
    """Read the tokenizer of a published network.

    Args:
        source: a folder with `tokenizer.json`, or `vocab.txt` (WordPiece, as of BERT), or `vocab.json` and `merges.txt`
            (byte pairs, as of GPT-2); a `tokenizer.json`; or a hub id. `config.json` and `tokenizer_config.json` beside it
            say how many tokens the network knows and which fills short texts.

    Raises:
        ArtifactError: no tokenizer is there, or it is damaged.
        MissingDependencyError: the extra `text`, or for a hub id `hub`, is not installed.
    """
    path = fetched(str(source), ("config.json", *TOKENIZER)) if is_hub_id(source) else Path(source)
    folder = path if path.is_dir() else path.parent
    held = json.loads(_content(folder, None if path.is_dir() else path))
    config, how = settings(folder / "config.json"), settings(folder / "tokenizer_config.json")
    tokenizer = require("tokenizers", extra="text").Tokenizer.from_str(json.dumps(held))
    content = {"tokenizer": held, "size": config.get("vocab_size") or 0, "longest": _longest(config)}
    return PublishedTokenizer(json.dumps({**content, "padding": _padding(tokenizer, config, how)}))


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder holds a tokenizer that can be read."""
    return any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "merges.txt"))


def _content(folder: Path, file: Path | None) -> str:
    """Return a `tokenizer.json`, made from other files where there is none."""
    package = require("tokenizers", extra="text")
    given = file or folder / "tokenizer.json"
    try:
        if given.is_file():
            return package.Tokenizer.from_str(given.read_text(encoding="utf-8")).to_str()
        if (folder / "vocab.txt").is_file():
            return _word_piece(package, folder).to_str()
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return _byte_pair(package, folder).to_str()
    except MissingDependencyError:
        raise
    except Exception as error:  # the package raises bare exceptions
        raise ArtifactError(f"the tokenizer in {folder} is damaged: {error}", fix="fetch it again") from error
    sentence = (folder / "tokenizer.model").is_file()
    raise ArtifactError(
        f"there is no tokenizer that can be read in {folder}",
        expected="tokenizer.json; or vocab.txt; or vocab.json and merges.txt",
        received="tokenizer.model, a SentencePiece file" if sentence else "none of these",
        fix="put the tokenizer.json of these weights into the folder; the hub's page of the network has it",
    )


def _word_piece(package: Any, folder: Path) -> Any:
    """Make BERT's tokenizer of a list of pieces."""
    how = settings(folder / "tokenizer_config.json")
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    codes = {word.rstrip("\n"): code for code, word in enumerate(words)}
    made = package.Tokenizer(package.models.WordPiece(codes, unk_token="[UNK]"))
    lower = bool(how.get("do_lower_case", True))
    made.normalizer = package.normalizers.BertNormalizer(lowercase=lower)
    made.pre_tokenizer = package.pre_tokenizers.BertPreTokenizer()
    made.decoder = package.decoders.WordPiece()
    made.add_special_tokens(
        [each for each in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if each in codes]
    )
    made.post_processor = package.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", codes["[CLS]"]), ("[SEP]", codes["[SEP]"])],
    )
    return made


def _byte_pair(package: Any, folder: Path) -> Any:
    """Make GPT-2's tokenizer of its vocabulary and merges."""
    made = package.Tokenizer(
        package.models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    )
    made.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = package.decoders.ByteLevel()
    made.add_special_tokens([each for each in ENDS if made.token_to_id(each) is not None])
    return made


def _longest(config: dict[str, Any]) -> int:
    """Return the most tokens that the network reads; RoBERTa's first positions are those of padding."""
    positions = config.get("max_position_embeddings") or config.get("n_positions") or 0
    return max(
        0, int(positions) - (2 if config.get("model_type") in ("roberta", "xlm-roberta", "camembert") else 0)
    )


def _padding(tokenizer: Any, config: dict[str, Any], how: dict[str, Any]) -> int:
    """Return the index that fills short texts: the padding token, or where there is none the one that ends a text."""
    named = how.get("pad_token")
    named = named.get("content") if isinstance(named, dict) else named
    for name in (named, "[PAD]", "<pad>"):
        if name and tokenizer.token_to_id(name) is not None:
            return int(tokenizer.token_to_id(name))
    if isinstance(config.get("pad_token_id"), int) and config["pad_token_id"] >= 0:
        return int(config["pad_token_id"])
    ends = (tokenizer.token_to_id(name) for name in ENDS)
    return next((int(each) for each in ends if each is not None), 0)
