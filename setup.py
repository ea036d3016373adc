"Packaging: everything is declared in settings.ini."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

parser = ConfigParser(delimiters=["="])
parser.read(Path(__file__).with_name("settings.ini"), encoding="utf-8")
settings = parser["DEFAULT"]
readme = Path(__file__).with_name("README.md")
setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else "",
    long_description_content_type="text/markdown",
    author=settings["author"],
    author_email=settings["author_email"],
    license="Apache-2.0",
    url=settings["git_url"],
    packages=find_packages(include=["echo17", "echo17.*"]),
    python_requires=f">={settings['min_python']}",
    install_requires=settings["requirements"].split(),
    extras_require={name: settings[f"{name}_requirements"].split() for name in ("dev", "onnx", "pens", "whisper", "live", "tones", "synthesis")},
    entry_points={"console_scripts": [settings["console_scripts"]], "nbdev": [f"{settings['lib_name']}={settings['lib_name']}._modidx:d"]},
)
