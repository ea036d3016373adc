"""The page in a real browser: a file is dropped, a microphone is recorded, words are read, the dial is turned, files are taken along."""
import importlib.util
import json
import shutil
import time
from urllib.parse import urlparse

import pytest
import soundfile
import torch

from echo17.audio import load_audio
from echo17.creative.stories import read_stories

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
LACKS = [name for name, there in (("chromium", CHROMIUM), ("chromedriver", DRIVER), ("gradio", importlib.util.find_spec("gradio")),
                                  ("selenium", importlib.util.find_spec("selenium"))) if not there]
pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"a page in a browser needs {', '.join(LACKS)}")
WAIT = 120  # seconds for one thing to appear, on a busy machine


def clips(): return [clip for clip in read_stories() if clip.split == "test"]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    "A story as a WAV, another as what the microphone hears, three minutes of many, and a letter that is called a sound."
    home, rate = tmp_path_factory.mktemp("sounds"), 16000
    soundfile.write(home / "story.wav", load_audio(clips()[0].path).numpy(), rate)
    spoken = torch.cat([load_audio(clips()[1].path), torch.zeros(rate)])
    soundfile.write(home / "voice.wav", spoken.repeat(12).numpy(), rate)  # the browser plays it from its first second on
    soundfile.write(home / "long.wav", torch.cat([load_audio(clip.path) for clip in clips()[:40]]).numpy(), rate)
    (home / "letter.wav").write_text("this is no sound")
    return home


@pytest.fixture(scope="module")
def address():
    from echo17.page.desk import PageOptions
    from echo17.page.window import open_page
    page, address = open_page(PageOptions(beam=1, device="cpu"), wait=False)
    yield address
    page.close(verbose=False)


def open_browser(voice, dark=False, size=(1280, 1600)):
    "A headless Chromium whose microphone plays a file."
    from selenium import webdriver
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars", "--force-device-scale-factor=1",
                   "--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                   f"--use-file-for-fake-audio-capture={voice}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    if dark: driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dict(features=[dict(name="prefers-color-scheme", value="dark")]))
    if size[0] < 500: driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", dict(width=size[0], height=size[1], deviceScaleFactor=1, mobile=True))
    return driver


def until(ask, what, seconds=WAIT):
    "What `ask` gives once it gives something."
    end = time.time() + seconds
    while time.time() < end:
        try:
            if found := ask(): return found
        except Exception as e:  # the page is being drawn anew
            if "stale" not in str(e) and "no such element" not in str(e): raise
        time.sleep(.2)
    raise AssertionError(f"no {what} within {seconds} s")


class Page:
    "What a person does with the page."
    def __init__(self, driver, address):
        self.driver = driver
        driver.get(address)
        until(lambda: self.all("#listen"), "page")

    def all(self, where): return self.driver.find_elements("css selector", where)

    def text(self, where): return "".join(one.text for one in self.all(where))

    def drop(self, path):
        until(lambda: self.all("#sound input[type=file]"), "place for a file")[0].send_keys(str(path))

    def click(self, where):
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", until(lambda: self.all(where), where)[0])
        self.all(where)[0].click()

    def words(self):
        "The words, once all of them are heard."
        until(lambda: self.all("#words button[data-word]") and not self.all("#progress progress"), "words")
        return [one.text for one in self.all("#words button[data-word]")]

    def visited(self):
        "Every host that was asked for something."
        messages = [json.loads(row["message"])["message"] for row in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return {urlparse(url).hostname for url in asked if url.startswith("http")}


@pytest.fixture(scope="module")
def page(sounds, address):
    driver = open_browser(sounds / "voice.wav")
    yield Page(driver, address)
    driver.quit()


def test_a_file_is_heard_and_nobody_else_is_told(page, sounds):
    page.drop(sounds / "story.wav")
    assert " ".join(page.words()) == clips()[0].text
    assert page.visited() == {"127.0.0.1"}
    assert not [row for row in page.driver.get_log("browser") if row["level"] == "SEVERE"]


def test_words_light_up_as_the_sound_plays(page):
    script = "const s = document.querySelector('#player audio'); s.currentTime = arguments[0]; return s.duration"
    word = page.all("#words button[data-word]")[4]
    until(lambda: page.driver.execute_script(script, float(word.get_attribute("data-start")) + .05), "sound")
    lit = until(lambda: [one.text for one in page.all("#words .word.now")], "word of this moment")
    assert lit == [word.text]
    assert float(page.driver.execute_script("return parseFloat(document.querySelector('.playhead').style.left)")) > 10
    page.driver.execute_script("document.querySelector('#player audio').play()")
    until(lambda: [one.text for one in page.all("#words .word.now")] not in ([], lit), "next word, by playing")


def test_a_word_is_chosen_by_click_and_by_key(page):
    from selenium.webdriver.common.keys import Keys
    page.click("#words button[data-word='4']")
    until(lambda: clips()[0].text.split()[4] in page.text("#view figcaption"), "picture of the word")
    assert page.all("#view img")
    page.driver.execute_script("document.querySelector('#words button[data-word]').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: clips()[0].text.split()[1] in page.text("#view figcaption"), "picture of the next word")


def test_the_dial_turns_words_into_imagined_ones(page):
    from selenium.webdriver.common.keys import Keys
    page.click("#dial button")
    slider = until(lambda: page.all("#creativity input[type=range]"), "dial")[0]
    slider.send_keys(Keys.END)
    until(lambda: page.all("#imagined .imagined"), "imagined words")
    assert page.all("#imagined .heard") and "Heard to the letter" in page.text("#imagined")


def test_the_mood_has_two_reasons(page):
    page.click("#mood-part button"); page.click("#ask-mood")
    until(lambda: "By the words" in page.text("#mood"), "mood")
    assert "By the voice" in page.text("#mood") and page.all("#mood meter")


def test_a_file_can_be_taken_along(page):
    page.click("#files-part button"); page.click("#make")
    links = until(lambda: [a for a in page.all("#files a[href]") if ".srt" in a.get_attribute("href")], "files")
    fetch = "const done = arguments[1]; fetch(arguments[0]).then(r => r.text()).then(done)"
    read = page.driver.execute_async_script(fetch, links[0].get_attribute("href"))
    assert "-->" in read and clips()[0].text in " ".join(read.split())


def test_a_broken_file_is_a_message_and_the_page_goes_on(sounds, address, page):
    page.driver.get(address)
    page.drop(sounds / "letter.wav")
    until(lambda: "not readable as audio" in page.text("#progress"), "message")
    assert "/tmp" not in page.text("#progress") and not page.all("#words button")
    page.click("#listen")
    until(lambda: "not readable as audio" in page.text("#progress"), "message")


def test_long_work_shows_how_far_it_is_and_stops(sounds, address, page):
    page.driver.get(address)
    page.drop(sounds / "long.wav")
    until(lambda: page.all("#progress progress") and page.all("#words button[data-word]"), "first words, and more to come")
    page.click("#stop")
    until(lambda: "Stopped" in page.text("#progress"), "end")
    before = len(page.all("#words button[data-word]"))
    time.sleep(2)
    assert len(page.all("#words button[data-word]")) == before < 200


def test_a_voice_is_recorded(sounds, address, page):
    page.driver.get(address)
    page.click("#sound button[aria-label='Record audio']")
    page.click("#sound button.record-button")
    time.sleep(7)
    page.click("#sound button.stop-button")
    heard = " ".join(page.words())
    assert len(set(heard.split()) & set(clips()[1].text.split())) >= len(set(clips()[1].text.split())) / 2, heard
    assert page.visited() == {"127.0.0.1"}


@pytest.mark.parametrize("name,size,dark", [("phone", (390, 844), False), ("dark", (1280, 1400), True)])
def test_it_fits_a_phone_and_the_night(name, size, dark, sounds, address, tmp_path):
    driver = open_browser(sounds / "voice.wav", dark, size)
    try:
        page = Page(driver, address)
        page.drop(sounds / "story.wav")
        assert page.words()
        wide, room = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room + 1                       # nothing hangs over the edge
        small = driver.execute_script("return [...document.querySelectorAll('#words button')].filter(b => b.offsetHeight < 30).length")
        assert small == 0                             # a finger finds every word
        ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (max(int(c) for c in ground.strip("rgba()").split(",")[:3]) < 80) == dark, ground
    finally: driver.quit()
