"""Characters as tokens: what is written comes back, but for characters that training did not hold."""

from hypothesis import given
from hypothesis import strategies as st

from neurarium.data.preparation.characters import Characters

ANY = st.text(st.characters(exclude_categories=("Cs",)))


@given(ANY)
def test_the_original_text_comes_back(text):
    made = Characters.train([text], 1 << 21, lowercase=False)
    codes, places = made.places(text)
    assert made.decode(codes) == text and places == list(range(len(text)))
    again = Characters.from_text(made.to_text())
    assert again.encode([text]) == [codes] and again.size == made.size == 2 + len(set(text))


def test_the_frequent_ones_are_kept_and_the_rest_is_unknown():
    made = Characters.train(["aaabbc"], 4)
    assert made.characters == ("a", "b") and made.encode(["cab A"]) == [[1, 2, 3, 1, 2]]
    assert made.decode([1, 3]) == "…b"
