"""Odd text tables: encodings, quotes, ragged rows, NUL, byte order marks, huge fields, separators, names, line ends."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

from cases import EITHER, READ, REFUSED, Case, cuts, flips, noise

ROWS = [f"{n / 10},{'rgb'[n % 3]},{'xy'[n % 2]}" for n in range(40)]
HEAD = "length,color,kind"
GOOD = "\n".join([HEAD, *ROWS]) + "\n"


def table(*rows: str, head: str = HEAD, end: str = "\n") -> str:
    """Return the good table with further rows."""
    return end.join([head, *ROWS, *rows]) + end


def _case(
    name: str, content: str | bytes, verdict: str = EITHER, file: str = "data.csv", **options: str
) -> Case:
    data = content.encode() if isinstance(content, str) else content
    return Case(name, file, data, verdict, tuple({"target": "kind", **options}.items()))


def text_tables() -> list[Case]:
    """Return every odd text table."""
    return [
        *_plain(), *_encodings(), *_quotes(), *_ragged(), *_names(), *_values(), *_large(), *_packed(), *_binary(),
    ]  # fmt: skip


def _plain() -> list[Case]:
    return [
        _case("nothing is odd", GOOD, READ),
        _case("empty", "", REFUSED),
        _case("one newline", "\n", REFUSED),
        _case("blanks alone", " \n\t\n  \n", REFUSED),
        _case("a header alone", HEAD, REFUSED),
        _case("a header and a newline", HEAD + "\n", REFUSED),
        _case("a header and blank lines", HEAD + "\n\n\n", REFUSED),
        _case("one row", HEAD + "\n1,r,x\n", REFUSED),
        _case("two rows", HEAD + "\n1,r,x\n2,g,y\n"),
        _case("three rows", HEAD + "\n1,r,x\n2,g,y\n3,r,x\n"),
        _case("one column", "kind\n" + "x\ny\n" * 20, REFUSED),
        _case("no last newline", GOOD.rstrip("\n"), READ),
        _case("blank lines between", GOOD.replace("\n", "\n\n"), READ),
        _case("blank lines above", "\n\n\n" + GOOD, READ),
        _case("carriage returns alone", GOOD.replace("\n", "\r"), READ),
        _case("carriage returns and newlines", GOOD.replace("\n", "\r\n"), READ),
        _case("newlines and carriage returns", GOOD.replace("\n", "\n\r")),
        _case("line ends mixed", GOOD.replace("\n", "\r\n", 9), READ),
        _case("carriage returns mixed with newlines", GOOD.replace("\n", "\r", 9)),
        _case("form feeds", GOOD.replace("\n", "\f\n")),
        _case("vertical tabs", GOOD.replace(",", "\v")),
        _case("line separators of Unicode", GOOD.replace("\n", "\u2028")),
        _case("a comment above", "# made by a program\n" + GOOD),
        _case("a comment above, left out", "# made by a program\n" + GOOD, READ, skip="1"),
        _case("more lines left out than there are", GOOD, REFUSED, skip="1000"),
        _case("a sum below", table("total,,40")),
        _case("a line of dashes below the header", GOOD.replace("\n", "\n-----,-----,----\n", 1)),
        _case("the header twice", table(HEAD)),
        _case("the separator named in a first line", "sep=;\n" + GOOD.replace(",", ";")),
        _case("a target that is not there", GOOD, REFUSED, target="knid"),
        _case("a target of one class", GOOD.replace(",y", ",x"), REFUSED),
        _case("a target that is missing", HEAD + "\n" + "1,r,\n" * 30, REFUSED),
        _case("a target that is mostly missing", table(*["1,r,"] * 300), READ),
        _case("a class for each row", HEAD + "\n" + "".join(f"{n},r,k{n}\n" for n in range(40))),
    ]  # fmt: skip


def _encodings() -> list[Case]:
    accents = GOOD.replace("length", "längé")
    return [
        _case("a byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), READ),
        _case("two byte order marks", b"\xef\xbb\xbf" * 2 + GOOD.encode()),
        _case("a byte order mark alone", b"\xef\xbb\xbf", REFUSED),
        _case("UTF-16 with a mark", GOOD.encode("utf-16"), READ),
        _case("UTF-16 without a mark", GOOD.encode("utf-16-le"), REFUSED),
        _case("UTF-16, the other order", b"\xfe\xff" + GOOD.encode("utf-16-be"), READ),
        _case("UTF-16, cut in a letter", GOOD.encode("utf-16")[:-1]),
        _case("UTF-32 with a mark", GOOD.encode("utf-32")),
        _case("UTF-8 with accents", accents, READ),
        _case("Latin-1", accents.encode("latin-1"), REFUSED),
        _case("Latin-1, said", accents.encode("latin-1"), READ, encoding="latin-1"),
        _case("an encoding that is not there", GOOD, REFUSED, encoding="utf-9"),
        _case("an encoding that is no text", GOOD, REFUSED, encoding="base64"),
        _case("another encoding that is no text", GOOD, REFUSED, encoding="rot13"),
        _case("ASCII said, accents there", accents, READ, encoding="ascii"),
        _case("Shift JIS", table("1,赤,x").encode("shift_jis"), REFUSED),
        _case("surrogates", table("1,?,x").encode().replace(b"1,?", b"1,\xed\xa0\x80"), REFUSED),
        _case("an overlong letter", table("1,?,x").encode().replace(b"1,?", b"1,\xc0\xaf"), REFUSED),
        _case("the end of a letter is missing", GOOD.encode() + b"1,\xc3", REFUSED),
        _case("one NUL", table("1,\0,x"), REFUSED),
        _case("NUL at the end", GOOD.encode() + b"\0" * 512, REFUSED),
        _case("NUL in the header", GOOD.replace("length", "len\0th"), REFUSED),
        _case("letters of no width", table("1,r\u200b,x"), READ),
        _case("right-to-left marks", table("1,\u202er,x"), READ),
        _case("emoji", table("1,🙂,x").replace("color", "🎨"), READ),
        _case("a terminal's escape codes", table("1,\x1b[31mred\x1b[0m,x")),
    ]  # fmt: skip


def _quotes() -> list[Case]:
    quoted = GOOD.replace("color", '"color"')
    return [
        _case("a quote that is never closed", table('1,"r,x'), REFUSED),
        _case("a quote never closed in the header", '"' + GOOD),
        _case("a quote within a field", table('1,5" pipe,x'), EITHER),
        _case("two quotes within a field", table('1,"5"" pipe",x'), READ),
        _case("text after a quote", table('1,"r"ed,x')),
        _case("a separator in quotes", table('1,"r,g",x'), READ),
        _case("a newline in quotes", table('1,"r\ng",x'), READ),
        _case("a blank before a quote", table('1, "r,g",x'), READ),
        _case("every field in quotes", "\n".join(",".join(f'"{f}"' for f in r.split(",")) for r in [HEAD, *ROWS]), READ),
        _case("single quotes", "\n".join(",".join(f"'{f}'" for f in r.split(",")) for r in [HEAD, *ROWS]), READ),
        _case("quotes around the names", quoted, READ),
        _case("backslashes before quotes", table('1,"r\\"g",x')),
        _case("nothing but quotes", '"' * 999),
        _case("an odd number of quotes in many rows", table(*['1,"r,x'] * 7)),
        _case("a quote of two characters", GOOD, REFUSED, quote='""'),
        _case("no quote", table('1,"r,x'), READ, quote=""),
    ]  # fmt: skip


def _ragged() -> list[Case]:
    return [
        _case("a row too long", table("1,r,x,more"), REFUSED),
        _case("a row too short", table("1,r"), REFUSED),
        _case("rows too long by an empty field", GOOD.replace("\n", ",\n").replace(HEAD + ",", HEAD)),
        _case("every line ends with a separator", GOOD.replace("\n", ",\n")),
        _case("every row ends with another number of fields", HEAD + "\n" + "".join("1" + ",r" * n + "\n" for n in range(30)), REFUSED),
        _case("semicolons in half of the rows", "\n".join(r.replace(",", ";") if n % 2 else r for n, r in enumerate([HEAD, *ROWS]))),
        _case("semicolons and a decimal comma", GOOD.replace(",", ";").replace(".", ","), READ),
        _case("tabs", GOOD.replace(",", "\t"), READ),
        _case("tabs and commas", GOOD.replace(",", "\t", 30)),
        _case("bars", GOOD.replace(",", "|"), READ),
        _case("blanks", GOOD.replace(",", "  "), READ),
        _case("a separator of two characters", GOOD.replace(",", "::"), REFUSED, separator="::"),
        _case("an empty separator", GOOD, EITHER, separator=""),
        _case("a separator that is not there", GOOD, REFUSED, separator=";"),
        _case("a newline as the separator", GOOD, REFUSED, separator="\n"),
        _case("a quote as the separator", GOOD, REFUSED, separator='"'),
        _case("a letter as the separator", GOOD, REFUSED, separator="é"),
        _case("the separator of units", GOOD.replace(",", "\x1f"), READ, separator="\x1f"),
        _case("separators alone", ",,,\n" * 30, REFUSED),
    ]  # fmt: skip


def _names() -> list[Case]:
    return [
        _case("two columns of one name", GOOD.replace("color", "length"), REFUSED),
        _case("the target twice", GOOD.replace("color", "kind"), REFUSED),
        _case("a name that is empty", GOOD.replace("color", ""), READ),
        _case("every name empty", GOOD.replace(HEAD, ",,"), REFUSED),
        _case("names with blanks around them", GOOD.replace("color", "  color "), READ),
        _case("names that differ by case", GOOD.replace("color", "KIND"), READ),
        _case("a name of 100,000 letters", GOOD.replace("color", "c" * 100_000), READ),
        _case("a name that is a path", GOOD.replace("color", "../../etc/passwd"), READ),
        _case("a name that is a formula", GOOD.replace("color", "=cmd|' /C calc'!A0"), READ),
        _case("a name with markup", GOOD.replace("color", "<script>alert(1)</script>"), READ),
        _case("a name with braces and percent signs", GOOD.replace("color", "%s{0}{x!r}$^*"), READ),
        _case("a name that is a pattern", GOOD.replace("color", "^c.*$"), REFUSED),
        _case("another pattern", GOOD.replace("color", "*"), READ),
        _case("a name that pandas gives", GOOD.replace("length", "Unnamed: 0"), READ),
        _case("no header", "\n".join(ROWS), REFUSED),
        _case("no header, names given", "\n".join(ROWS), READ, columns="length,color,kind"),
        _case("too few names given", "\n".join(ROWS), REFUSED, columns="length,kind"),
        _case("one name given twice", "\n".join(ROWS), REFUSED, columns="length,kind,kind"),
        _case("names of the network's own parts", GOOD.replace("color", "is missing").replace("length", "numeric"), READ),
    ]  # fmt: skip


def _values() -> list[Case]:
    def other(values: list[str]) -> str:
        return "\n".join([HEAD, *(f"{v},{'rg'[n % 2]},{'xy'[n % 2]}" for n, v in enumerate(values))])

    return [
        _case("an infinite number", table("inf,r,x"), REFUSED),
        _case("a number beyond float64", table("1e999,r,x"), REFUSED),
        _case("a number below float64", table("1e-999,r,x"), READ),
        _case("numbers beyond float32", other([f"{n}e300" for n in range(40)])),
        _case("numbers at the end of float64", other([f"{n % 2 * 2 - 1}.7e308" for n in range(40)])),
        _case("numbers of 400 digits", other([f"{n}" + "7" * 400 for n in range(40)])),
        _case("whole numbers beyond int64", other([f"{n}99999999999999999999" for n in range(40)])),
        _case("the smallest numbers", other([f"{n}e-320" for n in range(40)])),
        _case("hexadecimal numbers", other([hex(n) for n in range(40)]), READ),
        _case("Arabic digits", other(["٣٤٥"] * 40)),
        _case("numbers in full width", other([f"{n}" for n in range(40)]).replace("1", "１")),
        _case("underscores in numbers", other([f"{n}_000" for n in range(40)])),
        _case("signs alone", other(["+", "-"] * 20)),
        _case("nothing but missing", other(["?"] * 40)),
        _case("one value that is not missing", other([*["NA"] * 39, "5"])),
        _case("every value the same", other(["5"] * 40)),
        _case("dates before Christ", other([f"-{n:04d}-01-01" for n in range(1, 41)])),
        _case("dates that are none", other(["2024-02-30"] * 40)),
        _case("dates of the year 9999", other([f"9999-12-{n % 31 + 1:02d}" for n in range(40)])),
        _case("dates of the year 0", other([f"0000-12-{n % 31 + 1:02d}" for n in range(40)])),
        _case("times", other([f"{n % 24:02d}:00" for n in range(40)])),
        _case("true, false and numbers", other(["true", "false", "1"] * 13)),
        _case("the missing value as a class", table("1,r,NA", "2,g,None", "3,r,-")),
        _case("classes that differ by case and blanks", table("1,r, X", "2,g,Y ")),
        _case("a group column of gaps", GOOD.replace("r", ""), EITHER, group="color"),
        _case("one group", GOOD.replace(",r,", ",g,").replace(",b,", ",g,"), REFUSED, group="color"),
        _case("a time that is text", GOOD, REFUSED, time="color"),
        _case("a time that is missing", table(",r,x"), REFUSED, time="length"),
        _case("infinite weights", table("inf,r,x"), REFUSED, weights="length"),
        _case("negative weights", table("-1,r,x"), REFUSED, weights="length"),
        _case("weights of zero", other(["0"] * 40), REFUSED, weights="length"),
        _case("weights that are text", GOOD, REFUSED, weights="color"),
        _case("a quantity of 1e308", other([f"{n % 2 * 2 - 1}.7e308" for n in range(40)]), EITHER, target="length"),
        _case("a quantity that is constant", other(["5"] * 40), EITHER, target="length", task="regression"),
        _case("an infinite quantity", table("inf,r,x"), REFUSED, target="length", task="regression"),
        _case("a quantity that is text", GOOD, REFUSED, target="color", task="regression"),
    ]  # fmt: skip


def _large() -> list[Case]:
    wide = ",".join(f"c{n}" for n in range(1000)) + ",kind\n"
    return [
        _case("a field of a million letters", table("1," + "r" * 1_000_000 + ",x"), READ),
        _case("a field of a million letters in quotes", table('1,"' + "r" * 1_000_000 + '",x'), READ),
        _case("a line of a million blanks", table(" " * 1_000_000)),
        _case("a million separators in a row", table("," * 1_000_000), REFUSED),
        _case("1,000 columns", wide + "".join(f"{n}" + f",{n % 7}" * 999 + f",{'xy'[n % 2]}\n" for n in range(20)), READ),
        _case("100,000 columns", ",".join(f"c{n}" for n in range(100_000)) + "\n" + ",".join(["1"] * 100_000), REFUSED),
        _case("a header of 100,000 same names", ",".join(["c"] * 100_000) + "\n" + ",".join(["1"] * 100_000), REFUSED),
        _case("100,000 blank lines", GOOD + "\n" * 100_000, READ),
        _case("100,000 quotes in a field", table('1,"' + '""' * 100_000 + '",x'), READ),
        _case("1,000 quotes that open and close", table("1," + '""' * 1000 + ",x")),
        _case("one line without an end", "a" * 2_000_000, REFUSED),
        _case("brackets that nest", table("1," + "[" * 100_000 + ",x"), READ),
    ]  # fmt: skip


def _packed() -> list[Case]:
    packed = gzip.compress(GOOD.encode(), mtime=0)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("data.csv"), GOOD)
    bomb = gzip.compress(b"0" * 30_000_000, mtime=0)
    return [
        _case("gzip", packed, READ, "data.csv.gz"),
        _case("gzip without saying so", packed, READ),
        _case("gzip twice", gzip.compress(packed, mtime=0), EITHER, "data.csv.gz"),
        _case("no gzip, though it says so", GOOD, READ, "data.csv.gz"),
        *(_case(f"gzip {name}", content, REFUSED, "data.csv.gz") for name, content in cuts(packed, (0.02, 0.3, 0.9, 0.99))),
        *(_case(f"gzip {name}", content, EITHER, "data.csv.gz") for name, content in flips(packed, 4, 1)),
        _case("gzip and rubbish behind it", packed + noise(64, 2), EITHER, "data.csv.gz"),
        _case("two gzip files in one", packed + packed, EITHER, "data.csv.gz"),
        _case("a gzip bomb of zeros", bomb, REFUSED, "data.csv.gz"),
        _case("xz", lzma.compress(GOOD.encode()), EITHER, "data.csv.xz"),
        _case("xz cut off", lzma.compress(GOOD.encode())[:-20], REFUSED, "data.csv.xz"),
        _case("bzip2", bz2.compress(GOOD.encode()), EITHER, "data.csv.bz2"),
        _case("zip", archive.getvalue(), EITHER, "data.csv.zip"),
        _case("zip cut off", archive.getvalue()[:-30], REFUSED, "data.csv.zip"),
    ]  # fmt: skip


def _binary() -> list[Case]:
    return [
        _case("random bytes", noise(5000, 3), REFUSED),
        _case("a PDF", b"%PDF-1.7\n" + noise(500, 4), REFUSED),
        _case("a pickle", b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.", REFUSED),
        _case("an HTML page", "<!DOCTYPE html><html><body><h1>404</h1>\n<p>Not, found</p></body></html>\n", REFUSED),
        _case("JSON", '[{"length": 1, "kind": "x"}]'),
        _case("JSON lines", '{"length": 1, "kind": "x"}\n' * 30, EITHER, "data.jsonl"),
        _case("JSON lines, one broken", '{"length": 1, "kind": "x"}\n' * 30 + '{"length":', REFUSED, "data.jsonl"),
        _case("JSON that nests 100,000 times", "[" * 100_000, REFUSED, "data.json"),
        _case("a picture", b"\x89PNG\r\n\x1a\n" + noise(500, 5), REFUSED),
        _case("an old Excel file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise(500, 6), REFUSED),
        _case("SQLite", b"SQLite format 3\0" + noise(500, 7), REFUSED),
        _case("an Arrow file cut off", b"ARROW1\0\0" + noise(500, 8), REFUSED, "data.arrow"),
    ]  # fmt: skip
