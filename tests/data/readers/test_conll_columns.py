"""CoNLL columns as they come: tabs and blanks, comments, CoNLL-U, documents; which column is which; broken files by their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurarium.core.errors import DataError
from neurarium.data.assembly.tagged import tagged
from neurarium.data.readers.conll import Columns, read_sentences

UNIVERSAL = """# newdoc id = a
# text = Don't go!
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t0\troot\t_\t_
2\tn't\tnot\tPART\tRB\t_\t1\tadvmod\t_\t_
2.1\tyou\tyou\tPRON\tPRP\t_\t_\t_\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t1\txcomp\t_\t_
4\t#\t#\tSYM\t.\t_\t1\tpunct\t_\t_

# text = 7 go
1\t7\t7\tNUM\tCD\t_\t2\tnsubj\t_\t_
2\tgo\tgo\tVERB\tVBP\t_\t0\troot\t_\t_
"""


def read(tmp_path, text, name="a.conll", columns=Columns(), **options):  # noqa: B008
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read_sentences(path, columns, **options)


@pytest.mark.parametrize("name", ["a.conllu", "a.conll", "a.txt"])
def test_conll_u_by_its_name_or_its_ten_columns(tmp_path, name):
    found = read(tmp_path, UNIVERSAL, name)
    assert found.words == [["Do", "n't", "go", "#"], ["7", "go"]]
    assert found.tags == [["AUX", "PART", "VERB", "SYM"], ["NUM", "VERB"]]
    assert found.layout.told == "10 columns; CoNLL-U, the fourth being UPOS; tags are parts of speech"
    fine = read(tmp_path, UNIVERSAL, name, Columns(tag=5))
    assert fine.tags == [["VB", "RB", "VB", "."], ["CD", "VBP"]] and "XPOS; as given" in fine.layout.told


def test_words_may_begin_with_a_hash_and_comments_may_stand_before_a_sentence(tmp_path):
    text = "# id = 1\n#hashtag\tO\nAnna\tB-x\n\n# a comment of several words\nBen\tB-x\n#\tO\n#end\tO\n"
    assert read(tmp_path, text).words == [["#hashtag", "Anna"], ["Ben", "#", "#end"]]
    assert read(tmp_path, text.replace("\t", " ")).words == [["#hashtag", "Anna"], ["Ben", "#", "#end"]]


def test_columns_of_conll_2003_and_numbered_ones(tmp_path):
    text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n\n\n-DOCSTART- -X- -X- O\nGermany NNP B-NP B-LOC\n"
    found = read(tmp_path, text)
    assert found.words == [["EU", "rejects"], ["Germany"]] and found.tags == [["B-ORG", "O"], ["B-LOC"]]
    assert (found.layout.word, found.layout.tag) == (1, 4)
    assert read(tmp_path, text, columns=Columns(tag=2)).tags == [["NNP", "VBZ"], ["NNP"]]
    numbered = read(tmp_path, "1 EU B-ORG\n2 acts O\n\n1 Germany B-LOC\n")
    assert numbered.words == [["EU", "acts"], ["Germany"]] and numbered.tags == [["B-ORG", "O"], ["B-LOC"]]
    years = read(tmp_path, "1999 NUM\n2000 NUM\n\n2001 X\n")  # two columns: numbers that are words
    assert years.words == [["1999", "2000"], ["2001"]]


def test_only_line_feeds_end_lines_and_windows_files_are_the_same(tmp_path):
    found = read(tmp_path, "a\u2028b\tO\r\nc\x85\tB-x\r\n\r\nd\tO\r\n")
    assert found.words == [["a\u2028b", "c"], ["d"]] and found.tags == [["O", "B-x"], ["O"]]


def test_a_file_without_tags_is_read_where_none_are_needed(tmp_path):
    assert read(tmp_path, "Anna\nsings\n\nBen\n", tagged=False).tags is None
    partly = read(tmp_path, "Anna B-x\nsings\n\nBen\n", tagged=False)
    assert partly.words == [["Anna", "sings"], ["Ben"]] and partly.tags is None


BROKEN = [
    ("Anna\nsings\n\nBen\n", "has one column, and no tags", "neurarium predict RUN --input"),
    (
        "Anna\tB-x\nsings\tO\nwell\tO\textra\n",
        "line 3 of .* has 3 columns, where others have 2",
        "mend the line",
    ),
    ("Anna NNP B-x\nsings VBZ\nwell RB O\n", "line 2 of .* has no tag", "tag_column"),
    ("Anna\tB-x\nsings\t\n", "line 2 of .* has no tag", "mend the line"),
    ("Anna\tB-x\n\tO\n", "line 2 of .* has a tag and no word", "mend the line"),
    ("Anna\tB-x\nsings\tO\n\nBen\tperson\n", "sentence 2 of .* without the prefix", "mend the tag"),
    ("Anna\tB-x\nsings\tO\n\nBen\tB-\n", "sentence 2 of .* without the prefix", "mend the tag"),
    ("# a comment alone\n\n\n", "no sentence", ""),
    ("1\tGo\n2\n", "line 2 of .* has no tag", ""),
]


@pytest.mark.parametrize(("text", "said", "fix"), BROKEN)
def test_broken_files_say_where_and_what_to_do(tmp_path, text, said, fix):
    with pytest.raises(DataError, match=said) as caught:
        read(tmp_path, text)
    assert fix in (caught.value.fix or "")


def test_a_longer_line_is_as_good_where_the_column_is_named(tmp_path):
    text = "Anna B-x\nsings O seen\n"
    assert read(tmp_path, text, columns=Columns(tag=2)).tags == [["B-x", "O"]]


def test_the_plan_says_which_columns_and_what_spans(tmp_path):
    path = Path(tmp_path / "a.conll")
    path.write_text("Anna I-x\nBo I-x\nsings O\n\nCy B-x\nDa I-y\n\n" * 9)
    told = {each.subject: each for each in tagged(path).decisions}
    assert told["columns"].choice == "word 1, tag 2" and "2 columns" in told["columns"].reason
    assert told["spans"].choice == "27 in the source" and "18 begin with I-" in told["spans"].reason
    assert "come twice or more" in told["letters"].reason


def test_one_tag_alone_names_the_other_columns(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(
        UNIVERSAL.replace("AUX", "_")
        .replace("PART", "_")
        .replace("VERB", "_")
        .replace("SYM", "_")
        .replace("NUM", "_")
    )
    with pytest.raises(DataError, match="one tag") as caught:
        tagged(path, validation=0.0, test_fraction=0.0)
    assert caught.value.fix == "name another column: --set tag_column="
