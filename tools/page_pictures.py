"""Photographs of the page for figures/: on a screen by day, on a phone by night. Needs what tests/test_page.py needs."""
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from test_page import Page, clips, open_browser, until  # noqa: E402  (the folder of the tests is known only now)


def photograph(address, sound, size, dark, path, margin):
    "Drop a sound, choose a word, and take a picture of few colours, without so much of its left and right."
    driver = open_browser(sound, dark, size)
    try:
        page = Page(driver, address)
        page.drop(sound)
        page.words()
        page.click("#words button[data-word='4']")
        until(lambda: page.all("#view img"), "picture of the word")
        driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
        driver.save_screenshot(str(path))
    finally: driver.quit()
    picture = Image.open(path).convert("RGB")
    picture.crop((margin, 0, picture.width - margin, picture.height)).quantize(96).save(path, optimize=True)
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


def main(out=ROOT / "figures"):
    import soundfile
    from echo17.audio import load_audio
    from echo17.page.desk import PageOptions
    from echo17.page.window import open_page
    page, address = open_page(PageOptions(device="cpu"), wait=False)
    with tempfile.TemporaryDirectory() as home:
        sound = Path(home) / "story.wav"
        soundfile.write(sound, load_audio(clips()[0].path).numpy(), 16000)
        photograph(address, sound, (1180, 850 + 143), False, Path(out) / "page.png", 90)
        photograph(address, sound, (390, 1640), True, Path(out) / "page-phone.png", 0)
    page.close(verbose=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
