"""The large optional libraries of the writings with tones, where they are installed; and every example of text that must keep its tones."""
import unicodedata

import pytest

from echo17.text import MODES, Tokenizer, error_rates, is_toned_pinyin, normalize_english, pinyin_errors, text_mode, tone_digits
from echo17.tones import read_characters


def apart(text): return unicodedata.normalize("NFD", text)


def test_japanese_accents_of_the_library():
    pytest.importorskip("pyopenjtalk", reason="needs pip install 'echo17[tones]'")
    assert read_characters("橋が、箸が、端が", "japanese") == "ハシꜜガ ハꜜシガ ハシガ"


def test_no_mode_loses_a_tone():
    assert min(error_rates(["mà má"], ["ma mả"], "english").values()) > 0
    assert error_rates([apart("tiếng Việt")], ["tiếng Việt"], "plain") == dict(wer=0, cer=0)
    assert normalize_english("น้ำ") == "น้ำ" and normalize_english("ma˥ ma˧˥") == "ma˥ ma˧˥"


@pytest.mark.parametrize("text, mode", [("tiếng Việt", "vietnamese"), ("Ẹ kú àárọ̀", "yoruba"), ("nǚ hái", "pinyin-marks"), ("nei5 hou2", "jyutping"),
                                        ("ni3 hao3", "pinyin"), ("seven", "english"), ("a café", "english")])
def test_each_text_is_taken_for_what_it_is(text, mode):
    assert text_mode([text]) == text_mode([apart(text)]) == mode


def test_spellings_of_one_syllable_are_one():
    assert is_toned_pinyin(["nü3 hai2"]) and not is_toned_pinyin(["nei5 hou2"])
    assert set(pinyin_errors(["nv3"], ["nü3"]).values()) == {0}
    assert tone_digits("sik6") == "6" and pinyin_errors(["faan6"], ["faan"])["ter"] == 1
    assert Tokenizer.characters(["tiếng Việt"]).encode(apart("tiếng Việt")) == Tokenizer.characters([apart("tiếng Việt")]).encode("tiếng Việt")


@pytest.mark.parametrize("space", "\t\u00a0\u3000")
@pytest.mark.parametrize("mode", MODES)
def test_white_space_parts_words(mode, space):
    assert set(error_rates([f"ma1{space}ma2"], ["ma1 ma2"], mode).values()) == {0}
